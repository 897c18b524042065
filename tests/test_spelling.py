"""Misspelt words are read as they were meant; right ones, rare ones and Kazakh ones stay."""

import pytest

from index.normalize import Normalizer
from index.spelling import Spelling


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("удолите мой акаунт", "удалите мой аккаунт"),
        ("Каму вы передаете маи даные", "Каму вы передаете маи данные"),
        ("палитика канфиденциальности", "политика конфиденциальности"),
        ("хочу отписатся от расылки", "хочу отписаться от рассылки"),
        ("скажите пороль", "скажите пароль"),
        ("обрабтка", "обработка"),
        ("пожалуста", "пожалуйста"),
        ("Исправте адресс", "Исправьте адрес"),
        ("otpravte polnostyu", "отправьте полностью"),
    ],
)
def test_a_misspelt_word_is_read_as_it_was_meant(normalize: Normalizer, typed: str, meant: str) -> None:
    assert normalize(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "домофон и омепразол",
        "сколько тенге на карте",
        "напишите в вотсап",
        "деректеримди оширип тастаныздаршы",
        "жеке деректерім қайда сақталады",
        "delete my acount",
    ],
)
def test_rare_foreign_and_kazakh_words_stay(normalize: Normalizer, text: str) -> None:
    assert normalize(text) == text


def test_only_words_of_the_examples_are_offered() -> None:
    assert Spelling(["закон"] * 9)("пасылка") == "пасылка"
    assert Spelling(["посылка"] * 9)("пасылка") == "посылка"


def test_a_slip_is_mended_by_a_common_word_only() -> None:
    assert Spelling(["обработка"] * 9)("обрабтка") == "обрабтка"
    assert Spelling(["обработка"] * 10)("обрабтка") == "обработка"
