"""YAML with lines: owners' words stay words, and a mistake names its line."""

from pathlib import Path

import pytest

from index.lined_yaml import Lined, YamlError, read_yaml


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "file.yml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("-7", -7),
        ("5.2", 5.2),
        ("5.2.1", "5.2.1"),
        ("12:30", "12:30"),
        ("2020-04-23", "2020-04-23"),
        ("'7'", "7"),
        ("| \n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_reads_them(tmp_path: Path, text: str, value: object) -> None:
    assert read(tmp_path, f"key: {text}") == {"key": value}


def test_mappings_know_their_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "# a remark\na: 1\nb:\n  - c: 2\n    d: 3\n")
    assert isinstance(found, Lined)
    assert (found.line, found.lines) == (2, {"a": 2, "b": 3})
    assert (found["b"][0].line, found["b"][0].lines) == (4, {"c": 4, "d": 5})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\n", 2),
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a: 1\n\t- 2\n", 2),
        ("a: 'b\n", 2),
        ("a: \u0001\n", 1),
        ("a: *b\n", 1),
    ],
)
def test_what_is_no_yaml_is_refused_at_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(YamlError, match="не читается как YAML") as caught:
        read(tmp_path, text)
    assert caught.value.line == line


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None
