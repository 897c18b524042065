"""intents/*.yml in Rasa 3 training-data format -> examples; errors name file, line and remedy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.lined_yaml import Lined, YamlError, read_yaml

QUESTION = "ask_policy"
TOPIC = QUESTION + "/"
WISHES = ("delete", "block", "complain", "unsubscribe", "access", "rectify", "withdraw_consent")
TALK = ("ticket_status", "human", "choose_shop", "greet", "goodbye", "thanks", "affirm", "deny", "cancel")
OUT_OF_SCOPE = "out_of_scope"
INTENTS = (*WISHES, *TALK, OUT_OF_SCOPE)


class IntentsError(Exception):
    """A file of words cannot be used: `path`, `line` (from 1), what and the remedy (Russian)."""

    def __init__(self, path: Path, line: int, what: str, remedy: str) -> None:
        """Keep the place and the remedy beside the message."""
        super().__init__(f"{path}:{line}: {what}. {remedy}")
        self.path, self.line, self.what, self.remedy = path, line, what, remedy


@dataclass(frozen=True)
class Examples:
    """What customers say for one intent; `about` and `statement` describe a topic of questions.

    `wordings` is how policies speak of a topic, `usual` the share (0..1) of policies that do: its statement and one
    half where wordings.yml has nothing.
    """

    intent: str
    texts: tuple[str, ...]
    about: str = ""
    statement: str = ""
    wordings: tuple[str, ...] = ()
    usual: float = 0.5

    @property
    def topic(self) -> str:
        """The part after ask_policy/, empty for a wish or talk."""
        return self.intent.removeprefix(TOPIC) if self.intent.startswith(TOPIC) else ""


def read_training(folder: Path) -> tuple[Examples, ...]:
    """All examples of nlu.yml and topics.yml, in order, with the wordings of wordings.yml. Raises IntentsError."""
    seen: set[str] = set()
    read = tuple(examples for name in ("nlu.yml", "topics.yml") for examples in _read(folder / name, seen))
    worded = _read_wordings(folder / "wordings.yml", {examples.topic: examples for examples in read if examples.topic})
    found = tuple(worded.get(examples.topic, examples) for examples in read)
    missing = set(INTENTS) - {examples.intent for examples in found}
    if missing:
        what = f"нет примеров для {', '.join(sorted(missing))}"
        raise IntentsError(folder / "nlu.yml", 1, what, "Добавьте раздел с примерами.")
    return found


def load_yaml(path: Path) -> Any:
    """Parsed YAML whose mappings know their lines. Raises IntentsError."""
    try:
        return read_yaml(path)
    except FileNotFoundError as error:
        raise IntentsError(path, 1, "файла нет", "Верните файл на место.") from error
    except YamlError as error:
        raise IntentsError(path, error.line, error.what, "Проверьте отступы и кавычки.") from error


def _read(path: Path, seen: set[str]) -> Iterator[Examples]:
    document = load_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("nlu"), list):
        raise IntentsError(path, 1, "нет списка nlu", "Файл начинается со строк version: и nlu:.")
    for entry in document["nlu"]:
        yield _examples(path, entry, seen)


def _examples(path: Path, entry: Any, seen: set[str]) -> Examples:
    line = entry.line if isinstance(entry, Lined) else 1
    intent = str(entry.get("intent", "")) if isinstance(entry, dict) else ""
    if intent not in INTENTS and not (intent.startswith(TOPIC) and len(intent) > len(TOPIC)):
        known = ", ".join((*INTENTS, TOPIC + "…"))
        raise IntentsError(path, line, f"неизвестное намерение «{intent}»", f"Известны: {known}.")
    if intent in seen:
        raise IntentsError(path, line, f"намерение {intent} описано дважды", "Соедините примеры в один раздел.")
    seen.add(intent)
    texts = _texts(entry)
    if not texts:
        raise IntentsError(path, line, f"у {intent} нет примеров", "Добавьте строки вида «- текст» под examples: |.")
    metadata = entry.get("metadata") if isinstance(entry.get("metadata"), dict) else {}
    described = all(isinstance(metadata.get(name), str) for name in ("about", "statement"))
    if intent.startswith(TOPIC) and not described:
        raise IntentsError(path, line, f"у {intent} нет описания", "Добавьте metadata: about и statement.")
    return Examples(intent, texts, metadata.get("about", ""), metadata.get("statement", ""))


def _read_wordings(path: Path, topics: Mapping[str, Examples]) -> Mapping[str, Examples]:
    """The topics with how policies speak of them; each by its statement where the file is left out."""
    document = load_yaml(path) if path.exists() else {"wordings": []}
    if not isinstance(document, dict) or not isinstance(document.get("wordings"), list):
        raise IntentsError(path, 1, "нет списка wordings", "Файл начинается со строк version: и wordings:.")
    found: dict[str, Examples] = {}
    for entry in document["wordings"]:
        line = entry.line if isinstance(entry, Lined) else 1
        topic, texts = str(entry.get("topic", "")) if isinstance(entry, dict) else "", _texts(entry)
        if topic not in topics:
            raise IntentsError(path, line, f"неизвестная тема «{topic}»", "Список тем - в intents/topics.yml.")
        if topic in found:
            raise IntentsError(path, line, f"тема {topic} описана дважды", "Соедините фразы в один раздел.")
        if not texts:
            remedy = "Добавьте строки вида «- текст» под examples: |."
            raise IntentsError(path, line, f"у темы {topic} нет формулировок", remedy)
        usual = entry.get("usual", Examples.usual)
        if not isinstance(usual, float) or not 0 < usual < 1:
            remedy = "Это доля политик, в которых о теме сказано: число между 0 и 1, например 0.5."
            raise IntentsError(path, line, f"у темы {topic} непонятное usual: {usual}", remedy)
        found[topic] = replace(topics[topic], wordings=texts, usual=usual)
    unworded = {topic: replace(examples, wordings=(examples.statement,)) for topic, examples in topics.items()}
    return unworded | found


def _texts(entry: Any) -> tuple[str, ...]:
    """The lines of an entry's `examples: |`."""
    written = entry.get("examples") if isinstance(entry, dict) else None
    return tuple(filter(None, map(_example, written.splitlines()))) if isinstance(written, str) else ()


def _example(line: str) -> str:
    return line.strip().removeprefix("-").strip()
