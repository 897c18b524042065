"""Words by the dictionary: forms fall together, and what says nothing is left out."""

import pytest

from index.dictionary import content_words, lemmas, words


def test_forms_of_a_word_share_a_lemma() -> None:
    assert lemmas("партнёрские") & lemmas("партнерских")
    assert lemmas("банки") & lemmas("банкам")
    assert not lemmas("кредит") & lemmas("банкам")


def test_words_are_lower_case_and_numbers_are_none() -> None:
    assert words("Кредит, 2 банка (Kaspi) в 2024_м") == ["кредит", "банка", "kaspi", "в", "м"]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("а кредит у вас через банки?", ["кредит", "банки"]),
        ("где и как, и ну вот", []),
        ("cookies на сайте", ["cookies", "сайте"]),
    ],
)
def test_what_says_nothing_by_itself_is_left_out(text: str, content: list[str]) -> None:
    assert content_words(text) == content
