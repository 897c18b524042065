"""Labelled texts, each said as the first message of a chat, to the program and, where wanted, to the baselines."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from math import inf

from bot.ask import first_turn
from bot.evaluation import Figures, Said, evaluate
from bot.house import House
from bot.labels import Label, Question
from index.encoder import load_encoder
from index.packaged_model import Progress
from index.recognizer import Reading
from index.training import OUT_OF_SCOPE, read_training


def measure(house: House, labels: Sequence[Label]) -> Figures:
    """The program's own figures."""
    return evaluate(labels, asyncio.run(_all_said(house, _asked(house, labels))))


def measure_baselines(house: House, labels: Sequence[Label], progress: Callable[[str], Progress]) -> dict[str, Figures]:
    """The baselines' figures by name; clause finders are asked the questions only."""
    from bot.baselines import FINDERS, baselines

    settings = house.settings
    encoder = load_encoder(settings.embedding_model, settings.data_dir, progress("model"))
    training = read_training(settings.intents_dir)
    systems = baselines(house.rooms.library.shelves, training, encoder, settings.data_dir, progress)
    figures = {}
    for name, system in systems.items():
        heard = [label for label in labels if isinstance(label, Question) or name not in FINDERS]
        figures[name] = evaluate(heard, [system(shop, text) for shop, text in _asked(house, heard)])
    return figures


def _asked(house: House, labels: Iterable[Label]) -> list[tuple[str, str]]:
    """Each label's shop and text; messages are said in the first shop."""
    first = next(iter(house.rooms.shops))
    return [(label.shop if isinstance(label, Question) else first, label.text) for label in labels]


async def _all_said(house: House, texts: Iterable[tuple[str, str]]) -> list[Said]:
    return [await _said(house, shop, text) for shop, text in texts]


async def _said(house: House, shop: str, text: str) -> Said:
    turn = await first_turn(house.dialogue, shop, text)
    reading = turn.reading
    if reading is None:  # nothing but punctuation
        return Said("", turn.outcome)
    clauses = tuple(clause["number"] for clause in turn.clauses)
    answers = turn.outcome in ("clauses", "silent", "offtopic")
    doubt = _doubt(house, shop, reading, found=bool(clauses)) if answers else inf
    return Said(reading.best, turn.outcome, clauses, reading.others, doubt)


def _doubt(house: House, shop: str, reading: Reading, *, found: bool) -> float:
    """The library's; a number is there or it is not."""
    if reading.names_clause:
        return -inf if found else inf
    off_topic = reading.probabilities.get(OUT_OF_SCOPE, 0.0)
    return house.rooms.library.doubt(shop, reading.text, reading.topics, off_topic)
