"""YAML whose mappings know their lines, read as YAML 1.2 reads it: «no» and «on» are words."""

import re
from pathlib import Path
from typing import Any

import yaml


class YamlError(Exception):
    """A file is no YAML: `line` (from 1) and what is wrong (Russian)."""

    def __init__(self, line: int, what: str) -> None:
        """Keep the place beside the message."""
        super().__init__(what)
        self.line, self.what = line, what


class Lined(dict[str, Any]):
    """A mapping; `line` is its own, `lines` those of its keys (from 1)."""

    def __init__(self, line: int) -> None:
        """Begin without keys."""
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml, where it was built in
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way; filled below


# The core schema, https://yaml.org/spec/1.2.2/#103-core-schema, without octal and hexadecimal numbers.
for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^{_pattern}$"), _first)


def read_yaml(path: Path) -> Any:
    """A file's content: Lined mappings, lists and scalars. Raises YamlError; OSError where the file cannot be read."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            return None if node is None else _value(loader, node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        what = f"не читается как YAML: {getattr(error, 'problem', None) or error}"
        raise YamlError(mark.line + 1 if mark else 1, what) from error


def _value(loader: Any, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, each) for each in node.value]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    found = Lined(node.start_mark.line + 1)
    for key, value in node.value:
        name = str(key.value)
        if name in found:
            raise yaml.constructor.ConstructorError(problem=f"«{name}» стоит дважды", problem_mark=key.start_mark)
        found[name], found.lines[name] = _value(loader, value), key.start_mark.line + 1
    return found
