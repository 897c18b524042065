"""Likeness to the words of policies says what answers what, and what is not said."""

import numpy as np
import pytest

from index.clauses import Clause
from index.encoder import Matrix
from index.proposals import Likeness, Proposal, pieces, propose, with_twins
from index.vectors import Vectors

RETENTION, CONTACT = 0, 1
TOPICS = np.eye(2, 4, dtype=np.float32)
HALF = np.full(2, 0.5, np.float32)


def rows(*lists: tuple[float, ...]) -> Matrix:
    """Make rows of unit length."""
    made = np.array(lists, np.float32)
    unit: Matrix = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def policy(*clauses: tuple[float, ...]) -> Likeness:
    return Likeness(Vectors.of(rows(*clauses)), np.array([], np.intp))


def nothing_in_letters(clauses: int) -> Matrix:
    return np.zeros((2, clauses), np.float32)


def clause(text: str) -> Clause:
    return Clause("7", text, "7", "Cookies", None, "", 1)


def test_a_short_clause_has_no_pieces() -> None:
    assert pieces(clause("Сайт сохраняет файлы cookie.")) == ()


def test_lines_and_sentences_are_pieces_with_their_heading() -> None:
    found = pieces(clause("Сайт сохраняет файлы. Их можно отключить в браузере.\nИмя, телефон | доставка | 1 год"))
    assert found == (
        "Cookies. Сайт сохраняет файлы.",
        "Cookies. Их можно отключить в браузере.",
        "Cookies. Имя, телефон | доставка | 1 год",
    )


def test_a_long_section_is_as_like_as_its_likest_sentence() -> None:
    both = rows((0, 0, 1, 0), (0, 0, 0, 1))
    sentences = rows((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 1, 0))
    alike = Likeness(Vectors.of(np.concatenate([both, sentences])), np.array([0, 0, 0, 0]))
    assert alike(TOPICS).tolist() == [[0.75, 0], [0.75, 0]]


def test_a_clause_that_speaks_of_a_topic_is_proposed_and_the_topic_is_covered() -> None:
    alike = policy((0, 0, 1, 0), (1, 0, 0, 0))
    proposal = propose(TOPICS, HALF, alike, nothing_in_letters(2))
    assert proposal.weights[RETENTION].argmax() == 1
    assert proposal.weights[RETENTION, 1] == pytest.approx(1)
    assert proposal.covered[RETENTION] > 0.6


def test_a_topic_of_which_no_clause_speaks_clearly_is_not_covered() -> None:
    alike = policy((1, 0.3, 0, 0), (1, 0.2, 0, 0))
    proposal = propose(TOPICS, HALF, alike, nothing_in_letters(2))
    assert proposal.covered[RETENTION] > 0.6
    assert proposal.covered[CONTACT] < 0.35


def test_of_two_topics_as_likely_spoken_of_the_one_that_policies_leave_out_is_doubted() -> None:
    alike = policy((1, 1, 0, 0))
    proposal = propose(TOPICS, np.array([0.9, 0.1], np.float32), alike, nothing_in_letters(2))
    assert proposal.covered[RETENTION] > 0.8
    assert proposal.covered[CONTACT] < 0.2


def test_a_clause_in_the_words_of_a_topic_is_proposed_though_its_meaning_is_as_far() -> None:
    alike = policy((0, 0, 1, 0), (0, 0, 0, 1))
    letters = np.array([[0, 0.6], [0, 0]], np.float32)
    proposal = propose(TOPICS, HALF, alike, letters)
    assert proposal.weights[RETENTION].argmax() == 1
    assert proposal.covered[RETENTION] > 0.6
    assert proposal.covered[CONTACT] < 0.1


def test_a_clause_taken_over_word_for_word_answers_what_it_does_elsewhere() -> None:
    guess = Proposal(np.array([[1, 0.5], [0.5, 1]], np.float32), np.array([0.1, 0.1], np.float32))
    mine, theirs = rows((1, 0, 0, 0), (0, 1, 0, 0)), rows((0, 1, 0.05, 0), (0, 0, 1, 0))
    proposal = with_twins(guess, mine, theirs, np.array([[1, 0], [0, 1]], np.float32))
    assert proposal.weights[RETENTION].tolist() == [pytest.approx(0.8), 1]
    assert proposal.weights[CONTACT].tolist() == [0.5, 1]
    assert proposal.covered.tolist() == [1, pytest.approx(0.1)]
