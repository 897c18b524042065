"""Quality on a labelled file: how often the right clause, an honest silence, the right intent.

Labels are JSON lines: questions {"id","shop","text","gold","also","kind"}, messages {"id","text","intent","also",
"all","kind"}. All figures are after the door: a question that opened a form counts as missed.
"""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from index.training import WISHES

Ask = Callable[[str, str], Awaitable[dict[str, Any]]]
Row = dict[str, Any]

MAIN_WISHES = ("delete", "block", "complain", "unsubscribe")
_Z = 1.96
_OFF_TOPIC = "offtopic"


class LabelError(Exception):
    """A labelled file cannot be used; the message names file, line and what is wrong."""


def read_labels(path: Path) -> list[Row]:
    """The lines of a labelled file. Raises LabelError."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise LabelError(f"{path}:{number}: not JSON: {error.msg}") from error
        if not isinstance(row, dict) or "text" not in row or not ("gold" in row or "intent" in row):
            raise LabelError(f"{path}:{number}: needs text and gold (a question) or intent (a message)")
        rows.append(row)
    return rows


async def evaluate(rows: Sequence[Row], ask: Ask, shop: str) -> dict[str, Any]:
    """All figures; `shop` is where messages without a shop are said."""
    told = [(row, await ask(row.get("shop", shop), row["text"])) for row in rows]
    questions = [(row, said) for row, said in told if "gold" in row]
    messages = [(row, said) for row, said in told if "gold" not in row]
    figures: dict[str, Any] = {}
    if questions:
        figures["questions"] = _of_questions(questions)
        figures["questions_by_kind"] = _by_kind(questions, _of_questions)
    if messages:
        figures["intents"] = _of_intents(messages)
        figures["intents_by_kind"] = _by_kind(messages, lambda some: {"accuracy": _share(map(_right, some))})
    figures["misses"] = [_miss(row, said) for row, said in told if not _good(row, said)]
    return figures


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, JASA 22)."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z * _Z / of
    middle = share + spread / 2
    half = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def _of_questions(told: Sequence[tuple[Row, Row]]) -> dict[str, Any]:
    answerable = [(row, _shown(said)) for row, said in told if row["gold"]]
    silent = [_shown(said) for row, said in told if not row["gold"] and row["kind"] != _OFF_TOPIC]
    off_topic = [_shown(said) for row, said in told if not row["gold"] and row["kind"] == _OFF_TOPIC]
    ranks = [_rank(row, shown) for row, shown in answerable]
    return {
        "hit@1": _share(rank == 1 for rank in ranks),
        "hit@3": _share(0 < rank <= 3 for rank in ranks),  # that is the figure's name
        "strict@1": _share(bool(shown) and shown[0] in row["gold"] for row, shown in answerable),
        "mrr": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 4) if ranks else None,
        "answer recall": _share(bool(shown) for _, shown in answerable),
        "false on silent": _share(bool(shown) for shown in silent),
        "false on off topic": _share(bool(shown) for shown in off_topic),
    }


def _of_intents(told: Sequence[tuple[Row, Row]]) -> dict[str, Any]:
    asked_none = [(row, said) for row, said in told if not _labels(row) & set(WISHES)]
    wishes = [(row, said) for row, said in told if row["intent"] in WISHES]
    f1 = {intent: _f1(intent, told) for intent in sorted({row["intent"] for row, _ in told})}
    return {
        "accuracy": _share(map(_right, told)),
        "macro F1": round(sum(f1.values()) / len(f1), 4),
        "F1 of the main four": round(sum(f1.get(wish, 0.0) for wish in MAIN_WISHES) / len(MAIN_WISHES), 4),
        "forms by mistake": _share(said["outcome"] == "request" for _, said in asked_none),
        "right form at once": _share(said["outcome"] == "request" and _right((row, said)) for row, said in wishes),
        "all wishes found": _share(
            set(row["all"]) <= set(said["intents"]) for row, said in wishes if len(row.get("all", ())) > 1
        ),
        "F1": f1,
    }


def _f1(intent: str, told: Sequence[tuple[Row, Row]]) -> float:
    """A reading that `also` or `all` allows counts as the label itself."""
    pairs = [(row["intent"], row["intent"] if _right((row, said)) else said["intent"]) for row, said in told]
    both = sum(label == intent == read for label, read in pairs)
    either = sum(label == intent for label, _ in pairs) + sum(read == intent for _, read in pairs)
    return round(2 * both / either, 4) if either else 0.0


def _by_kind(told: Sequence[tuple[Row, Row]], figures: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    kinds = sorted({row["kind"] for row, _ in told})
    return {kind: figures([each for each in told if each[0]["kind"] == kind]) for kind in kinds}


def _share(outcomes: Any) -> dict[str, Any]:
    values = [bool(outcome) for outcome in outcomes]
    low, high = interval(sum(values), len(values))
    share = round(sum(values) / len(values), 4) if values else None
    return {"share": share, "low": round(low, 4), "high": round(high, 4), "of": len(values)}


def _shown(said: Row) -> list[str]:
    return [clause["number"] for clause in said["clauses"]] if said["outcome"] == "clauses" else []


def _rank(row: Row, shown: Sequence[str]) -> int:
    """Place of the first accepted clause, from 1; 0 when there is none."""
    accepted = {*row["gold"], *row.get("also", ())}
    return next((place for place, number in enumerate(shown, start=1) if number in accepted), 0)


def _labels(row: Row) -> set[str]:
    return {row["intent"], *row.get("also", ()), *row.get("all", ())}


def _right(told: tuple[Row, Row]) -> bool:
    row, said = told
    return said["intent"] in _labels(row)


def _good(row: Row, said: Row) -> bool:
    if "gold" not in row:
        return _right((row, said))
    return _rank(row, _shown(said)) == 1 if row["gold"] else not _shown(said)


def _miss(row: Row, said: Row) -> Row:
    wanted = {"gold": row["gold"], "also": row.get("also", [])} if "gold" in row else {"wanted": sorted(_labels(row))}
    got = {"intent": said["intent"], "outcome": said["outcome"], "clauses": _shown(said)}
    return {"id": row.get("id"), "kind": row["kind"], "text": row["text"], **wanted, **got}


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text, shares with their 95 % intervals, the misses last."""
    lines: list[str] = []
    for part, values in figures.items():
        if part == "misses":
            lines += ["", f"misses ({len(values)}):"]
            lines += [f"  {miss['id']} [{miss['kind']}] {miss['text'][:100]} -> {_short(miss)}" for miss in values]
        elif part.endswith("_by_kind"):
            lines += ["", part.replace("_", " ") + ":"]
            lines += [f"  {kind:12} {_row_of(shares)}" for kind, shares in values.items()]
        else:
            lines += ["", f"{part}:"]
            lines += [f"  {name:22} {_figure(value)}" for name, value in values.items()]
    return "\n".join(lines).strip("\n")


def _short(miss: Row) -> str:
    wanted = miss.get("gold", miss.get("wanted"))
    return f"{miss['intent']} {miss['outcome']} {miss['clauses']}, wanted {wanted}"


def _row_of(shares: Mapping[str, Any]) -> str:
    counted = {name: value for name, value in shares.items() if isinstance(value, dict) and value.get("of")}
    return "  ".join(f"{name} {value['share']:.3f} of {value['of']}" for name, value in counted.items())


def _figure(value: Any) -> str:
    if isinstance(value, dict) and "share" in value:
        share = "-" if value["share"] is None else f"{value['share']:.3f}"
        return f"{share}  [{value['low']:.3f}, {value['high']:.3f}] of {value['of']}"
    if isinstance(value, dict):
        return "  ".join(f"{name} {each:.2f}" for name, each in value.items())
    return "-" if value is None else f"{value:.3f}"
