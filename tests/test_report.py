"""What owners are shown: questions worth an answer in the policy, and the register of requests."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import clerk
import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.register import Draft
from bot.report import answered_questions, as_list, as_text
from bot.tickets import Tickets

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
QUESTION = Draft(
    shop="protorg",
    prefix="PRO",
    kind="question",
    chat="tg:7",
    form="1",
    contact="+77011234567",
    identity="typed",
    words="=HYPERLINK(1)",
    details="Храните ли вы записи звонков?",
    clause="9.3",
    clause_text="Контакты",
    edition="23 апреля 2020 г.",
    route="info@protorg.kz",
    route_source="9.3",
    deadline=date(2026, 12, 21),
    deadline_source="shop.yml",
)


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tickets]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KNOWLEDGE_DIR", str(ROOT / "knowledge"))
    monkeypatch.setenv("INTENTS_DIR", str(ROOT / "intents"))
    opened = Tickets(tmp_path / "konfident.db")
    yield opened
    opened.close()


def konfident(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def answered(tickets: Tickets) -> str:
    number = tickets.open(QUESTION, NOON)[0].number
    tickets.open(replace(QUESTION, form="2", kind="delete"), NOON)
    tickets.open(replace(QUESTION, form="3", details="Без ответа?"), NOON)
    clerk.answer(tickets, number, "Нет, звонки мы\nне записываем.", NOON + timedelta(days=1))
    return number


@pytest.mark.usefixtures("answered")
def test_a_question_is_reported_with_the_shops_answer() -> None:
    said = konfident("report")
    assert said.startswith("PROtorg.kz: вопросы клиентов, на которые политика не отвечает")
    assert "PRO-2026-000001, 21.11.2026\n  Вопрос: Храните ли вы записи звонков?" in said
    assert "Ответ (22.11.2026): Нет, звонки мы не записываем." in said
    assert "Без ответа?" not in said


def test_the_report_is_json_when_asked(answered: str) -> None:
    (row,) = json.loads(konfident("report", "--json"))
    assert row == {
        "shop": "protorg",
        "number": answered,
        "asked": "2026-11-21",
        "question": "Храните ли вы записи звонков?",
        "answers": [{"date": "2026-11-22", "text": "Нет, звонки мы\nне записываем."}],
    }
    assert json.loads(konfident("report", "--json", "--shop", "jetu")) == []


def test_without_answers_the_report_says_so(tickets: Tickets) -> None:
    assert as_text(answered_questions(tickets), {}).strip() == "Отвеченных вопросов пока нет."
    assert as_list([]) == []


def rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(konfident("tickets", "export", *arguments).splitlines()))


def test_the_register_has_dates_and_outcome_and_nothing_personal(answered: str, tickets: Tickets) -> None:
    clerk.close(tickets, answered, NOON + timedelta(days=2))
    first = rows()[0]
    assert (first["status"], first["opened"], first["ended"]) == (
        "closed",
        "2026-11-21T07:00:00+00:00",
        "2026-11-23T07:00:00+00:00",
    )
    assert (first["deadline"], first["clause"], first["edition"]) == ("2026-12-21", "9.3", "23 апреля 2020 г.")
    assert rows()[1]["ended"] == ""
    told = konfident("tickets", "export")
    assert [word for word in ("7701", "tg:7", "записи", "HYPERLINK") if word in told] == []


@pytest.mark.usefixtures("answered")
def test_the_register_with_names_runs_nothing_in_a_spreadsheet() -> None:
    first = rows("--personal")[0]
    assert (first["contact"], first["words"]) == ("+77011234567", "'=HYPERLINK(1)")


@pytest.mark.usefixtures("tickets")
def test_an_empty_register_has_its_heading() -> None:
    assert konfident("tickets", "export").startswith("number,shop,kind,status,opened")
