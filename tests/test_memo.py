"""Only texts that were never seen are encoded."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from index.encoder import Encoder, Matrix
from index.memo import SHIPPED, Memo
from index.normalize import Normalizer
from index.packaged_model import Progress
from index.training import Examples


class Counted:
    """A real encoding, by counted letters, that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Matrix:
        self.asked.extend(texts)
        return np.array([[text.count(letter) for letter in "абв"] for text in texts], np.float32)


@pytest.fixture
def encode() -> Counted:
    return Counted()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memo" / "passages.npz"


def test_each_text_has_its_row_in_the_order_asked(encode: Counted, path: Path, quiet: Progress) -> None:
    rows = Memo(encode, path)(["баба", "вал", "а"], quiet)
    assert rows == pytest.approx(np.array([[2, 2, 0], [1, 0, 1], [1, 0, 0]]))


def test_a_text_asked_for_twice_is_encoded_once(encode: Counted, path: Path, quiet: Progress) -> None:
    rows = Memo(encode, path)(["вал", "баба", "вал"], quiet)
    assert rows == pytest.approx(np.array([[1, 0, 1], [2, 2, 0], [1, 0, 1]]))
    assert sorted(encode.asked) == ["баба", "вал"]


def test_a_changed_text_encodes_only_itself(encode: Counted, path: Path, quiet: Progress) -> None:
    memo = Memo(encode, path)
    memo(["баба", "вал"], quiet)
    encode.asked.clear()
    assert memo(["баба", "ввал"], quiet) == pytest.approx(np.array([[2, 2, 0], [1, 0, 2]]))
    assert encode.asked == ["ввал"]


def test_what_was_encoded_is_remembered_on_disk(encode: Counted, path: Path, quiet: Progress) -> None:
    before = Memo(encode, path)(["баба", "вал"], quiet)
    encode.asked.clear()
    after = Memo(encode, path)(["вал", "баба"], quiet)
    assert encode.asked == []
    assert after.tolist() == before[::-1].tolist()


def test_a_text_no_longer_asked_for_is_forgotten(encode: Counted, path: Path, quiet: Progress) -> None:
    memo = Memo(encode, path)
    memo(["баба", "вал"], quiet)
    memo(["вал", "а"], quiet)
    encode.asked.clear()
    Memo(encode, path)(["баба", "вал", "а"], quiet)
    assert encode.asked == ["баба"]


def test_nothing_is_written_when_nothing_is_new(encode: Counted, path: Path, quiet: Progress) -> None:
    memo = Memo(encode, path)
    memo(["баба"], quiet)
    written = path.stat().st_mtime_ns
    memo(["баба"], quiet)
    assert path.stat().st_mtime_ns == written
    assert list(path.parent.iterdir()) == [path]


def test_an_encoding_that_fails_leaves_the_memory_as_it_was(encode: Counted, path: Path, quiet: Progress) -> None:
    Memo(encode, path)(["баба"], quiet)

    def broken(_texts: Sequence[str]) -> Matrix:
        raise MemoryError

    with pytest.raises(MemoryError):
        Memo(broken, path)(["баба", "вал"], quiet)
    encode.asked.clear()
    Memo(encode, path)(["баба", "вал"], quiet)
    assert encode.asked == ["вал"]


def test_progress_counts_the_new_texts_alone(encode: Counted, path: Path, quiet: Progress) -> None:
    memo = Memo(encode, path)
    memo(["баба"], quiet)
    seen: list[tuple[int, int]] = []
    memo(["баба", *(f"а{number}" for number in range(300))], lambda done, total: seen.append((done, total)))
    assert (seen[0][1], seen[-1]) == (300, (300, 300))
    assert seen == sorted(seen)


def test_a_row_is_kept_as_good_as_exact(path: Path, quiet: Progress) -> None:
    exact = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    exact[:, 7] *= 20
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    texts = [str(number) for number in range(50)]
    rows = Memo(lambda asked: exact[[int(text) for text in asked]], path)(texts, quiet)
    assert ((rows * exact).sum(axis=1) / np.linalg.norm(rows, axis=1)).min() > 0.999


def test_the_projects_own_examples_are_shipped_as_the_encoder_gives_them(
    training: tuple[Examples, ...], normalize: Normalizer, encoder: Encoder, tmp_path: Path, quiet: Progress
) -> None:
    """After many changes of the examples, `make encoded` writes them anew."""

    def check(texts: Sequence[str], kind: str, encode: Callable[[Sequence[str]], Matrix]) -> None:
        new: list[str] = []

        def encode_a_few(chunk: Sequence[str]) -> Matrix:
            new.extend(chunk)
            assert len(new) < len(texts) / 50, f"{kind}: {len(new)} texts and more are not in {SHIPPED}"
            return encode(chunk)

        kept = Memo(encode_a_few, tmp_path / f"{kind}-{encoder.key}.npz")(texts, quiet)[:: len(texts) // 40]
        own = encode(texts[:: len(texts) // 40])
        lengths = np.linalg.norm(own, axis=1) * np.linalg.norm(kept, axis=1)
        assert ((own * kept).sum(axis=1) / lengths).min() > 0.9999

    check([normalize(text) for examples in training for text in examples.texts], "queries", encoder.features)
    check([text for examples in training for text in examples.wordings], "wordings", encoder.passages)


def test_a_damaged_file_is_forgotten(encode: Counted, path: Path, quiet: Progress) -> None:
    Memo(encode, path)(["баба"], quiet)
    path.write_bytes(path.read_bytes()[:50])
    assert Memo(encode, path)(["баба"], quiet) == pytest.approx(np.array([[2, 2, 0]]))
