"""`python -m tests.bench`: start, pace and memory of `konfident ask`, and of a plain sentence-transformers encoder.

Each runs as a process of its own, on the same texts, one text at a time. This module loads only what it must: it is
the encoder's process too, and Linux counts the memory of a process at its fork into the child's peak.
"""
# ruff: noqa: S603, T201  # its work is to run our own commands and to print a table

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
KONFIDENT = (sys.executable, "-m", "bot")
ENCODER = (sys.executable, "-m", "tests.bench", "--encode-with")
TEXTS, ENCODED, STARTS = 1000, 200, 3
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


@dataclass(frozen=True)
class Run:
    """A process that has ended: how long it took, when each line came (both in seconds), the lines, its peak in MiB."""

    seconds: float
    came: tuple[float, ...]
    lines: tuple[str, ...]
    peak: float

    @property
    def per_second(self) -> float:
        """The pace from the first line to the last: without the start."""
        return (len(self.came) - 1) / (self.came[-1] - self.came[0])


@dataclass(frozen=True)
class Measured:
    """One column of the table: seconds from nothing to one answer, a run over many texts, milliseconds of each."""

    start: float
    run: Run
    ms: Sequence[float]

    @property
    def figures(self) -> tuple[str, ...]:
        """As the table shows them."""
        p50, p95 = median(self.ms), quantiles(self.ms, n=100)[94]
        run = self.run
        return (
            f"{self.start:.1f}",
            str(len(self.ms)),
            f"{run.per_second:.0f}",
            f"{p50:.1f}",
            f"{p95:.1f}",
            f"{run.peak:.0f}",
        )


NAMES = (
    "cold: start and one answer, s",
    "warm: texts",
    "texts a second",
    "p50, ms",
    "p95, ms",
    "peak resident memory, MiB",
)


def main() -> None:
    """Measure and print; as the child of a measurement, encode."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Start, pace and memory of konfident.")
    parser.add_argument("--build", action="store_true", help="also time the first build, in a folder of its own")
    parser.add_argument("--encode-with", metavar="MODEL", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.encode_with:
        encode(chosen.encode_with)
        return
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if chosen.build:
        print(f"first build: {first_build().seconds:.0f} s")
    measure()


def measure() -> None:
    """Print a table of both."""
    run([*KONFIDENT, "build"])  # so that no start includes it
    texts, shops, model = _material()
    asked = [json.dumps({"shop": shop, "text": text}) for text, shop in zip(texts, cycle(shops), strict=False)]
    encoded = texts[:: TEXTS // ENCODED]
    starts = [_starts(shops[0], texts[place], model) for place in range(STARTS)]
    answers, vectors = run([*KONFIDENT, "ask", "--json"], asked), run([*ENCODER, model], encoded)
    ms = [float(json.loads(line)["ms"]) for line in answers.lines]
    print_table(
        Measured(median(own for own, _ in starts), answers, ms),
        Measured(median(plain for _, plain in starts), vectors, [float(line) for line in vectors.lines]),
    )


def print_table(own: Measured, plain: Measured) -> None:
    """The figures beside one another, and what they mean."""
    print(f"\n{'':32}{'konfident ask':>16}{'encoder alone':>16}")
    for name, mine, theirs in zip(NAMES, own.figures, plain.figures, strict=True):
        print(f"{name:32}{mine:>16}{theirs:>16}")
    print(
        "\nkonfident ask: a whole answer, recognised, found and worded; "
        "encoder alone: sentence-transformers, one vector."
    )


def first_build() -> Run:
    """`konfident build` where there is nothing yet: model, recogniser and index."""
    with tempfile.TemporaryDirectory() as data:
        return run([*KONFIDENT, "build"], DATA_DIR=data)


def run(command: Sequence[str], lines: Sequence[str] = (), **environment: str) -> Run:
    """Run a command to its end, `lines` on its standard input. Raises CalledProcessError."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as questions:
        questions.writelines(f"{line}\n" for line in lines)
        questions.seek(0)
        started = time.perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdin=questions, stdout=subprocess.PIPE, text=True
        ) as process:
            heard = list(_timed(process, started))
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(
        seconds, tuple(at for at, _ in heard), tuple(line for _, line in heard), usage.ru_maxrss * _PEAK_UNIT / 2**20
    )


def _timed(process: "subprocess.Popen[str]", started: float) -> Iterator[tuple[float, str]]:
    for line in process.stdout or ():
        yield time.perf_counter() - started, line


def _starts(shop: str, text: str, model: str) -> tuple[float, float]:
    """Seconds from nothing to one answer and to one vector."""
    return run([*KONFIDENT, "ask", "--shop", shop, text]).seconds, run([*ENCODER, model], [text]).seconds


def _material() -> tuple[list[str], list[str], str]:
    """Texts, shops and the encoder's model: that of the settings."""
    from bot.settings import read_settings
    from bot.shops import read_shops

    settings = read_settings()
    made = settings.data_dir / "models" / settings.embedding_model
    return (
        _texts(settings.intents_dir),
        list(read_shops(settings.knowledge_dir)),
        str(made if made.is_dir() else settings.embedding_model),
    )


def _texts(intents: Path) -> list[str]:
    """A thousand different texts (one that is asked again would be remembered): labelled ones, then examples."""
    from index.training import read_training

    labelled = [
        str(json.loads(line).get("text", ""))
        for file in sorted((ROOT / "tests" / "data").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    examples = [text for each in read_training(intents) if each.topic for text in each.texts]
    every = max(1, len(examples) // TEXTS)
    return list(dict.fromkeys(filter(None, [*labelled, *examples[::every], *examples])))[:TEXTS]


def encode(model: str) -> None:
    """Encode each line of standard input by itself, as a plain pipeline does; print its milliseconds."""
    from sentence_transformers import SentenceTransformer

    transformer = SentenceTransformer(model, device="cpu")
    for line in sys.stdin:
        started = time.perf_counter()
        transformer.encode(line.strip(), prompt_name="query", normalize_embeddings=True, show_progress_bar=False)
        print(f"{(time.perf_counter() - started) * 1000:.2f}", flush=True)


if __name__ == "__main__":
    main()
