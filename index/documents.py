"""The lines of an owner's document: plain text, Markdown or Word, with the numbers that Word only shows."""

from pathlib import Path

SUFFIXES = (".txt", ".md", ".docx")
_SAVE_AGAIN = "Откройте файл в Word и сохраните заново как .docx или как текст в кодировке UTF-8 (policy.txt)."


class PolicyError(Exception):
    """A policy cannot be read: `path`, `line` (from 1) and what the owner can do (`remedy`, Russian)."""

    def __init__(self, path: Path, line: int, what: str, remedy: str) -> None:
        """Keep the place and the remedy beside the message."""
        super().__init__(f"{path}:{line}: {what}. {remedy}")
        self.path, self.line, self.what, self.remedy = path, line, what, remedy


def read_lines(path: Path) -> list[str]:
    """A document's lines; of a Word file a paragraph or a table's row is a line. Raises PolicyError."""
    if path.suffix == ".docx":
        return _word(path)
    lines = _decode(path).split("\n")
    return [_markdown(line) for line in lines] if path.suffix == ".md" else lines


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        remedy = "Сохраните файл в кодировке UTF-8."
        raise PolicyError(path, line, "текст не в кодировке UTF-8", remedy) from error


def _markdown(line: str) -> str:
    """Take off a table row's outer bars, its rule and the escape of a number's dot."""
    text = line.strip()
    if text.startswith("|") and text.endswith("|") and len(text) > 1:
        cells = [cell.strip() for cell in text[1:-1].split("|")]
        return "" if all(set(cell) <= set("-: ") for cell in cells) else " | ".join(cells)
    return line.replace("\\.", ".")


def _word(path: Path) -> list[str]:
    from index.word import UNREADABLE, word_lines

    try:
        return list(word_lines(path))
    except UNREADABLE as error:
        raise PolicyError(path, 1, "файл Word не читается", _SAVE_AGAIN) from error
