"""A clerk's first word decides, however he types it; the same word inside a sentence does not."""

import pytest

from bot.verdict import verdict_of


@pytest.mark.parametrize(
    ("text", "verdict", "rest"),
    [
        ("выполнено", "done", ""),
        ("Выполнено.", "done", ""),
        ("ВЫПОЛНЕНО!", "done", ""),
        ("«выполнено»", "done", ""),
        ("*Выполнено*: профиль удалён", "done", "профиль удалён"),
        ("выполнено - профиль удалён", "done", "профиль удалён"),
        ("выполнено – профиль удалён", "done", "профиль удалён"),
        ("Выполнено—профиль удалён", "done", "профиль удалён"),
        ("Выполнено, профиль удалён", "done", "профиль удалён"),
        ("Выполнено. Профиль удалён.\n\nВторая строка", "done", "Профиль удалён.\n\nВторая строка"),
        ("выполнено\nпрофиль удалён", "done", "профиль удалён"),
        ("отказ: закон велит хранить", "refused", "закон велит хранить"),
        ("Отказ - закон", "refused", "закон"),
        ("Отказ. Закон велит.", "refused", "Закон велит."),
        ("отказ:\nзакон", "refused", "закон"),
        ("отказ", "refused", ""),
        ("ОТКАЗ:", "refused", ""),
        ("вопрос: какой номер?", "question", "какой номер?"),
        ("Вопрос – какой номер?", "question", "какой номер?"),
        ("вопрос…", "question", ""),
        ("Принято", "accepted", ""),
        ("принято, ответим завтра", "accepted", "ответим завтра"),
    ],
)
def test_a_first_word_decides_and_the_rest_is_the_customers(text: str, verdict: str, rest: str) -> None:
    assert verdict_of(text) == (verdict, rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Здравствуйте!\nВыполнено.",
        "выполнено ли это, проверьте сами",
        "Выполнено будет завтра",
        "Выполненo: латинская буква",
        "невыполнено: ждём",
        "отказ от рассылки оформлен",
        "Отказ, как мы писали, возможен",
        "отказы: см. ниже",
        "Вопрос решён",
        "вопрос-ответ на нашем сайте",
        "Вопрос, который вы задали, сложный",
        "принято решение удалить",
        "не выполнено: ждём документ",
    ],
)
def test_a_word_inside_a_sentence_decides_nothing_and_all_words_are_the_customers(text: str) -> None:
    assert verdict_of(text) == ("answer", text)
