"""Whole ways, as customers, clerks and operators go them: `konfident run`, Telegram's double, real mail servers."""

from __future__ import annotations

import email
import itertools
import re
import shutil
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import trustme
from bot_api import BotApi
from dovecot import dovecot
from konfident_process import (
    PATIENCE_S,
    ROOT,
    Customer,
    Konfident,
    environment,
    furnish,
    konfident_chat,
    konfident_run,
)
from smtp_server import Delivery, Scheme, SmtpServer, smtp_server

from bot.register import Draft
from bot.tickets import Tickets
from index.clauses import read_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

    from index.library import Library
    from index.recognizer import Recognizer

pytestmark = pytest.mark.asyncio(loop_scope="module")

AIGUL = "aigul@example.kz"
LOGIN = ("konfident@post.example", "п@роль: /?#%")
MAIL_FROM = "konfident@post.example"
OWNER = "owner@example.kz"

# What DESIGN.md, section 2, says of each shop: its prefix, its name, the clause of each wish and of each question.
SHOPS = ("protorg", "allurauto", "jetu", "proeducation", "homeshop")
PREFIXES = dict(zip(SHOPS, ("PRO", "ALU", "JET", "EDU", "HOM"), strict=True))
NAMES = dict(zip(SHOPS, ("PROtorg.kz", "AllurAuto", "Jetu.kz", "PROeducation", "Homeshop.kz"), strict=True))
ADDRESSES = {"protorg": "info@protorg.kz", "allurauto": "info@allurauto.kz", "proeducation": "sales@proeducation.kz"}
HOMELESS = tuple(shop for shop in SHOPS if shop not in ADDRESSES)


@dataclass(frozen=True)
class Way:
    """What a customer asks, wishes and tells, and the clauses that belong to it, shop by shop ("": none)."""

    question: str
    answers: tuple[str, str, str, str, str]
    wish: str
    title: str
    clauses: tuple[str, str, str, str, str]
    details: str = ""


NONE = ("", "", "", "", "")
WAYS = {
    "delete": Way(
        "кому вы передаёте мой телефон?",
        ("5.2", "5.2", "4.3.2", "4.3.2", "5.4.2"),
        "удалите, пожалуйста, мой аккаунт",
        "Удаление данных",
        NONE,
    ),
    "block": Way(
        "что будет, если отключить куки?",
        ("3.3.1", "3.3.1", "5.5", "5.5", "3.3"),
        "заморозьте мои данные на время проверки",
        "Блокирование данных",
        ("", "6.2.4", "", "", ""),
    ),
    "complain": Way(
        "за сколько дней вы ответите на претензию?",
        ("", "8.2", "", "", "6.2"),
        "хочу пожаловаться: мой номер передали мошенникам",
        "Жалоба",
        ("", "8.2", "", "", "6.2"),
        "Третий день звонит какой-то банк. Я им номера не давала!",
    ),
    "unsubscribe": Way(
        "вы сообщите, если мои данные утекут?",
        ("5.4", "5.4", "", "", "5.4.4"),
        "отпишите меня от рассылки",
        "Отказ от рассылки и звонков",
        ("", "", "", "", "4.3"),
    ),
    "access": Way(
        "какие данные обо мне вы собираете?",
        ("3.2", "3.2", "2.2", "2.2", "3.2"),
        "хочу получить копию всех данных, что вы обо мне храните",
        "Сведения о хранимых данных",
        ("", "", "4.2.1", "4.2.1", "5.2.1"),
    ),
    "rectify": Way(
        "вы можете поменять политику без моего согласия?",
        ("9.1", "9.1", "5.8", "5.8", "7.1"),
        "у вас неправильный мой телефон, исправьте",
        "Исправление данных",
        ("", "6.1.2", "4.1.2", "4.1.2", "5.1.2"),
        "Телефон на +7 701 765 43 21",
    ),
    "withdraw_consent": Way(
        "сколько времени хранятся мои данные?",
        ("5.1", "5.1", "", "", ""),
        "забираю своё согласие на обработку данных",
        "Отзыв согласия",
        NONE,
    ),
}
DEADLINES = {("allurauto", "complain"): "8.2", ("homeshop", "complain"): "6.2"}
EVERY_WAY = list(itertools.product(SHOPS, WAYS))


@dataclass
class Town:
    """A running assistant, its customers and the mail server of its shops."""

    api: BotApi
    post: SmtpServer
    konfident: Konfident
    data: Path

    def customer(self) -> Customer:
        """Bring somebody who has never talked to the bot."""
        return Customer(self.api, 1000 + len(self.api.known_chats))

    async def letter(self, number: str) -> tuple[Delivery, EmailMessage]:
        """Wait for the letter about a ticket; letters of other tickets are other tests' business."""
        while True:
            delivery = await self.post.next_delivery(timeout=PATIENCE_S)
            if number in str(delivery.letter["Subject"]):
                return delivery, delivery.letter


@pytest.fixture(scope="module")
def room(library: Library, recognizer: Recognizer, home: Path) -> Path:
    """Name the shared data directory when all that takes long to make is in it."""
    assert library.shelves
    assert recognizer
    return home


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """Make a certificate authority, as a company has its own, and the file that SSL_CERT_FILE names."""
    authority, path = trustme.CA(), tmp_path_factory.mktemp("trust") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, path


@asynccontextmanager
async def open_town(
    scheme: Scheme, authority: tuple[trustme.CA, Path], room: Path, folder: Path, **more: str
) -> AsyncIterator[Town]:
    """Open a mail server with a login, Telegram's double and an assistant between them."""
    ca, ca_file = authority
    certificate = None if scheme == "smtp" else ca.issue_cert("localhost")
    async with AsyncExitStack() as stack:
        post = await stack.enter_async_context(smtp_server(scheme, login=LOGIN, certificate=certificate))
        api = await stack.enter_async_context(BotApi())
        data = furnish(folder / "data", room)
        mail = {"SMTP_URL": post.url, "MAIL_FROM": MAIL_FROM, "SSL_CERT_FILE": str(ca_file)}
        env = environment(data, **mail, **more)
        konfident = await stack.enter_async_context(konfident_run(api, folder, env))
        yield Town(api, post, konfident, data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def as_shipped(
    authority: tuple[trustme.CA, Path], room: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """The five shops as they are shipped, letters by STARTTLS."""
    async with open_town("smtp+starttls", authority, room, tmp_path_factory.mktemp("shipped")) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def with_fallback(
    authority: tuple[trustme.CA, Path], room: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """The owner of jetu and homeshop has named an address; letters by TLS from the first byte."""
    folder = tmp_path_factory.mktemp("fallback")
    knowledge = shutil.copytree(ROOT / "knowledge", folder / "knowledge")
    for shop in HOMELESS:
        with (knowledge / shop / "shop.yml").open("a", encoding="utf-8") as file:
            file.write(f"fallback: {OWNER}\n")
    async with open_town("smtps", authority, room, folder, KNOWLEDGE_DIR=str(knowledge)) as town:
        yield town


# The steps of a way


async def ask(customer: Customer, shop: str, kind: str) -> None:
    """Name the shop, ask a question of it and read the clause, or that there is none."""
    await customer.says(NAMES[shop])
    answer = (await customer.says(WAYS[kind].question))["text"]
    number = WAYS[kind].answers[SHOPS.index(shop)]
    if number:
        assert answer.startswith(f"{NAMES[shop]}, пункт {number}. ")
        assert f"Пункт {number}:\n{clause(shop, number)}" in answer
    else:
        assert answer.startswith(f"В политике магазина {NAMES[shop]} ничего не сказано ")
        assert "Пункт" not in answer


async def wish(customer: Customer, shop: str, kind: str) -> str:
    """Say what is to be done, leave an address, confirm; give what the bot says last."""
    way, number = WAYS[kind], WAYS[kind].clauses[SHOPS.index(shop)]
    begun = (await customer.says(way.wish))["text"]
    assert f"Оформляю обращение в магазин {NAMES[shop]}: {way.title.lower()}." in begun
    quoted = f"В политике об этом сказано, пункт {number}:\n{clause(shop, number)}" if number else ""
    assert (quoted or "В политике магазина об этом ничего не сказано, но обращение я передам.") in begun
    assert "e-mail или телефон" in begun
    summary = (await customer.says(AIGUL))["text"]
    if way.details:
        assert "Проверьте" not in summary
        summary = (await customer.says(way.details))["text"]
        assert f"Подробности: {way.details}" in summary
    assert f"Магазин: {NAMES[shop]}\nПросьба: {way.title.lower()}\nКонтакт: {AIGUL}" in summary
    return str((await customer.says("да"))["text"])


def clause(shop: str, number: str) -> str:
    """Read a clause in the policy's file; one that ends with a colon brings along what stands under it."""
    policy_of_shop = read_policy(ROOT / "knowledge" / shop / "policy.txt")
    text = policy_of_shop.by_number[number].text
    below = [f"{each.number}. {each.text}" for each in policy_of_shop.under(number)]
    return "\n".join([text, *below]) if text.endswith(":") else text


def ticket_in(text: str, shop: str) -> str:
    """Find the ticket's number, which begins with the shop's prefix."""
    found = re.search(rf"Обращение ({PREFIXES[shop]}-{datetime.now(UTC).year}-\d{{6}}) принято", text)
    assert found, text
    return found[1]


def thirty_days_from_now() -> str:
    """Count as the clauses do, in calendar days of the country."""
    return f"{datetime.now(ZoneInfo('Asia/Almaty')) + timedelta(days=30):%d.%m.%Y}"


def check_letter(letter: EmailMessage, shop: str, kind: str, number: str, to: str) -> None:
    """See that a clerk who never heard of the bot knows who wants what, what was promised, and how to answer."""
    way = WAYS[kind]
    assert letter["Subject"] == f"[{number}] {way.title}: {NAMES[shop]}"
    assert letter["To"] == to
    assert letter["From"] == MAIL_FROM
    assert re.fullmatch(r"konfident\+[0-9a-f]{16}@post\.example", letter["Reply-To"])
    for text in (body(letter, "plain").replace("> ", ""), re.sub(r"<[^>]+>", "", body(letter, "html"))):
        assert f"Слова клиента:\n{way.wish}\n" in text
        assert f"Как связаться с клиентом: {AIGUL}\n" in text
        if way.details:
            assert f"Подробности от клиента:\n{way.details}\n" in text
        clause_number = way.clauses[SHOPS.index(shop)]
        if clause_number:
            assert f"пункт {clause_number}" in text
            assert f":\n{clause(shop, clause_number)}\n" in text
        else:
            assert "об этом ничего не сказано" in text
        promised = DEADLINES.get((shop, kind))
        term = f"Срок ответа: до {thirty_days_from_now()} (пункт {promised} политики)." if promised else ""
        assert (term or "Срок ответа не указан.") in text


def body(letter: EmailMessage, subtype: str) -> str:
    """Give the plain or the html text of a letter."""
    part = letter.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# From the question to the letter


@pytest.mark.parametrize(("shop", "kind"), [way for way in EVERY_WAY if way[0] in ADDRESSES])
async def test_a_wish_becomes_a_letter_to_the_address_of_the_policy(as_shipped: Town, shop: str, kind: str) -> None:
    aigul = as_shipped.customer()
    await ask(aigul, shop, kind)
    accepted = await wish(aigul, shop, kind)
    number = ticket_in(accepted, shop)
    assert f"Отправляю его на {ADDRESSES[shop]}. Ответ магазина придёт сюда." in accepted
    promised = DEADLINES.get((shop, kind))
    assert (f"Срок ответа: до {thirty_days_from_now()} (пункт {promised} политики)." in accepted) == bool(promised)
    delivery, letter = await as_shipped.letter(number)
    assert (delivery.sender, delivery.recipients) == (MAIL_FROM, [ADDRESSES[shop]])
    assert (delivery.over_tls, delivery.user) == (True, LOGIN[0])
    check_letter(letter, shop, kind, number, ADDRESSES[shop])


@pytest.mark.parametrize(("shop", "kind"), [way for way in EVERY_WAY if way[0] in HOMELESS])
async def test_a_shop_without_an_address_keeps_the_ticket_and_says_so(as_shipped: Town, shop: str, kind: str) -> None:
    aigul = as_shipped.customer()
    await ask(aigul, shop, kind)
    accepted = await wish(aigul, shop, kind)
    number = ticket_in(accepted, shop)
    assert "принято и сохранено, но отправить его пока некуда" in accepted
    assert "Отправляю" not in accepted
    assert ("Наурызбайский район, Микрорайон Рахат, улица Култобе 4" in accepted) == (shop == "jetu")
    assert ("(пункт 5.9)" in accepted) == (shop == "jetu")
    assert (f"до {thirty_days_from_now()} (пункт 6.2" in accepted) == ((shop, kind) in DEADLINES)
    tickets = Tickets(as_shipped.data / "konfident.db")
    kept = tickets.ticket(number)
    tickets.close()
    assert kept is not None
    assert (kept.words, kept.contact, kept.route) == (WAYS[kind].wish, AIGUL, "")


async def test_no_letter_leaves_for_a_shop_without_an_address(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    for shop in (*HOMELESS, "protorg"):
        await aigul.says(NAMES[shop])
        number = ticket_in(await wish(aigul, shop, "delete"), shop)
        if shop == "jetu":  # the post is the only way: a letter to be signed comes along
            assert (await aigul.hears())["document"]["file_name"] == f"{number}.docx"
    await as_shipped.letter(number)  # letters leave in the order of their tickets: protorg's was the last
    subjects = " ".join(str(delivery.letter["Subject"]) for delivery in as_shipped.post.delivered)
    assert "[PRO-" in subjects
    assert "[JET-" not in subjects
    assert "[HOM-" not in subjects


@pytest.mark.parametrize(("shop", "kind"), [way for way in EVERY_WAY if way[0] in HOMELESS])
async def test_the_owners_fallback_gets_what_has_no_other_address(with_fallback: Town, shop: str, kind: str) -> None:
    aigul = with_fallback.customer()
    await ask(aigul, shop, kind)
    accepted = await wish(aigul, shop, kind)
    number = ticket_in(accepted, shop)
    assert f"Отправляю его на {OWNER}." in accepted
    delivery, letter = await with_fallback.letter(number)
    assert (delivery.recipients, delivery.over_tls, delivery.user) == ([OWNER], True, LOGIN[0])
    check_letter(letter, shop, kind, number, OWNER)


async def test_the_shared_contact_stands_in_the_letter_as_confirmed(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    await aigul.says(NAMES["protorg"])
    await aigul.says(WAYS["delete"].wish)
    summary = await aigul.shares_contact("77017654321")
    assert "Контакт: +77017654321" in summary["text"]
    number = ticket_in((await aigul.taps("Да, отправить"))["text"], "protorg")
    _, letter = await as_shipped.letter(number)
    assert "Как связаться с клиентом: +77017654321\n" in body(letter, "plain")
    assert "номер подтверждён Telegram" in body(letter, "plain")


async def test_the_log_holds_no_words_of_customers_and_no_secrets(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    await aigul.says(NAMES["allurauto"])
    number = ticket_in(await wish(aigul, "allurauto", "complain"), "allurauto")
    await as_shipped.konfident.says(f"mail of {number} delivered")
    _, letter = await as_shipped.letter(number)
    token = str(letter["Reply-To"]).partition("+")[2].partition("@")[0]
    for secret in (AIGUL, "мошенникам", "Третий день", token, as_shipped.api.token, LOGIN[1], "Traceback"):
        assert secret not in as_shipped.konfident.logged_text


# When something is down


async def test_a_letter_waits_for_the_mail_server_and_the_customer_does_not(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    await aigul.says(NAMES["proeducation"])
    as_shipped.post.drop_at = "EHLO"
    number = ticket_in(await wish(aigul, "proeducation", "access"), "proeducation")
    await as_shipped.konfident.says(f"mail of {number} undelivered, attempt 1")
    as_shipped.post.drop_at = None
    delivery, letter = await as_shipped.letter(number)
    assert delivery.recipients == [ADDRESSES["proeducation"]]
    check_letter(letter, "proeducation", "access", number, ADDRESSES["proeducation"])


async def test_a_wrong_mail_password_loses_no_letter(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    await aigul.says(NAMES["protorg"])
    as_shipped.post.refuse["AUTH"] = "535 5.7.8 Authentication credentials invalid"
    number = ticket_in(await wish(aigul, "protorg", "withdraw_consent"), "protorg")
    await as_shipped.konfident.says(f"mail of {number} undelivered, attempt 1")
    as_shipped.post.refuse.clear()
    delivery, letter = await as_shipped.letter(number)
    assert delivery.recipients == [ADDRESSES["protorg"]]
    check_letter(letter, "protorg", "withdraw_consent", number, ADDRESSES["protorg"])


@dataclass
class PowerCut:
    """What stood on two customers' screens when the power went, and the town where it is back."""

    town: Town
    aigul: Customer
    number: str
    daniyar: Customer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def power_cut(room: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PowerCut]:
    """Aigul has her number, Daniyar a summary to confirm, the mail server is down, and then all is dark."""
    folder = tmp_path_factory.mktemp("dark")
    async with smtp_server("smtp", login=LOGIN) as post, BotApi() as api:
        env = environment(furnish(folder / "data", room), SMTP_URL=post.url, MAIL_FROM=MAIL_FROM)
        aigul, daniyar, post.drop_at = Customer(api, 7), Customer(api, 8), "EHLO"
        async with konfident_run(api, folder, env) as konfident:
            await aigul.says(NAMES["protorg"])
            await daniyar.says(NAMES["jetu"])
            await daniyar.says(WAYS["delete"].wish)
            assert "Проверьте обращение." in (await daniyar.says("daniyar@example.kz"))["text"]
            number = ticket_in(await wish(aigul, "protorg", "delete"), "protorg")
            # Letters are looked at after a reply is known as sent: by then neither reply can come a second time.
            await konfident.says(f"mail of {number} undelivered, attempt 1")
            await konfident.kill()
        assert post.delivered == []
        post.drop_at = None
        async with konfident_run(api, folder, env) as konfident:
            yield PowerCut(Town(api, post, konfident, folder / "data"), aigul, number, daniyar)


async def test_a_number_that_was_shown_outlives_a_power_cut_and_its_letter_leaves_once(power_cut: PowerCut) -> None:
    delivery, letter = await power_cut.town.letter(power_cut.number)
    assert (delivery.recipients, delivery.over_tls, delivery.user) == ([ADDRESSES["protorg"]], False, LOGIN[0])
    check_letter(letter, "protorg", "delete", power_cut.number, ADDRESSES["protorg"])
    assert power_cut.number in (await power_cut.aigul.says("где мои обращения?"))["text"]
    later = ticket_in(await wish(power_cut.aigul, "protorg", "block"), "protorg")
    await power_cut.town.letter(later)
    subjects = [str(each.letter["Subject"]) for each in power_cut.town.post.delivered]
    assert [subject[1:16] for subject in subjects] == [power_cut.number, later]


async def test_a_form_goes_on_where_a_power_cut_stopped_it(power_cut: PowerCut) -> None:
    assert "принято и сохранено" in (await power_cut.daniyar.says("да"))["text"]


# By mail, there and back


def answer_to(letter: EmailMessage, words: str) -> bytes:
    """Answer a letter as Olga's mail program does."""
    head = f"From: olga@protorg.kz\nTo: {letter['Reply-To']}\nMessage-ID: <{len(words)}@protorg.kz>"
    thread = f"In-Reply-To: {letter['Message-ID']}"
    return f"{head}\n{thread}\nContent-Type: text/plain; charset=utf-8\n\n{words}\n".encode()


async def test_a_clerks_answer_by_mail_reaches_the_customers_chat(
    authority: tuple[trustme.CA, Path], room: Path, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        mailbox = await stack.enter_async_context(dovecot(authority[0].issue_cert("localhost")))
        way = open_town("smtp+starttls", authority, room, tmp_path, IMAP_URL=mailbox.url)
        town = await stack.enter_async_context(way)
        aigul = town.customer()
        await aigul.says(NAMES["protorg"])
        number = ticket_in(await wish(aigul, "protorg", "delete"), "protorg")
        _, letter = await town.letter(number)
        assert "Ответьте на это письмо: ваш ответ придёт клиенту в чат." in body(letter, "plain")
        mailbox.deliver(answer_to(letter, "Выполнено: аккаунт удалён.\n\n> Слова клиента"))
        answered = (await aigul.hears())["text"]
        assert f"сообщает, что обращение {number} выполнено" in answered
        assert "аккаунт удалён." in answered
        assert "Слова клиента" not in answered
        assert "аккаунт удалён" not in town.konfident.logged_text


async def test_without_a_mailbox_letters_and_log_say_that_nobody_reads_answers(as_shipped: Town) -> None:
    aigul = as_shipped.customer()
    await aigul.says(NAMES["protorg"])
    _, letter = await as_shipped.letter(ticket_in(await wish(aigul, "protorg", "delete"), "protorg"))
    assert "Ответы на это письмо бот не читает" in body(letter, "plain")
    assert "IMAP_URL is not set" in as_shipped.konfident.logged_text


# The clock


def old_ticket(folder: Path) -> str:
    """Leave a request of last week, whose deadline is near, in the database of an assistant that does not run yet."""
    now = datetime.now(UTC)
    with closing(Tickets(folder / "konfident.db")) as tickets:
        draft = Draft(
            shop="protorg",
            prefix="PRO",
            kind="delete",
            chat="tg:1",
            form="old",
            contact="",
            identity="none",
            words="",
            details="",
            clause="",
            clause_text="",
            edition="",
            route=ADDRESSES["protorg"],
            route_source="9.3",
            deadline=(now + timedelta(days=2)).date(),
            deadline_source="shop.yml",
        )
        return tickets.open(draft, now - timedelta(days=7))[0].number


async def test_a_running_assistant_keeps_an_eye_on_deadlines(
    authority: tuple[trustme.CA, Path], room: Path, tmp_path: Path
) -> None:
    number = old_ticket(tmp_path / "data")
    async with open_town("smtp", authority, room, tmp_path) as town:
        letters = [body((await town.letter(number))[1], "plain") for _ in range(2)]
    assert ["Напоминание о сроке" in letter for letter in letters] == [False, True]


# In the terminal


async def test_a_talk_in_the_terminal_ends_with_a_letter_in_a_file(room: Path, tmp_path: Path) -> None:
    data = furnish(tmp_path / "data", room)
    way = WAYS["complain"]
    lines = [way.question, way.wish, AIGUL, way.details, "да"]
    screen = await konfident_chat(tmp_path, environment(data, MAIL_FROM=MAIL_FROM), "allurauto", lines)
    assert "Магазин: AllurAuto." in screen
    assert "AllurAuto, пункт 8.2. РАЗРЕШЕНИЕ СПОРОВ\n" in screen
    assert f"Пункт 8.2:\n  │ {clause('allurauto', '8.2')}\n" in screen
    number = ticket_in(screen, "allurauto")
    (path,) = (data / "letters").iterdir()
    assert f"✉ {path}" in screen
    assert path.match(f"{number}-*.eml")
    letter = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    check_letter(letter, "allurauto", "complain", number, ADDRESSES["allurauto"])
