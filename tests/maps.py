"""`python -m tests.maps FOLDER`: the proposals of `konfident check` beside what careful readers found (map.yml).

FOLDER is a knowledge folder; shops without a map.yml are left out, and nothing is printed where all are.
"""
# ruff: noqa: T201  # its work is to print a table

import sys
from pathlib import Path

from bot.evaluation import share
from bot.house import House
from bot.proposed import SURELY_ANSWERED, SURELY_SILENT
from bot.settings import read_settings
from index.library import Library
from index.topics import read_topics

_HALF = 0.5


def main(folder: Path) -> None:
    """Print, over all mapped shops, how often the proposal is right."""
    house = House(read_settings(knowledge_dir=folder), lambda _what: lambda _done, _total: None)
    library = house.rooms.library
    rows = [row for path in sorted(folder.glob("*/map.yml")) for row in _rows(library, path)]
    if not rows:
        return
    _print("spoken of or not, told right", [(sure >= _HALF) == bool(found) for sure, found, _ in rows])
    _print("«уверенно» that it is spoken of", [bool(found) for sure, found, _ in rows if sure >= SURELY_ANSWERED])
    _print("«уверенно» that it is not", [not found for sure, found, _ in rows if sure <= SURELY_SILENT])
    _print("the first clause proposed is one of the readers'", [best in found for _, found, best in rows if found])


def _rows(library: Library, path: Path) -> list[tuple[float, tuple[str, ...], str]]:
    """Of each topic that the readers looked for: how surely it is covered, their clauses, and the program's first."""
    shelf = library.shelves[path.parent.name]
    found = read_topics(path, shelf.policy, library.about)
    best = [shelf.policy.clauses[row].number for row in shelf.weights.argmax(axis=1)]
    covered = (1 - shelf.uncovered).tolist()
    proposed = zip(shelf.topics, covered, best, strict=True)
    return [(sure, found[topic], first) for topic, sure, first in proposed if topic in found]


def _print(what: str, outcomes: list[bool]) -> None:
    figure = share(outcomes)
    print(f"{what:50} {figure['share']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}], of {figure['of']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
