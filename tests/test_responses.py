"""What the assistant says stands in intents/domain.yml: filled line by line, checked when read, all of it used."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from house_fixtures import ROOT, shops, words

from bot.register import ENDED_STATUSES, OPEN_STATUSES
from bot.responses import Button, Reply, Responses
from bot.shops import KINDS
from bot.telegram import COMMANDS
from bot.turn import SHARE_CONTACT
from index.clauses import read_policy
from index.library import policy_files
from index.training import WISHES, IntentsError

STATUSES = (*OPEN_STATUSES, *ENDED_STATUSES, "staff_asked", "staff_withdrawn")
IDENTITIES = ("typed", "telegram", "email", "none")
# What a form answers by itself, and what is no matter of rules at all.
ANSWERED_BY_THE_FORM = {"skip", "correct", "confirm_email"}
ANSWERED_BY_THE_STAFF_CHAT = {"take", "answer", "ask", "done", "refuse", "close"}
LONGEST_PAYLOAD = 64  # bytes; Telegram takes no more
NEEDED = "  utter_no_contact: [{text: не указан}]\n  utter_no_route: [{text: нет адреса}]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "domain.yml"
    path.write_text(f"responses:\n{NEEDED}{text}", encoding="utf-8")
    return path


def said(folder: Path, variants: list[dict[str, Any]], values: dict[str, Any]) -> Reply:
    path = written(folder, f"  utter_it: {json.dumps(variants, ensure_ascii=False)}\n")
    return Responses(path).render("utter_it", values)


def refused(folder: Path, text: str) -> IntentsError:
    with pytest.raises(IntentsError) as caught:
        Responses(written(folder, text))
    assert caught.value.path == folder / "domain.yml"
    assert str(caught.value) == f"{caught.value.path}:{caught.value.line}: {caught.value.what}. {caught.value.remedy}"
    return caught.value


# lines and buttons


def test_a_line_without_its_value_is_left_out(tmp_path: Path) -> None:
    text = "Обращение {number}.\nСрок: {deadline}.\nАдрес: {email}, {postal}."
    values = {"number": "PRO-1", "deadline": "", "email": "info@example.kz", "postal": None}
    assert said(tmp_path, [{"text": text}], values).text == "Обращение PRO-1."


def test_a_button_without_its_value_is_left_out(tmp_path: Path) -> None:
    buttons = [
        {"title": "Также: пункт {second}", "payload": '/show_clause{{"number":"{second}"}}'},
        {"title": "Также: пункт {third}", "payload": '/show_clause{{"number":"{third}"}}'},
        {"title": "Что можно сделать", "payload": "/list_wishes"},
    ]
    reply = said(tmp_path, [{"text": "Пункт.", "buttons": buttons}], {"second": "5.2", "third": ""})
    assert reply.buttons == (
        Button("Также: пункт 5.2", '/show_clause{"number":"5.2"}'),
        Button("Что можно сделать", "/list_wishes"),
    )


def test_all_lines_of_a_quoted_value_are_quoted(tmp_path: Path) -> None:
    values = {"number": "3.3", "text": "в том числе:\nIP адрес;\n\nвремя доступа."}
    reply = said(tmp_path, [{"text": "Пункт {number}:\n> {text}\nВот и всё."}], values)
    assert reply.text == "Пункт 3.3:\n> в том числе:\n> IP адрес;\n> время доступа.\nВот и всё."


def test_a_quotation_without_words_is_left_out_with_its_heading(tmp_path: Path) -> None:
    assert said(tmp_path, [{"text": "Жалоба.\nСлова клиента:\n> {words}"}], {"words": ""}).text == "Жалоба."


def test_two_buttons_that_do_the_same_are_one(tmp_path: Path) -> None:
    buttons = [{"title": "Также: {second}", "payload": "/a"}, {"title": "Дальше", "payload": "/a"}]
    assert said(tmp_path, [{"text": "Вот.", "buttons": buttons}], {"second": "5.3"}).buttons == (
        Button("Также: 5.3", "/a"),
    )


def test_braces_in_a_customers_words_are_only_words(tmp_path: Path) -> None:
    assert said(tmp_path, [{"text": "Подробности: {details}"}], {"details": "{number} {{}} {"}).text == (
        "Подробности: {number} {{}} {"
    )


def test_the_variant_whose_condition_holds_is_used_else_the_one_without(tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {"condition": [{"type": "slot", "name": "requested_slot", "value": "contact"}], "text": "Без контакта."},
        {"condition": [{"type": "slot", "name": "requested_slot", "value": "details"}], "text": "Без подробностей."},
        {"text": "Без ответа."},
    ]
    asked = ("contact", "details", "confirmed")
    heard = [said(tmp_path, variants, {"requested_slot": slot}).text for slot in asked]
    assert heard == ["Без контакта.", "Без подробностей.", "Без ответа."]
    assert said(tmp_path, variants, {}).text == "Без ответа."


def test_an_actions_buttons_stand_before_the_responses_own() -> None:
    given = [{"title": "Jetu.kz", "payload": '/choose_shop{{"shop":"jetu"}}'}]
    reply = words()[0].render("utter_list_wishes", {}, given)
    assert reply.buttons[0] == Button("Jetu.kz", '/choose_shop{"shop":"jetu"}')
    assert reply.buttons[1].payload == "/delete"


def test_kinds_statuses_and_missing_contacts_are_put_into_words() -> None:
    responses = words()[0]
    values = {"number": "PRO-2026-000001", "shop_name": "PROtorg.kz", "kind": "block", "status": "taken"}
    card = responses.render("utter_staff_card", {**values, "contact": "", "route": ""}).text
    expected = ("utter_kind_block", "utter_status_taken", "utter_no_contact", "utter_no_route")
    assert [name for name in expected if responses.word(name) not in card] == []


def test_of_a_domain_file_plain_json_remains() -> None:
    domain = words()[0].domain
    assert json.loads(json.dumps(domain)) == domain
    assert all(isinstance(node, dict | list | str | int) for node in _nodes(domain))


# what is refused


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("  utter_it:\n", "нет текста"),
        ("  utter_it: []\n", "нет текста"),
        ("  utter_it: [{text: ''}]\n", "нет текста"),
        ("  utter_it: [{text: 5}]\n", "нет текста"),
        ("  utter_it: [{buttons: [{title: a, payload: /b}]}]\n", "нет текста"),
        ("  utter_it: [{text: a, buttons: [{title: '', payload: /b}]}]\n", "нет текста"),
        ("  utter_it: [{text: a}, {text: 'Номер {nummer}'}]\n", "неизвестное значение {nummer}"),
        ("  utter_it: [{text: 'Номер {number'}]\n", "непарная фигурная скобка"),
        ("  utter_it: [{text: 'Номер }'}]\n", "непарная фигурная скобка"),
        ("  utter_it: [{text: a, buttons: [{title: '{nummer}', payload: /b}]}]\n", "неизвестное значение {nummer}"),
        ('  utter_it: [{text: a, buttons: [{title: b, payload: \'/c{"d":"e"}\'}]}]\n', "неизвестное значение"),
    ],
)
def test_what_could_not_be_said_is_refused_with_file_line_name_and_remedy(tmp_path: Path, text: str, what: str) -> None:
    error = refused(tmp_path, text)
    assert error.line == 4
    assert error.what.startswith(f"utter_it: {what}")
    assert error.remedy


def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert (refused(tmp_path, "  utter_it: [{text: a\n").line, refused(tmp_path, "\tutter_it: a\n").line) == (5, 4)


def test_a_response_written_twice_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "  utter_it: [{text: a}]\n  utter_it: [{text: b}]\n")
    assert (error.line, "utter_it" in error.what) == (5, True)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentsError, match=r"domain\.yml:1: файла нет"):
        Responses(tmp_path / "domain.yml")


# the project's own words


def test_every_response_is_used_and_every_used_one_is_there() -> None:
    """Names are written out in bot/ and rules.yml, or made of a family's beginning and what it is about."""
    responses, rules = words()
    forms = responses.domain["forms"].items()
    families = {
        "utter_ask_": {
            f"utter_ask_{form}_{slot}" for form, parts in forms for slot in (*parts["required_slots"], "code")
        },
        "utter_letter_": {f"utter_letter_{kind}" for kind in KINDS},
        "utter_kind_": {f"utter_kind_{kind}" for kind in KINDS},
        "utter_status_": {f"utter_status_{status}" for status in STATUSES},
        "utter_identity_": {f"utter_identity_{identity}" for identity in IDENTITIES},
        "utter_command_": {f"utter_command_{command}" for command in COMMANDS},
    }
    written_out = {name for name in _strings() if re.fullmatch("utter_[a-z_]*[a-z]", name)} - {"utter_message"}
    ruled = {step for rule in rules.rules for step in rule.steps if step.startswith("utter_")}
    used = written_out.union(ruled, *families.values())
    assert sorted(used) == sorted(responses.domain["responses"])


def test_every_button_is_answered_by_a_rule() -> None:
    responses, rules = words()
    offered = {payload for payload in _payloads("utter_") if payload != SHARE_CONTACT}
    intents = {re.split(r"[{ ]", payload.removeprefix("/"))[0] for payload in offered}
    intents -= ANSWERED_BY_THE_FORM | ANSWERED_BY_THE_STAFF_CHAT
    assert intents - set(responses.domain["intents"]) == set()
    assert [intent for intent in sorted(intents) if rules.of(intent, "") is None] == []


def test_what_the_form_answers_by_itself_is_offered_by_the_form_only() -> None:
    own = [payload for payload in _payloads("utter_") if payload.strip("/").split("{")[0] in ANSWERED_BY_THE_FORM]
    asked = [payload for payload in _payloads("utter_ask_") if payload in own]
    assert own
    assert own == asked


def test_buttons_of_the_staff_chat_are_on_staff_messages_only() -> None:
    mine = [
        payload for payload in _payloads("utter_") if payload.strip("/").split(" ")[0] in ANSWERED_BY_THE_STAFF_CHAT
    ]
    assert mine
    assert mine == list(_payloads("utter_staff_"))


def test_every_button_fits_into_telegrams_limit() -> None:
    numbers = {clause.number for path in policy_files(ROOT / "knowledge") for clause in read_policy(path).clauses}
    assert [payload for payload in _payloads("utter_", max(numbers, key=len)) if len(payload.encode()) > 64] == []
    too_long = [shop for shop in shops() if len(f'/choose_shop{{"shop":"{shop}"}}'.encode()) > LONGEST_PAYLOAD]
    assert too_long == []


def _payloads(family: str, number: str = "10.10.10") -> Iterator[str]:
    """All payloads of responses of a family, filled with the longest values there may be."""
    longest = max(WISHES, key=len)
    named = ("second", "third", "following", "section")
    chosen = {"wish": longest, "rival": "block", "kind": longest, "number": "ALU-2026-000001", "code_way": "email"}
    values = {**dict.fromkeys(named, number), **chosen}
    values |= dict.fromkeys(("new_number", "open_number"), chosen["number"])
    for name, variants in words()[0].domain["responses"].items():
        for variant in variants if name.startswith(family) else ():
            yield from (button["payload"].format_map(values) for button in variant.get("buttons", ()))


def _strings() -> Iterator[str]:
    for path in sorted((ROOT / "bot").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in [*node, *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)
