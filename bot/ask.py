"""One message as the first of a chat: what `konfident ask` prints and `konfident eval` measures."""

import time
from typing import Any

from bot.dialogue import Dialogue
from bot.turn import Incoming, Turn


async def first_turn(dialogue: Dialogue, shop: str, text: str) -> Turn:
    """The turn that a new chat in that shop would get; nothing is kept of it."""
    state = {"greeted": True, "slots": {"shop": shop}}
    return await dialogue.handle("ask", state, Incoming(text=text))


async def answer(dialogue: Dialogue, shop: str, text: str) -> dict[str, Any]:
    """The machine-readable answer: intents, outcome, clauses, milliseconds."""
    started = time.perf_counter()
    turn = await first_turn(dialogue, shop, text)
    reading = turn.reading
    return {
        "shop": shop,
        "intent": reading.best if reading else "",
        "intents": list(reading.intents) if reading else [],
        "confidence": round(reading.confidence, 4) if reading else 0.0,
        "outcome": turn.outcome,
        "clauses": [{**clause, "score": round(clause["score"], 4)} for clause in turn.clauses[:3]],
        "ms": round((time.perf_counter() - started) * 1000, 2),
    }
