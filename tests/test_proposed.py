"""An owner who has no topics.yml gets one to look through, with the doubtful lines named."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bot.proposed import write_proposal
from index.library import Library
from index.shelves import Shelf
from index.topics import read_topics


def with_a_doubt(library: Library, topic: str) -> Shelf:
    shelf = library.shelves["protorg"]
    doubtful = np.array([name == topic for name in shelf.topics])
    return replace(shelf, uncovered=np.where(doubtful, np.float32(0.5), shelf.uncovered))


def test_the_file_can_be_used_as_it_is(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "proposals" / "protorg.topics.yml"
    shelf = library.shelves["protorg"]
    assert write_proposal(shelf, "protorg", library.about, path) == []
    assert read_topics(path, shelf.policy, set(library.about)) == shelf.topics


def test_a_line_shows_how_the_clause_begins_and_where_the_file_goes(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "protorg.topics.yml"
    write_proposal(with_a_doubt(library, "retention"), "protorg", library.about, path)
    text = path.read_text(encoding="utf-8")
    assert "knowledge/protorg/topics.yml" in text
    assert '  retention: ["5.1"]  # проверьте, о сроках хранения: 5.1 «' in text
    assert '  share_third_parties: ["5.2", "5.3"' in text
    assert "# уверенно, о передаче данных третьим лицам: 5.2 «" in text


def test_only_the_doubtful_lines_come_back_with_their_place(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "protorg.topics.yml"
    (doubt,) = write_proposal(with_a_doubt(library, "retention"), "protorg", library.about, path)
    assert path.read_text(encoding="utf-8").splitlines()[doubt.line - 1].startswith("  retention:")
    assert doubt.what.startswith("тема retention (о сроках хранения): 5.1 «")
    assert not doubt.is_error
