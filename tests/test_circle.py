"""A request's whole way round: a chat, a real mail server, a real mailbox and the staff's chat; the clock is moved."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import trustme
from bot_api import BotApi
from dovecot import dovecot
from house_fixtures import Clock, house
from smtp_server import smtp_server
from test_keeping import CODE, attachments, nothing_of_aigul_is_left, photo
from test_telegram import AIGUL, AIGULS_MAIL, NUMBER, STAFF, YES, Office, Person, titles

from bot.clock import tick
from bot.collect import collect_one
from bot.mailbox import Mailbox
from bot.post import deliver_one, mail_sender
from bot.shops import Deadline
from bot.smtp import send
from bot.telegram import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

    from dovecot import Dovecot
    from smtp_server import SmtpServer

    from bot.house import House

__all__ = ["house"]
SENDER = "Konfident <bot@shop.kz>"
CLERK = "olga@protorg.kz"
DAY = 24 * 60 * 60
WISH = "удалите мой аккаунт"


@dataclass
class Town:
    """One assistant between its servers, and the people around it."""

    office: Office
    server: SmtpServer
    post_box: Dovecot
    box: Mailbox
    aigul: Person
    olga: Person
    mails: int = 0

    async def goes_round(self) -> None:
        """Let the clock look, then deliver and collect whatever there is."""
        tickets, shops, clock = self.office.tickets, self.office.house.rooms.shops, self.office.clock
        tick(tickets, clock())
        mail = mail_sender(
            tickets,
            shops,
            self.office.house.responses.word,
            SENDER,
            lambda letter: send(letter, self.server.url),
            replies_are_read=True,
        )
        while await deliver_one(tickets, {"mail": mail}, clock()) or await collect_one(
            self.box, tickets, shops, clock()
        ):
            pass
        await self.office.delivers()

    async def letter(self) -> EmailMessage:
        """Give the shop's next letter."""
        await self.goes_round()
        return await self.server.next_letter()

    async def answers(self, letter: EmailMessage, words: str) -> str:
        """Answer a letter as the clerk's mail program does; what the customer hears of it."""
        self.mails += 1
        head = f"From: {CLERK}\nTo: {letter['Reply-To']}\nMessage-ID: <{self.mails}@protorg.kz>"
        thread = f"In-Reply-To: {letter['Message-ID']}\nReferences: {letter['Message-ID']}"
        kind = "Content-Type: text/plain; charset=utf-8"
        self.post_box.deliver(f"{head}\n{thread}\n{kind}\n\n{words}\n\n> Слова клиента\n".encode())
        before = len(self.aigul.heard)
        await self.goes_round()
        return "\n".join(self.aigul.heard[before:])

    async def asks_the_shop(self, wish: str = WISH) -> EmailMessage:
        """Aigul's wish, confirmed; the letter that comes of it."""
        await self.aigul.opens_a_ticket(wish=wish)
        return await self.letter()

    @property
    def card(self) -> str:
        """The newest card, as it is now."""
        return next(text for text in reversed(self.olga.heard) if "Состояние:" in text)

    @property
    def record(self) -> list[tuple[str, str]]:
        return [(event.actor, event.what) for event in self.office.tickets.events(NUMBER)]


@pytest_asyncio.fixture
async def town(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    authority, clock = trustme.CA(), house.rooms.clock
    assert isinstance(clock, Clock)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(BotApi())
        api.known_chats |= {AIGUL, STAFF}
        bot = connect(api.token, api.url)
        stack.push_async_callback(bot.session.close)
        server = await stack.enter_async_context(smtp_server())
        post_box = await stack.enter_async_context(dovecot(authority.issue_cert("localhost")))
        box = Mailbox(post_box.url)
        stack.push_async_callback(box.close)
        office = Office(house, bot, api, clock)
        yield Town(office, server, post_box, box, Person(office, AIGUL), Person(office, STAFF, 777))


def plain(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_a_request_goes_all_the_way_round(town: Town) -> None:
    first = await town.asks_the_shop()
    assert "Состояние: принято" in town.card

    heard = await town.answers(first, "вопрос: какая почта указана в заказе?")
    assert "спрашивает" in heard
    assert "какая почта указана в заказе?" in heard
    assert "Слова клиента" not in heard
    assert town.office.ticket().status == "asked"
    assert "Состояние: ждём ответа клиента" in town.card
    assert "магазин ждёт вашего ответа" in await town.aigul.says("/requests")

    assert "Передаю магазину как ответ" in await town.aigul.says("заказывала на aigul@work.kz")
    second = await town.letter()
    assert "> заказывала на aigul@work.kz" in plain(second)
    assert second["In-Reply-To"] == "<1@protorg.kz>"
    assert second["References"].split() == [first["Message-ID"], "<1@protorg.kz>"]
    assert town.office.ticket().status == "taken"

    heard = await town.answers(second, "Выполнено. Профиль удалён.")
    assert "сообщает, что обращение PRO-2026-000001 выполнено" in heard
    assert "Профиль удалён." in heard
    assert titles(town.aigul.messages[-1]) == ["Открыть снова", "Мои обращения"]
    assert town.office.ticket().status == "done"
    assert "Состояние: выполнено" in town.card
    assert town.post_box.unread() == []
    assert town.record == [
        ("customer", "opened"),
        ("system", "letter sent"),
        ("shop", "asked"),
        ("customer", "replied"),
        ("system", "letter sent"),
        ("shop", "done"),
    ]
    assert {event.who for event in town.office.tickets.events(NUMBER) if event.actor == "shop"} == {CLERK}


async def test_a_refusal_is_told_with_its_reason_and_can_be_opened_again(town: Town) -> None:
    first = await town.asks_the_shop()
    heard = await town.answers(first, "Отказ: есть неоплаченный заказ.")
    assert "отказал" in heard
    assert "есть неоплаченный заказ." in heard
    assert f"Обращение {NUMBER} снова открыто" in await town.aigul.taps("Открыть снова")
    again = await town.letter()
    assert "снова открыл обращение" in plain(again)
    assert again["In-Reply-To"] == "<1@protorg.kz>"
    assert town.office.ticket().status == "opened"


@pytest.mark.parametrize(("days", "is_opened"), [(14, True), (15, False)])
async def test_a_request_is_opened_again_for_two_weeks(town: Town, *, days: int, is_opened: bool) -> None:
    await town.answers(await town.asks_the_shop(), "выполнено")
    town.office.clock.passes(days * DAY)
    await town.aigul.says("открыть снова")
    assert (town.office.ticket().status == "opened") == is_opened


async def test_accepted_is_told_and_the_card_follows(town: Town) -> None:
    heard = await town.answers(await town.asks_the_shop(), "принято")
    assert heard == f"Магазин PROtorg.kz взял обращение {NUMBER} в работу."
    assert "Состояние: в работе" in town.card


async def test_a_confirmed_request_goes_round_with_a_photo_and_a_year_later_nothing_personal_is_left(
    town: Town, tmp_path: Path
) -> None:
    office, retention = town.office, town.office.house.rooms.retention
    office.tickets.keep_chat_state(f"tg:{AIGUL}", {"slots": {"sends_letters": True}}, office.clock())
    await town.aigul.reaches_the_summary()
    await town.aigul.taps(CODE)
    found = re.search(r"\d{6}", (await town.letter())["Subject"])
    assert found
    assert "Личность: почта подтверждена кодом" in await town.aigul.says(found[0])
    await town.aigul.taps(YES)
    first = await town.letter()
    assert "почта подтверждена кодом" in plain(first)

    await town.answers(first, "вопрос: пришлите снимок экрана")
    heard = await town.aigul.sends(**photo(office.api, b"picture-of-aigul", caption="мой снимок"))
    assert "Передаю магазину как ответ" in heard
    second = await town.letter()
    assert "> мой снимок" in plain(second)
    assert list(attachments(second).values()) == [b"picture-of-aigul"]
    assert any("photo" in message for message in town.olga.messages)
    await town.answers(second, f"Выполнено. Удалили {AIGULS_MAIL}.")
    assert AIGULS_MAIL in town.card

    office.clock.passes(365 * DAY)
    assert retention.erase_old({}, office.clock()) == 1
    await town.goes_round()
    nothing_of_aigul_is_left(office, tmp_path)
    assert AIGULS_MAIL not in town.card
    assert office.ticket().status == "done"


# with two questions open


async def test_with_two_questions_open_it_is_asked_which_one_was_answered(town: Town) -> None:
    first = await town.asks_the_shop()
    await town.aigul.says("Больше не присылайте мне рекламные смс никогда")
    await town.aigul.says("aigul@example.kz")
    await town.aigul.taps(YES)
    second = await town.letter()
    await town.answers(first, "вопрос: какая почта?")
    await town.answers(second, "вопрос: какой номер?")
    assert "На какой из них это ответ?" in await town.aigul.says("номер кончается на 67")
    assert "PRO-2026-000002" in await town.aigul.taps("PRO-2026-000002")
    assert "> номер кончается на 67" in plain(await town.letter())
    assert [town.office.ticket(number).status for number in (NUMBER, "PRO-2026-000002")] == ["asked", "taken"]


async def test_a_sure_wish_and_a_word_that_stops_are_no_answers(town: Town) -> None:
    await town.answers(await town.asks_the_shop(), "вопрос: какая почта?")
    assert "Сейчас нечего отменять" in await town.aigul.says("отмена")
    assert "Оформляю обращение" in await town.aigul.says("Больше не присылайте мне рекламные смс никогда")
    assert "Проверьте обращение." in await town.aigul.says("aigul@example.kz")
    assert town.office.ticket().status == "asked"


# the customer's own requests


async def test_words_are_added_from_the_list_and_reach_the_clerk(town: Town) -> None:
    await town.asks_the_shop()
    await town.aigul.says("/requests")
    assert titles(town.aigul.messages[-1]) == [f"Добавить: {NUMBER}", f"Отозвать: {NUMBER}"]
    assert "Что добавить" in await town.aigul.taps(f"Добавить: {NUMBER}")
    assert "Добавил к обращению" in await town.aigul.says("ещё у меня была вторая почта")
    letter = await town.letter()
    assert "> ещё у меня была вторая почта" in plain(letter)
    assert town.record[-2:] == [("customer", "added"), ("system", "letter sent")]
    assert any("вторая почта" in text for text in town.olga.heard)
    await town.aigul.says("кому вы передаёте мой телефон?")
    assert town.record[-1] == ("system", "letter sent"), "only one message is added"


async def test_a_withdrawal_is_confirmed_once_and_told_to_the_shop(town: Town) -> None:
    await town.asks_the_shop()
    await town.aigul.says("/requests")
    assert "Отозвать обращение" in await town.aigul.taps(f"Отозвать: {NUMBER}")
    assert town.office.ticket().status == "opened"
    assert "отозвано" in await town.aigul.taps("Да, отозвать")
    assert "Клиент отозвал обращение" in plain(await town.letter())
    assert town.office.ticket().status == "withdrawn"
    assert "Состояние: отозвано клиентом" in town.card
    assert "отозвано вами" in await town.aigul.says("/requests")


async def test_words_alone_take_a_request_back_and_open_it_again(town: Town) -> None:
    await town.asks_the_shop()
    await town.aigul.says("/requests")
    assert f"Отозвать обращение {NUMBER}" in await town.aigul.says("отозвать обращение")
    assert "отозвано" in await town.aigul.says("да, отозвать")
    assert "снова открыто" in await town.aigul.says("открыть снова")
    assert "Такого обращения сейчас нет" in await town.aigul.says("открыть снова")
    assert [what for _, what in town.record if what != "letter sent"] == ["opened", "withdrawn", "reopened"]


async def test_nobody_touches_anothers_request(town: Town) -> None:
    await town.asks_the_shop()
    daniyar = Person(town.office, 8)
    for deed in ("add_word", "take_back", "take_back_yes", "reopen", "reply_to"):
        await daniyar.forges(f'/{deed}{{"number":"{NUMBER}"}}')
        await daniyar.says("моё слово")
    assert town.record == [("customer", "opened"), ("system", "letter sent")]
    assert not any("удаление данных" in text for text in daniyar.heard)


# the clock


async def with_deadline(town: Town, promise: Deadline) -> EmailMessage:
    shops = town.office.house.rooms.shops
    shops["protorg"] = replace(shops["protorg"], deadlines={"delete": promise})
    return await town.asks_the_shop()


async def test_a_deadline_is_reminded_of_then_alerted_then_overdue(town: Town) -> None:
    letter = await with_deadline(town, Deadline(days=10))
    assert "до 01.12.2026 (срок назвал магазин)" in plain(letter)
    town.office.clock.passes(6 * DAY)
    await town.goes_round()
    assert len(town.server.delivered) == 1
    town.office.clock.passes(DAY)
    reminder = await town.letter()
    assert "Напоминание о сроке" in plain(reminder)
    assert reminder["In-Reply-To"] == letter["Message-ID"]
    await town.goes_round()
    assert len(town.server.delivered) == 2
    town.office.clock.passes(3 * DAY)
    for _ in range(2):
        await town.goes_round()
    assert [text for text in town.olga.heard if "сегодня последний день срока" in text] == [
        f"{NUMBER}: сегодня последний день срока. PROtorg.kz, удаление данных, принято."
    ]
    assert "просрочено" not in await town.aigul.says("/requests")
    town.office.clock.passes(DAY)
    await town.goes_round()
    assert "Просрочено: срок был 01.12.2026" in town.card
    assert "Просрочено: срок был 01.12.2026" in await town.olga.says("/tickets")
    assert "просрочено" in await town.aigul.says("/requests")
    assert [what for _, what in town.record if what != "letter sent"] == ["opened", "reminded", "due", "overdue"]


async def test_the_days_on_which_the_shop_waited_do_not_count(town: Town) -> None:
    letter = await with_deadline(town, Deadline(days=10))
    town.office.clock.passes(2 * DAY)
    assert "(до 01.12.2026) сдвинется" in await town.answers(letter, "вопрос: какая почта?")
    town.office.clock.passes(20 * DAY)
    await town.goes_round()
    assert "просрочено" not in await town.aigul.says("/requests")
    assert "Срок ответа: до 21.12.2026" in await town.aigul.says("заказывала на aigul@work.kz")
    answer = await town.letter()
    assert "до 21.12.2026" in plain(answer)
    assert "Срок ответа: до 21.12.2026" in await town.aigul.says("/requests")


async def test_working_days_leave_out_weekends_and_holidays(town: Town) -> None:
    letter = await with_deadline(town, Deadline(working_days=18))
    assert "до 17.12.2026" in plain(letter), "16 December is Kazakhstan's Independence Day"


# the staff's chat


@pytest.mark.parametrize(
    ("button", "words", "status", "told"),
    [
        ("Спросить клиента", "какая почта?", "asked", "спрашивает"),
        ("Отказать", "есть долг", "refused", "отказал"),
        ("Ответить", "Выполнено: удалили", "done", "выполнено"),
        ("Ответить", "Удалим завтра", "answered", "Ответ магазина"),
    ],
)
async def test_words_that_a_button_asked_for_act_as_a_mail_does(
    town: Town, button: str, words: str, status: str, told: str
) -> None:
    await town.asks_the_shop()
    await town.olga.taps(button)
    await town.olga.replies(NUMBER, words)
    await town.goes_round()
    assert town.office.ticket().status == status
    assert told in town.aigul.heard[-1]
    assert {event.who for event in town.office.tickets.events(NUMBER) if event.actor == "shop"} == {"tg:777"}
    assert len([text for text in town.olga.heard if "Состояние:" in text]) == 1


async def test_a_refusal_without_a_reason_is_asked_for_it_in_the_staffs_chat(town: Town) -> None:
    await town.asks_the_shop()
    assert "назовите причину" in await town.olga.replies("Состояние:", "отказ")
    assert town.office.ticket().status == "opened"
    await town.olga.replies("назовите причину", "есть долг")
    assert town.office.ticket().status == "refused"


async def test_a_ticket_has_its_own_topic_which_is_closed_at_the_end(town: Town) -> None:
    await town.asks_the_shop()
    api = town.office.api
    assert api.topics == {(STAFF, next(iter(api.topics))[1]): {"name": f"{NUMBER} удаление данных", "closed": False}}
    (topic,) = api.topics.values()
    await town.olga.taps("Выполнено")
    await town.goes_round()
    assert topic["closed"]
    await town.aigul.taps("Открыть снова")
    await town.goes_round()
    assert not topic["closed"]
    assert {message["message_thread_id"] for message in town.olga.messages} == {next(iter(api.topics))[1]}


async def test_news_of_a_ticket_whose_topic_was_deleted_are_told_in_the_chat(town: Town) -> None:
    first = await town.asks_the_shop()
    town.office.api.topics.clear()
    await town.answers(first, "вопрос: какая почта?")
    await town.aigul.says("рабочая")
    await town.goes_round()
    assert any("клиент ответил на вопрос" in text for text in town.olga.heard)


async def test_in_a_chat_without_topics_a_card_stands_for_itself(town: Town) -> None:
    town.office.api.plain_groups.add(STAFF)
    await town.asks_the_shop()
    assert "Состояние: принято" in town.card
    assert town.office.api.topics == {}


async def test_a_card_that_was_deleted_is_shown_anew(town: Town) -> None:
    first = await town.asks_the_shop()
    await town.office.bot.delete_message(STAFF, town.olga.messages[0]["message_id"])
    await town.answers(first, "принято")
    assert "Состояние: в работе" in town.card


async def test_open_requests_are_listed_overdue_first(town: Town) -> None:
    await town.asks_the_shop()
    town.office.clock.passes(DAY)
    shops = town.office.house.rooms.shops
    shops["protorg"] = replace(shops["protorg"], deadlines={"block": Deadline(days=2)})
    await town.aigul.opens_a_ticket(wish="заблокируйте мои данные")
    town.office.clock.passes(3 * DAY)
    heard = await town.olga.says("/tickets")
    assert re.findall(r"PRO-2026-\d+", heard) == ["PRO-2026-000002", NUMBER]
    assert heard.count("Просрочено") == 1
    await town.aigul.says("/tickets")
    assert "Просрочено: срок был" not in town.aigul.heard[-1]
