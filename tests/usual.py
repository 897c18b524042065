"""How many policies speak of each topic, counted over those that careful readers mapped.

`python -m tests.usual` writes the counts into intents/wordings.yml (`usual`). The five shops of knowledge/ are of one
family and count as one policy; the others are tests/data/foreign/dev. One is added to both sides (Laplace): no topic
is sure to be there, nor to be left out.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from index.clauses import read_policy
from index.topics import read_topics
from index.training import read_training

ROOT = Path(__file__).resolve().parents[1]
WORDINGS = ROOT / "intents" / "wordings.yml"
_ENTRY = re.compile(r"^(- topic: (\S+)\n)(?:  usual: .*\n)?", re.MULTILINE)


def counted() -> dict[str, float]:
    """Each topic -> the share of policies that speak of it, to the hundredth."""
    topics = {examples.topic: examples.about for examples in read_training(ROOT / "intents") if examples.topic}
    family = [_spoken_of(path, topics) for path in sorted((ROOT / "knowledge").glob("*/topics.yml"))]
    others = [_spoken_of(path, topics) for path in sorted((ROOT / "tests/data/foreign/dev").glob("*/map.yml"))]
    return {topic: round(_share(topic, family, others), 2) for topic in topics}


def _share(topic: str, family: Sequence[Collection[str]], others: Sequence[Collection[str]]) -> float:
    of_family = sum(topic in spoken for spoken in family) / len(family)
    return (of_family + sum(topic in spoken for spoken in others) + 1) / (1 + len(others) + 2)


def _spoken_of(path: Path, topics: Mapping[str, str]) -> set[str]:
    policy = read_policy(path.with_name("policy.txt"))
    return {topic for topic, clauses in read_topics(path, policy, topics).items() if clauses}


if __name__ == "__main__":
    shares = counted()
    text = WORDINGS.read_text(encoding="utf-8")
    WORDINGS.write_text(_ENTRY.sub(lambda found: f"{found[1]}  usual: {shares[found[2]]}\n", text), encoding="utf-8")
