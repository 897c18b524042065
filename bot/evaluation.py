"""The figures: how often the right clause, an honest silence, the right intent; each share with its 95 % interval.

All are after the door: a question that opened a form or was taken for talk counts as missed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.labels import OFF_TOPIC, Label, Message, Question
from index.training import WISHES

MAIN_WISHES = ("delete", "block", "complain", "unsubscribe")
RECALLS = (80, 85, 90, 95)  # per cent of the answerable questions
_Z = 1.96


@dataclass(frozen=True)
class Said:
    """What a system made of a message: the best intent and others, the outcome, the clauses shown, best first.

    `doubt` orders questions from surely answerable to surely not; what no gate would answer is infinitely doubtful.
    """

    intent: str
    outcome: str
    clauses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    doubt: float = math.inf


Asked = Sequence[tuple[Question, Said]]
Told = Sequence[tuple[Message, Said]]
Figures = dict[str, Any]


def evaluate(labels: Sequence[Label], said: Sequence[Said]) -> Figures:
    """All figures of what was `said` to each label; parts without labels are left out."""
    pairs = list(zip(labels, said, strict=True))
    asked = [(label, each) for label, each in pairs if isinstance(label, Question)]
    told = [(label, each) for label, each in pairs if isinstance(label, Message)]
    figures: Figures = {}
    if asked:
        figures["questions"] = _of_questions(asked)
        figures["curve"] = _curve(asked)
        figures["questions_by_kind"] = _by_kind(asked, _of_questions)
    if told:
        figures["intents"] = _of_intents(told)
        figures["intents_by_kind"] = _by_kind(told, lambda some: {"accuracy": share(map(_right, some))})
    figures["misses"] = [_miss(label, each) for label, each in pairs if not _good(label, each)]
    return figures


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, JASA 22)."""
    if not of:
        return 0.0, 1.0
    part, spread = hits / of, _Z * _Z / of
    middle = part + spread / 2
    half = _Z * math.sqrt(part * (1 - part) / of + spread / (4 * of))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def share(outcomes: Iterable[bool]) -> Figures:
    """How many of how many, as a share with its interval; the share of none is None."""
    values = list(outcomes)
    low, high = interval(sum(values), len(values))
    part = round(sum(values) / len(values), 4) if values else None
    return {"share": part, "low": round(low, 4), "high": round(high, 4), "of": len(values)}


# questions


def _of_questions(asked: Asked) -> Figures:
    answerable, silent, off_topic = _sorts(asked)
    ranks = [_rank(question, said) for question, said in answerable]
    return {
        "hit@1": share(rank == 1 for rank in ranks),
        "hit@3": share(0 < rank <= 3 for rank in ranks),  # that is the figure's name
        "strict@1": share(bool(_shown(said)) and _shown(said)[0] in question.gold for question, said in answerable),
        "mrr": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 4) if ranks else None,
        "answer recall": share(bool(_shown(said)) for _, said in answerable),
        "false on silent": share(bool(_shown(said)) for _, said in silent),
        "false on off topic": share(bool(_shown(said)) for _, said in off_topic),
    }


def _curve(asked: Asked) -> Figures:
    """False answers where a gate on `doubt` alone lets so many per cent of the answerable through."""
    answerable, silent, off_topic = ([said.doubt for _, said in some] for some in _sorts(asked))
    curve: Figures = {}
    for recall in RECALLS:
        needed = -(-recall * len(answerable) // 100)
        gate = sorted(answerable)[needed - 1] if answerable else math.inf
        reached = gate < math.inf
        curve[f"{recall} %"] = {
            "false on silent": share(doubt <= gate for doubt in silent) if reached else None,
            "false on off topic": share(doubt <= gate for doubt in off_topic) if reached else None,
        }
    return curve


def _sorts(asked: Asked) -> tuple[Asked, Asked, Asked]:
    """The answerable, those on which the policy is silent, those off topic."""
    answerable = [(question, said) for question, said in asked if question.gold]
    rest = [(question, said) for question, said in asked if not question.gold]
    silent = [each for each in rest if each[0].kind != OFF_TOPIC]
    return answerable, silent, [each for each in rest if each[0].kind == OFF_TOPIC]


def _shown(said: Said) -> tuple[str, ...]:
    return said.clauses if said.outcome == "clauses" else ()


def _rank(question: Question, said: Said) -> int:
    """Place of the first accepted clause, from 1; 0 when there is none."""
    return next((place for place, number in enumerate(_shown(said), start=1) if number in question.accepted), 0)


# messages


def _of_intents(told: Told) -> Figures:
    asked_none = [said for message, said in told if not message.accepted & set(WISHES)]
    wishes = [(message, said) for message, said in told if message.intent in WISHES]
    f1 = {intent: _f1(intent, told) for intent in sorted({message.intent for message, _ in told})}
    return {
        "accuracy": share(map(_right, told)),
        "macro F1": round(sum(f1.values()) / len(f1), 4),
        "F1 of the main four": round(sum(f1.get(wish, 0.0) for wish in MAIN_WISHES) / len(MAIN_WISHES), 4),
        "forms by mistake": share(said.outcome == "request" for said in asked_none),
        "right form at once": share(said.outcome == "request" and _right((message, said)) for message, said in wishes),
        "all wishes found": share(
            set(message.all) <= {said.intent, *said.others} for message, said in wishes if len(message.all) > 1
        ),
        "F1": f1,
    }


def _f1(intent: str, told: Told) -> float:
    """A reading that `also` or `all` allows counts as the label itself."""
    pairs = [(message.intent, message.intent if _right((message, said)) else said.intent) for message, said in told]
    both = sum(label == intent == read for label, read in pairs)
    either = sum(label == intent for label, _ in pairs) + sum(read == intent for _, read in pairs)
    return round(2 * both / either, 4) if either else 0.0


def _right(told: tuple[Message, Said]) -> bool:
    message, said = told
    return said.intent in message.accepted


# both


def _by_kind(pairs: Sequence[tuple[Any, Said]], figures: Callable[[Any], Figures]) -> Figures:
    kinds = sorted({label.kind for label, _ in pairs})
    return {kind: figures([each for each in pairs if each[0].kind == kind]) for kind in kinds}


def _good(label: Label, said: Said) -> bool:
    if isinstance(label, Message):
        return _right((label, said))
    return _rank(label, said) == 1 if label.gold else not _shown(said)


def _miss(label: Label, said: Said) -> Figures:
    if isinstance(label, Question):
        wanted: Figures = {"gold": list(label.gold), "also": list(label.also)}
    else:
        wanted = {"wanted": sorted(label.accepted)}
    got = {"intent": said.intent, "outcome": said.outcome, "clauses": list(_shown(said))}
    return {"id": label.id, "kind": label.kind, "text": label.text, **wanted, **got}
