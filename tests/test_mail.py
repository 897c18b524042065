"""Letters say what a clerk needs, and survive any input."""

from __future__ import annotations

import email
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from bot.mail import Letter, MailError, compose, reply_address

if TYPE_CHECKING:
    from email.message import EmailMessage

OPENED = datetime(2026, 11, 21, 14, 5, tzinfo=timezone(timedelta(hours=5)))
OUTLOOK = "<AM6PR0502MB3456ABCDEF0123456789ABCDEF0123456789@AM6PR0502MB3456.eurprd05.prod.outlook.com>"

# Aigul asks allurauto to delete her profile; Olga, who has never heard of the bot, opens the letter.
AIGUL = Letter(
    number="ALU-2026-000001",
    token="k3x9f2",
    message_id="<ALU-2026-000001.k3x9f2@x.kz>",
    shop="Allurauto.kz",
    kind="удаление данных",
    opened=OPENED,
    contact="aigul@example.kz",
    identity="не подтверждена, адрес назван в чате",
    words="Удалите мой профиль, пожалуйста.\n\nИ письма больше не шлите.",
    details="заказ 1204",
    clause_number="8.2",
    clause_text="Получатель претензии в течение 30 календарных дней уведомляет заявителя претензии.",
    edition="23 апреля 2020 г.",
    policy_says_nothing=False,
    deadline="до 21 декабря 2026 г.",
    deadline_source="пункт 8.2 политики",
    to="info@allurauto.kz",
    sender="Konfident <bot@x.kz>",
    replies_are_read=True,
)
HEADERS = [
    "Subject", "From", "To", "Reply-To", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "Date",
    "MIME-Version", "Content-Type", "Content-Language",
]  # fmt: skip
ADDRESSING = {"to", "sender", "token", "message_id"}  # a letter with one of these spoilt must not leave at all
STRINGS = [field.name for field in fields(Letter) if isinstance(getattr(AIGUL, field.name), str)]


def received(message: EmailMessage) -> EmailMessage:
    """Read a letter as a mail program does."""
    return email.message_from_bytes(message.as_bytes(), policy=policy.default)


def part(message: EmailMessage, subtype: str) -> str:
    """Give the plain or the html text of a letter."""
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def altered(name: str, value: str) -> Letter:
    """Give Aigul's letter with another string in one place."""
    return replace(AIGUL, **{name: value})  # type: ignore[arg-type] # every name given here is a string's


class Page(HTMLParser):
    """What stands in a page: its tags, their attributes and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def both_texts(letter: Letter) -> list[str]:
    """Give what Olga reads, in a plain and in an html mail program."""
    message = received(compose(letter))
    return [part(message, "plain"), Page(part(message, "html")).text]


# What the letter says


def test_the_first_line_says_what_is_asked_and_by_when() -> None:
    wanted = (
        "Обращение клиента магазина Allurauto.kz: удаление данных."
        " Срок ответа: до 21 декабря 2026 г. (пункт 8.2 политики)."
    )
    plain, page = both_texts(AIGUL)
    assert plain.split("\n")[0] == wanted
    assert wanted in page


def test_a_deadline_without_a_source_ends_with_one_full_stop() -> None:
    for text in both_texts(replace(AIGUL, deadline_source="")):
        assert "Срок ответа: до 21 декабря 2026 г.\n" in text


def test_no_deadline_is_said_plainly() -> None:
    for text in both_texts(replace(AIGUL, deadline="", deadline_source="")):
        assert "удаление данных. Срок ответа не указан.\n" in text


def test_the_subject_names_ticket_wish_and_shop() -> None:
    assert received(compose(AIGUL))["Subject"] == "[ALU-2026-000001] Удаление данных: Allurauto.kz"


def test_the_letter_tells_who_asks_and_how_sure_that_is() -> None:
    for text in both_texts(AIGUL):
        assert "Номер обращения: ALU-2026-000001, получено 21.11.2026 в 14:05 (UTC+0500)\n" in text
        assert "Как связаться с клиентом: aigul@example.kz\n" in text
        assert "Подтверждение личности: не подтверждена, адрес назван в чате\n" in text


def test_the_customers_own_words_are_quoted_line_by_line() -> None:
    plain, page = both_texts(AIGUL)
    assert "Слова клиента:\n> Удалите мой профиль, пожалуйста.\n>\n> И письма больше не шлите.\n\n" in plain
    assert "Подробности от клиента:\n> заказ 1204\n" in plain
    assert f"Слова клиента:\n{AIGUL.words}\n" in page


def test_the_clause_is_quoted_with_its_number_and_edition() -> None:
    where = "Что об этом сказано в политике магазина, пункт 8.2 (редакция: 23 апреля 2020 г.):\n"
    plain, page = both_texts(AIGUL)
    assert f"{where}> {AIGUL.clause_text}\n" in plain
    assert f"{where}{AIGUL.clause_text}\n" in page


def test_a_silent_policy_is_said_to_be_silent_and_no_clause_is_shown() -> None:
    for text in both_texts(replace(AIGUL, policy_says_nothing=True)):
        assert "В политике магазина (редакция: 23 апреля 2020 г.) об этом ничего не сказано.\n" in text
        assert AIGUL.clause_text not in text


def test_a_part_without_content_leaves_no_empty_heading() -> None:
    for text in both_texts(replace(AIGUL, identity="", words="", details="", clause_text="")):
        for heading in ("Подтверждение личности", "Слова клиента", "Подробности", "политике магазина"):
            assert heading not in text


def test_the_letter_explains_how_to_answer_and_raises_no_voice() -> None:
    for text in both_texts(AIGUL):
        assert "Ответьте на это письмо: ваш ответ придёт клиенту в чат. Можно начать первой строкой:" in text
        assert re.findall(r"(\w+(?:: \S+)?) — если", text) == ["выполнено", "отказ: причина", "вопрос: …", "принято"]
        assert "!" not in text


def test_where_no_answer_is_read_the_clerk_writes_to_the_customer_himself() -> None:
    for text in both_texts(replace(AIGUL, replies_are_read=False)):
        assert "Как связаться с клиентом: aigul@example.kz\n" in text
        assert "Напишите или позвоните клиенту сами, контакт указан выше." in text
        assert "Ответы на это письмо бот не читает" in text
        assert "придёт клиенту в чат" not in text
        assert "IMAP_URL" not in text


def test_where_no_answer_is_read_and_no_contact_known_the_operator_is_called() -> None:
    for text in both_texts(replace(AIGUL, replies_are_read=False, contact="")):
        assert "Как связаться с клиентом: контакт не указан\n" in text
        assert "попросите включить приём ответов (настройка IMAP_URL)" in text
        assert "придёт клиенту в чат" not in text


def test_a_missing_reason_is_asked_for_in_one_polite_sentence() -> None:
    letter = received(compose(replace(AIGUL, message_id="<second@x.kz>"), [AIGUL.message_id], template="ask_reason"))
    for text in (part(letter, "plain"), Page(part(letter, "html")).text):
        assert "Обращение клиента магазина Allurauto.kz: удаление данных.\n" in text
        assert "По обращению ALU-2026-000001 вы прислали отказ без причины: пожалуйста, ответьте" in text
        assert "Слова клиента" not in text
    assert letter["In-Reply-To"] == AIGUL.message_id


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = part(received(compose(AIGUL)), "html")
    assert Page(page).attributes == {"lang", "charset", "name", "content", "style", "dir"}
    assert "http" not in page
    assert "url(" not in page


# Headers


def test_an_answer_goes_to_the_box_that_carries_the_token() -> None:
    letter = received(compose(AIGUL))
    assert letter["Reply-To"] == "bot+k3x9f2@x.kz"
    assert letter["From"] == "Konfident <bot@x.kz>"
    assert letter["To"] == "info@allurauto.kz"


def test_a_tag_of_the_senders_box_stays_before_the_token() -> None:
    assert reply_address("Бот <bot+mail@x.kz>", "k3x9f2") == "bot+mail+k3x9f2@x.kz"


def test_the_letter_bears_its_own_id_and_the_tickets_time_and_asks_no_machine_to_answer() -> None:
    letter = received(compose(AIGUL))
    assert letter["Message-ID"] == AIGUL.message_id
    assert letter["Date"].datetime == OPENED
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "OOF" in letter["X-Auto-Response-Suppress"]
    assert "NDR" not in letter["X-Auto-Response-Suppress"]
    assert letter["Content-Language"] == "ru"


def test_the_same_letter_composed_again_is_the_same_to_the_byte() -> None:
    assert compose(AIGUL).as_bytes() == compose(AIGUL).as_bytes()


def test_a_later_letter_hangs_in_its_thread_and_bears_its_own_time() -> None:
    later = replace(AIGUL, message_id="<second@x.kz>")
    written = datetime(2026, 11, 25, 9, tzinfo=UTC)
    letter = received(compose(later, (AIGUL.message_id, OUTLOOK), written=written))
    assert letter["In-Reply-To"] == OUTLOOK
    assert letter["References"].split() == [AIGUL.message_id, OUTLOOK]
    assert letter["Date"].datetime == written
    assert part(letter, "plain").startswith("Продолжение обращения клиента магазина Allurauto.kz: ")


def test_a_long_id_stays_whole_on_the_wire() -> None:
    wire = compose(replace(AIGUL, message_id=OUTLOOK), [OUTLOOK, OUTLOOK]).as_bytes()
    assert f"Message-ID: {OUTLOOK}\r\n".encode() in wire
    assert f"In-Reply-To: {OUTLOOK}\r\n".encode() in wire
    assert f"References: {OUTLOOK}\r\n {OUTLOOK}\r\n".encode() in wire


def test_an_odd_id_of_somebody_elses_program_is_left_out_of_the_thread() -> None:
    thread = ("no brackets", "<two words@x.kz>", AIGUL.message_id, "<=?utf-8?q?=0ABcc:_x?=@x.kz>", "<ё@x.kz>\r\nBcc: x")
    letter = received(compose(replace(AIGUL, message_id="<second@x.kz>"), thread))
    assert letter["References"] == AIGUL.message_id
    assert letter["Bcc"] is None


# Input that would break a letter


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("evil", ["\r\nBcc: x@evil.kz", "\nBcc: x@evil.kz\n\n", " =?utf-8?q?=0D=0ABcc:_x=40evil.kz?="])
def test_no_field_can_add_a_header_or_a_recipient(name: str, evil: str) -> None:
    hostile = altered(name, f"{getattr(AIGUL, name)}{evil}")
    if name in ADDRESSING:
        with pytest.raises(MailError) as caught:
            compose(hostile)
        assert caught.value.permanent
    else:
        letter = received(compose(hostile))
        assert letter.keys() == HEADERS
        assert [address.addr_spec for address in letter["To"].addresses] == ["info@allurauto.kz"]
        assert letter.defects == []


@pytest.mark.parametrize("name", ["shop", "kind", "number"])
@pytest.mark.parametrize(
    "value", ["Ы" * 5000, 'Лавка, "Ключ" <a@b>; ' * 9, "\0\x1b[31m\u2028\u202eкот", "=\0?utf-8?q?a?="]
)
def test_an_odd_name_reaches_the_subject_readable_and_short(name: str, value: str) -> None:
    message = compose(altered(name, value))
    letter = received(message)
    assert letter["Subject"] == message["Subject"]
    assert len(letter["Subject"]) < 200
    assert letter["Subject"].isprintable()


@pytest.mark.parametrize(
    "name",
    ["Магазин техники, электроники и «Ключ», ТОО, Алматы, улица Абая, дом 150", "Shop, " * 15 + "Ltd", "a@b.kz, "],
)
def test_a_long_sender_name_arrives_letter_by_letter_and_adds_no_sender(name: str) -> None:
    wire = compose(replace(AIGUL, sender=f"{name} <bot@x.kz>")).as_bytes()
    shown = str(make_header(decode_header(email.message_from_bytes(wire)["From"])))
    assert shown == f"{name.strip()} <bot@x.kz>"
    parsed = email.message_from_bytes(wire, policy=policy.default)
    assert [box.addr_spec for box in parsed["From"].addresses] == ["bot@x.kz"]


def test_every_line_on_the_wire_is_short_ascii_whatever_the_words() -> None:
    hostile = replace(AIGUL, words="ы" * 100_000 + "\r" + "." * 5000, shop="Ы" * 5000, details="\n.\n" * 1000)
    wire = compose(hostile).as_bytes()
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_a_hundred_kilobytes_of_words_arrive_whole() -> None:
    words = "\n".join(f"Строка {number}: удалите всё, что знаете обо мне." for number in range(1400))
    assert len(words.encode()) > 100_000
    plain, page = both_texts(replace(AIGUL, words=words))
    assert "\n".join(f"> {line}" for line in words.split("\n")) in plain
    assert words in page


@pytest.mark.parametrize("name", sorted(set(STRINGS) - ADDRESSING - {"news"}))
def test_markup_is_shown_as_it_was_typed(name: str) -> None:
    markup = """«"'><script>alert(1)</script><img src=x>{{ 7*7 }}&amp;"""
    message = received(compose(altered(name, markup)))
    page = Page(part(message, "html"))
    assert not {"script", "img"} & set(page.tags)
    assert markup in page.text
    assert markup in part(message, "plain")


def test_what_cannot_be_seen_is_dropped_and_halves_of_characters_are_mended() -> None:
    words = "a\u202eb\u2066c\u200fd\0e\x1b[31mf\x7f \ud83d\ude00 \ud83d конец\u2028вторая\x85третья\r\nчетвёртая\tтаб"
    for text in both_texts(replace(AIGUL, words=words, contact="+7 701\n\u202e000 \t 11")):
        assert "abcde[31mf 😀 \ufffd конец" in text
        assert "+7 701 000 11\n" in text
    assert "> вторая\n> третья\n> четвёртая\tтаб\n" in both_texts(replace(AIGUL, words=words))[0]


def test_a_domain_of_other_letters_is_written_as_the_mail_system_knows_it() -> None:
    letter = received(compose(replace(AIGUL, to="info@магазин.қаз", sender="Бот магазина, «Ключ» <bot@почта.рф>")))
    assert letter["To"].addresses[0].addr_spec == "info@xn--80aairftm.xn--80ao21a"
    assert letter["From"].addresses[0].display_name == "Бот магазина, «Ключ»"
    assert letter["Reply-To"] == "bot+k3x9f2@xn--80a1acny.xn--p1ai"


@pytest.mark.parametrize(
    "address",
    ["", "info", "@x.kz", "info@", "инфо@x.kz", "a@b.kz, c@d.kz", "a b@x.kz", "a@x..kz", "<a@x.kz", "a@x.kz>"],
)
def test_an_unusable_address_is_refused_for_good(address: str) -> None:
    for letter in (replace(AIGUL, to=address), replace(AIGUL, sender=address)):
        with pytest.raises(MailError, match="not an address") as refused:
            compose(letter)
        assert refused.value.permanent


# later letters

NEWS = ("replied", "withdrawn", "reopened", "reminder")


def note(news: str, **changes: str | bool) -> EmailMessage:
    letter = replace(AIGUL, news=news, **changes)  # type: ignore[arg-type] # every name given here is of its kind
    return received(compose(letter, ["<first@x.kz>"], written=AIGUL.opened, template="note"))


@pytest.mark.parametrize("news", NEWS)
def test_a_later_letter_says_what_happened_alike_in_text_and_page(news: str) -> None:
    words = "<b>Вот</b>\nпочта"
    letter = note(news, words=words)
    headline = {
        "replied": "Ответ клиента",
        "withdrawn": "Клиент отозвал",
        "reopened": "вернуться",
        "reminder": "Напоминание",
    }
    page = Page(part(letter, "html"))
    assert headline[news] in part(letter, "plain").splitlines()[0]
    assert headline[news] in page.text
    assert AIGUL.number in page.text
    assert ("> <b>Вот</b>\n> почта" in part(letter, "plain")) == (news != "withdrawn")
    assert (words in page.text) == (news != "withdrawn")
    assert (AIGUL.deadline in page.text) == (news != "withdrawn")


@pytest.mark.parametrize("news", ["reopened", "reminder"])
def test_a_request_without_words_leaves_no_empty_quotation_in_later_letters(news: str) -> None:
    letter = note(news, words="")
    assert ">" not in part(letter, "plain")
    assert "blockquote" not in part(letter, "html")


def test_a_later_letter_promises_no_chat_where_nobody_reads_answers() -> None:
    letter = note("replied", replies_are_read=False)
    assert "Ответьте на это письмо" not in part(letter, "plain")
    assert AIGUL.contact in part(letter, "plain")
