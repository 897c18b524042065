"""The double of the Bot API server behaves as Telegram does, for a real aiogram bot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)
from aiohttp import ClientSession
from bot_api import BotApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

CHAT, GROUP = 7, -100500


@pytest_asyncio.fixture
async def api() -> AsyncIterator[BotApi]:
    """Run a server that knows one chat and one group."""
    async with BotApi(token="42:TEST") as server:
        server.known_chats |= {CHAT, GROUP}
        yield server


@pytest_asyncio.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    """Make a bot that talks to the server."""
    async with Bot(api.token, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as bot:
        yield bot


@pytest_asyncio.fixture
async def dispatcher(api: BotApi, bot: Bot) -> AsyncIterator[Dispatcher]:
    """Poll with a dispatcher for as long as a test runs."""
    dispatcher = Dispatcher()
    options: dict[str, Any] = {"handle_signals": False, "close_bot_session": False}
    polling = asyncio.create_task(dispatcher.start_polling(bot, polling_timeout=30, **options))
    await api.next_call("getUpdates")
    yield dispatcher
    await dispatcher.stop_polling()
    await polling


def inline(**button: Any) -> InlineKeyboardMarkup:
    """Make a keyboard of one button."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", **button)]])


async def test_bot_answers_by_long_polling(api: BotApi, dispatcher: Dispatcher) -> None:
    """A user's text reaches a handler, and its answer reaches the chat parsed."""
    source = '😀 &lt;<b>bold <i>both</i></b> <a href="https://a.kz/?x=1&amp;y=2">link</a> <code>c</code>'
    returned = asyncio.get_running_loop().create_future()

    @dispatcher.message()
    async def answer(message: Message) -> None:
        returned.set_result(await message.answer(source, parse_mode="HTML"))

    api.user_says(9, "/start now")
    message = await api.next_message(9)
    assert (message["text"], message["html"]) == ("😀 <bold both link c", source)
    assert message["entities"][:2] == [
        {"type": "bold", "offset": 4, "length": 9},
        {"type": "italic", "offset": 9, "length": 4},
    ]
    sent = await returned
    assert sent.html_text == source.replace("&amp;", "&")
    assert sent.chat.first_name == "Test"


async def test_updates_stay_until_confirmed_and_may_repeat(api: BotApi, bot: Bot) -> None:
    """An offset confirms updates; redeliver repeats one whatever the offset; polling waits."""
    first, second = api.user_says(CHAT, "one"), api.user_says(CHAT, "two")
    ids = [first["update_id"], second["update_id"]]
    assert [update.update_id for update in await bot.get_updates()] == ids
    assert [update.update_id for update in await bot.get_updates(offset=ids[1])] == ids[1:]
    assert await bot.get_updates(offset=ids[1] + 1) == []
    waiting = asyncio.create_task(bot.get_updates(offset=ids[1] + 1, timeout=30))
    await asyncio.wait([waiting], timeout=0.1)
    assert not waiting.done()
    api.redeliver(ids[0])
    assert [update.message.text for update in await waiting if update.message] == ["one"]
    assert await bot.get_updates(offset=ids[1] + 1) == []
    api.push({"message": api.user_message(11, sticker={"file_id": "s"})})
    assert 11 in api.known_chats


async def test_taps_edits_and_deletion(api: BotApi, bot: Bot, dispatcher: Dispatcher) -> None:
    """A tapped button makes a query that is answered once; an edit has to change something."""
    query_ids: list[str] = []

    @dispatcher.callback_query()
    async def tapped(query: CallbackQuery) -> None:
        query_ids.append(query.id)
        assert isinstance(query.message, Message)
        await query.message.edit_text("after")
        await query.answer("ok")

    sent = await bot.send_message(CHAT, "before", reply_markup=inline(callback_data="go:1"))
    update = api.user_taps(CHAT, "Go")
    assert update["callback_query"]["data"] == "go:1"
    assert (await api.next_call("answerCallbackQuery"))["text"] == "ok"
    assert [message["text"] for message in api.messages[CHAT]] == ["after"]
    assert (await api.next_message(CHAT))["text"] == "before"
    with pytest.raises(LookupError):
        api.user_taps(CHAT, "Go")
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query_ids[0])
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("after", chat_id=CHAT, message_id=sent.message_id)
    edited = await bot.edit_message_reply_markup(
        chat_id=CHAT, message_id=sent.message_id, reply_markup=inline(url="https://a.kz")
    )
    assert isinstance(edited, Message)
    assert edited.reply_markup
    assert await bot.delete_message(CHAT, sent.message_id)
    assert api.messages[CHAT] == []
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=CHAT, message_id=sent.message_id)
    said = api.user_says(CHAT, "mine")["message"]["message_id"]
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=CHAT, message_id=said)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("я < 5", 'Unsupported start tag "" at byte offset 3'),
        ("5 > 4", 'Unescaped ">" at byte offset 2'),
        ("a & b &nbsp;", 'Unescaped "&" at byte offset 2'),
        ("a &nbsp; b", 'Unescaped "&" at byte offset 2'),
        ("<b>x", 'end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b x", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'must have class "tg-spoiler"'),
        ("<b> </b>", "text must be non-empty"),
    ],
)
async def test_bad_html_is_refused(api: BotApi, bot: Bot, text: str, reason: str) -> None:
    """Each mistake in HTML is answered with its place; the same text is fine when plain."""
    with pytest.raises(TelegramBadRequest) as caught:
        await bot.send_message(CHAT, text, parse_mode="HTML")
    assert reason in str(caught.value)
    assert api.messages[CHAT] == []
    assert (await bot.send_message(CHAT, text)).text == text


async def test_limits_are_kept(api: BotApi, bot: Bot) -> None:
    """Texts, captions, buttons, chats and actions outside Telegram's limits are refused."""
    contact = KeyboardButton(text="Phone", request_contact=True)
    keyboard = ReplyKeyboardMarkup(keyboard=[[contact]])
    photo = BufferedInputFile(b"png", "p.png")
    refused = {
        "message text is empty": bot.send_message(CHAT, ""),
        "message is too long": bot.send_message(CHAT, "x" * 4097),
        "message caption is too long": bot.send_photo(CHAT, photo, caption="x" * 1025),
        "chat not found": bot.send_message(8, "x"),
        "BUTTON_DATA_INVALID": bot.send_message(CHAT, "x", reply_markup=inline(callback_data="я" * 33)),
        "Text buttons are unallowed": bot.send_message(CHAT, "x", reply_markup=inline()),
        "exactly one action": bot.send_message(CHAT, "x", reply_markup=inline(url="tg://a", callback_data="a")),
        "phone number can be requested in private": bot.send_message(GROUP, "x", reply_markup=keyboard),
        "wrong parameter action": bot.send_chat_action(CHAT, "dancing"),
        "BOT_COMMAND_INVALID": bot.set_my_commands([BotCommand(command="Старт", description="x")]),
        "wrong file identifier": bot.send_document(CHAT, "unknown"),
    }
    for reason, call in refused.items():
        with pytest.raises(TelegramBadRequest, match=reason):
            await call
    assert not any(api.messages.values())
    await bot.send_message(CHAT, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    asked = await bot.send_message(CHAT, "x", reply_markup=keyboard)
    assert asked.reply_markup is None
    assert api.messages[CHAT][-1]["keyboard"]["keyboard"]
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("y", chat_id=CHAT, message_id=asked.message_id)
    contact_update = api.user_shares_contact(CHAT, "+77010000000")
    assert contact_update["message"]["contact"]["user_id"] == CHAT


async def test_faults_come_when_asked(api: BotApi, bot: Bot) -> None:
    """A planned failure does nothing; a dropped response follows a performed action."""
    api.fail_next("sendMessage", 429, "Too Many Requests: retry after 5", retry_after=5)
    api.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    api.fail_next("sendMessage", 502, "Bad Gateway", times=2)
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(CHAT, "x")
    assert caught.value.retry_after == 5
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(CHAT, "x")
    for _ in range(2):
        with pytest.raises(TelegramServerError):
            await bot.send_message(CHAT, "x")
    assert api.messages[CHAT] == []
    api.drop_next_response("sendMessage")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(CHAT, "dropped")
    await bot.send_message(CHAT, "next")
    assert [message["text"] for message in api.messages[CHAT]] == ["dropped", "next"]
    with pytest.raises(AssertionError, match="no message to chat 8"):
        await api.next_message(8, seconds=0.01)


async def test_files_go_both_ways(api: BotApi, bot: Bot) -> None:
    """A registered file is downloaded, and a sent one can be sent again by its id."""
    file = api.add_file("voice/1.oga", b"sound", file_id="v1")
    got = await bot.download(file["file_id"])
    assert got is not None
    assert got.read() == b"sound"
    with pytest.raises(TelegramBadRequest, match="wrong file_id"):
        await bot.get_file("unknown")
    sent = await bot.send_document(CHAT, BufferedInputFile(b"pdf", "a.pdf"), caption="<b>A</b>", parse_mode="HTML")
    assert sent.document
    assert sent.document.file_name == "a.pdf"
    assert sent.html_text == "<b>A</b>"
    assert (await bot.send_document(CHAT, sent.document.file_id)).document == sent.document
    assert (await bot.send_photo(CHAT, BufferedInputFile(b"png", "p.png"))).photo
    photos = [InputMediaPhoto(media=BufferedInputFile(name.encode(), name)) for name in ("1.png", "2.png")]
    album = await bot.send_media_group(CHAT, [*photos])
    assert len(album) == 2
    assert album[0].media_group_id == album[1].media_group_id
    with pytest.raises(TelegramBadRequest, match="document can't be mixed"):
        await bot.send_media_group(CHAT, [photos[0], InputMediaDocument(media=sent.document.file_id)])


async def test_groups_have_members_and_topics(api: BotApi, bot: Bot) -> None:
    """Members are those registered, and topics open, take messages and close once."""
    api.members |= {
        (GROUP, CHAT): "member",
        (GROUP, 1): "administrator",
        (GROUP, 2): "left",
        (GROUP, 3): "kicked",
    }
    found = [(await bot.get_chat_member(GROUP, user)).status for user in (CHAT, 1, 2, 3)]
    assert found == ["member", "administrator", "left", "kicked"]
    with pytest.raises(TelegramBadRequest, match="member not found"):
        await bot.get_chat_member(GROUP, 4)
    topic = await bot.create_forum_topic(GROUP, "Заявка")
    sent = await bot.send_message(GROUP, "x", message_thread_id=topic.message_thread_id)
    assert sent.is_topic_message
    assert (await bot.get_chat(GROUP)).is_forum
    assert await bot.close_forum_topic(GROUP, topic.message_thread_id)
    with pytest.raises(TelegramBadRequest, match="TOPIC_NOT_MODIFIED"):
        await bot.close_forum_topic(GROUP, topic.message_thread_id)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(GROUP, "x", message_thread_id=1)
    with pytest.raises(TelegramBadRequest, match="the chat is not a forum"):
        await bot.create_forum_topic(CHAT, "x")
    assert (await (await bot.send_message(GROUP, "y")).reply("z")).reply_to_message


async def test_requests_of_every_form(api: BotApi, bot: Bot) -> None:
    """GET, forms and JSON are read alike; an unknown token or method is refused in JSON."""
    await bot.set_my_commands([BotCommand(command="start", description="Начать")], language_code="ru")
    assert len(await bot.get_my_commands(language_code="ru")) == 1
    assert await bot.get_my_commands() == []
    assert (await bot.get_me()).id == 42
    assert await bot.delete_webhook()
    assert await bot.log_out()
    call: dict[str, str | int] = {"chat_id": CHAT, "text": "123"}
    async with ClientSession(f"{api.url}/bot{api.token}/") as client:
        for response in (
            await client.get("sendMessage", params=call),
            await client.post("sendMessage", data=call),
            await client.post("sendMessage", json=call),
        ):
            assert (await response.json())["result"]["text"] == "123"
        unknown = await (await client.post("sendNothing")).json()
        refused = await (await client.post(f"{api.url}/bot42:OTHER/getMe")).json()
    assert api.calls("sendMessage") == [call] * 3
    assert unknown == {"ok": False, "error_code": 404, "description": "Not Found: method not found"}
    assert refused == {"ok": False, "error_code": 401, "description": "Unauthorized"}
