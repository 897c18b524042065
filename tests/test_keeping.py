"""What a customer hands over and what becomes of it: files, codes, papers, and the end of all of them."""

# ruff: noqa: F401, F811  # a fixture is imported by its name and then asked for by it

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import clerk
import pytest
from docx import Document
from smtp_server import smtp_server
from test_telegram import (
    AIGUL,
    AIGULS_MAIL,
    DANIYAR,
    NO_FILES,
    NUMBER,
    SUMMARY,
    YES,
    Office,
    Person,
    aigul,
    api,
    bot,
    build,
    clock,
    daniyar,
    house,
    office,
    olga,
    rooms,
    titles,
    words,
)

from bot.files import MOST_BYTES, MOST_FILES, Sent, names_identity_document, safe_name
from bot.papers import Papers
from bot.post import deliver_one, mail_sender
from bot.rooms import Rooms
from bot.smtp import send as send_letter

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from bot_api import BotApi
    from house_fixtures import Clock

Json = dict[str, Any]
DAY = 24 * 60 * 60
CHAT = f"tg:{AIGUL}"
CODE = "Подтвердить почту кодом"
STORY = "Вчера мне трижды звонили с чужого номера и знали мой заказ."
COMPLAINT = "хочу пожаловаться: мой номер передали мошенникам"


def photo(api: BotApi, content: bytes = b"\xff\xd8picture", **more: Any) -> Json:
    """Make the fields of a message with a photo that can be downloaded."""
    file = api.add_file(f"photos/{len(api.files)}.jpg", content)
    small = {**file, "width": 90, "height": 60}
    return {"photo": [{key: small[key] for key in small if key != "file_path"}], **more}


def document(api: BotApi, name: str, content: bytes = b"%PDF-", **more: Any) -> Json:
    file = api.add_file(f"documents/{len(api.files)}", content)
    fields = {"file_name": name, "mime_type": "application/pdf"}
    return {"document": {**{key: file[key] for key in file if key != "file_path"}, **fields}, **more}


async def letters_of(office: Office) -> list[EmailMessage]:
    """Send what waits over a real mail server; give what arrived."""
    async with smtp_server() as server:

        async def hand_over(letter: EmailMessage) -> None:
            await send_letter(letter, server.url)

        rooms = office.house.rooms
        word = office.house.responses.word
        mail = mail_sender(rooms.tickets, rooms.shops, word, "bot@example.kz", hand_over, replies_are_read=True)
        while await deliver_one(rooms.tickets, {"mail": mail}, office.clock()):
            pass
        return [each.letter for each in server.delivered]


def attachments(letter: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in letter.iter_attachments()}


def documents(api: BotApi, chat: int) -> list[bytes]:
    """Give the contents of the documents that the bot sent to a chat."""
    sent = [message["document"] for message in api.messages[chat] if "document" in message]
    return [api._contents[api.files[each["file_id"]]["file_path"]] for each in sent]


def everything_on_disk(folder: Path) -> bytes:
    """All bytes of the database and the files, as somebody with the disk reads them."""
    paths = [*folder.glob("konfident.db*"), *(path for path in (folder / "files").rglob("*") if path.is_file())]
    return b"".join(path.read_bytes() for path in paths)


# files


async def test_a_photo_at_the_summary_travels_with_the_letter(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    heard = await aigul.sends(**photo(api, b"\xff\xd8one", caption="вот снимок экрана"))
    assert "Файл добавил к обращению." in heard
    assert "Подробности: вот снимок экрана" in heard
    assert "Файлы: 1" in heard
    await aigul.taps(YES)
    (letter,) = await letters_of(office)
    assert list(attachments(letter).values()) == [b"\xff\xd8one"]
    body = letter.get_body(("plain",))
    assert body is not None
    assert "вот снимок экрана" in body.get_content()


async def test_a_repeated_letter_with_a_file_is_the_same_letter(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**document(api, "Чек за сентябрь, оплачено.pdf"))
    await aigul.taps(YES)
    (first,) = await letters_of(office)
    office.tickets.database.execute("UPDATE outbox SET state = 'waiting', leased_until = ''")
    (second,) = await letters_of(office)
    assert bytes(first) == bytes(second)
    assert attachments(first) == {"Чек за сентябрь, оплачено.pdf": b"%PDF-"}


async def test_a_photo_is_added_to_an_open_request(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.opens_a_ticket()
    await aigul.says("/requests")
    await aigul.taps(f"Добавить: {NUMBER}")
    before = len(aigul.messages)
    for number in range(2):
        await aigul.sends(**photo(api, b"%d" % number, media_group_id="77"))
    assert "Добавил к обращению" in aigul.heard[-1]
    assert len(aigul.messages) == before + 1
    _, first, second = await letters_of(office)
    assert [list(attachments(letter).values()) for letter in (first, second)] == [[b"0"], [b"1"]]
    assert [each.ticket for each in office.house.rooms.files.of_chat(CHAT)] == [NUMBER, NUMBER]
    assert NO_FILES in await aigul.sends(**photo(api))


async def test_nobody_adds_a_photo_to_anothers_request(aigul: Person, daniyar: Person, office: Office) -> None:
    await aigul.opens_a_ticket()
    await daniyar.forges(f'/reply_to{{"number":"{NUMBER}"}}')
    assert NO_FILES in await daniyar.sends(**photo(office.api))
    assert office.house.rooms.files.of_ticket(NUMBER) == []


async def test_who_forgets_and_closes_takes_a_sent_request_back(aigul: Person, office: Office) -> None:
    await aigul.opens_a_ticket()
    await letters_of(office)
    await aigul.says("/forget")
    await aigul.taps("Закрыть, затем стереть всё")
    (letter,) = await letters_of(office)
    body = letter.get_body(("plain",))
    assert body is not None
    assert "Клиент отозвал обращение" in body.get_content()
    assert AIGULS_MAIL.encode() not in bytes(letter)


async def test_an_album_is_one_answer_that_counts_along(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    before = len(aigul.messages)
    for number in range(3):
        caption = {"caption": "три снимка"} if number == 0 else {}
        await aigul.sends(**photo(api, b"%d" % number, media_group_id="77", **caption))
    assert len(aigul.messages) == before + 1
    assert "Файлы: 3" in aigul.heard[-1]
    assert YES in aigul.buttons
    await aigul.taps(YES)
    (letter,) = await letters_of(office)
    assert list(attachments(letter).values()) == [b"0", b"1", b"2"]


async def test_a_caption_is_the_story_that_a_complaint_asks_for(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.says("allurauto")
    await aigul.says(COMPLAINT)
    assert "Что произошло?" in await aigul.says(AIGULS_MAIL)
    assert "Что произошло?" in await aigul.sends(**photo(api))
    assert f"Подробности: {STORY}" in await aigul.sends(**photo(api, caption=STORY))
    await aigul.taps(YES)
    assert office.ticket("ALU-2026-000001").details == STORY
    assert len(office.house.rooms.files.of_ticket("ALU-2026-000001")) == 2


async def test_the_staff_gets_the_files_with_the_card(aigul: Person, olga: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api))
    await aigul.taps(YES)
    await office.delivers()
    assert any("photo" in message for message in olga.messages)


@pytest.mark.parametrize("caption", ["мой паспорт", "Удостоверение личности", "ИИН 900101300123", "passport"])
async def test_an_identity_document_is_not_even_fetched(
    aigul: Person, office: Office, api: BotApi, caption: str, tmp_path: Path
) -> None:
    await aigul.reaches_the_summary()
    heard = await aigul.sends(**photo(api, b"secret", caption=caption))
    assert heard.startswith("Похоже, это документ, удостоверяющий личность. Я его не сохранил")
    assert api.calls("getFile") == []
    assert "Обращение" in await aigul.taps(YES)
    assert attachments((await letters_of(office))[0]) == {}
    assert b"900101300123" not in everything_on_disk(tmp_path)


async def test_of_an_album_with_a_passport_nothing_stays(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api, media_group_id="5"))
    assert "удостоверяющий личность" in await aigul.sends(**photo(api, media_group_id="5", caption="паспорт"))
    assert await aigul.sends(**photo(api, media_group_id="5")) == ""
    assert office.house.rooms.files.of_chat(CHAT) == []


async def test_a_word_afterwards_removes_an_identity_document(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api))
    heard = await aigul.says("это мой паспорт")
    assert "удостоверяющий личность" in heard
    assert "Файлы" not in heard
    assert office.house.rooms.files.of_chat(CHAT) == []


async def test_a_complaint_about_a_passport_is_a_complaint(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.says("allurauto")
    await aigul.says(COMPLAINT)
    await aigul.says(AIGULS_MAIL)
    await aigul.sends(**photo(api))
    told = "Менеджер потребовал паспорт и переслал его снимок в общий чат, где было сорок человек."
    assert f"Подробности: {told}" in await aigul.says(told)
    assert len(office.house.rooms.files.of_chat(CHAT)) == 1


async def test_what_does_not_fit_is_refused_kindly_and_the_rest_stays(
    aigul: Person, office: Office, api: BotApi
) -> None:
    await aigul.reaches_the_summary()
    too_large: Json = {"document": {**document(api, "a.pdf")["document"], "file_size": 30 << 20}}
    assert "не поместится" in await aigul.sends(**too_large)
    for _ in range(MOST_FILES):
        await aigul.sends(**photo(api))
    assert "не поместится" in await aigul.sends(**photo(api))
    assert len(office.house.rooms.files.of_chat(CHAT)) == MOST_FILES


async def test_twenty_megabytes_together_are_the_end(rooms: Rooms) -> None:
    rooms.files.keep(CHAT, "form", Sent("a.bin", "", 0), bytes(MOST_BYTES - 10), rooms.clock())
    assert rooms.files.has_room("form", 10)
    assert not rooms.files.has_room("form", 11)


async def test_a_file_that_telegram_does_not_give_is_said_so(aigul: Person, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    api.fail_next("getFile", 400, "Bad Request: file is temporarily unavailable")
    assert "Не получилось скачать файл." in await aigul.sends(**photo(api))
    assert "Обращение" in await aigul.taps(YES)


async def test_cancel_erases_the_files(aigul: Person, api: BotApi, tmp_path: Path) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api))
    await aigul.says("отмена")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


async def test_files_move_with_the_request_to_another_shop(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api, b"moved"))
    assert "Магазин: AllurAuto" in await aigul.says("allurauto")
    await aigul.taps(YES)
    (letter,) = await letters_of(office)
    assert list(attachments(letter).values()) == [b"moved"]


async def test_more_of_the_same_wish_brings_its_files_along(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.opens_a_ticket()
    await aigul.says("удалите мой аккаунт")
    await aigul.says(AIGULS_MAIL)
    await aigul.sends(**photo(api, b"later"))
    assert "уже есть открытое обращение" in await aigul.taps(YES)
    _, later = await letters_of(office)
    assert list(attachments(later).values()) == [b"later"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("чек.pdf", "чек.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.doc", "a.doc"),
        ("a.pdf\r\nBcc: all@example.kz", "a.pdfBcc_ all@example.kz"),
        ("фото\u202egpj.exe", "фотоgpj.exe"),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_a_file_name_in_a_letter_is_only_a_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_ending() -> None:
    assert safe_name("я" * 300 + ".pdf").endswith("я.pdf")
    assert len(safe_name("я" * 300 + ".pdf")) <= 100


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("скан_паспорта.jpg", True), ("паспорта мамы", True), ("мои финансы", False), ("чиин", False), ("дизайн", False)],
)
def test_identity_documents_are_known_by_their_names(text: str, *, is_one: bool) -> None:
    assert names_identity_document(text) is is_one


async def test_a_name_that_would_be_a_header_is_none(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**document(api, "a=?utf-8?q?x=0D=0ABcc:evil@example.kz?=.pdf\r\nBcc: evil@example.kz"))
    await aigul.taps(YES)
    (letter,) = await letters_of(office)
    assert letter["Bcc"] is None
    assert len(attachments(letter)) == 1


# the code


@pytest.fixture
def rooms_with_mail(rooms: Rooms) -> Rooms:
    return Rooms(rooms.shops, rooms.library, rooms.recognizer, rooms.tickets, rooms.clock, sends_letters=True)


@pytest.fixture
def mailing(rooms_with_mail: Rooms, build: Any, bot: Any, api: BotApi, clock: Clock) -> Person:
    """Aigul at an assistant that sends letters."""
    return Person(Office(build(rooms_with_mail), bot, api, clock), AIGUL)


async def code_for(person: Person) -> tuple[EmailMessage, str]:
    (letter,) = await letters_of(person.office)
    found = re.search(r"\b\d{6}\b", letter["Subject"])
    assert found
    return letter, found[0]


async def test_a_code_by_mail_confirms_the_address(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    assert f"Отправляю код на {AIGULS_MAIL}." in await mailing.taps(CODE)
    letter, code = await code_for(mailing)
    assert letter["To"] == AIGULS_MAIL
    heard = await mailing.says(code)
    assert heard.startswith("Почта подтверждена.")
    assert "Личность: почта подтверждена кодом" in heard
    assert CODE not in mailing.buttons
    await mailing.taps(YES)
    assert mailing.office.ticket().identity == "email"
    (letter,) = await letters_of(mailing.office)
    body = letter.get_body(("plain",))
    assert body is not None
    assert "Подтверждение личности: почта подтверждена кодом" in body.get_content()


async def test_without_the_code_a_yes_is_still_enough(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    assert CODE in mailing.buttons
    assert "Обращение" in await mailing.says("да")
    assert mailing.office.ticket().identity == "typed"


async def test_the_code_can_be_skipped_after_it_was_sent(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    await mailing.taps(CODE)
    assert SUMMARY in await mailing.taps("Без кода")
    await mailing.taps(YES)
    assert mailing.office.ticket().identity == "typed"


async def test_where_no_letters_leave_no_code_is_offered(aigul: Person) -> None:
    await aigul.reaches_the_summary()
    assert CODE not in aigul.buttons


async def test_three_wrong_tries_end_a_code(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    await mailing.taps(CODE)
    _, code = await code_for(mailing)
    wrong = "000000" if code != "000000" else "111111"
    assert "Код не подошёл." in await mailing.says(wrong)
    assert "Код не подошёл." in await mailing.says(wrong)
    assert "больше не действует" in await mailing.says(wrong)
    await mailing.says(code)
    await mailing.taps(YES)
    assert mailing.office.ticket().identity == "typed"


async def test_a_code_lives_ten_minutes(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    await mailing.taps(CODE)
    _, code = await code_for(mailing)
    mailing.office.clock.passes(601)
    assert "больше не действует" in await mailing.says(code)


async def test_a_code_for_one_address_confirms_no_other(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    await mailing.taps(CODE)
    _, code = await code_for(mailing)
    await mailing.says("другой адрес: victim@example.kz")
    await mailing.says(code)
    await mailing.taps(YES)
    assert (mailing.office.ticket().contact, mailing.office.ticket().identity) == ("victim@example.kz", "typed")


def test_a_code_is_bound_to_its_chat_and_form(rooms: Rooms) -> None:
    codes, now = rooms.codes, rooms.clock()
    code = codes.make("tg:1", "form", AIGULS_MAIL, now) or ""
    assert codes.check("tg:2", "form", AIGULS_MAIL, code, now) == "spent"
    assert codes.check("tg:1", "other", AIGULS_MAIL, code, now) == "spent"
    assert codes.check("tg:1", "form", AIGULS_MAIL, code, now) == "right"
    assert codes.check("tg:1", "form", AIGULS_MAIL, code, now) == "spent"


def test_codes_are_few_for_an_address_and_for_a_chat(rooms: Rooms) -> None:
    codes, now = rooms.codes, rooms.clock()
    made = [codes.make(f"tg:{number}", "form", AIGULS_MAIL, now) is not None for number in range(4)]
    assert made == [True, True, True, False]
    made = [codes.make("tg:9", "form", f"{number}@example.kz", now) is not None for number in range(6)]
    assert made == [True] * 5 + [False]
    assert codes.make("tg:9", "form", AIGULS_MAIL, now + timedelta(hours=1)) is not None


def test_neither_code_nor_address_can_be_read_on_disk(rooms: Rooms, tmp_path: Path) -> None:
    code = rooms.codes.make(CHAT, "form", AIGULS_MAIL, rooms.clock()) or ""
    (row,) = rooms.tickets.database.query("SELECT * FROM codes")
    assert code not in [row["digest"], row["salt"]]
    assert AIGULS_MAIL.encode() not in everything_on_disk(tmp_path)


async def test_a_claimed_contact_merges_blocks_and_reveals_nothing(mailing: Person) -> None:
    await mailing.opens_a_ticket()
    daniyar = Person(mailing.office, DANIYAR)
    number = await daniyar.opens_a_ticket()
    assert number != NUMBER
    assert NUMBER not in "\n".join(daniyar.heard)
    assert NUMBER not in await daniyar.says("/requests")
    ticket = mailing.office.ticket()
    assert (ticket.chat, ticket.status) == (CHAT, "opened")
    assert mailing.office.events() == [("opened", "")]


async def test_a_yes_instead_of_the_code_leads_on_without_it(mailing: Person) -> None:
    await mailing.reaches_the_summary()
    await mailing.taps(CODE)
    assert "Код состоит из шести цифр" in await mailing.says("какой-то код не приходит")
    assert SUMMARY in await mailing.says("да")
    assert "Обращение" in await mailing.says("да")
    assert mailing.office.ticket().identity == "typed"


# the letter by post


async def test_where_only_the_post_leads_a_ready_letter_comes_along(aigul: Person, api: BotApi) -> None:
    number = await aigul.opens_a_ticket("jetu")
    (content,) = documents(api, AIGUL)
    text = "\n".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)
    for part in (
        "Кому: Jetu.kz",
        "улица Култобе 4",
        AIGULS_MAIL,
        "удалить мои персональные данные",
        number,
        "Подпись:",
    ):
        assert part in text
    assert "21.11.2026" in text


async def test_the_letter_names_the_clause_that_speaks_of_it(aigul: Person, api: BotApi, office: Office) -> None:
    await aigul.opens_a_ticket("jetu", "какие данные обо мне вы храните, пришлите всё")
    (content,) = documents(api, AIGUL)
    text = "\n".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)
    ticket = office.tickets.listed()[0]
    assert f"пунктом {ticket.clause} политики" in text
    assert ticket.clause_text.split("\n")[0] in text


async def test_a_shop_with_an_address_needs_no_letter(aigul: Person, api: BotApi) -> None:
    await aigul.opens_a_ticket()
    assert documents(api, AIGUL) == []


async def test_a_paper_is_made_for_its_own_chat_only(aigul: Person, office: Office) -> None:
    number = await aigul.opens_a_ticket("jetu")
    rooms = office.house.rooms
    papers = Papers(rooms.tickets, rooms.retention, rooms.shops, office.house.responses.word, rooms.clock)
    assert papers.make(f"letter {number}", CHAT) is not None
    assert papers.make(f"letter {number}", f"tg:{DANIYAR}") is None


# what is kept, shown


async def test_mydata_sends_all_that_is_kept(aigul: Person, daniyar: Person, office: Office, api: BotApi) -> None:
    await daniyar.opens_a_ticket()
    await aigul.reaches_the_summary()
    await aigul.sends(**document(api, "чек.pdf", caption="чек приложил"))
    number = (await aigul.taps(YES)).split("Обращение ")[1][:15]
    clerk.answer(office.tickets, number, "Рассмотрим завтра.", office.clock())
    await office.delivers()
    await aigul.says("удалите мой профиль")
    await aigul.says("/mydata")
    text = documents(api, AIGUL)[-1].decode()
    for part in (
        number,
        AIGULS_MAIL,
        "чек приложил",
        "чек.pdf",
        "Рассмотрим завтра.",
        "удалите мой аккаунт",
        "protorg",
    ):
        assert part in text
    assert "PRO-2026-000001" not in text
    assert "удалите мой профиль" in text


# what is kept, erased


async def test_forget_without_open_requests_erases_at_once(aigul: Person, office: Office, tmp_path: Path) -> None:
    number = await aigul.opens_a_ticket()
    clerk.close(office.tickets, number, office.clock())
    await letters_of(office)
    await office.delivers()
    assert "стёрто" in await aigul.says("/forget")
    nothing_of_aigul_is_left(office, tmp_path)
    assert office.ticket().status == "closed"


async def test_forget_asks_once_about_open_requests_and_closes_them(
    aigul: Person, office: Office, tmp_path: Path, api: BotApi
) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api, b"picture-of-aigul", caption="мой снимок"))
    await aigul.taps(YES)
    heard = await aigul.says("/forget")
    assert f"открытые обращения: {NUMBER}." in heard
    assert office.ticket().contact == AIGULS_MAIL
    await aigul.taps("Закрыть, затем стереть всё")
    nothing_of_aigul_is_left(office, tmp_path)
    assert office.ticket().status == "withdrawn"
    assert await letters_of(office) == []


async def test_forget_can_leave_open_requests_nameless(aigul: Person, office: Office, tmp_path: Path) -> None:
    await aigul.opens_a_ticket()
    await aigul.says("/forget")
    await aigul.taps("Оставить обезличенными, стереть остальное")
    nothing_of_aigul_is_left(office, tmp_path)
    assert office.ticket().status == "opened"
    (letter,) = await letters_of(office)
    assert AIGULS_MAIL.encode() not in bytes(letter)
    clerk.answer(office.tickets, NUMBER, "Сделано.", office.clock())
    before = len(aigul.messages)
    await office.delivers()
    assert len(aigul.messages) == before


async def test_what_a_clerk_writes_to_a_forgotten_chat_is_erased_within_a_day(
    aigul: Person, office: Office, tmp_path: Path
) -> None:
    await aigul.opens_a_ticket()
    await aigul.says("/forget")
    await aigul.taps("Оставить обезличенными, стереть остальное")
    clerk.answer(office.tickets, NUMBER, f"Удалили {AIGULS_MAIL}.", office.clock())
    await office.delivers()
    assert office.house.rooms.retention.erase_old({}, office.clock()) == 1
    assert office.house.rooms.retention.erase_old({}, office.clock()) == 0
    nothing_of_aigul_is_left(office, tmp_path)


async def test_forget_can_be_called_off(aigul: Person, office: Office) -> None:
    await aigul.opens_a_ticket()
    await aigul.says("/forget")
    await aigul.taps("Отмена")
    assert office.ticket().contact == AIGULS_MAIL


async def test_forget_in_the_middle_of_a_form_ends_it(aigul: Person, office: Office, tmp_path: Path) -> None:
    await aigul.reaches_the_summary()
    assert "стёрто" in await aigul.says("/forget")
    nothing_of_aigul_is_left(office, tmp_path)
    assert "Я автоматический помощник" in await aigul.says("привет")


async def test_one_chat_forgets_only_itself(aigul: Person, daniyar: Person, office: Office) -> None:
    await aigul.opens_a_ticket()
    other = await daniyar.opens_a_ticket()
    await aigul.says("/forget")
    await aigul.taps("Закрыть, затем стереть всё")
    assert (office.ticket(other).contact, office.ticket(other).status) == (AIGULS_MAIL, "opened")
    assert office.tickets.chat_state(f"tg:{DANIYAR}")


def nothing_of_aigul_is_left(office: Office, folder: Path) -> None:
    """Neither in a table nor in the bytes of the disk."""
    database = office.tickets.database
    for table in ("tickets", "events", "outbox", "chats", "files", "codes"):
        rows = json.dumps([dict(row) for row in database.query(f"SELECT * FROM {table}")], ensure_ascii=False)  # noqa: S608
        for personal in (AIGULS_MAIL, CHAT, "удалите мой аккаунт", "мой снимок"):
            assert personal not in rows, table
    disk = everything_on_disk(folder)
    for personal in (AIGULS_MAIL, "удалите мой аккаунт", "picture-of-aigul"):
        assert personal.encode() not in disk


async def test_a_year_after_its_end_nothing_personal_is_left_of_a_request(
    aigul: Person, office: Office, tmp_path: Path, api: BotApi
) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api, b"picture-of-aigul"))
    await aigul.taps(YES)
    await letters_of(office)
    clerk.answer(office.tickets, NUMBER, f"Удалили аккаунт {AIGULS_MAIL}.", office.clock())
    clerk.close(office.tickets, NUMBER, office.clock())
    await office.delivers()
    retention, before = office.house.rooms.retention, office.ticket()
    office.clock.passes(364 * DAY)
    assert retention.erase_old({"protorg": 365}, office.clock()) == 0
    assert office.ticket().contact == AIGULS_MAIL
    office.clock.passes(DAY)
    assert retention.erase_old({"protorg": 365}, office.clock()) == 1
    assert retention.erase_old({"protorg": 365}, office.clock()) == 0
    nothing_of_aigul_is_left(office, tmp_path)
    after = office.ticket()
    kept = ("number", "shop", "kind", "status", "opened", "updated", "deadline", "clause", "edition", "identity")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert [what for what, _ in office.events()][-1] == "personal data erased"


async def test_open_requests_are_kept_however_old(aigul: Person, office: Office) -> None:
    await aigul.opens_a_ticket()
    office.clock.passes(2000 * DAY)
    assert office.house.rooms.retention.erase_old({}, office.clock()) == 0
    assert office.ticket().contact == AIGULS_MAIL


async def test_files_go_thirty_days_after_the_end(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api))
    await aigul.taps(YES)
    rooms = office.house.rooms
    office.clock.passes(60 * DAY)
    rooms.retention.erase_old({}, office.clock())
    assert len(rooms.files.of_ticket(NUMBER)) == 1
    clerk.close(office.tickets, NUMBER, office.clock())
    office.clock.passes(30 * DAY)
    rooms.retention.erase_old({}, office.clock())
    assert rooms.files.of_ticket(NUMBER) == []
    assert office.ticket().contact == AIGULS_MAIL


async def test_a_chat_that_fell_silent_is_forgotten_after_ninety_days(aigul: Person, office: Office) -> None:
    await aigul.says("protorg")
    office.clock.passes(89 * DAY)
    office.house.rooms.retention.erase_old({}, office.clock())
    assert office.tickets.chat_state(CHAT)
    office.clock.passes(DAY)
    office.house.rooms.retention.erase_old({}, office.clock())
    assert office.tickets.chat_state(CHAT) == {}


async def test_files_of_an_unfinished_request_go_after_a_week(aigul: Person, office: Office, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    await aigul.sends(**photo(api))
    office.clock.passes(7 * DAY)
    office.house.rooms.retention.erase_old({}, office.clock())
    assert office.house.rooms.files.of_chat(CHAT) == []
