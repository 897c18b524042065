"""What all tests share: the real model, examples and policies, made once on a machine."""

import os
from pathlib import Path

import pytest

from index.encoder import PACKAGED, Encoder, load_encoder
from index.library import Library
from index.normalize import Normalizer
from index.packaged_model import Progress
from index.recognizer import Recognizer, fit_or_load
from index.training import Examples, read_training

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def home() -> Path:
    """Name the data directory of all test runs: converting the model and fitting takes more than a minute."""
    return Path(os.environ.get("KONFIDENT_TEST_HOME") or ROOT / "var" / "test")


@pytest.fixture(scope="session")
def quiet() -> Progress:
    """Watch no progress."""
    return lambda _done, _total: None


@pytest.fixture(scope="session")
def encoder(home: Path, quiet: Progress) -> Encoder:
    return load_encoder(PACKAGED, home, quiet)


@pytest.fixture(scope="session")
def training() -> tuple[Examples, ...]:
    return read_training(ROOT / "intents")


@pytest.fixture(scope="session")
def normalize(training: tuple[Examples, ...]) -> Normalizer:
    return Normalizer(text for examples in training for text in examples.texts)


@pytest.fixture(scope="session")
def recognizer(training: tuple[Examples, ...], encoder: Encoder, home: Path, quiet: Progress) -> Recognizer:
    return fit_or_load(training, encoder, home, lambda _what: quiet)


@pytest.fixture(scope="session")
def library(training: tuple[Examples, ...], encoder: Encoder, home: Path, quiet: Progress) -> Library:
    return Library.open(ROOT / "knowledge", home, encoder, training, quiet)
