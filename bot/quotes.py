"""The body of a mail -> what its writer newly wrote: HTML as text; quoted history and signature cut off."""

import re
from collections.abc import Iterator, Sequence

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

_UNSHOWN = frozenset({"head", "script", "style", "template", "title"})
_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "table", "ul"})
_OUTLOOKS = re.compile(r"MsoNormal|MsoPlainText|MsoListParagraph")  # its paragraphs are lines
_INDENTED = re.compile(r"border(?:-left)?:\s*(?:none|0)")  # Gmail's and Yandex's way to indent, no quotation

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE, _PARAGRAPH = "\x01", "\x02"
_BORDERS = re.compile(r"\n? ?[\x01\x02][ \x01\x02]*")
_SPACES = re.compile(r"[^\S\n]+")

# «21.11.2026, 14:05, Konfident <bot@x.kz>:», «On Sat, Nov 21, 2026 at 2:05 PM Konfident wrote:» and the like.
_WHEN = re.compile(r"\b\d{1,2}:\d{2}\b|\b20\d{2}\b|\b\d{1,2}\.\d{1,2}\.\d{2,4}\b")
_WHO = re.compile(r"@|\b(?:пишет|написал[аи]?(?:\(а\))?|wrote|жазды|schrieb)\b", re.IGNORECASE)
_MOST_LINES, _LONGEST_ATTRIBUTION = 3, 400  # lines, characters
_FEWEST_FIELDS = 2  # beside the first one
_FIELD = re.compile(
    r"\*?(?:От|От кого|Отправитель|Отправлено|Дата|Кому|Копия|Тема|Кімнен|Кімге|From|Sent|Date|To|Cc|Subject):",
    re.IGNORECASE,
)
_FIRST_FIELD = re.compile(r"\*?(?:От|От кого|Отправитель|Кімнен|From):", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"[-_]{2,}\s*(?:Исходное сообщение|Пересылаемое сообщение|Бастапқы хабар|Original Message)\s*[-_]{2,}",
    re.IGNORECASE,
)
_OURS = re.compile(r"(?:Обращение|Продолжение обращения) клиента магазина .+: ")  # how our own letters begin
_RULE = re.compile(r"[_-]{5,}")

_DASHES = re.compile(r"(?:--|—|__)")
_DEVICE = re.compile(
    r"(?:Отправлен[оа] (?:из|со?)|Sent (?:from|with|via)|Получить|Get)"
    r"(?: (?:my|the|моего|моей|мобильн\w+|приложени\w+|устройства|смартфона|телефона))*"
    r"(?: [«\"]?(?:iPhone|iPad|Mail|Почт|Яндекс|Yandex|Outlook|Android|Galaxy|Samsung|Xiaomi|Redmi|POCO|Huawei|Honor"
    r"|Spark|BlueMail|планшет).{0,60})?",
    re.IGNORECASE,
)
_REGARDS = re.compile(
    r"(?:с (?:глубоким |искренним )?уважением|с наилучшими пожеланиями|құрметпен"
    r"|(?:best |kind |warm )?regards|sincerely)(?: к вам)?\s?(?:[,.!–—-].{0,60})?",
    re.IGNORECASE,
)
_LONGEST_SIGNATURE = 12  # lines; what is longer is more than a signature


def text_of_html(source: str) -> str:
    """Show a page as text; the lines of a quotation begin with "> "."""
    soup = BeautifulSoup(_INVISIBLE.sub("", source), "lxml")  # Python's own parser is slow on hostile pages
    return "\n".join(_lines(_settled("".join(_shown(soup)))))


def own_words(text: str) -> str:
    """Cut the history and the signature off, wherever the writer put his words."""
    kept = _without_signature(_before_history(_unquoted(_lines(text))))
    lines = [line for line in kept if not _RULE.fullmatch(line)]
    return "\n".join(_lines("\n".join(lines)))


def unflowed(text: str) -> str:
    """Join the lines that a mail program broke softly (RFC 3676): those that end with a space."""
    joined: list[list[str]] = []
    for line in text.splitlines():
        piece = line.removeprefix(" ")  # a space before a line is stuffing
        if joined and _is_soft(joined[-1]) and not piece.startswith(">"):
            joined[-1].append(piece)
        else:
            joined.append([piece])
    return "\n".join("".join(pieces) for pieces in joined)


def _is_soft(pieces: Sequence[str]) -> bool:
    return pieces[-1].endswith(" ") and pieces[-1] != "-- " and not pieces[0].startswith(">")


# pages: _LINE and _PARAGRAPH stand where a block begins or ends, until it is known what stands beside them


def _shown(tag: Tag) -> Iterator[str]:
    for child in tag.children:
        if isinstance(child, Tag):
            yield from _laid_out(child)
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield re.sub(r"[ \t\r\n]+", " ", child)


def _laid_out(tag: Tag) -> Iterator[str]:
    if tag.name in _UNSHOWN:
        return
    if tag.name == "br":
        yield "\n"
    elif tag.name == "blockquote" and not _INDENTED.search(str(tag.get("style", ""))):
        lines = _lines(_settled("".join(_shown(tag))))
        yield _PARAGRAPH + "\n".join(f"> {line}".rstrip() for line in lines) + _PARAGRAPH
    elif tag.name in _BLOCKS:
        border = _PARAGRAPH if tag.name in _PARAGRAPHS and not _OUTLOOKS.search(str(tag.get("class", ""))) else _LINE
        yield from (border, "- " if tag.name == "li" else "", *_shown(tag), border)
    else:
        yield from (" " if tag.name in {"td", "th"} else "", *_shown(tag))


def _settled(text: str) -> str:
    narrow = re.sub(r" {2,}", " ", text)
    return _BORDERS.sub(lambda run: "\n\n" if _PARAGRAPH in run[0] else "\n", narrow)


# lines


def _lines(text: str) -> list[str]:
    """Lines without what cannot be seen, and never two empty ones together."""
    lines = [_SPACES.sub(" ", _INVISIBLE.sub("", line)).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n").split("\n")


def _unquoted(lines: Sequence[str]) -> list[str]:
    """Lines that nobody wrote before; those between quotations stay."""
    kept: list[str] = []
    was_quoted = False
    for line in lines:
        is_quoted = line.startswith(">")
        if is_quoted and not was_quoted:
            _drop_attribution(kept)
        if not is_quoted:
            kept.append(line)
        was_quoted = is_quoted
    return kept


def _drop_attribution(kept: list[str]) -> None:
    """Take «21.11.2026, Konfident <bot@x.kz>:» from the end, also when it is broken over lines."""
    while kept and not kept[-1]:
        kept.pop()
    for length in range(1, _MOST_LINES + 1):
        if len(kept) >= length and _is_attribution(kept[-length:]):
            del kept[-length:]
            break
    kept.append("")


def _is_attribution(lines: Sequence[str]) -> bool:
    if not lines[-1].endswith(":") or sum(map(len, lines)) > _LONGEST_ATTRIBUTION:
        return False
    text = " ".join(lines)
    return bool(_WHEN.search(text) and _WHO.search(text))


def _before_history(lines: Sequence[str]) -> Sequence[str]:
    """What stands above a history without quotation marks."""
    for number in range(len(lines)):
        if _history_begins(lines, number):
            above = [*lines[:number]]
            _drop_attribution(above)
            return above if any(not _RULE.fullmatch(line) for line in above if line) else ()
    return lines


def _history_begins(lines: Sequence[str], number: int) -> bool:
    line, following = lines[number], [each for each in lines[number + 1 : number + 8] if each][:3]
    fields = sum(bool(_FIELD.match(each)) for each in following)
    return bool(_ORIGINAL.match(line) or _OURS.match(line) or (_FIRST_FIELD.match(line) and fields >= _FEWEST_FIELDS))


def _without_signature(lines: Sequence[str]) -> Sequence[str]:
    written = [number for number, line in enumerate(lines) if line]
    for number in written[-_LONGEST_SIGNATURE:]:
        line = lines[number]
        if _DASHES.fullmatch(line) or _DEVICE.fullmatch(line) or (_REGARDS.fullmatch(line) and number):
            return lines[:number]
    return lines
