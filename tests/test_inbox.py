"""Letters of the mail programs that clerks use are read whole and exactly, and a damaged one raises nothing."""

from __future__ import annotations

import random
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot.inbox import Received, read

LETTERS = Path(__file__).parent / "letters"
TOKEN = "a1b2c3d4e5f60718"
OURS = f"<PRO-2026-000001.{TOKEN}@shop.kz>"
NAMES = sorted(path.stem for path in LETTERS.glob("*.eml"))

# What a customer gets from each program's letter: the verdict and the words.
ANSWERS = {
    "apple_mail": ("accepted", "Передала юристу, ответит он.\n\nОльга"),
    "attachment": ("done", "акт об уничтожении данных во вложении."),
    "gmail_android": ("question", "на какой номер телефона оформлен профиль?"),
    "gmail_web": (
        "answer",
        (
            "Добрый день!\n\nВаши данные удалены из личного кабинета и из рассылки. Если письма всё же придут, "
            "перешлите их нам: разберёмся в тот же день."
        ),
    ),
    "html_only": (
        "answer",
        (
            "Здравствуйте, Айгуль!\n\nПо вашей просьбе удалено:\n\n- анкета\n- адреса доставки & телефоны\n\n"
            "Чек № 1204 остаётся у бухгалтерии.\n\nСрок 5 лет"
        ),
    ),
    "ios_mail": ("answer", "Данные удалила, проверьте пожалуйста личный кабинет"),
    "mailru_app": (
        "answer",
        "Здравствуйте! Какие именно данные удалить: весь профиль или только историю заказов?",
    ),
    "mailru_web": ("done", "аккаунт удалён."),
    "outlook_2003": ("done", "Анкета уничтожена, акт №12 от 22.11.2026."),
    "outlook_android": ("refused", ""),
    "outlook_desktop": (
        "done",
        (
            "Профиль и история заказов удалены 22 ноября.\nСчёт по заказу 1204 хранится пять лет, как требует "
            "Налоговый кодекс."
        ),
    ),
    "outlook_web": ("accepted", "ответим до среды: заявка передана в отдел логистики."),
    "thunderbird": (
        "answer",
        (
            "Профиль удалён сегодня утром. Вместе с ним удалены адреса доставки, история просмотров и подписка на "
            "новости магазина.\n\nНа этот адрес больше ничего не придёт."
        ),
    ),
    "yandex_app": ("answer", "Ваш запрос выполним до конца недели."),
    "yandex_web": (
        "refused",
        "по закону о бухгалтерском учёте заказы последних пяти лет мы обязаны хранить.\nОстальное удалено.",
    ),
}
MACHINES = ["away_gmail", "away_outlook", "read_receipt"]
BOUNCES = {
    "bounce_exchange": "5.1.10",
    "bounce_exim": "5.7.1",
    "bounce_gmail": "5.1.1",
    "bounce_postfix": "5.1.1",
    "bounce_postfix_delayed": "4.4.1",
}


def letter(name: str) -> bytes:
    return (LETTERS / f"{name}.eml").read_bytes()


def mail(body: str = "Удалили.", **headers: str) -> bytes:
    """Write a small mail; `Content_Type` is the header Content-Type."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join(["From: olga@protorg.kz", *lines, "", body]).encode()


def read_mail(body: str = "Удалили.", **headers: str) -> Received:
    return read(mail(body, **headers))


def with_files(*contents: bytes) -> Received:
    message = EmailMessage()
    message["From"] = "olga@protorg.kz"
    message.set_content("Удалили.")
    for number, content in enumerate(contents):
        message.add_attachment(content, maintype="application", subtype="pdf", filename=f"акт {number}.pdf")
    return read(message.as_bytes())


# letters of real programs


def test_every_letter_of_the_collection_is_looked_at() -> None:
    assert sorted([*ANSWERS, *MACHINES, *BOUNCES]) == NAMES


@pytest.mark.parametrize("name", ANSWERS)
def test_a_clerks_words_are_read_exactly(name: str) -> None:
    received = read(letter(name))
    assert received.kind == "reply"
    assert (received.verdict, received.verdict_text) == ANSWERS[name]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_way_back_to_the_ticket_is_in_thread_and_address(name: str) -> None:
    received = read(letter(name))
    assert received.tokens == (TOKEN,)
    assert received.references == (OURS,)
    assert received.sender.endswith("@protorg.kz")
    assert received.key == received.message_id
    assert received.message_id.startswith("<")


@pytest.mark.parametrize("name", MACHINES)
def test_a_machines_answer_is_nobodys_word(name: str) -> None:
    received = read(letter(name))
    assert (received.kind, received.text) == ("auto", "")
    assert received.references == (OURS,)


@pytest.mark.parametrize("name", BOUNCES)
def test_a_returned_letter_says_which_one_and_for_how_long(name: str) -> None:
    received = read(letter(name))
    assert (received.kind, received.status, received.failed) == ("bounce", BOUNCES[name], (OURS,))
    assert received.failed_for_good == BOUNCES[name].startswith("5")
    assert received.text == ""


def test_a_report_of_success_is_no_bounce() -> None:
    raw = letter("bounce_postfix").replace(b"Status: 5.1.1", b"Status: 2.0.0").replace(b"failed", b"delivered")
    assert read(raw).kind == "auto"


def test_files_come_along_with_their_names_and_logos_do_not() -> None:
    files = [(each.name, each.type) for each in read(letter("attachment")).attachments]
    assert files == [("Акт об уничтожении.pdf", "application/pdf"), ("scan.jpg", "image/jpeg")]
    assert read(letter("attachment")).attachments[0].content.startswith(b"%PDF-1.4\n")
    assert read(letter("outlook_desktop")).attachments == ()


def test_a_picture_that_says_everything_is_no_logo() -> None:
    raw = letter("outlook_desktop")
    only_picture = (
        raw[: raw.index(b"------=_NextPart_000_0035")] + raw[raw.rindex(b"------=_NextPart_000_0035_", 0, -60) :]
    )
    received = read(only_picture)
    assert received.text == ""
    assert [each.name for each in received.attachments] == ["image001.png"]


# headers


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated; owner-email=x"),
        ("X-Autoreply", "yes"),
        ("X-Autorespond", "Re: x"),
        ("Precedence", "auto_reply"),
        ("Precedence", "bulk"),
        ("Precedence", "junk"),
        ("List-Id", "<news.protorg.kz>"),
    ],
)
def test_machines_are_known_by_their_headers(header: str, value: str) -> None:
    assert read_mail(**{header: value}).kind == "auto"


@pytest.mark.parametrize(
    "subject", ["Автоматический ответ: x", "Automatic reply: x", "=?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGC?="]
)
def test_an_exchange_servers_automatic_answer_is_known_by_its_subject(subject: str) -> None:
    assert read_mail(Subject=subject, X_Auto_Response_Suppress="All").kind == "auto"
    assert read_mail(Subject=subject).kind == "reply"


@pytest.mark.parametrize(
    ("header", "value"),
    [("Auto-Submitted", "no"), ("X-Auto-Response-Suppress", "DR, OOF, AutoReply"), ("Precedence", "first-class")],
)
def test_a_persons_letter_may_have_such_headers_too(header: str, value: str) -> None:
    assert read_mail(**{header: value}).kind == "reply"


@pytest.mark.parametrize("name", ["To", "Cc", "Delivered-To", "X-Original-To"])
def test_the_token_stands_after_the_last_plus_of_any_recipient(name: str) -> None:
    received = read_mail(**{name: f"Olga <olga@protorg.kz>, Bot <Bot+mail+{TOKEN.upper()}@shop.kz>"})
    assert received.tokens == (TOKEN,)


def test_all_ids_of_the_thread_are_given_once() -> None:
    received = read_mail(In_Reply_To="<b@x>", References="<a@x>\n\t<b@x> junk <ы@x> <c")
    assert received.references == ("<b@x>", "<a@x>")


@pytest.mark.parametrize("senders", ["", "a@x.kz, b@x.kz", "undisclosed", "a@x.kz\nFrom: b@x.kz"])
def test_a_mail_without_one_sender_has_none(senders: str) -> None:
    assert read(f"From: {senders}\n\nУдалили.".encode()).sender == ""


def test_a_mail_without_an_id_is_named_by_its_content() -> None:
    first, second = read_mail("раз"), read_mail("два")
    assert first.key.startswith("sha256:")
    assert first.key == read_mail("раз").key != second.key


# files


def test_at_most_ten_files_are_taken_and_the_others_counted() -> None:
    received = with_files(*[b"x"] * 12)
    assert [each.name for each in received.attachments] == [f"акт {number}.pdf" for number in range(10)]
    assert received.left_out == 2


def test_at_most_twenty_megabytes_are_taken_and_the_rest_counted() -> None:
    received = with_files(b"x" * 12_000_000, b"y" * 12_000_000, b"z")
    assert [len(each.content) for each in received.attachments] == [12_000_000, 1]
    assert received.left_out == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\temp\\passwd", "passwd\x00", " passwd. "])
def test_a_file_name_leads_nowhere(name: str) -> None:
    message = EmailMessage()
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="NAME")
    raw = message.as_bytes().replace(b"NAME", name.replace("\\", "\\\\").encode())
    assert [each.name for each in read(raw).attachments] == ["passwd"]


def test_a_mail_in_a_mail_is_a_file_and_not_the_clerks_words() -> None:
    inner = EmailMessage()
    inner.set_content("чужие слова")
    outer = EmailMessage()
    outer.set_content("Удалили.")
    outer.add_attachment(inner)
    received = read(outer.as_bytes())
    assert received.text == "Удалили."
    assert [each.type for each in received.attachments] == ["message/rfc822"]


# damaged mails


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"\n\n", ""),
        (b"\xff\xfe\x00", None),
        (b"From: a@x.kz", ""),
        (mail("Удалили.", Content_Type="text/plain; charset=klingon"), "Удалили."),
        (mail("Удалили.", Content_Type="text/plain; charset=unicode_escape"), None),
        (mail("Удалили.", Content_Type="text/plain; charset=us-ascii"), "Удалили."),
        (mail("x").replace(b"x", "Удалили.".encode("windows-1251")), None),
        (mail("\\ud800", Content_Type="text/plain; charset=unicode_escape"), "?"),
        (mail("0KPQtNC@@@", Content_Transfer_Encoding="base64"), None),
        (mail("=D0=GG=", Content_Transfer_Encoding="quoted-printable"), None),
        (mail("x", Content_Transfer_Encoding="uuencode"), None),
        (mail("Удалили.", Content_Type="multipart/mixed"), None),
        (mail("--x\n\nУдалили.", Content_Type='multipart/mixed; boundary="x"'), "Удалили."),
        (mail("Удалили.", Content_Type=";;;"), "Удалили."),
        (
            mail(
                "Удалили.",
                To='"',
                Subject="=?utf-8?b?////?=",
                Message_ID="<<>>",
                References="\udc80".encode("utf-8", "replace").decode(),
            ),
            "Удалили.",
        ),
    ],
)
def test_a_damaged_mail_is_read_as_far_as_possible(raw: bytes, text: str | None) -> None:
    received = read(raw)
    received.text.encode()  # whole characters: the database takes no others
    if text is not None:
        assert received.text == text


def test_parts_within_parts_without_end_raise_nothing() -> None:
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(3000))
    assert read(deep.encode()).text == ""


@pytest.mark.parametrize(
    "hostile",
    [
        " \n", "--\n", "a\n\n> b\n\n", ">" * 9 + "\n", "мобильн", "От: a\n", "выполнено ", "<div>", "<span> </span>",
        "<blockquote>", "<p>", "<!--", "<a href=", "&amp", "Message-ID:\n", "<@", "=?utf-8?b?", "Отправлено с мобильн",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["text/plain; format=flowed", "text/html"])
def test_a_hostile_mail_takes_no_long_time(hostile: str, kind: str) -> None:
    body = hostile * (400_000 // len(hostile))
    started = time.monotonic()
    read_mail(body, Content_Type=kind)
    read(f"From: a@x.kz\nMessage-ID: {body.replace(chr(10), '')}\nSubject: {body.replace(chr(10), '')}\n\n".encode())
    assert time.monotonic() - started < 20  # seconds; an endless one takes hours


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(8))
def test_a_letter_with_holes_raises_nothing(name: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same holes in every run
    raw = bytearray(letter(name))
    for _ in range(40):
        place = chance.randrange(len(raw))
        raw[place : place + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    received = read(bytes(raw[: chance.randrange(len(raw))] if seed % 2 else raw))
    assert received.key
    received.text.encode()
    "".join(
        (received.key, received.sender, *received.references, *(each.name for each in received.attachments))
    ).encode()
