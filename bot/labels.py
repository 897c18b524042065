"""A labelled file (JSON lines) -> questions and messages with what is right; errors name file, line and remedy."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from index.training import INTENTS, QUESTION

OFF_TOPIC = "offtopic"
_REMEDIES = {
    "extra_forbidden": ("лишнее поле", "Уберите его или исправьте опечатку в названии."),
    "missing": ("нет этого поля", "У вопроса есть id, shop, text, gold и kind, у сообщения id, text, intent и kind."),
    "json_invalid": ("строка не читается как JSON", "Одна строка файла - один объект {…} в двойных кавычках."),
    "value_error": ("такого намерения нет", f"Известны: {', '.join((QUESTION, *INTENTS))}."),
}
_OTHERWISE = ("неверное значение", 'Текст стоит в кавычках, а номера и намерения в списке: ["5.2"].')


class LabelError(Exception):
    """A labelled file cannot be used: `path`, `line` (from 1), what and the remedy (Russian)."""

    def __init__(self, path: Path, line: int, what: str, remedy: str) -> None:
        """Keep the place and the remedy beside the message."""
        super().__init__(f"{path}:{line}: {what}. {remedy}")
        self.path, self.line, self.what, self.remedy = path, line, what, remedy


Text = Annotated[str, Field(min_length=1)]


class _Labelled(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text
    text: Text
    kind: Text
    also: tuple[Text, ...] = ()


class Question(_Labelled):
    """Asked in `shop`; `gold` are the best clauses, none for silence, `also` others that a careful reader accepts."""

    shop: Text
    gold: tuple[Text, ...]

    @property
    def accepted(self) -> frozenset[str]:
        """Numbers of all clauses that are right."""
        return frozenset((*self.gold, *self.also))


class Message(_Labelled):
    """Said with an intent; `also` are fair readings, `all` every wish of a message that holds several."""

    intent: Text
    all: tuple[Text, ...] = ()

    @field_validator("intent", "also", "all")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        named = (value,) if isinstance(value, str) else value
        if set(named) - {QUESTION, *INTENTS}:
            raise ValueError("unknown intent")
        return value

    @property
    def accepted(self) -> frozenset[str]:
        """All intents that are right."""
        return frozenset((self.intent, *self.also, *self.all))


Label = Question | Message


def read_labels(path: Path, clauses: Mapping[str, Collection[str]]) -> tuple[Label, ...]:
    """The lines of a labelled file, given the clause numbers of each shop. Raises LabelError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise LabelError(path, 1, "файл не в UTF-8", "Сохраните его в этой кодировке.") from error
    labels = tuple(_read(path, number, line) for number, line in enumerate(lines, start=1))
    if not labels:
        raise LabelError(path, 1, "файл пуст", "Впишите в него хотя бы одну строку.")
    _check_ids(path, labels)
    for number, label in enumerate(labels, start=1):
        if isinstance(label, Question):
            _check_place(path, number, label, clauses)
    return labels


def _read(path: Path, number: int, line: str) -> Label:
    shape = Question if '"gold"' in line else Message
    try:
        return shape.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        what, remedy = _REMEDIES.get(first["type"], _OTHERWISE)
        place = ".".join(map(str, first["loc"]))
        raise LabelError(path, number, f"{place}: {what}" if place else what, remedy) from error


def _check_ids(path: Path, labels: Sequence[Label]) -> None:
    lines: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        if lines.setdefault(label.id, number) != number:
            what = f"id {label.id} уже стоит в строке {lines[label.id]}"
            raise LabelError(path, number, what, "Дайте строке другой id.")


def _check_place(path: Path, number: int, question: Question, clauses: Mapping[str, Collection[str]]) -> None:
    if question.shop not in clauses:
        known = f"Известны: {', '.join(clauses)}."
        raise LabelError(path, number, f"нет магазина {question.shop}", known)
    for clause in sorted(question.accepted):
        if clause not in clauses[question.shop]:
            what = f"в политике {question.shop} нет пункта {clause}"
            raise LabelError(path, number, what, "Исправьте номер в gold или also.")
