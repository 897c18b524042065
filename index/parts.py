"""A message -> the parts that say or ask something each."""

import re

_SENTENCES = re.compile(r"[.!?\n]+")
_PARTS = re.compile(r"[;,]+|\s(?:и|а|но|также|затем|потом|плюс|заодно|еще|and|then|also)\s", re.IGNORECASE)
_QUESTIONS = re.compile(
    r"[?.!\n]+|,?\s+(?:и|а)\s+(?:еще\s+)?"
    r"(?=(?:кто|кому|кого|что|чем|где|куда|откуда|зачем|почему|сколько|как|какие|какой|когда|можно|есть)\b)"
    r"|\s+(?:и|а)\s+еще\s+",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\?|\bли\b|^(?:(?:а|и|но)\s+)?(?:как|каким|куда|где|кому|кто|когда|сколько|можно|могу|надо|нужно|какой|какие|что|почему"
    r"|зачем|получится|how|can|where)\b",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"(?:в|на|о|обо|из|для|к|с|у|от|до|за|по|про|при)?\s*\b(?:что|чтобы|котор\w+|если|потому|пока|когда|как|где|откуда|куда|кто|ком\w|почему|зачем|сколько|какие|раз|хотя|because|that|which|so|if)\b",
    re.IGNORECASE,
)
_ANAPHORIC = re.compile(r"\b(?:их|его|ее|оттуда|это|it|them)\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\bне\s+(?:(?:над[оа]|нужно|прошу|хочу|требую|стоит)\b|(?=удал|блок|отпис|отзыв))|\bвместо\b", re.IGNORECASE
)


def is_asked(text: str) -> bool:
    """True for a message in the form of a question, with or without its mark."""
    return _ASKED.search(text) is not None


def questions(text: str) -> list[str]:
    """The parts of a message that may ask something each."""
    return [part.strip() for part in _QUESTIONS.split(text) if len(part.split()) > 1]


def statements(text: str) -> list[str]:
    """Parts of a message that say something each: «…, что есть обо мне», «уберите их» stay with what they are about."""
    return [part for part in _said(text) if not _NEGATED.search(part)]


def denials(text: str) -> list[str]:
    """Parts that say what is not wanted, without their «не надо»."""
    return [_NEGATED.sub("", part).strip() for part in _said(text) if _NEGATED.search(part)]


def _said(text: str) -> list[str]:
    parts: list[str] = []
    for sentence in _SENTENCES.split(text):
        begun = len(parts)
        for part in filter(None, map(str.strip, _PARTS.split(sentence))):
            if (len(parts) > begun and _SUBORDINATE.match(part)) or (parts and _ANAPHORIC.search(part)):
                parts[-1] += f", {part}"
            else:
                parts.append(part)
    return [part for part in parts if len(part.split()) > 1]
