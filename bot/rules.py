"""intents/rules.yml -> which steps follow an intent; what the dialogue could not run is refused."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.lined_yaml import Lined
from index.training import IntentsError, load_yaml

_PARTS = {"rule", "steps", "condition"}


@dataclass(frozen=True)
class Rule:
    """`steps` are actions, responses and forms; `closes` ends the active form before they go on."""

    name: str
    intent: str
    steps: tuple[str, ...]
    in_form: str
    closes: bool


@dataclass(frozen=True)
class Rules:
    """All rules of a file."""

    rules: tuple[Rule, ...]

    def of(self, intent: str, form: str) -> Rule | None:
        """The rule of an intent; one that names the active form goes before one that names none."""
        fitting = [rule for rule in self.rules if rule.intent == intent and rule.in_form in ("", form)]
        return max(fitting, key=lambda rule: bool(rule.in_form), default=None)

    def filled(self, form: str) -> Rule:
        """What follows when all slots of a form are filled."""
        return next(rule for rule in self.rules if not rule.intent and rule.in_form == form)


def read_rules(path: Path, domain: Mapping[str, Any], responses: Collection[str]) -> Rules:
    """Read and check. Raises IntentsError with the rule's line and name."""
    document = load_yaml(path)
    known = {*responses, *domain["actions"], *domain["forms"]}
    rules = tuple(_rule(path, entry, set(domain["intents"]), known) for entry in document["rules"])
    for form in domain["forms"]:
        if not any(not rule.intent and rule.in_form == form for rule in rules):
            remedy = "Добавьте правило с condition: active_loop и без intent."
            raise IntentsError(path, 1, f"нет правила для заполненной формы {form}", remedy)
    return Rules(rules)


def _rule(path: Path, entry: Lined, intents: set[str], known: set[str]) -> Rule:
    line, name = entry.line, str(entry.get("rule", ""))
    if set(entry) - _PARTS or not name or not entry.get("steps"):
        raise IntentsError(path, line, f"правило «{name}»: лишние или пропущенные части", "Нужны rule и steps.")
    intent, closes = "", False
    steps: list[str] = []
    for step in entry["steps"]:
        ((what, value),) = step.items()
        if what == "intent" and value in intents and not intent and not steps:
            intent = str(value)
        elif what == "action" and value in known:
            steps.append(str(value))
        elif what == "active_loop" and (value is None or value in steps):
            closes = closes or value is None
        else:
            step_line = step.line
            what = f"правило «{name}»: шаг {what}: {value} выполнить нельзя"
            raise IntentsError(path, step_line, what, "Проверьте имя по intents/domain.yml.")
    condition = entry.get("condition") or [{"active_loop": ""}]
    return Rule(name, intent, tuple(steps), str(condition[0]["active_loop"]), closes)
