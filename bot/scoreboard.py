"""The figures as a table: one column a system, one row a figure, shares with their 95 % intervals; the misses last."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.evaluation import Figures

OWN = "konfident"
_NAME, _COLUMN = 34, 22
_TITLES = {
    "questions": "questions",
    "curve": "false answers at a gate that lets so many of the answerable questions through",
    "intents": "intents",
}


def table(figures: Figures, baselines: Mapping[str, Figures]) -> str:
    """Lines of text; `figures` are our own, with kinds and misses, the baselines' stand beside them."""
    systems = {OWN: figures, **baselines}
    lines: list[str] = []
    for part, title in _TITLES.items():
        lines += _part(title, {name: _flat(each[part]) for name, each in systems.items() if part in each})
        lines += _kinds(part, figures.get(f"{part}_by_kind", {}))
    lines += ["", f"misses ({len(figures['misses'])}):", *map(_miss, figures["misses"])]
    return "\n".join(lines).strip("\n")


def _flat(values: Figures) -> Figures:
    """Figures by name; a curve's «80 %» and «false on silent» become one name, F1 of each intent a row of its own."""
    flat: Figures = {}
    for name, value in values.items():
        if isinstance(value, dict) and "share" not in value:
            flat |= {f"{name} {inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _part(title: str, columns: Mapping[str, Figures]) -> Iterator[str]:
    if not columns:
        return
    yield from ("", title)
    yield _row("", columns)
    for name, value in columns.get(OWN, {}).items():
        counted = f"{name}, of {value['of']}" if isinstance(value, dict) else name
        yield _row(counted, (_cell(column.get(name)) for column in columns.values()))


def _row(name: str, cells: Iterable[str]) -> str:
    return f"  {name:{_NAME}}{''.join(f'{cell:{_COLUMN}}' for cell in cells)}".rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return "-" if value["share"] is None else f"{value['share']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
    return "-" if value is None else f"{value:.3f}"


def _kinds(part: str, kinds: Mapping[str, Figures]) -> Iterator[str]:
    """Our own figures, kind by kind."""
    if kinds:
        yield from ("", f"{part} by kind, {OWN}")
    for kind, figures in kinds.items():
        counted = {name: value for name, value in figures.items() if isinstance(value, dict) and value["of"]}
        of = max(value["of"] for value in counted.values())
        shares = "  ".join(f"{name} {value['share']:.3f}" for name, value in counted.items())
        yield _row(f"{kind}, {of}", (shares,))


def _miss(miss: Mapping[str, Any]) -> str:
    wanted = miss.get("gold", miss.get("wanted"))
    got = f"{miss['intent']} {miss['outcome']} {miss['clauses']}"
    return f"  {miss['id']} [{miss['kind']}] {miss['text'][:100]} -> {got}, wanted {wanted}"
