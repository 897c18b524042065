"""What a clerk newly wrote is kept, what he answers and how he signs is cut; whole letters stand in test_inbox."""

import pytest

from bot.quotes import own_words, text_of_html, unflowed


@pytest.mark.parametrize(
    "attribution",
    [
        "21.11.2026 14:05, Konfident пишет:",
        "On Sat, Nov 21, 2026 at 2:05 PM Konfident <bot@shop.kz> wrote:",
        "On Sat, Nov 21, 2026 at 2:05 PM Konfident\n<bot+a1b2c3d4e5f60718@shop.kz> wrote:",
        "сб, 21 нояб. 2026 г. в 14:05, Konfident <bot@shop.kz>:",
        "21 ноября 2026 г., 14:05 пользователь Konfident <bot@shop.kz>\nнаписал:",
        '21.11.2026, 14:05, "Konfident" <bot@shop.kz>:',
        "Суббота, 21 ноября 2026, 14:05 +05:00 от Konfident <bot@shop.kz>:",
    ],
)
def test_a_quotation_goes_with_the_line_that_introduces_it(attribution: str) -> None:
    assert own_words(f"Удалили.\n\n{attribution}\n\n> Удалите мои данные\n>> и это\n") == "Удалили."
    assert own_words(f"{attribution}\n> Удалите мои данные\n\nУдалили.") == "Удалили."


@pytest.mark.parametrize(
    "mark",
    [
        "-----Исходное сообщение-----\nОт: Konfident",
        "-----Original Message-----\nFrom: Konfident",
        "От: Konfident <bot@shop.kz>\nОтправлено: 21 ноября 2026 г. 14:05\nКому: info@protorg.kz\nТема: Обращение",
        "________________________________\nFrom: Konfident\nSent: Saturday\nTo: info@protorg.kz",
        "От кого: Konfident\nКому: info@protorg.kz\nДата: суббота",
        "*От:* Konfident\n\n*Дата:* суббота\n\n*Кому:* info@protorg.kz",
        "Обращение клиента магазина PROtorg.kz: удаление данных. Срок ответа не указан.",
        "21.11.2026, 14:05, Konfident <bot@shop.kz>:\nПродолжение обращения клиента магазина PROtorg.kz: удаление",
    ],
)
def test_a_history_without_quotation_marks_ends_the_answer(mark: str) -> None:
    assert own_words(f"Удалили.\n\n{mark}\n\nвыполнено - если просьба исполнена") == "Удалили."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nОльга",
        "--\nОльга",
        "С уважением,\nОльга Петрова\n+7 701 000 00 11",
        "С уважением, Ольга",
        "с наилучшими пожеланиями",
        "Best regards,\nOlga",
        "Отправлено с iPhone",
        "Отправлено из мобильной Почты Mail.ru",
        "Отправлено из Яндекс Почты для мобильных",
        "Отправлено с устройства Samsung Galaxy",
        "Отправлено с мобильного телефона",
        "Получить Outlook для iOS<https://aka.ms/o0ukef>",
        "Sent from my iPhone",
    ],
)
def test_a_signature_is_cut(signature: str) -> None:
    assert own_words(f"Удалили.\n\n{signature}\n") == "Удалили."


@pytest.mark.parametrize(
    "text",
    [
        "С уважением относимся к вашему решению.\nУдалили.",
        "Удалили.\nМы с уважением относимся к вам и всегда рады помочь.",
        "Получить копию можно по телефону 8 701 000 00 11.",
        "Отправлено почтой России вчера, трек-номер 12.",
        "Мы писали вам на aigul@example.kz 21.11.2026 в 14:05:\nответа нет.",
        "От: вас нужен\nпаспорт",
        "Список:\n- анкета\n- адрес",
        "1 > 0",
    ],
)
def test_words_that_only_look_like_a_history_or_a_signature_stay(text: str) -> None:
    assert own_words(text) == text


def test_answers_between_the_quoted_lines_are_kept_in_order() -> None:
    text = "21.11.2026 14:05, Konfident пишет:\n> профиль\nУдалён.\n> рассылка\nСнята.\n"
    assert own_words(text) == "Удалён.\n\nСнята."


def test_a_page_is_read_as_it_looks() -> None:
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body><!-- note --><p>Раз&nbsp;<b>два</b>\n три</p>"
        "<div>строка</div><div>строка<br></div><div><br></div><ul><li>а</li><li>б &amp; в</li></ul>"
        "<table><tr><td>Срок</td><td>5 лет</td></tr></table><script>x()</script></body></html>"
    )
    assert text_of_html(page) == "Раз два три\n\nстрока\nстрока\n\n- а\n- б & в\n\nСрок 5 лет"


def test_a_quotation_of_a_page_is_marked_and_an_indent_is_not() -> None:
    page = (
        "<div>Ответ</div><blockquote type=cite>чужое<blockquote>старое</blockquote></blockquote>"
        '<blockquote style="margin:0 0 0 40px;border:none;padding:0px">отступ</blockquote>'
    )
    assert text_of_html(page) == "Ответ\n\n> чужое\n>\n> > старое\n\nотступ"


@pytest.mark.parametrize("page", ["", "<", "<![x", "<p", "<blockquote>", "<!--", "\x00\x01<p>а\x02</p>", "</div></p>"])
def test_a_broken_page_raises_nothing(page: str) -> None:
    assert own_words(text_of_html(page)) in {"", "<", "<p", "<![x", "<!--", "а"}


def test_softly_broken_lines_are_joined_and_a_signature_mark_is_not_one() -> None:
    text = "Профиль удалён, \nадрес тоже. \n\n> чужое \nсвоё\n-- \nОльга"
    assert unflowed(text) == "Профиль удалён, адрес тоже. \n> чужое \nсвоё\n-- \nОльга"


def test_what_cannot_be_seen_is_dropped() -> None:
    assert own_words("\ufeffВыпол\u00adнено\u200b.\xa0Да\x00") == "Выполнено. Да"
