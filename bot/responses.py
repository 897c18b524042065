"""intents/domain.yml -> what the customer reads: the one place where names of responses become words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from index.training import IntentsError, load_yaml

# What a response may name in braces.
_VALUES = frozenset((
    "about", "add_title", "code_way", "contact", "contact_clause", "contact_shown", "days", "deadline",
    "deadline_clause", "deadline_of_shop", "details", "edition", "email", "files_count", "following", "heading",
    "identity_title", "kind", "kind_title", "lead_in", "new_number", "number", "open_number", "overdue_since",
    "parent", "postal", "rival", "rival_title", "route", "route_shown", "second", "section", "sections", "shop_name",
    "status_title", "text", "third", "updated", "wish", "wish_title", "words",
))  # fmt: skip
_TITLES = {
    "kind_title": "kind",
    "wish_title": "kind",
    "rival_title": "kind",
    "status_title": "status",
    "identity_title": "identity",
}
_SHOWN = {
    "contact_shown": "utter_no_contact",
    "route_shown": "utter_no_route",
    "add_title": "utter_button_add",
    "take_back_title": "utter_button_take_back",
    "reopen_title": "utter_button_reopen",
}


@dataclass(frozen=True)
class Button:
    """A choice; `payload` is "/intent" with entities as JSON behind it."""

    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """A message to a person; lines that begin with "> " are a quotation, `enclosed` names a paper that goes with it."""

    text: str
    buttons: tuple[Button, ...] = ()
    enclosed: str = ""


class Responses:
    """All responses of a domain file."""

    def __init__(self, path: Path) -> None:
        """Read and check the file. Raises IntentsError."""
        self.domain: dict[str, Any] = load_yaml(path)
        for name, variants in (self.domain.get("responses") or {}).items():
            line = self.domain["responses"].lines[name]
            variant: Mapping[str, Any]
            for variant in variants or ({},):
                _check(path, line, name, variant)
        self._responses: Mapping[str, list[dict[str, Any]]] = self.domain["responses"]
        every = (variant for variants in self._responses.values() for variant in variants)
        buttons = [button for variant in every for button in variant.get("buttons", ())]
        self._payloads: dict[str, str] = {}
        for button in buttons:
            spoken = button["payload"].partition("{")[0] if _names(button["payload"]) else button["payload"].format()
            if not _names(button["title"]) and not spoken.endswith(" "):  # the staff's buttons are tapped only
                self._payloads.setdefault(button["title"].casefold(), spoken)

    def __contains__(self, name: str) -> bool:
        """True for a response of the file."""
        return name in self._responses

    def word(self, name: str) -> str:
        """A response that stands inside other sentences."""
        return str(self._responses[name][0]["text"])

    def payload_of(self, title: str) -> str:
        """What a button with this title stands for, in any case and wherever it was shown; "" when there is none."""
        return self._payloads.get(title.casefold(), "")

    def render(self, name: str, values: Mapping[str, Any], buttons: Iterable[Mapping[str, str]] = ()) -> Reply:
        """Fill a response; lines and buttons with an empty value are left out. `buttons` go before its own."""
        variant = next(found for found in self._responses[name] if _holds(found.get("condition", ()), values))
        filled = {**values, **self._titles(values)}
        text = "\n".join(_lines(variant["text"].splitlines(), filled))
        own = [_button(button, filled) for button in (*buttons, *variant.get("buttons", ()))]
        by_payload: dict[str, Button] = {}
        for button in own:
            if button is not None:
                by_payload.setdefault(button.payload, button)
        return Reply(text, tuple(by_payload.values()))

    def _titles(self, values: Mapping[str, Any]) -> dict[str, str]:
        """«удаление данных» for the kind "delete", «не указан» for an empty contact."""
        titles = {
            title: self.word(f"utter_{group}_{values[title.removesuffix('_title')]}")
            for title, group in _TITLES.items()
            if values.get(title.removesuffix("_title"))
        }
        shown = {
            key: values.get(key.removesuffix("_shown")) or self.word(name)
            for key, name in _SHOWN.items()
            if name in self
        }
        return {**titles, **shown}


def _lines(lines: Iterable[str], values: Mapping[str, Any]) -> list[str]:
    """The lines that have something to say; a heading («Подробности:») goes with the quotation below it."""
    kept: list[str] = []
    for line in lines:
        filled = _line(line, values)
        if filled is not None:
            kept.append(filled)
        elif line.startswith("> ") and kept and kept[-1].endswith(":"):
            kept.pop()
    return kept


def _line(line: str, values: Mapping[str, Any]) -> str | None:
    names = _names(line)
    if any(values.get(name) in (None, "") for name in names):
        return None
    if line.startswith("> "):
        filled = line[2:].format_map(values)
        return "\n".join(f"> {each}" for each in filled.splitlines() if each.strip())
    return line.format_map(values)


def _button(button: Mapping[str, str], values: Mapping[str, Any]) -> Button | None:
    title, payload = _line(button["title"], values), _line(button["payload"], values)
    return Button(title, payload) if title and payload else None


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _holds(condition: Iterable[Mapping[str, Any]], values: Mapping[str, Any]) -> bool:
    return all(values.get(each["name"]) == each["value"] for each in condition)


def _check(path: Path, line: int, name: str, variant: Mapping[str, Any]) -> None:
    """A response the program could not say is refused here, not in front of a customer."""
    texts = [variant.get("text"), *(part for button in variant.get("buttons", ()) for part in button.values())]
    if not all(isinstance(text, str) and text for text in texts):
        raise IntentsError(path, line, f"{name}: нет текста", "Заполните text, а у кнопок title и payload.")
    try:
        unknown = set().union(*map(_names, texts)) - _VALUES
    except ValueError as error:
        remedy = "Скобки ставьте парами; в payload пишите их дважды: {{ и }}."
        raise IntentsError(path, line, f"{name}: непарная фигурная скобка", remedy) from error
    if unknown:
        remedy = f"Можно: {', '.join(sorted(_VALUES))}."
        raise IntentsError(path, line, f"{name}: неизвестное значение {{{min(unknown)}}}", remedy)
