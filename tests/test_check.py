"""`konfident check` names file, line, what and remedy; only what cannot be used makes it fail."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from bot.check import Finding, check

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"(?P<path>.+?):(?P<line>\d+): (?P<mark>ошибка|заметка): (?P<what>.+)")

Edit = Callable[[Path], object]

# The three clauses that two small shops share; the second one differs in what a test says.
CLAUSES = """\
1. Общие положения
1.1. Администрация сайта собирает сведения о посетителях для обработки заказов и доставки товаров.
1.2. Администрация сайта хранит сведения о посетителях в течение одного года после последнего заказа.
2. Адреса
2.1. Вопросы о сведениях направляются на адрес info@lavka.kz, ответ даётся в течение 30 дней.
"""
SHOP = 'version: 1\nname: Лавка\nprefix: LAV\ncontact: {clause: "2.1", email: info@lavka.kz}\n'
MAP = 'version: 1\ntopics:\n  retention: ["1.1", "1.2", "2.1"]\n'


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """Copy knowledge/ and intents/ as they are shipped, to be spoilt."""
    for room in ("knowledge", "intents"):
        shutil.copytree(ROOT / room, tmp_path / room)
    return tmp_path


@pytest.fixture
def lavka(tmp_path: Path) -> Path:
    """Make a room with one small sound shop; give its folder."""
    shutil.copytree(ROOT / "intents", tmp_path / "intents")
    return small_shop(tmp_path / "knowledge" / "lavka")


def small_shop(folder: Path, policy: str = CLAUSES, shop: str = SHOP) -> Path:
    folder.mkdir(parents=True)
    (folder / "policy.txt").write_text(policy, encoding="utf-8")
    (folder / "shop.yml").write_text(shop, encoding="utf-8")
    (folder / "topics.yml").write_text(MAP, encoding="utf-8")
    return folder


def findings(rooms: Path, only: str = "") -> list[Finding]:
    return check(rooms / "knowledge", rooms / "intents", only)


def of(lavka: Path) -> list[tuple[str, int, str, bool]]:
    """What is found in a room with small shops: file, line, what, is it an error."""
    found = findings(lavka.parent.parent)
    return [(each.path.name, each.line, each.what, each.is_error) for each in found]


def run_check(rooms: Path, *arguments: str) -> Result:
    env = {"KNOWLEDGE_DIR": str(rooms / "knowledge"), "INTENTS_DIR": str(rooms / "intents")}
    return CliRunner().invoke(main, ["check", *arguments], env=env)


def written(text: str) -> Edit:
    return lambda path: path.write_text(text, encoding="utf-8")


def replaced(old: str, new: str) -> Edit:
    def edit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def in_cp1251(path: Path) -> None:
    path.write_bytes("имя: Торг\n".encode("cp1251"))


# as shipped


def test_the_shipped_knowledge_and_intents_have_no_errors() -> None:
    assert [str(found) for found in findings(ROOT) if found.is_error] == []


@pytest.mark.parametrize(
    ("shop", "clause", "what"),
    [
        ("protorg", "9. ", "после раздела 5 идёт раздел 9"),
        ("protorg", "1.1.5. ", "в пункте 1.1.5 вопросительный знак на месте тире"),
        ("allurauto", "1.1.1. ", "в пункте 1.1.1 незаполненное место"),
        ("jetu", "4.4. ", "в пункте 4.4 «небольших», а в таком же пункте proeducation «неличных»"),
        ("homeshop", "5.4.2. ", "в пункте 5.4.2 стоит название «Noteshop», не похожее на название магазина"),
    ],
)
def test_every_known_peculiarity_of_the_five_policies_is_named_at_its_line(shop: str, clause: str, what: str) -> None:
    path = ROOT / "knowledge" / shop / "policy.txt"
    (found,) = [each for each in findings(ROOT) if each.path == path and each.what == what]
    line = path.read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert line.replace("*", "").lstrip(" -").startswith(clause)
    assert found.remedy
    assert not found.is_error


def test_jetu_and_homeshop_are_told_that_requests_have_nowhere_to_go() -> None:
    nowhere = [each.path.parent.name for each in findings(ROOT) if "некуда отправлять" in each.what]
    assert nowhere == ["homeshop", "jetu"]


def test_what_is_only_worth_a_look_is_printed_and_exits_0() -> None:
    result = run_check(ROOT)
    assert result.exit_code == 0
    lines = [LINE.fullmatch(line) for line in result.stdout.splitlines()]
    assert len(lines) >= 7
    assert {match["mark"] if match else "?" for match in lines} == {"заметка"}
    assert all(match and Path(match["path"]).parts[-2] in ("protorg", "allurauto", *SIBLINGS) for match in lines)


SIBLINGS = ("jetu", "homeshop", "proeducation")


def test_one_shop_is_checked_alone() -> None:
    assert {each.path.parent.name for each in findings(ROOT, "protorg")} == {"protorg"}
    lines = run_check(ROOT, "allurauto").stdout.splitlines()
    assert lines
    assert all("/allurauto/" in line for line in lines)


def test_an_error_in_another_shop_does_not_fail_this_one(rooms: Path) -> None:
    in_cp1251(rooms / "knowledge" / "jetu" / "policy.txt")
    assert run_check(rooms, "protorg").exit_code == 0
    assert run_check(rooms, "jetu").exit_code == 1
    assert run_check(rooms).exit_code == 1


def test_checking_changes_no_file(rooms: Path) -> None:
    before = {path: path.read_bytes() for path in rooms.rglob("*") if path.is_file()}
    run_check(rooms)
    assert {path: path.read_bytes() for path in rooms.rglob("*") if path.is_file()} == before


# what cannot be used


@pytest.mark.parametrize(
    ("name", "edit", "line", "what"),
    [
        ("policy.txt", in_cp1251, 1, "текст не в кодировке UTF-8"),
        ("policy.txt", written(""), 1, "нет ни одного пронумерованного пункта"),
        ("policy.txt", written("Политика\n"), 1, "нет ни одного пронумерованного пункта"),
        ("policy.txt", replaced("1.2. Адм", "1.9. Адм"), 3, "после 1.1 стоит 1.9"),
        ("policy.txt", replaced("1.2. Адм", "1.1. Адм"), 3, "после 1.1 стоит 1.1"),
        ("shop.yml", Path.unlink, 1, "файла нет"),
        ("shop.yml", in_cp1251, 1, "не читается как YAML"),
        ("shop.yml", written(""), 1, "файл: неверное значение"),
        ("shop.yml", replaced("name: Лавка", "name: [Лавка"), 3, "не читается как YAML"),
        ("shop.yml", replaced("name: Лавка", "nam: Лавка"), 2, "nam: лишняя строка"),
        ("shop.yml", replaced("name: Лавка", "name: 24"), 2, "name: нужен текст"),
        ("shop.yml", replaced("prefix: LAV", "prefix: Л"), 3, "prefix: неверное значение"),
        ("shop.yml", replaced('"2.1"', '"2.7"'), 1, "contact.clause: в политике нет пункта 2.7"),
        ("shop.yml", replaced('"2.1"', '"1.1"'), 1, "адрес из contact не стоит в пункте 1.1"),
        ("shop.yml", replaced("info@", "sales@"), 1, "адрес из contact не стоит в пункте 2.1"),
        ("topics.yml", in_cp1251, 1, "не читается как YAML"),
        ("topics.yml", written(""), 1, "нет раздела topics"),
        ("topics.yml", written("topics: []\n"), 1, "нет раздела topics"),
        ("topics.yml", replaced("retention", "retenton"), 3, "неизвестная тема «retenton»"),
        ("topics.yml", replaced('"1.2"', '"1.7"'), 3, "темы retention: в политике нет пункта 1.7"),
        ("topics.yml", replaced('"1.2"', "1.2"), 3, "у темы retention не список номеров"),
    ],
)
def test_a_broken_file_of_a_shop_is_an_error_with_line_and_remedy(
    lavka: Path, name: str, edit: Edit, line: int, what: str
) -> None:
    assert not any(is_error for *_, is_error in of(lavka))
    edit(lavka / name)
    result = run_check(lavka.parent.parent)
    assert result.exit_code == 1
    errors = [match for match in map(LINE.fullmatch, result.stdout.splitlines()) if match and match["mark"] == "ошибка"]
    assert errors
    for error in errors:
        assert (error["path"], int(error["line"])) == (str(lavka / name), line)
        assert error["what"].startswith(what)
    assert all(found.remedy for found in findings(lavka.parent.parent))


@pytest.mark.parametrize("days", [31, 300])
def test_a_deadline_that_its_clause_does_not_name_is_an_error(lavka: Path, days: int) -> None:
    add = f'deadlines:\n  complain: {{days: {days}, clause: "2.1"}}\n'
    (lavka / "shop.yml").write_text(SHOP + add, encoding="utf-8")
    assert ("shop.yml", 1, f"срок для complain: {days} дней нет в пункте 2.1", True) in of(lavka)


def test_a_deadline_that_stands_in_its_clause_or_is_the_shops_own_is_no_error(lavka: Path) -> None:
    add = 'deadlines:\n  complain: {days: 30, clause: "2.1"}\n  delete: {days: 5}\n'
    (lavka / "shop.yml").write_text(SHOP + add, encoding="utf-8")
    assert of(lavka) == []


@pytest.mark.parametrize(
    ("name", "edit", "line", "what"),
    [
        ("nlu.yml", Path.unlink, 1, "файла нет"),
        ("nlu.yml", in_cp1251, 1, "не читается как YAML"),
        ("nlu.yml", written("nlu: [a\n"), 2, "не читается как YAML"),
        ("nlu.yml", written(""), 1, "нет списка nlu"),
        ("nlu.yml", replaced("intent: delete", "intent: delet"), None, "неизвестное намерение «delet»"),
        ("topics.yml", Path.unlink, 1, "файла нет"),
        ("topics.yml", written("a: [b\n"), 2, "не читается как YAML"),
        ("domain.yml", Path.unlink, 1, "файла нет"),
        ("domain.yml", in_cp1251, 1, "не читается как YAML"),
        ("domain.yml", replaced("{shop_name}", "{shopname}"), None, "utter_start: неизвестное значение {shopname}"),
        ("domain.yml", replaced("{shop_name}", "{shop_name"), None, "utter_start: непарная фигурная скобка"),
        ("domain.yml", replaced("utter_goodbye:\n  - text:", "utter_goodbye:\n  - txt:"), None, "utter_goodbye: нет"),
        ("rules.yml", Path.unlink, 1, "файла нет"),
        ("rules.yml", written("a: [b\n"), 2, "не читается как YAML"),
        ("rules.yml", replaced("action: action_answer", "action: action_anser"), 9, "правило «a question gets its"),
        ("rules.yml", replaced("intent: ask_policy", "intent: ask_polic"), 8, "правило «a question gets its clause»"),
    ],
)
def test_a_broken_file_of_words_is_an_error_with_its_line(
    rooms: Path, name: str, edit: Edit, line: int | None, what: str
) -> None:
    edit(rooms / "intents" / name)
    result = run_check(rooms)
    assert result.exit_code == 1
    path = rooms / "intents" / name
    (error,) = [each for each in findings(rooms) if each.is_error and each.path == path]
    assert error.what.startswith(what)
    assert line in (None, error.line)
    assert str(error) in result.stdout.splitlines()


def test_the_line_of_a_wrong_word_is_the_line_in_the_file(rooms: Path) -> None:
    path = rooms / "intents" / "nlu.yml"
    replaced("intent: unsubscribe", "intent: unsubscrib")(path)
    (error,) = [each for each in findings(rooms) if each.path == path]
    assert path.read_text(encoding="utf-8").splitlines()[error.line - 1] == "- intent: unsubscrib"


def test_two_shops_with_one_prefix_are_an_error_of_one_of_them(lavka: Path) -> None:
    small_shop(lavka.with_name("palatka"))
    errors = [each for each in findings(lavka.parent.parent) if each.is_error]
    assert [(each.path.name, each.what) for each in errors] == [("shop.yml", "префикс LAV уже занят магазином lavka")]


def test_two_policies_in_one_folder_are_an_error(lavka: Path) -> None:
    shutil.copy(lavka / "policy.txt", lavka / "policy.md")
    assert [(*found[:2], found[3]) for found in of(lavka)] == [("policy.txt", 1, True)]


def test_a_room_without_any_policy_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "intents", tmp_path / "intents")
    (tmp_path / "knowledge").mkdir()
    result = run_check(tmp_path)
    assert result.exit_code == 1
    assert "нет ни одной политики" in result.stdout


# what is worth a look


def test_a_sound_shop_gets_not_a_word(lavka: Path) -> None:
    assert of(lavka) == []
    result = run_check(lavka.parent.parent)
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("1.2. Админ", "1.3. Админ", 3, "перед пунктом 1.3 пропущены номера"),
        ("2. Адреса\n2.1.", "4. Адреса\n4.1.", 4, "после раздела 1 идёт раздел 4"),
        ("для обработки", "ТОО «_____» для обработки", 2, "в пункте 1.1 незаполненное место"),
        ("для обработки", "? для обработки", 2, "в пункте 1.1 вопросительный знак на месте тире"),
        ("для обработки", "Noteshop для обработки", 2, "в пункте 1.1 стоит название «Noteshop»"),
    ],
)
def test_what_looks_like_a_slip_is_named_and_does_not_fail(
    lavka: Path, old: str, new: str, line: int, what: str
) -> None:
    (lavka / "shop.yml").write_text(SHOP.replace('clause: "2.1", ', ""), encoding="utf-8")
    (lavka / "topics.yml").write_text("version: 1\ntopics:\n  retention: []\n", encoding="utf-8")
    replaced(old, new)(lavka / "policy.txt")
    found = [each for each in of(lavka) if "не отвечает ни на одну тему" not in each[2]]
    assert [(name, place, is_error) for name, place, _, is_error in found] == [("policy.txt", line, False)]
    assert found[0][2].startswith(what)


def test_a_clause_that_answers_no_topic_is_named(lavka: Path) -> None:
    replaced('"1.2", ', "")(lavka / "topics.yml")
    assert of(lavka) == [("policy.txt", 3, "пункт 1.2 не отвечает ни на одну тему", False)]


def test_a_shop_without_a_list_of_topics_is_told_so(lavka: Path) -> None:
    (lavka / "topics.yml").unlink()
    assert of(lavka) == [("topics.yml", 1, "файла нет: ответы ищутся по сходству", False)]


def test_a_shop_without_any_address_is_told_so(lavka: Path) -> None:
    (lavka / "shop.yml").write_text("version: 1\nname: Лавка\nprefix: LAV\n", encoding="utf-8")
    ((name, _, what, is_error),) = of(lavka)
    assert (name, is_error) == ("shop.yml", False)
    assert "некуда отправлять" in what


def test_the_shops_own_name_and_common_words_are_no_foreign_names(lavka: Path) -> None:
    (lavka / "shop.yml").write_text(SHOP.replace("Лавка", "Lavka Shop"), encoding="utf-8")
    replaced("для обработки", "Lavka Shop, Cookies, Google для обработки")(lavka / "policy.txt")
    assert of(lavka) == []


def test_one_word_that_differs_from_the_same_clause_of_another_shop_is_named_in_both(lavka: Path) -> None:
    sister = CLAUSES.replace("посетителях для", "посетительницах для")
    palatka = small_shop(lavka.with_name("palatka"), sister, SHOP.replace("LAV", "PAL"))
    assert of(lavka) == [
        ("policy.txt", 2, "в пункте 1.1 «посетителях», а в таком же пункте palatka «посетительницах»", False),
        ("policy.txt", 2, "в пункте 1.1 «посетительницах», а в таком же пункте lavka «посетителях»", False),
    ]
    assert [each.path.parent for each in findings(lavka.parent.parent)] == [lavka, palatka]


def test_a_word_that_another_shop_always_uses_is_no_slip(lavka: Path) -> None:
    small_shop(lavka.with_name("palatka"), CLAUSES.replace("посетителях", "посетительницах"), SHOP.replace("LAV", "PA"))
    assert of(lavka) == []
