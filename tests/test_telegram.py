"""Telegram in, Telegram out: a real dispatcher, bot and house; only the server at the other end is a double."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from bot_api import BotApi
from house_fixtures import Clock

from bot.cards import chat_sender, staff_sender
from bot.desk import Desk
from bot.house import House
from bot.papers import Papers
from bot.post import deliver_one
from bot.responses import Responses
from bot.rooms import Rooms
from bot.settings import read_settings
from bot.shops import read_shops
from bot.telegram import COMMANDS, connect, introduce, make_dispatcher
from bot.tickets import Tickets
from index.library import Library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from aiogram import Bot

    from bot.register import Ticket
    from index.encoder import Encoder
    from index.packaged_model import Progress
    from index.recognizer import Recognizer
    from index.training import Examples

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]

# Aigul asks protorg; Daniyar must never see or touch her ticket; Olga and Marat answer in the staff's chat.
AIGUL, DANIYAR, STAFF, OLGA, MARAT = 7, 8, -100500, 777, 778
AIGULS_MAIL = "aigul@example.kz"
WISH, SUMMARY, YES = "удалите мой аккаунт", "Проверьте обращение.", "Да, отправить"
QUESTION, CLAUSE = "кому вы передаёте мой телефон?", "PROtorg.kz, пункт 5.2."
ASKS_CONTACT = "Как магазину вас найти?"
OLD_BUTTON = "Эта кнопка уже сработала или устарела."
FAILURE = "Что-то сломалось на моей стороне"
NUMBER = "PRO-2026-000001"


class Office:
    """One assistant on one database, wired as `konfident run` does it."""

    def __init__(self, house: House, bot: Bot, api: BotApi, clock: Clock, staff: int | None = STAFF) -> None:
        self.house, self.bot, self.api, self.clock, self.looked_at_outbox = house, bot, api, clock, 0
        self.tickets = house.rooms.tickets
        rooms = house.rooms
        papers = Papers(rooms.tickets, rooms.retention, rooms.shops, house.responses.word, clock)
        desk = Desk(staff, self.tickets, house.responses, house.shop_names, clock, paper=papers.make)
        self.dispatcher = make_dispatcher(house.dialogue, desk, self._look_at_outbox)
        self._channels = {"chat": chat_sender(bot, desk), "staff": staff_sender(bot, desk)}

    def _look_at_outbox(self) -> None:
        self.looked_at_outbox += 1

    async def receives(self, update: Json) -> None:
        """Handle an update to its end, as polling hands it over."""
        await self.dispatcher.feed_raw_update(self.bot, update)

    async def delivers(self) -> None:
        """Deliver what is due now; letters are another room's work."""
        while await deliver_one(self.tickets, self._channels, self.clock()):
            pass

    def ticket(self, number: str = NUMBER) -> Ticket:
        found = self.tickets.ticket(number)
        assert found is not None
        return found

    def events(self, number: str = NUMBER) -> list[tuple[str, str]]:
        return [(event.what, event.text) for event in self.tickets.events(number)]


@dataclass
class Person:
    """Somebody with Telegram, in a chat; each deed gives the texts that the bot answers with in that chat."""

    office: Office
    chat: int
    user: int | None = None

    async def says(self, text: str, **extra: Any) -> str:
        return await self._heard(lambda: self.api.user_says(self.chat, text, self.user, **extra))

    async def taps(self, title: str, message_id: int | None = None) -> str:
        return await self._heard(lambda: self.api.user_taps(self.chat, title, message_id, self.user))

    async def sends(self, kind: str = "message", **fields: Any) -> str:
        """Send a message that is no text."""
        return await self._heard(lambda: self.api.push({kind: self.api.user_message(self.chat, self.user, **fields)}))

    async def shares(self, phone: str, owner: int | None = None) -> str:
        """Share a contact: the own one, or another's."""
        return await self._heard(lambda: self.api.user_shares_contact(self.chat, phone, owner))

    async def replies(self, to: str, text: str, **extra: Any) -> str:
        """Answer the newest message that has these words."""
        message = next(each for each in reversed(self.messages) if to in each["text"])
        return await self.says(text, reply_to_message={**message, "chat": self.api.chat(self.chat)}, **extra)

    async def forges(self, data: str) -> str:
        """Tap a button that the bot never showed in this chat."""
        message = {**self.api.user_message(self.chat, self.user), "text": "x", "from": self.api._me()}
        query = {"id": str(len(self.api.sent)), "chat_instance": "x", "data": data, "message": message}
        return await self._heard(lambda: self.api.push({"callback_query": {"from": self.api.user(self.chat), **query}}))

    async def _heard(self, push: Callable[[], Json]) -> str:
        before = len(self.messages)
        await self.office.receives(push())
        return "\n".join(self.heard[before:])

    @property
    def api(self) -> BotApi:
        return self.office.api

    @property
    def messages(self) -> list[Json]:
        """All messages of the bot in this chat as they are now."""
        return self.api.messages[self.chat]

    @property
    def heard(self) -> list[str]:
        return [message.get("text", "") for message in self.messages]

    @property
    def buttons(self) -> list[str]:
        """Titles of the buttons under the last message."""
        return titles(self.messages[-1])

    async def reaches_the_summary(self, shop: str = "protorg", wish: str = WISH) -> None:
        for text in (shop, wish, AIGULS_MAIL):
            last = await self.says(text)
        assert SUMMARY in last

    async def opens_a_ticket(self, shop: str = "protorg", wish: str = WISH) -> str:
        await self.reaches_the_summary(shop, wish)
        found = re.search(r"[A-Z]{3}-2026-\d{6}", await self.taps(YES))
        assert found
        return found[0]


def titles(message: Json) -> list[str]:
    keyboard = message.get("keyboard", {})
    rows = keyboard.get("inline_keyboard") or keyboard.get("keyboard") or []
    return [button["text"] for row in rows for button in row]


def tap_on(api: BotApi, message: Json, title: str, person: Person) -> Json:
    """A tap on a button as it was shown at another time."""
    data = next(key["callback_data"] for (key,) in message["keyboard"]["inline_keyboard"] if key["text"] == title)
    shown = {name: value for name, value in message.items() if name not in ("html", "keyboard")}
    query = {"id": f"{title} {person.user}", "chat_instance": "x", "data": data, "message": shown}
    return {**query, "from": api.user(person.user or person.chat)}


def quoted(message: Json) -> list[str]:
    """Give the texts of a message's quotations."""
    units = message["text"].encode("utf-16-le")
    quotes = [each for each in message.get("entities", ()) if each["type"] == "blockquote"]
    return [units[2 * each["offset"] : 2 * (each["offset"] + each["length"])].decode("utf-16-le") for each in quotes]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(library: Library, recognizer: Recognizer, tmp_path: Path, clock: Clock) -> Iterator[Rooms]:
    tickets = Tickets(tmp_path / "konfident.db")
    yield Rooms(read_shops(ROOT / "knowledge"), library, recognizer, tickets, clock)
    tickets.close()


@pytest.fixture(scope="module")
def words() -> Responses:
    return Responses(ROOT / "intents" / "domain.yml")


@pytest.fixture
def build(words: Responses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Rooms], House]:
    """Build a house around rooms that are open already: opening them takes seconds."""
    monkeypatch.setattr("bot.house.Responses", lambda _path: words)

    def built(rooms: Rooms) -> House:
        monkeypatch.setattr("bot.house.open_rooms", lambda _settings, _progress: rooms)
        folders = {"knowledge_dir": ROOT / "knowledge", "intents_dir": ROOT / "intents", "data_dir": tmp_path}
        return House(read_settings(**folders), lambda _what: lambda _done, _total: None)

    return built


@pytest.fixture
def house(rooms: Rooms, build: Callable[[Rooms], House]) -> House:
    return build(rooms)


@pytest_asyncio.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        server.known_chats |= {AIGUL, DANIYAR, STAFF}
        yield server


@pytest_asyncio.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    connected = connect(api.token, api.url)
    yield connected
    await connected.session.close()


@pytest.fixture
def office(house: House, bot: Bot, api: BotApi, clock: Clock) -> Office:
    return Office(house, bot, api, clock)


@pytest.fixture
def aigul(office: Office) -> Person:
    return Person(office, AIGUL)


@pytest.fixture
def daniyar(office: Office) -> Person:
    return Person(office, DANIYAR)


@pytest.fixture
def olga(office: Office) -> Person:
    return Person(office, STAFF, OLGA)


# Getting acquainted


async def test_the_first_message_introduces_the_assistant_once(aigul: Person) -> None:
    assert (await aigul.says("привет")).startswith("Здравствуйте. Я автоматический помощник: показываю, что сказано")
    assert "автоматический" not in await aigul.says("привет")


@pytest.mark.parametrize("shop", ["protorg", "homeshop"])
async def test_a_deep_link_opens_its_shop(aigul: Person, shop: str) -> None:
    heard = await aigul.says(f"/start {shop}")
    assert "Я автоматический помощник" in heard
    assert f"Магазин: {aigul.office.house.shop_names[shop]}." in heard
    assert "О каком магазине" not in await aigul.says(QUESTION)


async def test_a_deep_link_changes_the_shop(aigul: Person) -> None:
    await aigul.says("allurauto")
    assert "Магазин: PROtorg.kz." in await aigul.says("/start protorg")
    assert CLAUSE in await aigul.says(QUESTION)


@pytest.mark.parametrize("link", ["/start", "/start nobody", '/start {"x":1}', '/start "}', "/start " + "a" * 64])
async def test_a_start_without_a_known_shop_offers_all_of_them(aigul: Person, link: str) -> None:
    assert "О каком магазине речь?" in await aigul.says(link)
    assert aigul.buttons == ["AllurAuto", "Homeshop.kz", "Jetu.kz", "PROeducation", "PROtorg.kz"]


async def test_a_question_waits_until_the_shop_is_named(aigul: Person) -> None:
    assert "О каком магазине речь?" in await aigul.says(QUESTION)
    assert CLAUSE in await aigul.taps("PROtorg.kz")


async def test_the_staffs_chat_has_a_command_of_its_own(office: Office, api: BotApi) -> None:
    await introduce(office.bot, office.house.responses, STAFF)
    _, staffs = api.commands.values()
    assert [command["command"] for command in staffs] == ["tickets"]


async def test_the_commands_are_set_with_descriptions(office: Office, api: BotApi) -> None:
    await introduce(office.bot, office.house.responses)
    (commands,) = api.commands.values()
    assert [command["command"] for command in commands] == list(COMMANDS)
    descriptions = [command["description"] for command in commands]
    assert descriptions[:3] == ["Начать сначала", "Что умеет помощник", "Сменить магазин"]
    assert len(set(descriptions)) == len(COMMANDS)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("/start", "Магазин: PROtorg.kz."),
        ("/help", "Я умею две вещи."),
        ("/shop", "О каком магазине речь?"),
        ("/requests", "У вас пока нет обращений."),
        ("/wishes", "Что сделать с вашими данными?"),
        ("/human", "Электронная почта: info@protorg.kz"),
        ("/privacy", "Что я храню."),
        ("/mydata", "Здесь всё, что я храню об этом чате."),
        ("/forget", "Готово: всё, что хранилось об этом чате, стёрто."),
        ("/cancel", "Сейчас нечего отменять."),
    ],
)
async def test_each_command_does_what_it_says(aigul: Person, command: str, answer: str) -> None:
    await aigul.says("protorg")
    assert answer in await aigul.says(command)


async def test_an_unknown_command_is_not_taken_for_anything_else(aigul: Person) -> None:
    await aigul.says("protorg")
    for command in ("/foo", "/setup"):
        heard = await aigul.says(command)
        assert "нечего подтверждать" not in heard
        assert aigul.buttons


# Answers


async def test_a_clause_is_quoted_as_it_stands(aigul: Person, library: Library) -> None:
    await aigul.says("protorg")
    heard = await aigul.says(QUESTION)
    assert heard.startswith(
        f"{CLAUSE} СПОСОБЫ И СРОКИ ОБРАБОТКИ ПЕРСОНАЛЬНОЙ ИНФОРМАЦИИ\nРедакция: 23 апреля 2020 г.\n"
    )
    assert quoted(aigul.messages[-1]) == [library.shelves["protorg"].policy.by_number["5.2"].text]


async def test_words_that_look_like_markup_come_through_as_they_are(aigul: Person, olga: Person) -> None:
    odd = "вместо <b>Иванов</b> & сыновья надо {shop_name} &amp; <i> Петров"
    await aigul.says("protorg")
    await aigul.says("исправьте мою фамилию, она написана с ошибкой")
    await aigul.says(AIGULS_MAIL)
    assert f"Подробности: {odd}\n" in await aigul.says(odd)
    await aigul.taps(YES)
    await aigul.office.delivers()
    assert odd in quoted(olga.messages[-1])
    await olga.replies(NUMBER, odd)
    await aigul.office.delivers()
    assert quoted(aigul.messages[-1]) == [odd]


async def test_a_long_section_comes_in_several_messages_with_all_its_text(long_section: tuple[Office, str]) -> None:
    office, text = long_section
    aigul = Person(office, AIGUL)
    await aigul.says("пункт 4.2")
    before = len(aigul.messages)
    await aigul.taps("Подробнее: раздел 4 целиком")
    parts = aigul.messages[before:]
    assert len(parts) > 1
    assert " ".join(" ".join(quoted(part)) for part in parts).split() == text.split()
    assert [bool(titles(part)) for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.fixture
def long_section(
    office: Office,
    build: Callable[[Rooms], House],
    tmp_path: Path,
    encoder: Encoder,
    training: tuple[Examples, ...],
    quiet: Progress,
) -> tuple[Office, str]:
    """Open an office whose only shop has a section too long for one message; give its text."""
    folder = tmp_path / "knowledge" / "wordy"
    folder.mkdir(parents=True)
    sentence = "Персональные данные Пользователя обрабатываются бережно, в срок и по закону"
    clauses = [f"4.{number}. " + " ".join([f"{sentence} № {number}."] * 10) for number in range(1, 7)]
    folder.joinpath("policy.txt").write_text("4. ПРАВИЛА\n\n" + "\n\n".join(clauses) + "\n", encoding="utf-8")
    folder.joinpath("topics.yml").write_text('version: 1\ntopics:\n  protection: ["4.1"]\n', encoding="utf-8")
    folder.joinpath("shop.yml").write_text("version: 1\nname: Говорун\nprefix: GOV\n", encoding="utf-8")
    library = Library.open(folder.parent, tmp_path / "home", encoder, training, quiet)
    rooms = Rooms(read_shops(folder.parent), library, office.house.rooms.recognizer, office.tickets, office.clock)
    return Office(build(rooms), office.bot, office.api, office.clock), "\n".join(clauses)


async def test_buttons_lead_to_the_neighbour_the_section_and_the_wishes(aigul: Person) -> None:
    await aigul.says("protorg")
    await aigul.says("пункт 5.2")
    assert aigul.buttons == ["Дальше: пункт 5.3", "Подробнее: раздел 5 целиком", "Это не ответ", "Что можно сделать"]
    assert "PROtorg.kz, пункт 5.3." in await aigul.taps("Дальше: пункт 5.3")
    section = await aigul.taps("Подробнее: раздел 5 целиком")
    assert section.startswith("PROtorg.kz, раздел 5. ")
    assert [line[:4] for line in quoted(aigul.messages[-1])[0].splitlines()] == [f"5.{each}." for each in range(1, 7)]
    assert "Что сделать с вашими данными?" in await aigul.taps("Что можно сделать")


async def test_where_the_policy_is_silent_the_question_can_go_to_the_shop(aigul: Person) -> None:
    await aigul.says("jetu")
    heard = await aigul.says("сколько времени хранятся мои данные?")
    assert heard.startswith("В политике магазина Jetu.kz ничего не сказано ")
    assert "Передам ваш вопрос магазину Jetu.kz." in await aigul.taps("Спросить магазин")
    assert "Подробности: сколько времени хранятся мои данные?" in await aigul.says(AIGULS_MAIL)


@pytest.mark.parametrize("typed", ["2", "Подробнее: раздел 5 целиком", "подробнее", "раздел 5 целиком."])
async def test_a_typed_number_or_title_is_as_good_as_a_tap(aigul: Person, typed: str) -> None:
    await aigul.says("protorg")
    await aigul.says("пункт 5.2")
    assert (await aigul.says(typed)).startswith("PROtorg.kz, раздел 5. ")


async def test_no_two_buttons_under_a_clause_do_the_same(aigul: Person) -> None:
    await aigul.says("protorg")
    for text in (QUESTION, "пункт 4.1", "какие данные обо мне вы собираете?"):
        await aigul.says(text)
        rows = aigul.messages[-1]["reply_markup"]["inline_keyboard"]
        payloads = [button["callback_data"] for row in rows for button in row]
        assert len(set(payloads)) == len(payloads)


# Buttons that have had their time


async def test_two_taps_on_yes_send_one_request(aigul: Person, office: Office) -> None:
    await aigul.reaches_the_summary()
    assert f"Обращение {NUMBER} принято." in await aigul.taps(YES)
    assert await aigul.taps(YES) == OLD_BUTTON
    assert [ticket.number for ticket in office.tickets.listed()] == [NUMBER]
    assert office.events() == [("opened", "")]


async def test_cancel_under_a_request_that_was_sent_does_not_say_that_nothing_was_sent(aigul: Person) -> None:
    await aigul.opens_a_ticket()
    assert "Ничего не отправлено" not in await aigul.taps("Отмена")


async def test_yes_under_a_dropped_request_does_not_send_another_one(aigul: Person, office: Office) -> None:
    await aigul.reaches_the_summary()
    dropped = aigul.messages[-1]["message_id"]
    await aigul.says("отмена")
    await aigul.reaches_the_summary(wish="заморозьте мои данные на время проверки")
    assert "принято" not in await aigul.taps(YES, dropped)
    assert office.tickets.listed() == []
    assert f"Обращение {NUMBER} принято." in await aigul.taps(YES)
    assert office.ticket().kind == "block"


async def test_correct_the_details_asks_for_them(aigul: Person) -> None:
    await aigul.reaches_the_summary()
    await aigul.says("профиль на имя Айгуль Ким, заказ 1204")
    assert "Подробности: профиль на имя Айгуль Ким, заказ 1204" in aigul.heard[-1]
    assert SUMMARY not in await aigul.taps("Исправить подробности")
    assert "Подробности: заказ 1205, а не 1204" in await aigul.says("заказ 1205, а не 1204")


@pytest.mark.parametrize(
    ("wish", "details"),
    [
        ("хочу пожаловаться: мой номер передали мошенникам", "звонят каждый день из банка, хотя я отказался"),
        ("хочу пожаловаться: мой номер передали мошенникам", "мои данные продали банку"),
        ("исправьте мою фамилию, она написана с ошибкой", "фамилия Ким, а не Кин"),
    ],
)
async def test_what_the_customer_tells_is_taken_down_and_not_for_a_question(
    aigul: Person, wish: str, details: str
) -> None:
    for text in ("protorg", wish, AIGULS_MAIL):
        await aigul.says(text)
    assert f"Подробности: {details}" in await aigul.says(details)


# The same thing twice, and things out of order


@pytest.mark.parametrize("deed", ["says", "taps"])
async def test_an_update_that_comes_twice_makes_one_ticket_and_one_reply(office: Office, deed: str) -> None:
    aigul = Person(office, AIGUL)
    await aigul.reaches_the_summary()
    update = aigul.api.user_says(AIGUL, "да") if deed == "says" else aigul.api.user_taps(AIGUL, YES)
    before = len(aigul.messages)
    await asyncio.gather(office.receives(update), office.receives(update))
    await office.receives(update)
    assert len(aigul.messages) == before + 1
    assert office.events() == [("opened", "")]


@pytest.mark.parametrize(
    "fields",
    [
        {"sticker": {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1,
                     "is_animated": False, "is_video": False}},
        {"photo": [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]},
        {"contact": {"phone_number": "+77010000000", "first_name": "X", "user_id": DANIYAR}},
    ],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip
async def test_what_is_no_text_is_answered_once_too(aigul: Person, office: Office, fields: Json) -> None:
    update = aigul.api.push({"message": aigul.api.user_message(AIGUL, **fields)})
    await office.receives(update)
    heard = list(aigul.heard)
    await office.receives(update)
    assert aigul.heard == heard


async def test_the_updates_of_a_chat_keep_their_order(office: Office, api: BotApi) -> None:
    for chat in (AIGUL, DANIYAR):
        for text in ("protorg", WISH, f"{chat}@example.kz", "да", "пункт 5.2", "пункт 5.3"):
            api.user_says(chat, text)
    polling = asyncio.create_task(
        office.dispatcher.start_polling(office.bot, handle_signals=False, close_bot_session=False)
    )
    for chat in (AIGUL, DANIYAR):
        texts = [(await api.next_message(chat))["text"] for _ in range(6)]
        begins = [
            "Здравствуйте. Я автоматический помощник",
            "Оформляю обращение в магазин PROtorg.kz: удаление данных.",
            "Проверьте обращение.",
            "Обращение PRO-2026-00000",
            "PROtorg.kz, пункт 5.2.",
            "PROtorg.kz, пункт 5.3.",
        ]
        assert [text[: len(begin)] for text, begin in zip(texts, begins, strict=True)] == begins
    await office.dispatcher.stop_polling()
    await polling
    assert sorted(ticket.contact for ticket in office.tickets.listed()) == ["7@example.kz", "8@example.kz"]


# Contacts


async def test_the_senders_own_contact_counts_as_confirmed(aigul: Person, office: Office) -> None:
    await aigul.says("protorg")
    await aigul.says(WISH)
    (share, *_), *_ = aigul.messages[-1]["keyboard"]["keyboard"]
    assert (share["text"], share["request_contact"]) == ("Отправить мой номер", True)
    assert aigul.messages[-1]["keyboard"]["one_time_keyboard"]
    assert "Контакт: +77011234567" in await aigul.shares("77011234567")
    await aigul.taps(YES)
    assert (office.ticket().contact, office.ticket().identity) == ("+77011234567", "telegram")


async def test_a_typed_number_does_not_count_as_confirmed(aigul: Person, office: Office) -> None:
    await aigul.says("protorg")
    await aigul.says(WISH)
    await aigul.says("8 701 123-45-67")
    await aigul.taps(YES)
    assert (office.ticket().contact, office.ticket().identity) == ("+77011234567", "typed")


@pytest.mark.parametrize("owner", [{"user_id": DANIYAR}, {}], ids=["anothers", "nobodys"])
async def test_anothers_contact_is_refused(aigul: Person, office: Office, owner: Json) -> None:
    await aigul.says("protorg")
    await aigul.says(WISH)
    contact = {"phone_number": "+77019999999", "first_name": "X", **owner}
    assert "Это чужой контакт." in await aigul.sends(contact=contact)
    assert "Контакт: aigul@example.kz" in await aigul.says(AIGULS_MAIL)
    await aigul.taps(YES)
    assert (office.ticket().contact, office.ticket().identity) == (AIGULS_MAIL, "typed")


async def test_a_button_of_the_contact_keyboard_never_becomes_a_part_of_the_request(aigul: Person) -> None:
    await aigul.reaches_the_summary()
    assert "Подробности: Без контакта" not in await aigul.says("Без контакта")


# What is no text

WORD = "Я читаю только текст."
NO_FILES = "Файлы и фотографии я принимаю, только когда мы оформляем обращение или вы к нему что-то добавляете"
FILE = {"file_id": "f", "file_unique_id": "f"}
PICTURE = {**FILE, "width": 1, "height": 1}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"voice": {**FILE, "duration": 3}}, WORD),
        ({"video_note": {**FILE, "length": 1, "duration": 3}}, WORD),
        ({"sticker": {**PICTURE, "type": "regular", "is_animated": False, "is_video": False}}, WORD),
        ({"location": {"latitude": 43.2, "longitude": 76.9}}, WORD),
        ({"dice": {"emoji": "🎲", "value": 3}}, WORD),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_cannot_be_read_gets_a_helpful_word(aigul: Person, fields: Json, answer: str) -> None:
    await aigul.reaches_the_summary()
    assert (await aigul.sends(**fields)).startswith(answer)
    assert "Обращение" in await aigul.taps(YES)


@pytest.mark.parametrize("fields", [{"photo": [PICTURE]}, {"document": FILE}, {"video": {**PICTURE, "duration": 3}}])
async def test_outside_a_request_no_file_is_taken(aigul: Person, office: Office, fields: Json) -> None:
    await aigul.says("protorg")
    assert (await aigul.sends(**fields)).startswith(NO_FILES)
    assert office.api.calls("getFile") == []


async def test_a_caption_is_answered_and_the_photo_is_not_kept(aigul: Person) -> None:
    await aigul.says("protorg")
    heard = await aigul.sends(photo=[PICTURE], caption=QUESTION)
    assert heard.startswith(NO_FILES)
    assert CLAUSE in heard


async def test_an_edited_message_gets_a_helpful_word(aigul: Person) -> None:
    await aigul.reaches_the_summary()
    heard = await aigul.sends("edited_message", text="другой@example.kz", edit_date=1)
    assert heard.startswith("Вижу, что вы изменили сообщение.")
    assert f"Контакт: {AIGULS_MAIL}" in aigul.heard[-2]


async def test_a_forwarded_message_is_read_like_any_other(aigul: Person) -> None:
    origin = {"type": "hidden_user", "sender_user_name": "Кто-то", "date": 1}
    await aigul.says("protorg")
    assert CLAUSE in await aigul.says(QUESTION, forward_origin=origin)


async def test_a_message_of_signs_only_gets_a_helpful_word(aigul: Person) -> None:
    await aigul.says("protorg")
    for text in ("👍", "...", "🤷‍♀️🤷‍♀️", "?!"):
        assert "Не разобрал сообщение." in await aigul.says(text)


async def test_the_assistant_keeps_out_of_groups(office: Office) -> None:
    stranger = Person(office, -100999, DANIYAR)
    assert await stranger.says("/start protorg") == ""
    assert await stranger.says(WISH) == ""
    assert stranger.messages == []


# Failures


async def test_when_the_dialogue_fails_the_customer_hears_so_and_the_log_has_no_words_of_hers(
    aigul: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> None:
        raise RuntimeError(f"cannot read {text}")

    await aigul.says("protorg")
    with monkeypatch.context() as patch:
        patch.setattr(aigul.office.house.rooms.recognizer, "read", broken)
        assert FAILURE in await aigul.says("мой секретный вопрос")
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "RuntimeError" in record.getMessage()
    assert "секретный" not in caplog.text
    assert CLAUSE in await aigul.says(QUESTION)


@pytest.mark.parametrize("error", [(502, "Bad Gateway"), (429, "Too Many Requests: retry after 1", 1)])
async def test_a_number_that_telegram_did_not_take_reaches_the_customer_later(
    aigul: Person, office: Office, api: BotApi, error: tuple[Any, ...]
) -> None:
    await aigul.reaches_the_summary()
    before = len(aigul.messages)
    api.fail_next("sendMessage", *error)
    await aigul.taps(YES)
    assert office.ticket().status == "opened"
    office.clock.passes(60)
    await office.delivers()
    heard = "\n".join(aigul.heard[before:])
    assert f"Обращение {NUMBER} принято." in heard
    assert "сообщение не обработано" not in heard


async def test_a_failing_typing_sign_harms_nothing(aigul: Person, api: BotApi) -> None:
    api.fail_next("sendChatAction", 400, "Bad Request: wrong parameter action in request")
    assert "PROtorg.kz" in await aigul.says("protorg")


async def test_a_tap_on_a_very_old_button_is_answered_all_the_same(aigul: Person, api: BotApi) -> None:
    await aigul.reaches_the_summary()
    api.fail_next("answerCallbackQuery", 400, "Bad Request: query is too old and response timeout expired")
    assert f"Обращение {NUMBER} принято." in await aigul.taps(YES)


# The outbox


@dataclass
class Answered:
    """Aigul's ticket, which Olga has answered; the answer waits in the outbox."""

    office: Office
    aigul: Person
    olga: Person
    answer: str = field(default="Мы всё удалили.")

    async def arrives(self) -> bool:
        """Deliver what is due; whether the answer now stands in Aigul's chat."""
        await self.office.delivers()
        return any(self.answer in text for text in self.aigul.heard)


@pytest_asyncio.fixture
async def answered(office: Office, aigul: Person, olga: Person) -> Answered:
    await aigul.opens_a_ticket()
    await office.delivers()
    found = Answered(office, aigul, olga)
    assert f"{NUMBER}: ответ отправляется клиенту." in await olga.replies(NUMBER, found.answer)
    return found


@pytest.mark.parametrize(
    ("code", "description", "retry_after"),
    [(429, "Too Many Requests: retry after 3", 3), (500, "Internal Server Error", None), (502, "Bad Gateway", None)],
)
async def test_what_telegram_cannot_take_now_is_delivered_later(
    answered: Answered, api: BotApi, code: int, description: str, retry_after: int | None
) -> None:
    api.fail_next("sendMessage", code, description, retry_after, times=2)
    assert not await answered.arrives()
    answered.office.clock.passes(6)
    assert not await answered.arrives()
    answered.office.clock.passes(11)
    assert await answered.arrives()
    assert sum(answered.answer in text for text in answered.aigul.heard) == 1


async def test_the_pause_that_telegram_asks_for_is_kept(answered: Answered, api: BotApi) -> None:
    api.fail_next("sendMessage", 429, "Too Many Requests: retry after 60", 60)
    assert not await answered.arrives()
    answered.office.clock.passes(59)
    assert not await answered.arrives()
    answered.office.clock.passes(2)
    assert await answered.arrives()


@pytest.mark.parametrize(
    "error", [(403, "Forbidden: bot was blocked by the user"), (400, "Bad Request: chat not found")]
)
async def test_a_chat_that_is_closed_to_the_bot_is_not_tried_again(
    answered: Answered, api: BotApi, error: tuple[int, str]
) -> None:
    api.fail_next("sendMessage", *error)
    assert not await answered.arrives()
    answered.office.clock.passes(86400)
    assert not await answered.arrives()
    assert "chat undelivered" in [what for what, _ in answered.office.events()]


async def test_the_staff_hears_that_its_answer_did_not_reach_the_customer(answered: Answered, api: BotApi) -> None:
    before = len(answered.olga.messages)
    api.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    await answered.office.delivers()
    assert NUMBER in "\n".join(answered.olga.heard[before:])


@pytest.mark.parametrize("sign", ["я", "😀"])
async def test_a_long_answer_of_the_shop_arrives_whole(answered: Answered, sign: str) -> None:
    await answered.office.delivers()
    before = len(answered.aigul.messages)
    longest = sign * (4096 // (len(sign.encode("utf-16-le")) // 2))
    await answered.olga.replies(NUMBER, longest)
    await answered.office.delivers()
    assert "".join("".join(quoted(message)) for message in answered.aigul.messages[before:]) == longest


async def test_the_longest_words_of_a_customer_reach_the_staff(aigul: Person, olga: Person, office: Office) -> None:
    angry = "Удалите мой аккаунт! " + "😡" * 1970
    await aigul.says("protorg")
    await aigul.says(angry)
    await aigul.says(AIGULS_MAIL)
    await aigul.taps(YES)
    await office.delivers()
    assert "".join("".join(quoted(message)) for message in olga.messages) == angry


async def test_the_outbox_is_looked_at_when_something_has_been_done(aigul: Person, office: Office) -> None:
    await aigul.reaches_the_summary()
    before = office.looked_at_outbox
    await aigul.taps(YES)
    assert office.looked_at_outbox > before


# The staff's chat


@pytest_asyncio.fixture
async def card(office: Office, aigul: Person, olga: Person) -> Json:
    """Give Olga the card of Aigul's ticket."""
    await aigul.opens_a_ticket()
    await office.delivers()
    (message,) = olga.messages
    return message


async def test_a_card_says_who_wants_what_and_where_the_letter_went(card: Json) -> None:
    lines = card["text"].splitlines()
    assert lines[:5] == [
        f"{NUMBER} · PROtorg.kz · удаление данных",
        f"Контакт: {AIGULS_MAIL}",
        "Личность: контакт введён клиентом, личность не подтверждена",
        "Слова клиента:",
        WISH,
    ]
    assert lines[-2:] == ["Письмо: info@protorg.kz", "Состояние: принято"]
    assert quoted(card) == [WISH]
    assert titles(card) == ["Взять", "Ответить", "Спросить клиента", "Выполнено", "Отказать", "Закрыть"]


async def test_a_card_has_no_heading_with_nothing_under_it(card: Json) -> None:
    assert "Подробности:" not in card["text"]


async def test_a_card_says_how_sure_the_contact_is(office: Office, olga: Person, aigul: Person) -> None:
    await aigul.says("protorg")
    await aigul.says(WISH)
    await aigul.shares("77011234567")
    await aigul.taps(YES)
    await office.delivers()
    assert "номер подтверждён Telegram" in olga.heard[-1]


async def test_a_ticket_is_taken_once(office: Office, olga: Person, api: BotApi, card: Json) -> None:
    marat = Person(office, STAFF, MARAT)
    await olga.taps("Взять")
    assert api.calls("answerCallbackQuery")[-1]["text"] == "Готово."
    taken = {**olga.messages[0]}
    await office.delivers()
    assert olga.heard[0].endswith("Состояние: в работе")
    assert quoted(olga.messages[0]) == quoted(card)
    assert titles(olga.messages[0]) == ["Ответить", "Спросить клиента", "Выполнено", "Отказать", "Закрыть"]
    await office.receives(api.push({"callback_query": tap_on(api, taken, "Взять", marat)}))
    assert api.calls("answerCallbackQuery")[-1]["text"] == "Это уже сделано."
    assert [what for what, _ in office.events()] == ["opened", "taken"]


@pytest.mark.usefixtures("card")
async def test_a_take_after_a_long_pause_still_shows_on_the_card(office: Office, olga: Person, api: BotApi) -> None:
    api.fail_next("answerCallbackQuery", 400, "Bad Request: query is too old and response timeout expired")
    assert FAILURE not in await olga.taps("Взять")
    await office.delivers()
    assert olga.heard[0].endswith("Состояние: в работе")


@pytest.mark.parametrize("way", ["the card", "the button"])
async def test_an_answer_in_the_staffs_chat_reaches_the_customer(
    office: Office, olga: Person, aigul: Person, card: Json, way: str
) -> None:
    before = len(aigul.messages)
    if way == "the button":
        assert f"{NUMBER}: ответьте на это сообщение" in await olga.taps("Ответить")
        assert olga.messages[-1]["keyboard"]["force_reply"]
    assert card["text"].startswith(NUMBER)
    assert await olga.replies(NUMBER, "Удалим сегодня.\nХорошего дня!") == f"{NUMBER}: ответ отправляется клиенту."
    await office.delivers()
    assert aigul.heard[before:] == [f"Ответ магазина на обращение {NUMBER}:\nУдалим сегодня.\nХорошего дня!"]
    assert quoted(aigul.messages[-1]) == ["Удалим сегодня.\nХорошего дня!"]
    assert office.ticket().status == "answered"
    assert "есть ответ магазина" in await aigul.says("/requests")


@pytest.mark.usefixtures("card")
async def test_a_closed_ticket_is_told_once_and_can_still_be_answered(
    office: Office, olga: Person, aigul: Person, api: BotApi
) -> None:
    before = len(aigul.messages)
    shown = {**olga.messages[0]}
    await olga.taps("Закрыть")
    await office.delivers()
    assert olga.heard[0].endswith("Состояние: закрыто")
    assert titles(olga.messages[0]) == ["Ответить"]
    await office.receives(api.push({"callback_query": tap_on(api, shown, "Закрыть", olga)}))
    assert api.calls("answerCallbackQuery")[-1]["text"] == "Это уже сделано."
    await olga.replies(NUMBER, "И ещё одно.")
    await office.delivers()
    assert [text.splitlines()[0] for text in aigul.heard[before:]] == [
        f"Магазин закрыл обращение {NUMBER}. Если вопрос не решён, откройте его снова в течение 14 дней.",
        f"Ответ магазина на обращение {NUMBER}:",
    ]


@pytest.mark.usefixtures("card")
async def test_talk_among_the_staff_reaches_no_customer(office: Office, olga: Person, aigul: Person) -> None:
    before = len(aigul.messages)
    assert await olga.says(f"Коллеги, кто возьмёт {NUMBER}?") == ""
    message = aigul.api.user_message(STAFF, MARAT, text=f"{NUMBER} мой")
    assert await olga.says("Спасибо!", reply_to_message=message) == ""
    await office.delivers()
    assert len(aigul.messages) == before


@pytest.mark.usefixtures("card")
async def test_an_answer_that_is_no_text_is_not_dropped_in_silence(olga: Person) -> None:
    message = {**olga.messages[0], "chat": olga.api.chat(STAFF)}
    assert NUMBER in await olga.sends(photo=[PICTURE], caption="Готово, вот снимок", reply_to_message=message)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("deed", ["take", "answer", "ask", "done", "refuse", "close"])
async def test_a_stranger_cannot_act_with_the_staffs_buttons(office: Office, daniyar: Person, deed: str) -> None:
    await daniyar.forges(f"/{deed} {NUMBER}")
    await daniyar.says(f"/{deed} {NUMBER}")
    elsewhere = Person(office, -100999, DANIYAR)
    await elsewhere.forges(f"/{deed} {NUMBER}")
    assert office.events() == [("opened", "")]
    assert f"{NUMBER}: ответьте" not in "".join(daniyar.heard + elsewhere.heard)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("chat", [DANIYAR, AIGUL, -100999])
async def test_a_reply_outside_the_staffs_chat_is_no_answer_of_the_shop(office: Office, chat: int, api: BotApi) -> None:
    person = Person(office, chat, DANIYAR)
    message = {**api.user_message(chat), "from": api._me(), "text": f"{NUMBER}: ответьте на это сообщение"}
    await person.says("Всё удалено, платите штраф", reply_to_message=message)
    await office.delivers()
    assert office.ticket().status == "opened"
    assert not any("Ответ магазина на" in text for chats in api.messages.values() for text in map(str, chats))


async def test_another_customers_ticket_is_not_shown(aigul: Person, daniyar: Person) -> None:
    number = await aigul.opens_a_ticket()
    await daniyar.says("protorg")
    heard = await daniyar.says(f"что с обращением {number}?")
    assert heard.startswith(f"В этом чате нет обращения {number}.")
    assert "У вас пока нет обращений." in await daniyar.says("/requests")


async def test_without_a_staff_chat_all_goes_on(house: House, bot: Bot, api: BotApi, clock: Clock) -> None:
    office = Office(house, bot, api, clock, staff=None)
    aigul = Person(office, AIGUL)
    number = await aigul.opens_a_ticket()
    await office.delivers()
    assert set(api.messages) == {AIGUL}
    await Person(office, STAFF, DANIYAR).forges(f"/close {number}")
    assert office.ticket().status == "opened"


# After a restart


@pytest.fixture
def restarted(office: Office, build: Callable[[Rooms], House], tmp_path: Path) -> Iterator[Callable[[], Office]]:
    """Build everything anew on the same database, as a restart does."""
    opened: list[Tickets] = []

    def again() -> Office:
        rooms = office.house.rooms
        opened.append(Tickets(tmp_path / "konfident.db"))
        anew = Rooms(rooms.shops, rooms.library, rooms.recognizer, opened[-1], rooms.clock)
        return Office(build(anew), office.bot, office.api, office.clock)

    yield again
    for tickets in opened:
        tickets.close()


async def test_a_form_goes_on_after_a_restart(aigul: Person, restarted: Callable[[], Office]) -> None:
    await aigul.says("allurauto")
    await aigul.says("хочу пожаловаться: мой номер передали мошенникам")
    aigul.office = restarted()
    assert "Что произошло?" in await aigul.says(AIGULS_MAIL)
    aigul.office = restarted()
    assert SUMMARY in await aigul.says("Вчера мне звонили трое, никто не представился.")
    aigul.office = office = restarted()
    assert "Обращение ALU-2026-000001 принято." in await aigul.taps(YES)
    ticket = office.ticket("ALU-2026-000001")
    assert ticket.words == "хочу пожаловаться: мой номер передали мошенникам"
    assert (ticket.contact, ticket.details) == (AIGULS_MAIL, "Вчера мне звонили трое, никто не представился.")


async def test_what_was_done_before_a_restart_is_not_done_again(aigul: Person, restarted: Callable[[], Office]) -> None:
    await aigul.reaches_the_summary()
    update = aigul.api.user_taps(AIGUL, YES)
    await aigul.office.receives(update)
    heard = list(aigul.heard)
    aigul.office = office = restarted()
    await office.receives(update)
    assert aigul.heard == heard
    assert await aigul.taps(YES) == OLD_BUTTON
    assert office.events() == [("opened", "")]


async def test_a_chats_state_is_the_only_thing_kept_of_a_talk_without_a_request(aigul: Person, office: Office) -> None:
    await aigul.says("protorg")
    await aigul.says(QUESTION)
    kept = json.dumps(office.tickets.chat_state(f"tg:{AIGUL}"), ensure_ascii=False)
    assert office.tickets.listed() == []
    assert '"shop": "protorg"' in kept
