"""Owners bring text, Markdown or Word; a file that cannot be read names itself and the remedy."""

from pathlib import Path

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from index.clauses import PolicyError, read_policy
from index.documents import read_lines

LEVELS = """\
<w:abstractNum w:abstractNumId="77" {names}>
  <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
  <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2."/></w:lvl>
  <w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="russianLower"/><w:lvlText w:val="%3)"/></w:lvl>
  <w:lvl w:ilvl="3"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="·"/></w:lvl>
</w:abstractNum>"""


def word(path: Path, *parts: tuple[int | None, str]) -> Path:
    """Write a .docx whose numbers Word counts itself; the depth of a paragraph, or None outside of the list."""
    document = Document()
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(LEVELS.format(names=nsdecls("w"))))
    numbering.append(parse_xml(f'<w:num w:numId="77" {nsdecls("w")}><w:abstractNumId w:val="77"/></w:num>'))
    for depth, text in parts:
        paragraph = document.add_paragraph(text)
        if depth is not None:
            xml = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{depth}"/><w:numId w:val="77"/></w:numPr>'
            paragraph.paragraph_format.element.get_or_add_pPr().append(parse_xml(xml))
    document.save(str(path))
    return path


def test_numbers_that_word_counts_itself_are_read_as_it_shows_them(tmp_path: Path) -> None:
    path = word(
        tmp_path / "policy.docx",
        (None, "Политика"),
        (0, "Общие положения"),
        (1, "Сайт собирает:"),
        (2, "имя;"),
        (2, "телефон."),
        (1, "Данные хранятся год."),
        (3, "кроме чеков."),
        (0, "Контакты"),
        (1, "Пишите на info@shop.kz."),
    )
    assert read_lines(path) == [
        "Политика",
        "1. Общие положения",
        "1.1. Сайт собирает:",
        "а) имя;",
        "б) телефон.",
        "1.2. Данные хранятся год.",
        "- кроме чеков.",
        "2. Контакты",
        "2.1. Пишите на info@shop.kz.",
    ]
    policy = read_policy(path)
    assert policy.by_number["1.1"].text == "Сайт собирает:\nа) имя;\nб) телефон."
    assert policy.by_number["2.1"].heading == "Контакты"


def test_numbers_typed_by_hand_and_tables_are_read_in_order(tmp_path: Path) -> None:
    document = Document()
    document.add_paragraph("1. Сроки")
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Данные", "Цель", "Срок"), strict=True):
        cell.text = text
    table.cell(1, 0).merge(table.cell(1, 1)).text = "Имя, телефон"
    table.cell(1, 2).text = "1 год"
    document.add_paragraph("2. Контакты: info@shop.kz")
    document.save(str(tmp_path / "policy.docx"))
    policy = read_policy(tmp_path / "policy.docx")
    assert policy.by_number["1"].text == "Данные | Цель | Срок\nИмя, телефон | 1 год"
    assert policy.by_number["2"].text == "Контакты: info@shop.kz"


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_word_file_that_cannot_be_read_names_place_and_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.docx"
    path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert (caught.value.path, caught.value.line, caught.value.what) == (path, 1, "файл Word не читается")
    assert "сохраните заново" in caught.value.remedy


def test_a_markdown_table_is_read_as_lines_without_its_rule(tmp_path: Path) -> None:
    path = tmp_path / "policy.md"
    path.write_text(
        "## 1\\. Сроки\n\n| Данные | Срок |\n|---|:-:|\n| Имя | 1 год |\n\n## 2. Контакты\nПишите на info@shop.kz\n",
        encoding="utf-8",
    )
    policy = read_policy(path)
    assert policy.by_number["1"].text == "Данные | Срок\nИмя | 1 год"
    assert policy.by_number["2"].text == "Пишите на info@shop.kz"
