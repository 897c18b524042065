"""intents/rules.yml says what follows each intent; a rule that could not be followed is refused when it is read."""

from pathlib import Path

import pytest
from house_fixtures import words

from bot.rules import Rule, Rules, read_rules
from index.training import INTENTS, QUESTION, WISHES, IntentsError

DOMAIN = {"intents": ["delete", "cancel", "greet"], "actions": ["action_begin"], "forms": {"request_form": {}}}
FILLED = """version: "3.1"
rules:
- rule: a filled request becomes a ticket
  condition:
  - active_loop: request_form
  steps:
  - action: request_form
  - active_loop: null
  - action: action_begin
"""


def read(folder: Path, text: str) -> Rules:
    path = folder / "rules.yml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path, DOMAIN, ["utter_greet"])


def refused(folder: Path, text: str) -> IntentsError:
    with pytest.raises(IntentsError) as caught:
        read(folder, text)
    assert caught.value.path == folder / "rules.yml"
    return caught.value


# what is read


def test_a_rule_is_an_intent_and_the_steps_that_follow_it(tmp_path: Path) -> None:
    text = "- rule: delete opens a request\n  steps:\n  - intent: delete\n  - action: action_begin\n"
    rules = read(tmp_path, f"{FILLED}{text}  - action: request_form\n  - active_loop: request_form\n")
    steps = ("action_begin", "request_form")
    assert rules.of("delete", "") == Rule("delete opens a request", "delete", steps, in_form="", closes=False)


def test_the_rule_of_the_open_form_goes_before_the_one_of_none(tmp_path: Path) -> None:
    text = """
- rule: nothing to cancel
  steps:
  - intent: cancel
  - action: utter_greet
- rule: a request is dropped
  condition:
  - active_loop: request_form
  steps:
  - intent: cancel
  - action: action_begin
  - active_loop: null
"""
    rules = read(tmp_path, FILLED + text)
    dropped, nothing = rules.of("cancel", "request_form"), rules.of("cancel", "")
    assert (dropped and dropped.name, dropped and dropped.closes) == ("a request is dropped", True)
    assert (nothing and nothing.name, nothing and nothing.closes) == ("nothing to cancel", False)


def test_a_rule_that_names_no_form_holds_in_a_form_too(tmp_path: Path) -> None:
    rules = read(tmp_path, f"{FILLED}- rule: greeting\n  steps:\n  - intent: greet\n  - action: utter_greet\n")
    assert rules.of("greet", "request_form") == rules.of("greet", "")
    assert rules.of("delete", "") is None


def test_the_rule_without_an_intent_follows_a_filled_form(tmp_path: Path) -> None:
    rules = read(tmp_path, FILLED)
    assert rules.filled("request_form").steps == ("request_form", "action_begin")


# what is refused


@pytest.mark.parametrize(
    ("rule", "line", "what"),
    [
        ("- rule: greeting\n  steps:\n  - intent: hello\n  - action: utter_greet\n", 12, "шаг intent: hello"),
        ("- rule: greeting\n  steps:\n  - intent: greet\n  - action: utter_hello\n", 13, "шаг action: utter_hello"),
        ("- rule: greeting\n  steps:\n  - action: utter_greet\n  - intent: greet\n", 13, "шаг intent: greet"),
        ("- rule: greeting\n  steps:\n  - intent: greet\n  - intent: cancel\n", 13, "шаг intent: cancel"),
        ("- rule: greeting\n  steps:\n  - intent: greet\n  - active_loop: other_form\n", 13, "шаг active_loop: other"),
        ("- rule: greeting\n  steps:\n  - intent: greet\n  - slot_was_set: [{shop: a}]\n", 13, "шаг slot_was_set"),
        ("- rule: greeting\n  steps: []\n", 10, "лишние или пропущенные части"),
        ("- rule: greeting\n", 10, "лишние или пропущенные части"),
        ("- rule: greeting\n  wait_for_user_input: no\n  steps:\n  - intent: greet\n", 10, "лишние или пропущенные"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_with_file_line_name_and_remedy(
    tmp_path: Path, rule: str, line: int, what: str
) -> None:
    error = refused(tmp_path, FILLED + rule)
    assert error.line == line
    assert "«greeting»" in error.what
    assert what in error.what
    assert error.remedy
    assert str(error) == f"{tmp_path / 'rules.yml'}:{line}: {error.what}. {error.remedy}"


def test_a_rule_without_a_name_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, f"{FILLED}- steps:\n  - intent: greet\n  - action: utter_greet\n")
    assert (error.line, bool(error.remedy)) == (10, True)


def test_a_form_that_nothing_follows_is_refused(tmp_path: Path) -> None:
    text = "rules:\n- rule: greeting\n  steps:\n  - intent: greet\n  - action: utter_greet\n"
    error = refused(tmp_path, text)
    assert "request_form" in error.what
    assert "active_loop" in error.remedy


def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{FILLED}- rule: [\n").line == 11


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentsError, match=r"rules\.yml:1: файла нет"):
        read_rules(tmp_path / "rules.yml", DOMAIN, [])


# the project's own rules


@pytest.mark.parametrize("intent", [*INTENTS, QUESTION])
def test_every_intent_that_is_recognised_has_a_rule(intent: str) -> None:
    assert intent in words()[0].domain["intents"]
    assert words()[1].of(intent, "") is not None
    assert words()[1].of(intent, "request_form") is not None


def test_every_step_of_every_rule_exists() -> None:
    responses, rules = words()
    domain = responses.domain
    known = {*domain["actions"], *domain["forms"], *domain["responses"]}
    assert [(rule.name, step) for rule in rules.rules for step in rule.steps if step not in known] == []


def test_every_rule_does_something_and_has_a_name_of_its_own() -> None:
    rules = words()[1].rules
    assert [rule.name for rule in rules if not rule.steps] == []
    assert len({rule.name for rule in rules}) == len(rules)


def test_no_two_rules_speak_of_the_same() -> None:
    places = [(rule.intent, rule.in_form) for rule in words()[1].rules]
    assert sorted(places) == sorted(set(places))


@pytest.mark.parametrize("wish", [*WISHES, "question"])
def test_every_wish_opens_the_request_form(wish: str) -> None:
    rule = words()[1].of(wish, "")
    assert rule is not None
    assert (rule.steps, rule.closes) == (("action_begin_request", "request_form"), False)


def test_a_ticket_is_opened_by_the_filled_form_only() -> None:
    opening = [rule for rule in words()[1].rules if "action_open_ticket" in rule.steps]
    assert opening == [words()[1].filled("request_form")]
