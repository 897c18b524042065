"""Messages are rewritten as they were meant: layout, transliteration, markup; sound words stay as they are."""

import pytest

from index.normalize import Normalizer


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("elfkbnt vjb lfyyst", "удалите мои данные"),
        ("Rjve ds gthtlftnt lfyyst&", "Кому вы передаете данные?"),
        ("jnrf;bntcm jn gthtlfxb", "откажитесь от передачи"),
        ("xnj nfrjt gthcjyfkmyst lfyyst", "что такое персональные данные"),
        ("ghbdtn", "привет"),
        ("cgfcb,j", "спасибо"),
        ("lf", "да"),
        ("ytn", "нет"),
    ],
)
def test_words_typed_in_the_latin_layout_become_russian(normalize: Normalizer, typed: str, meant: str) -> None:
    assert normalize(typed) == meant


def test_latin_words_typed_in_the_russian_layout_become_latin(normalize: Normalizer) -> None:
    assert normalize("что такое сщщлшуы") == "что такое cookies"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("udalite moi dannye", "удалите мои данные"),
        ("hochu otpisatsya ot rassylki", "хочу отписаться от рассылки"),
        ("kto vy?", "кто вы?"),
        ("chto v punkte 5.2", "что в пункте 5.2"),
        ("zabud'te obo mne", "забудьте обо мне"),
        ("4to s dannymi", "что с данными"),
    ],
)
def test_transliterated_words_become_russian(normalize: Normalizer, typed: str, meant: str) -> None:
    assert normalize(typed) == meant


def test_latin_words_that_customers_use_stay_beside_transliterated_ones(normalize: Normalizer) -> None:
    assert normalize("chto takoe cookies") == "что такое cookies"


@pytest.mark.parametrize(
    "text",
    [
        "Кому вы передаете мои данные?",
        "дайте оператора",
        "менің деректерімді өшіріңіз",
        "delete my account",
        "Где мой email?",
        "что в пункте 5.2",
        "5.2",
        "",
    ],
)
def test_a_message_that_is_as_it_was_meant_stays(normalize: Normalizer, text: str) -> None:
    assert normalize(text) == text


@pytest.mark.parametrize(
    "address", ["info@protorg.kz", "i.petrov@gmail.com", "https://protorg.kz/policy?a=1", "www.jetu.kz", "jetu.kz"]
)
def test_addresses_are_never_rewritten(normalize: Normalizer, address: str) -> None:
    assert normalize(f"jndtnmnt yf {address}") == f"ответьте на {address}"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Ещё раз: моё имя", "Еще раз: мое имя"),
        ("  кто \n вы\tтакие ", "кто вы такие"),
        ("<b>где</b> **мои** данные", "где мои данные"),
        ("да\u200bнные", "данные"),
        ("почемуууууу", "почему"),
        ("пункт №5.2", "пункт номер 5.2"),
    ],
)
def test_what_keyboards_and_editors_add_is_taken_off(normalize: Normalizer, typed: str, meant: str) -> None:
    assert normalize(typed) == meant


def test_a_normalised_message_stays_the_same_when_normalised_again(normalize: Normalizer) -> None:
    for text in ("Elfkbnt vjq ghjabkm", "skolko hranyatsya dannye", "Ещё раз: №5"):
        assert normalize(normalize(text)) == normalize(text)


def test_words_are_learnt_from_the_examples_alone() -> None:
    russian = Normalizer(["какие данные вы храните", "удалите мои данные"])
    english = Normalizer(["which data do you keep", "delete my data"])
    assert (russian("lfyyst"), english("data")) == ("данные", "data")


def test_transliterated_examples_do_not_teach_latin_words() -> None:
    normalize = Normalizer(["удалите мои данные", "udalite moi dannye"])
    assert normalize("dannye") == "данные"
