"""A customer's address is found as people type it, and nothing else is taken for one."""

import pytest

from bot.contacts import find_contact


@pytest.mark.parametrize(
    "text",
    [
        "aigul@example.kz",
        "  aigul@example.kz  ",
        "пишите на aigul@example.kz.",
        "моя почта aigul@example.kz, спасибо",
        "почта:aigul@example.kz",
        "mailto:aigul@example.kz",
        "Айгуль <aigul@example.kz>",
        "(aigul@example.kz)",
        "aigul@EXAMPLE.KZ",
        "aigul@example.kz\nи звонить не надо",
    ],
)
def test_an_address_is_found_however_it_stands_in_a_message(text: str) -> None:
    assert find_contact(text) == "aigul@example.kz"


def test_only_the_domain_is_written_small() -> None:
    assert find_contact("Aigul.K+shop@Example.KZ") == "Aigul.K+shop@example.kz"


def test_an_address_with_a_domain_of_other_letters_is_kept() -> None:
    assert find_contact("aigul@магазин.қаз") == "aigul@магазин.қаз"


@pytest.mark.parametrize("text", ["aigul@", "@example.kz", "aigul@example", "aigul@@example.kz", "a@b", "aigul@.kz"])
def test_half_an_address_is_none(text: str) -> None:
    assert find_contact(text) is None


def test_after_a_mistyped_address_the_right_one_is_taken() -> None:
    assert find_contact("aigul@example ой, aigul@example.kz") == "aigul@example.kz"


@pytest.mark.parametrize(
    "text",
    [
        "+77011234567",
        "+7 701 123-45-67",
        "+7 (701) 123 45 67",
        "87011234567",
        "8 701 123 45 67",
        "8-701-123-45-67",
        "8(701)1234567",
        "77011234567",
        "7011234567",
        "701 123 45 67",
        "номер 8 701 123 45 67, звоните вечером",
        "Айгуль,87011234567.",
    ],
)
def test_a_number_of_kazakhstan_is_found_in_every_spelling(text: str) -> None:
    assert find_contact(text) == "+77011234567"


def test_a_number_of_a_house_is_found() -> None:
    assert find_contact("8(727)250-12-34") == "+77272501234"


def test_a_number_of_another_country_keeps_its_own_code() -> None:
    assert find_contact("+49 30 901820") == "+4930901820"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "нет",
        "не хочу давать",
        "заказ 1204",
        "ИИН 750101300123",
        "карта 4400 4301 2345 6789",
        "01.02.2026",
        "8 701 12",
        "пункт 5.2",
        "PRO-2026-000001",
    ],
)
def test_what_is_no_contact_is_not_taken_for_one(text: str) -> None:
    assert find_contact(text) is None


@pytest.mark.parametrize(
    "text", ["aigul@example.kz или 87011234567", "87011234567 или aigul@example.kz", "aigul@example.kz daniyar@x.kz"]
)
def test_of_several_the_first_address_is_taken(text: str) -> None:
    assert find_contact(text) == "aigul@example.kz"


def test_of_two_numbers_the_first_is_taken() -> None:
    assert find_contact("8 701 123 45 67 или 8 707 765 43 21") == "+77011234567"


def test_what_was_found_is_found_again() -> None:
    for contact in ("aigul@example.kz", "+77011234567", "+4930901820"):
        assert find_contact(contact) == contact
