"""The deeds are rasa-sdk's: they do the same in the bot's own process and behind rasa-sdk's action server."""

# ruff: noqa: F401, F811  # a fixture is imported by its name and then asked for by it

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from house_fixtures import NOON, ROOT, Chat, Enter, enter, house, shops, words
from konfident_process import environment, furnish
from rasa_sdk.executor import ActionExecutor, ActionExecutorRunResult

from bot import actions
from bot.actions import DEEDS, TOPICS_OF_KIND, ValidateRequestForm, clause_of_kind
from bot.answers import clause_values
from bot.house import House
from bot.shops import KINDS
from index.library import Library

AIGUL = "aigul@example.kz"
Json = dict[str, Any]
_RANDOM_OR_DATED = re.compile(r"\b(?:[0-9a-f]{16}|\d\d\.\d\d\.\d{4}|[A-Z]{3}-\d{4}-\d{6})\b")
_PATIENCE = 200
_PAUSE_S = 0.1


class Recorder(ActionExecutor):
    """The bot's own door, which remembers every call and what came of it."""

    def __init__(self, own: ActionExecutor) -> None:
        super().__init__()
        self.actions = own.actions
        self.calls: list[tuple[Json, Json]] = []

    async def run(self, action_call: Json, *_: Any) -> ActionExecutorRunResult | None:
        call = json.loads(json.dumps(action_call))
        result = await super().run(action_call)
        assert result is not None
        self.calls.append((call, {"events": result.events, "responses": result.responses}))
        return result


class Server:
    """The other door: `python -m rasa_sdk --actions bot.actions`, on loopback."""

    def __init__(self, data: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "rasa_sdk", "--actions", "bot.actions", "--port", str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            command,
            cwd=ROOT,
            env=environment(data, SANIC_HOST="127.0.0.1"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until_it_answers(self) -> None:
        """Knock until somebody opens; a server that died is noticed at once."""
        for _ in range(_PATIENCE):
            with suppress(ConnectionError):
                assert self.call("/health") == {"status": "ok"}
                return
            with suppress(subprocess.TimeoutExpired):
                pytest.fail(f"the action server ended with {self._process.wait(_PAUSE_S)}")
        pytest.fail("the action server does not answer")

    def call(self, path: str, body: Json | None = None) -> Any:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            said = answer.read()
        assert answer.status == 200, said
        return json.loads(said)

    def stop(self) -> None:
        """End it with its workers; asked politely while it starts, it would take its time."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="module")
def server(library: Library, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert library.shelves  # the index is made before it is lent
    started = Server(furnish(tmp_path_factory.mktemp("server"), home))
    try:
        started.wait_until_it_answers()
        yield started
    finally:
        started.stop()


def alike(what: Any) -> Any:
    """Blank what no two runs share: a form's random id, a ticket's number, today's date, a score's last digits."""
    if isinstance(what, dict):
        return {name: alike(value) for name, value in what.items()}
    if isinstance(what, list):
        return [alike(value) for value in what]
    if isinstance(what, float):
        return round(what, 4)
    return _RANDOM_OR_DATED.sub("…", what) if isinstance(what, str) else what


async def test_both_doors_do_the_same(house: House, enter: Enter, server: Server) -> None:
    recorder = Recorder(house.dialogue._steps._executor)
    house.dialogue._steps._executor = recorder
    aigul = enter("protorg")
    await aigul.says("Сколько лет вы держите мои данные?", "Передаёте ли вы мои сведения за рубеж?")
    await aigul.says("Сотрите мой профиль навсегда", "не помню", AIGUL, "да", "мои обращения")
    assert len(aigul.tickets) == 1
    called = {call["next_action"] for call, _ in recorder.calls}
    assert called == {
        "action_answer", "action_begin_request", "validate_request_form", "action_open_ticket", "action_pass_on",
        "action_ticket_status",
    }  # fmt: skip
    for call, own in recorder.calls:
        assert alike(server.call("/webhook", call)) == alike(own), call["next_action"]


def test_the_server_offers_every_deed(server: Server) -> None:
    offered = {each["name"] for each in server.call("/actions")}
    assert offered == _deeds()


# what actions are


def test_every_deed_is_an_action_of_the_domain() -> None:
    assert _deeds() - set(words()[0].domain["actions"]) == set()


def test_every_action_of_a_rule_is_a_deed() -> None:
    named = {step for rule in words()[1].rules for step in rule.steps if step.startswith("action_")}
    assert named - _deeds() == set()


def test_actions_utter_only_responses_that_the_domain_has() -> None:
    uttered = {text for text in _strings(actions.__file__) if text.startswith("utter_")}
    assert uttered
    assert [name for name in sorted(uttered) if name not in words()[0]] == []


def test_actions_say_nothing_in_their_own_words() -> None:
    """All Russian stands in intents/domain.yml; what is left here names no response: a stop-gap phrase of two words."""
    russian = {text for text in _strings(actions.__file__) if re.search("[а-яё]", text, re.IGNORECASE)}
    assert {text for text in russian if len(text.split()) > 2} == set()


def test_actions_know_no_telegram_and_no_sql() -> None:
    text = Path(actions.__file__).read_text(encoding="utf-8")
    assert [word for word in ("aiogram", "telegram.", "sqlite", "SELECT ", "UPDATE ") if word in text] == []


def _deeds() -> set[str]:
    return {ValidateRequestForm().name(), *(deed().name() for deed in DEEDS)}


def _strings(path: str | None) -> Iterator[str]:
    """All strings of a module but its docstrings."""
    assert path is not None
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    plain = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    described = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, plain)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in described:
            yield node.value


# what actions find


@pytest.mark.parametrize(
    ("shop", "clauses"),
    [
        ("protorg", {"question": "9.3"}),
        ("allurauto", {"block": "6.2.4", "complain": "8.2", "rectify": "6.1.2", "question": "9.3"}),
        ("jetu", {"access": "4.2.1", "rectify": "4.1.2", "question": "5.9"}),
        ("proeducation", {"access": "4.2.1", "rectify": "4.1.2", "question": "5.9"}),
        ("homeshop", {"complain": "6.2", "unsubscribe": "4.3", "access": "5.2.1", "rectify": "5.1.2"}),
    ],
)
def test_a_request_quotes_the_clause_about_its_kind_or_none(house: House, shop: str, clauses: dict[str, str]) -> None:
    found = {kind: clause_of_kind(house.rooms, house.rooms.shops[shop], kind) for kind in KINDS}
    assert {kind: clause.number for kind, clause in found.items() if clause} == clauses


def test_every_topic_that_a_request_quotes_from_has_examples(house: House) -> None:
    topics = {topic for named in TOPICS_OF_KIND.values() for topic in named}
    known = house.rooms.library.shelves["protorg"].topics
    assert topics - set(known) == set()


def test_a_clause_of_an_unfinished_sentence_brings_its_items_along(house: House) -> None:
    shop, policy = house.rooms.shops["protorg"], house.rooms.library.shelves["protorg"].policy
    lines = clause_values(shop, policy, policy.by_number["3.2"])["text"].splitlines()
    assert [line.split(" ")[0] for line in lines[1:]] == ["3.2.1.", "3.2.2.", "3.2.3.", "3.2.4.", "3.2.5."]
    values = clause_values(shop, policy, policy.by_number["3.2.4"])
    assert (values["parent"], values["following"]) == ("3.2", "3.2.5")
    assert values["lead_in"] == policy.by_number["3.2"].text
    last = clause_values(shop, policy, policy.clauses[-1])
    assert (last["number"], last["following"], last["parent"]) == ("9.4", "", "")
