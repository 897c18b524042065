"""A request goes where the policy or the owner says; a wrong shop.yml is explained; a shop is known by its name."""

import shutil
from pathlib import Path

import pytest

from bot.shops import KINDS, Deadline, Route, Shop, ShopError, find_shop, read_shop, read_shops

ROOT = Path(__file__).resolve().parents[1]
SHOPS = read_shops(ROOT / "knowledge")

PLAIN = """\
version: 1
name: Лавка
aliases: [лавка, lavka]
prefix: LAV
contact:
  clause: "9.3"
  email: info@lavka.kz
"""


@pytest.fixture
def shop_yml(tmp_path: Path) -> Path:
    """Give a sound shop.yml, to be spoilt."""
    path = tmp_path / "knowledge" / "lavka" / "shop.yml"
    path.parent.mkdir(parents=True)
    path.write_text(PLAIN, encoding="utf-8")
    return path


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """Copy the five shops, to be spoilt."""
    return shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge")


def with_lines(path: Path, lines: str) -> Shop:
    path.write_text(PLAIN + lines, encoding="utf-8")
    return read_shop(path)


def refusal(path: Path, old: str, new: str) -> ShopError:
    """Spoil one place and give the complaint; it must be about this file and say what to do."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ShopError) as caught:
        read_shop(path)
    error = caught.value
    assert error.path == path
    assert error.remedy
    assert str(error) == f"{path}:{error.line}: {error.what}. {error.remedy}"
    return error


def found(text: str) -> str | None:
    spotted = find_shop(text, SHOPS.values())
    return spotted[0].id if spotted else None


# the five shops


@pytest.mark.parametrize(
    ("shop", "route"),
    [
        ("protorg", Route("info@protorg.kz", "9.3")),
        ("allurauto", Route("info@allurauto.kz", "9.3")),
        ("jetu", None),
        ("proeducation", Route("sales@proeducation.kz", "5.9")),
        ("homeshop", None),
    ],
)
def test_every_request_goes_to_the_address_of_the_policys_own_contact_clause(shop: str, route: Route | None) -> None:
    assert {SHOPS[shop].route(kind) for kind in KINDS} == {route}


def test_jetu_names_only_a_postal_address_and_homeshop_names_nothing() -> None:
    jetu, homeshop = SHOPS["jetu"], SHOPS["homeshop"]
    assert (jetu.contact_clause, jetu.email) == ("5.9", "")
    assert "Култобе 4" in jetu.postal
    assert (homeshop.contact_clause, homeshop.email, homeshop.postal) == ("", "", "")


@pytest.mark.parametrize(
    ("shop", "deadlines"),
    [
        ("protorg", {}),
        ("allurauto", {"complain": Deadline(days=30, clause="8.2")}),
        ("jetu", {}),
        ("proeducation", {}),
        ("homeshop", {"complain": Deadline(days=30, clause="6.2")}),
    ],
)
def test_only_a_claim_has_a_deadline_and_only_where_a_clause_says_so(shop: str, deadlines: dict[str, Deadline]) -> None:
    assert SHOPS[shop].deadlines == deadlines


def test_the_prefixes_of_ticket_numbers_are_those_that_were_promised() -> None:
    prefixes = {shop.id: shop.prefix for shop in SHOPS.values()}
    assert prefixes == {"protorg": "PRO", "allurauto": "ALU", "jetu": "JET", "proeducation": "EDU", "homeshop": "HOM"}


# what an owner may write


def test_a_shop_takes_its_id_from_its_folder(shop_yml: Path) -> None:
    shop = read_shop(shop_yml)
    assert (shop.id, shop.name, shop.prefix, shop.folder) == ("lavka", "Лавка", "LAV", shop_yml.parent)
    assert shop.aliases == ("лавка", "lavka")


def test_an_address_for_one_kind_goes_before_the_policys(shop_yml: Path) -> None:
    shop = with_lines(shop_yml, "routes:\n  complain: claims@lavka.kz\nfallback: all@lavka.kz\n")
    assert shop.route("complain") == Route("claims@lavka.kz", "shop.yml")
    assert shop.route("delete") == Route("info@lavka.kz", "9.3")


def test_the_fallback_serves_where_the_policy_names_no_address(shop_yml: Path) -> None:
    shop_yml.write_text("version: 1\nname: Лавка\nprefix: LAV\nfallback: all@lavka.kz\n", encoding="utf-8")
    assert {read_shop(shop_yml).route(kind) for kind in KINDS} == {Route("all@lavka.kz", "fallback")}


def test_without_any_address_there_is_no_route(shop_yml: Path) -> None:
    shop_yml.write_text("version: 1\nname: Лавка\nprefix: LAV\n", encoding="utf-8")
    assert read_shop(shop_yml).route("delete") is None


def test_a_fallback_gives_the_real_jetu_and_homeshop_a_route(knowledge: Path) -> None:
    for shop in ("jetu", "homeshop"):
        with (knowledge / shop / "shop.yml").open("a", encoding="utf-8") as file:
            file.write(f"fallback: help@{shop}.kz\n")
    shops = read_shops(knowledge)
    assert shops["jetu"].route("delete") == Route("help@jetu.kz", "fallback")
    assert shops["homeshop"].route("complain") == Route("help@homeshop.kz", "fallback")


def test_a_deadline_of_the_shops_own_names_no_clause(shop_yml: Path) -> None:
    shop = with_lines(shop_yml, "deadlines:\n  delete: {days: 10}\n")
    assert shop.deadlines == {"delete": Deadline(days=10, clause="")}


def test_others_who_may_answer_are_named_by_address_or_house(shop_yml: Path) -> None:
    shop = with_lines(shop_yml, 'senders: [Anna@Lawyers.kz, "@lavka.com"]\n')
    assert shop.senders == ("anna@lawyers.kz", "@lavka.com")
    assert SHOPS["protorg"].senders == ()


def test_edition_and_source_of_the_policy_are_kept(shop_yml: Path) -> None:
    shop = with_lines(shop_yml, "policy:\n  edition: 23 апреля 2020 г.\n  source: https://lavka.kz\n")
    assert (shop.edition, shop.source) == ("23 апреля 2020 г.", "https://lavka.kz")


# what is refused: path, line, remedy


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("prefix: LAV", "prefix: LAV\nphone: none", 5, "phone: лишняя строка"),
        ('  clause: "9.3"', '  clauses: "9.3"', 6, "contact.clauses: лишняя строка"),
        ("name: Лавка", "name: 24", 2, "name: нужен текст"),
        ('"9.3"', "9.3", 6, "contact.clause: нужен текст"),
        ("[лавка, lavka]", "[лавка, 24]", 3, "aliases: нужен текст"),
        ("name: Лавка\n", "", 1, "name: не заполнено"),
        ("prefix: LAV\n", "", 1, "prefix: не заполнено"),
        ("prefix: LAV", "prefix: lav", 4, "prefix: неверное значение"),
        ("prefix: LAV", "prefix: ЛАВ", 4, "prefix: неверное значение"),
        ("prefix: LAV", "prefix: L", 4, "prefix: неверное значение"),
        ("prefix: LAV", "prefix: LAVKAS", 4, "prefix: неверное значение"),
        ("prefix: LAV", "prefix: LA-V", 4, "prefix: неверное значение"),
        ("info@lavka.kz", "info.lavka.kz", 7, "contact.email: неверное значение"),
        ("info@lavka.kz", "info@lavka", 7, "contact.email: неверное значение"),
        ("info@lavka.kz", "информация по телефону", 7, "contact.email: неверное значение"),
        ("version: 1", "version: 2", 1, "version: неверное значение"),
        ("version: 1", "version: '1'", 1, "version: неверное значение"),
        ("name: Лавка", "name: ''", 2, "name: неверное значение"),
        ("[лавка, lavka]", "лавка", 3, "aliases: неверное значение"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(shop_yml: Path, old: str, new: str, line: int, what: str) -> None:
    error = refusal(shop_yml, old, new)
    assert (error.line, error.what) == (line, what)


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ("fallback: нет\n", 8, "fallback: неверное значение"),
        ("routes:\n  delete: почта\n", 9, "routes.delete: неверное значение"),
        ("deadlines:\n  delete: {days: 0}\n", 9, "deadlines.delete.days: неверное значение"),
        ("deadlines:\n  delete: {days: 367}\n", 9, "deadlines.delete.days: неверное значение"),
        ("deadlines:\n  delete: {days: '30'}\n", 9, "deadlines.delete.days: неверное значение"),
        ("deadlines:\n  delete:\n    days: 30\n    clause: 8.2\n", 11, "deadlines.delete.clause: нужен текст"),
        ("deadlines:\n  delete: {clause: '8.2'}\n", 9, "deadlines.delete: нужно одно из двух: days или working_days"),
        (
            "deadlines:\n  delete: {days: 9, working_days: 9}\n",
            9,
            "deadlines.delete: нужно одно из двух: days или working_days",
        ),
        ("policy:\n  edition: 2020\n", 9, "policy.edition: нужен текст"),
        ("senders: [юрист]\n", 8, "senders: неверное значение"),
        ('senders: ["@"]\n', 8, "senders: неверное значение"),
        ('senders: ["*@lavka.kz, anna@lavka.kz"]\n', 8, "senders: неверное значение"),
        ("senders: anna@lavka.kz\n", 8, "senders: неверное значение"),
    ],
)
def test_a_wrong_line_that_was_added_is_named(shop_yml: Path, lines: str, line: int, what: str) -> None:
    error = refusal(shop_yml, "  email: info@lavka.kz\n", f"  email: info@lavka.kz\n{lines}")
    assert (error.line, error.what) == (line, what)


def test_a_route_for_a_wish_that_does_not_exist_is_refused(shop_yml: Path) -> None:
    error = refusal(shop_yml, "prefix: LAV", "prefix: LAV\nroutes:\n  deletion: info@lavka.kz")
    assert error.line == 6
    assert "deletion" in error.what


def test_a_text_that_must_stand_in_quotes_says_so(shop_yml: Path) -> None:
    assert refusal(shop_yml, "name: Лавка", "name: 24").remedy == "Возьмите значение в кавычки."


@pytest.mark.parametrize(
    ("text", "line"),
    [("name: [Лавка\n", 2), ("version: 1\nname:\n\t- a\n", 3), ("version: 1\nversion: 1\n", 2), ("a: 'b\n", 2)],
    ids=["bracket", "tab", "key twice", "quote"],
)
def test_what_is_no_yaml_is_refused_at_its_line(shop_yml: Path, text: str, line: int) -> None:
    error = refusal(shop_yml, PLAIN, text)
    assert error.line == line
    assert error.what.startswith("не читается как YAML")


@pytest.mark.parametrize("text", ["", "- 1\n", "Лавка\n"], ids=["empty", "list", "word"])
def test_a_file_of_another_shape_is_refused(shop_yml: Path, text: str) -> None:
    error = refusal(shop_yml, PLAIN, text)
    assert (error.line, error.what) == (1, "файл: неверное значение")


def test_a_file_in_another_encoding_is_refused(shop_yml: Path) -> None:
    shop_yml.write_bytes(PLAIN.encode("cp1251"))
    with pytest.raises(ShopError, match="не читается как YAML"):
        read_shop(shop_yml)


def test_two_shops_with_one_prefix_are_refused_with_the_name_of_the_other(knowledge: Path) -> None:
    path = knowledge / "protorg" / "shop.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("prefix: PRO", "prefix: JET"), encoding="utf-8")
    with pytest.raises(ShopError) as caught:
        read_shops(knowledge)
    assert caught.value.path == path
    assert caught.value.what == "префикс JET уже занят магазином jetu"
    assert caught.value.remedy


def test_a_policy_without_shop_yml_is_refused_with_the_path_of_what_is_missing(knowledge: Path) -> None:
    (knowledge / "jetu" / "shop.yml").unlink()
    with pytest.raises(ShopError) as caught:
        read_shops(knowledge)
    assert (caught.value.path, caught.value.line) == (knowledge / "jetu" / "shop.yml", 1)
    assert caught.value.what == "файла нет"
    assert caught.value.remedy


# a shop by its name


@pytest.mark.parametrize(
    ("shop", "texts"),
    [
        ("protorg", ["protorg", "PROtorg.kz", "в PROtorg.kz?", "ПРОТОРГ!!!", "про торг", "Про Торг.кз", "проторга"]),
        ("protorg", ["протог", "протогр", "protorg kz", "напишу в протторг", "https://protorg.kz/"]),
        ("allurauto", ["allurauto", "AllurAuto.kz", "allur auto", "аллюр авто", "Аллюравто", "алюр авто", "allur"]),
        ("jetu", ["jetu", "JETU.KZ", "jetu kz", "жету", "из Жету", "джету", "у жету есть", "https://jetu.kz/"]),
        ("proeducation", ["PROeducation", "pro education", "про эдюкейшн", "эдюкейшн", "proeducatoin", "проэдюкейшна"]),
        ("homeshop", ["homeshop", "Homeshop.kz", "home shop", "хоумшоп", "хоум шоп", "хомшопе", "homeshoop"]),
    ],
)
def test_a_shop_is_known_in_every_spelling_that_people_use(shop: str, texts: list[str]) -> None:
    assert {text: found(text) for text in texts} == dict.fromkeys(texts, shop)


@pytest.mark.parametrize(
    "text",
    [
        "протокол",
        "про торт",
        "про город",
        "торг",
        "проторговались",
        "про товар",
        "автор",
        "авто",
        "алло",
        "образование",
        "home",
        "shop",
        "шоп",
        "магазин",
        "где жетон",
        "жететь",
        "хорошо",
        "кому вы передаёте мой телефон?",
        "удалите мои персональные данные",
        "как долго хранятся данные",
        "education",
        "проверьте",
        "",
        "???",
    ],
)
def test_ordinary_words_name_no_shop(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize(
    ("text", "shop", "rest"),
    [
        ("кому PROtorg.kz отдаёт мой телефон?", "protorg", "кому отдаёт мой телефон"),
        ("аллюр авто, удалите мои данные", "allurauto", "удалите мои данные"),
        ("Удалите мои данные из жету!", "jetu", "Удалите мои данные из"),
        ("Homeshop.kz", "homeshop", ""),
    ],
)
def test_the_rest_of_the_message_is_kept_without_the_name(text: str, shop: str, rest: str) -> None:
    spotted = find_shop(text, SHOPS.values())
    assert spotted is not None
    assert (spotted[0].id, " ".join(spotted[1].split())) == (shop, rest)


def test_the_exact_name_wins_over_a_similar_one() -> None:
    assert found("homeshoop, нет, jetu") == "jetu"


def test_without_shops_nothing_is_named() -> None:
    assert find_shop("protorg", []) is None
