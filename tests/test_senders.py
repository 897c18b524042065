"""Only the shop answers for the shop."""

import pytest

from bot.senders import is_own


@pytest.mark.parametrize(
    ("sender", "route", "senders"),
    [
        ("info@protorg.kz", "info@protorg.kz", []),
        ("Info@ProTorg.KZ", "info@protorg.kz", []),
        ("olga@protorg.kz", "info@protorg.kz", []),
        ("protorg@mail.ru", "protorg@mail.ru", []),
        ("olga@gmail.com", "info@protorg.kz", ["olga@gmail.com"]),
        ("anna@lawyers.kz", "info@protorg.kz", ["@lawyers.kz"]),
        ("anna@xn--80aairftm.xn--80ao21a", "info@магазин.қаз", []),
    ],
)
def test_the_shops_own_may_answer(sender: str, route: str, senders: list[str]) -> None:
    assert is_own(sender, route, senders)


@pytest.mark.parametrize(
    ("sender", "route", "senders"),
    [
        ("", "info@protorg.kz", []),
        ("info", "info@protorg.kz", []),
        ("", "", []),
        ("@protorg.kz", "info@protorg.kz", []),
        ("olga@protorg.kz.evil.ru", "info@protorg.kz", []),
        ("olga@mail.protorg.kz", "info@protorg.kz", []),
        ("olga@evilprotorg.kz", "info@protorg.kz", []),
        ("stranger@mail.ru", "protorg@mail.ru", []),
        ("stranger@gmail.com", "protorg@gmail.com", ["other@gmail.com"]),
        ("bob@lawyers.kz", "info@protorg.kz", ["anna@lawyers.kz"]),
        ("anna@lawyers.kz", "", []),
    ],
)
def test_nobody_else_may_answer(sender: str, route: str, senders: list[str]) -> None:
    assert not is_own(sender, route, senders)
