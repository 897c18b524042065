"""A strict loopback double of Telegram's Bot API server, for tests of a long-polling bot."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import html
import itertools
import json
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def words(text: str) -> list[str]:
    """Split a list of names."""
    return text.split()


GROUP_USER = 777001  # who writes in a group when a test names nobody
MIB = 2**20
TEXT_LIMIT, CAPTION_LIMIT = 4096, 1024
TEXT_FIELDS = words("text caption parse_mode callback_query_id url document photo file_id action name language_code")
CHAT_ACTIONS = words(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker"
    " find_location record_video_note upload_video_note"
)
INLINE_ACTIONS = words(
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat"
    " switch_inline_query_chosen_chat copy_text callback_game pay disabled"
)
MARKUPS = {"inline_keyboard": "InlineKeyboardMarkup", "keyboard": "ReplyKeyboardMarkup"}
PRIVATE_ONLY = {"request_contact": "phone number", "request_location": "location", "request_poll": "poll"}
UNREQUESTED = ("chat_member", "message_reaction", "message_reaction_count")  # sent only when asked for
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
ADMIN_RIGHTS = words(
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members can_promote_members"
    " can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories can_pin_messages"
    " can_manage_topics can_send_welcome_messages"
)
MEMBER_FIELDS: dict[str, Json] = {
    "creator": {"is_anonymous": False},
    "administrator": {"can_be_edited": False, "is_anonymous": False, **dict.fromkeys(ADMIN_RIGHTS, True)},
    "kicked": {"until_date": 0},
}
GIFTS = words("unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels")
HTML_TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    **{name: name for name in ("code", "pre", "blockquote")},
}
HTML_TOKEN = re.compile(
    r"""<(?P<end>/?)(?P<tag>[\w-]*)(?P<attributes>(?:\s+[\w-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*>"""
    r"""|&(?:lt|gt|amp|quot|\#\d{1,7}|\#x[0-9a-fA-F]{1,6});|(?P<bare>[<>&])|[^<>&]+"""
)
HTML_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?""")


class ApiError(Exception):
    """An answer of the form {"ok": false}."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        """Keep what the answer will say."""
        super().__init__(description)
        self.code = code
        self.body: Json = {"ok": False, "error_code": code, "description": description}
        if retry_after is not None:
            self.body["parameters"] = {"retry_after": retry_after}


def bad(what: str) -> ApiError:
    """Make Telegram's answer to a wrong request."""
    return ApiError(400, f"Bad Request: {what}")


def refuse(wrong: object, what: str) -> None:
    """Answer that a request is wrong, if it is."""
    if wrong:
        raise bad(what)


def unparsed(what: str) -> ApiError:
    """Make Telegram's answer to wrong markup in a text."""
    return bad(f"can't parse entities: {what}")


def utf16(text: str) -> int:
    """Count UTF-16 units, as Telegram measures offsets and lengths."""
    return len(text.encode("utf-16-le")) // 2


class HtmlText:
    """The plain text and the entities of a text in Telegram's HTML."""

    def __init__(self, source: str) -> None:
        """Parse the source; an unescaped & or > is refused too, though Telegram lets it pass."""
        self.text = ""
        self.entities: list[Json] = []
        self._open: list[tuple[str, Json]] = []
        for token in HTML_TOKEN.finditer(source):
            self._take(token, len(source[: token.start()].encode()))
        if self._open:
            raise unparsed(f'Can\'t find end tag corresponding to start tag "{self._open[-1][0]}"')
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))

    def _take(self, token: re.Match[str], offset: int) -> None:
        """Read one token, which begins at this byte."""
        if token["bare"]:
            raise self._refusal(token, offset)
        if token["tag"] is None:
            self.text += html.unescape(token[0])
        elif token["end"]:
            self._close(token["tag"].lower(), offset)
        else:
            self._start(token["tag"].lower(), token["attributes"], offset)

    @staticmethod
    def _refusal(token: re.Match[str], offset: int) -> ApiError:
        """Say what is wrong with a lone < > or &."""
        name = re.split(r"[\s>]", token.string[token.start() + 1 :])[0]
        if token["bare"] != "<":
            return unparsed(f'Unescaped "{token["bare"]}" at byte offset {offset}')
        if name.lstrip("/").lower() in HTML_TAGS:
            kind = "end" if name.startswith("/") else "start"
            return unparsed(f"Unclosed {kind} tag at byte offset {offset}")
        return unparsed(f'Unsupported start tag "{name}" at byte offset {offset}')

    def _start(self, tag: str, source: str, offset: int) -> None:
        """Open an entity."""
        if tag not in HTML_TAGS:
            raise unparsed(f'Unsupported start tag "{tag}" at byte offset {offset}')
        found = HTML_ATTRIBUTE.findall(source)
        attributes = {name.lower(): html.unescape(double or single) for name, double, single in found}
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise unparsed(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
        entity: Json = {"type": HTML_TAGS[tag], "offset": utf16(self.text), "length": 0}
        if tag == "a":
            entity["url"] = attributes.get("href", "")
        if tag == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        self._open.append((tag, entity))

    def _close(self, tag: str, offset: int) -> None:
        """Close the entity opened last."""
        if not self._open:
            raise unparsed(f"Unexpected end tag at byte offset {offset}")
        expected, entity = self._open.pop()
        if tag != expected:
            found = f'expected "</{expected}>", found "</{tag}>"'
            raise unparsed(f"Unmatched end tag at byte offset {offset}, {found}")
        entity["length"] = utf16(self.text) - entity["offset"]
        if entity.get("url") != "":
            self.entities.append(entity)


def trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Cut the space around a text, and its entities with it."""
    body, lead = text.strip(), len(text) - len(text.lstrip())
    kept = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, utf16(body))
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return body, kept


def formatted(p: Json, field: str, limit: int) -> Json:
    """Parse and check a text or a caption; give the fields a message carries."""
    source, mode, prefix = str(p.get(field) or ""), p.get("parse_mode"), "" if field == "text" else "caption_"
    refuse(mode and str(mode).lower() != "html", "unsupported parse_mode")
    parsed = HtmlText(source) if mode else None
    raw = (parsed.text, parsed.entities) if parsed else (source, p.get(f"{prefix}entities") or [])
    text, entities = trimmed(*raw)
    refuse(utf16(text) > limit, "message is too long" if field == "text" else "message caption is too long")
    refuse(field == "text" and not text, "text must be non-empty" if source else "message text is empty")
    return {field: text or None, f"{prefix}entities": entities or None, "html": source or None}


def buttons(markup: Json, field: str) -> Iterator[Json]:
    """Give each button of a keyboard, checking its shape."""
    rows = markup[field]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad(f'field "{field}" of the {MARKUPS[field]} must be an Array of Arrays')
    for button in (button for row in rows for button in row):
        found = {"text": button} if field == "keyboard" and isinstance(button, str) else button
        if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found["text"]:
            raise bad(f"can't parse {field.replace('_', ' ')} button: Can't find field \"text\"")
        yield found


def check_inline_button(button: Json) -> None:
    """Refuse an inline button that Telegram would not take."""
    actions = [action for action in INLINE_ACTIONS if button.get(action) is not None]
    if not actions or button.get("callback_data") == "":
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    refuse(len(actions) > 1, "can't parse inline keyboard button: exactly one action field must be used")
    if "callback_data" in actions and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in actions and not re.match(r"(https?|tg)://\S+$", str(button["url"])):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def checked_markup(p: Json, *, inline_only: bool = False) -> Json:
    """Check the reply markup; give the fields a message carries."""
    markup = p.get("reply_markup")
    if markup is None:
        return {"reply_markup": None, "keyboard": None}
    if not isinstance(markup, dict):
        raise bad("can't parse reply keyboard markup JSON object")
    if len({"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"} & set(markup)) != 1:
        raise bad("object expected as reply markup")
    refuse(inline_only and "inline_keyboard" not in markup, "inline keyboard expected")
    if "inline_keyboard" in markup:
        for button in buttons(markup, "inline_keyboard"):
            check_inline_button(button)
    for button in buttons(markup, "keyboard") if "keyboard" in markup else ():
        for name in (name for name in PRIVATE_ONLY if button.get(name) and p["chat_id"] < 0):
            raise bad(f"{PRIVATE_ONLY[name]} can be requested in private chats only")
    return {"reply_markup": markup if any(markup.get("inline_keyboard", [])) else None, "keyboard": markup}


@dataclass(frozen=True)
class Upload:
    """A file sent in a request."""

    name: str
    content: bytes
    mime_type: str


def parameter(name: str, value: Any) -> Any:
    """Turn a form field into a value: a file, a text or what its JSON means."""
    if isinstance(value, web.FileField):
        return Upload(value.filename, value.file.read(), value.content_type)
    if isinstance(value, str) and name not in TEXT_FIELDS:
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


async def read_parameters(request: web.Request) -> Json:
    """Read a method's parameters from the query, a form or a JSON body."""
    raw: Json = dict(request.query)
    try:
        is_json = request.content_type == "application/json"
        raw.update(await request.json() if is_json else await request.post())
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "Request Entity Too Large") from error
    except ValueError as error:
        raise bad("can't parse the request body") from error
    return {name: parameter(name, value) for name, value in raw.items()}


def present(fields: Json) -> Json:
    """Drop the fields that have no value."""
    return {name: value for name, value in fields.items() if value is not None}


def public(message: Json) -> Json:
    """Copy a message without what only tests see."""
    return copy.deepcopy({name: value for name, value in message.items() if name not in ("html", "keyboard")})


def callback_data(message: Json, button: str) -> str | None:
    """Find the data of the inline button that has this text or data."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    for found in (found for row in rows for found in row if "callback_data" in found):
        if button in (found["text"], found["callback_data"]):
            return str(found["callback_data"])
    return None


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal in Telegram's form."""
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.code)


class BotApi:
    """The server, and the users at its other side."""

    def __init__(self, token: str = "42:TEST") -> None:
        """Make a server that knows one bot and no chats."""
        self.token, self.bot_id, self.url = token, int(token.split(":", maxsplit=1)[0]), ""
        self.sent: list[tuple[str, Json]] = []
        self.messages: defaultdict[int, list[Json]] = defaultdict(list)
        self.known_chats: set[int] = set()
        self.plain_groups: set[int] = set()
        self.members: dict[tuple[int, int], str | Json] = {}
        self.users: dict[int, Json] = {}
        self.topics: dict[tuple[int, int], Json] = {}
        self.files: dict[str, Json] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self._contents: dict[str, bytes] = {}
        self._everything: dict[tuple[int, int], Json] = {}
        self._unseen: defaultdict[int, deque[Json]] = defaultdict(deque)
        self._queue: list[Json] = []
        self._again: list[Json] = []
        self._updates: dict[int, Json] = {}
        self._queries: set[str] = set()
        self._failures: defaultdict[str, deque[ApiError]] = defaultdict(deque)
        self._drops: Counter[str] = Counter()
        self._calls_seen: Counter[str] = Counter()
        self._last_id = 100
        self._changed = asyncio.Event()
        self._methods = self._method_table()

    def _method_table(self) -> dict[str, Callable[[Json], Any]]:
        """List the methods this server has."""
        return {
            "getMe": lambda _p: self._me(),
            "getUpdates": self._get_updates,
            "deleteWebhook": self._delete_webhook,
            "setMyCommands": self._set_my_commands,
            "getMyCommands": lambda p: self.commands.get(self._commands_key(p), []),
            "sendMessage": self._send_message,
            "editMessageText": self._edit_message_text,
            "editMessageReplyMarkup": lambda p: self._edit(self._editable(p), p, {}),
            "deleteMessage": self._delete_message,
            "answerCallbackQuery": self._answer_callback_query,
            "sendChatAction": self._send_chat_action,
            "sendDocument": lambda p: self._send_file(p, "document"),
            "sendPhoto": lambda p: self._send_file(p, "photo"),
            "sendMediaGroup": self._send_media_group,
            "getFile": self._get_file,
            "getChat": self._get_chat,
            "getChatMember": self._get_chat_member,
            "createForumTopic": self._create_forum_topic,
            "closeForumTopic": lambda p: self._turn_forum_topic(p, closed=True),
            "reopenForumTopic": lambda p: self._turn_forum_topic(p, closed=False),
            "logOut": lambda _p: True,
            "close": lambda _p: True,
        }

    # The server.

    async def __aenter__(self) -> Self:
        """Start listening on a port that the system chooses."""
        app = web.Application(client_max_size=50 * MIB, middlewares=[answer_errors])
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._call)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop, with whoever is still polling."""
        await self._runner.cleanup()

    async def _call(self, request: web.Request) -> web.Response:
        """Record and perform one method call, unless a failure was asked for."""
        method = self._authorize(request).match_info["method"]
        if method not in self._methods:
            raise ApiError(404, "Not Found: method not found")
        params = await read_parameters(request)
        self.sent.append((method, params))
        self._notify()
        if self._failures[method]:
            raise self._failures[method].popleft()
        if method == "getUpdates":
            await self._poll(params)
        return self._answer(request, method, self._methods[method](params))

    def _answer(self, request: web.Request, method: str, result: Any) -> web.Response:
        """Answer with a result, or cut the connection where that was asked for."""
        if self._drops[method] and request.transport:
            self._drops[method] -= 1
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    def _authorize(self, request: web.Request) -> web.Request:
        """Refuse an unknown token."""
        if request.match_info["token"] != self.token:
            raise ApiError(401, "Unauthorized")
        return request

    async def _download(self, request: web.Request) -> web.Response:
        """Serve a file's content."""
        content = self._contents.get(self._authorize(request).match_info["path"])
        if content is None:
            raise ApiError(404, "Not Found")
        return web.Response(body=content)

    def _notify(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait_for(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds; say whether it came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not ready():
                    await self._changed.wait()
        return ready()

    def _next_id(self) -> int:
        """Give an identifier not used before, for a message, an update or a file."""
        self._last_id += 1
        return self._last_id

    # Updates.

    async def _poll(self, p: Json) -> None:
        """Confirm what the offset says and wait for something to deliver."""
        offset = p.get("offset") or 0
        if offset < 0:
            self._queue = self._queue[offset:]
        self._queue = [update for update in self._queue if update["update_id"] >= offset]
        await self._wait_for(lambda: bool(self._deliverable(p)), min(p.get("timeout") or 0, 50))

    def _deliverable(self, p: Json) -> list[Json]:
        """List the updates of the wanted kinds that are not confirmed."""
        allowed = p.get("allowed_updates") or []
        kinds = [(set(update) - {"update_id"}).pop() for update in self._again + self._queue]
        wanted = [kind in allowed if allowed else kind not in UNREQUESTED for kind in kinds]
        return list(itertools.compress(self._again + self._queue, wanted))[: p.get("limit") or 100]

    def _get_updates(self, p: Json) -> list[Json]:
        """Deliver updates; a repeated one is delivered once."""
        found = self._deliverable(p)
        self._again = [update for update in self._again if update not in found]
        return found

    def _delete_webhook(self, p: Json) -> bool:
        """There is no webhook, but waiting updates may have to go."""
        if p.get("drop_pending_updates"):
            self._queue.clear()
        return True

    # Messages.

    def _chat(self, p: Json) -> Json:
        """Find the chat that a call names."""
        chat_id = p.get("chat_id")
        refuse(chat_id in (None, ""), "chat_id is empty")
        if not isinstance(chat_id, int) or chat_id not in self.known_chats:
            raise bad("chat not found")
        return self.chat(chat_id)

    def _me(self) -> Json:
        """Describe the bot."""
        return {"id": self.bot_id, "is_bot": True, "first_name": "Bot", "username": f"test{self.bot_id}_bot"}

    def _context(self, p: Json) -> Json:
        """Find the topic and the replied message that a call names."""
        reply, topic = p.get("reply_parameters") or {}, {}
        target = self._everything.get((p["chat_id"], reply.get("message_id", 0)))
        if reply and not target and not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        if p.get("message_thread_id") is not None:
            self._topic(p)
            topic = {"message_thread_id": p["message_thread_id"], "is_topic_message": True}
        return {**topic, "reply_to_message": public(target) if target else None}

    def _topic(self, p: Json) -> Json:
        """Find the topic that a call names."""
        topic = self.topics.get((p["chat_id"], p.get("message_thread_id", 0)))
        if topic is None:
            raise bad("message thread not found")
        return topic

    def _publish(self, p: Json, content: Json) -> Json:
        """Put a checked message into its chat."""
        base = {"message_id": self._next_id(), "date": int(time.time()), "from": self._me()}
        message = present({**base, "chat": self._chat(p), **self._context(p), **content})
        self.messages[p["chat_id"]].append(message)
        self._everything[p["chat_id"], message["message_id"]] = message
        self._unseen[p["chat_id"]].append(copy.deepcopy(message))
        self._notify()
        return public(message)

    def _send_message(self, p: Json) -> Json:
        """Send a text."""
        self._chat(p)
        return self._publish(p, {**formatted(p, "text", TEXT_LIMIT), **checked_markup(p)})

    def _named(self, p: Json, purpose: str) -> Json:
        """Find the message that a call names."""
        self._chat(p)
        refuse(not p.get("message_id"), "message identifier is not specified")
        message = self._everything.get((p["chat_id"], p["message_id"]))
        if message is None:
            raise bad(f"message to {purpose} not found")
        return message

    def _editable(self, p: Json) -> Json:
        """Find the message to edit: the bot's own and without a reply keyboard."""
        message = self._named(p, "edit")
        keyboard = message.get("keyboard", {"inline_keyboard": []})
        if message.get("from") != self._me() or "inline_keyboard" not in keyboard:
            raise bad("message can't be edited")
        return message

    def _edit_message_text(self, p: Json) -> Json:
        """Replace a message's text and its markup."""
        message = self._editable(p)
        refuse("text" not in message, "there is no text in the message to edit")
        return self._edit(message, p, formatted(p, "text", TEXT_LIMIT))

    def _edit(self, message: Json, p: Json, content: Json) -> Json:
        """Apply an edit that changes something."""
        changes = {**content, **checked_markup(p, inline_only=True)}
        seen = set(changes) - {"html", "keyboard"}
        refuse(all(message.get(name) == changes[name] for name in seen), NOT_MODIFIED)
        edited = present({**message, **changes, "edit_date": int(time.time())})
        message.clear()
        message.update(edited)
        return public(message)

    def _delete_message(self, p: Json) -> bool:
        """Delete a message of the bot or of a user."""
        message = self._named(p, "delete")
        del self._everything[p["chat_id"], p["message_id"]]
        mine = self.messages[p["chat_id"]]
        mine[:] = [other for other in mine if other is not message]
        return True

    def _answer_callback_query(self, p: Json) -> bool:
        """Answer a query once."""
        if p.get("callback_query_id") not in self._queries:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        refuse(len(p.get("text") or "") > 200, "MESSAGE_TOO_LONG")
        self._queries.remove(p["callback_query_id"])
        return True

    def _send_chat_action(self, p: Json) -> bool:
        """Check the action's name."""
        self._chat(p)
        refuse(p.get("action") not in CHAT_ACTIONS, "wrong parameter action in request")
        return True

    # Files.

    def _stored(self, p: Json, value: Any, kind: str) -> Json:
        """Find the file that a parameter names: an upload, a known file or an address."""
        if isinstance(value, str) and value.startswith("attach://"):
            value = p.get(value.removeprefix("attach://"))
        refuse(not value, f"there is no {kind} in the request")
        if isinstance(value, Upload):
            refuse(not value.content, "file must be non-empty")
            return self.add_file(f"{kind}s/{self._next_id()}/{value.name}", value.content)
        if value in self.files:
            return self.files[value]
        if re.match(r"https?://", str(value)):
            return self.add_file(f"{kind}s/{self._next_id()}/{value.rsplit('/', 1)[-1]}", b"")
        raise bad("wrong file identifier/HTTP URL specified")

    def _media(self, p: Json, kind: str, value: Any) -> Json:
        """Check a file and its caption; give the fields a message carries."""
        file = dict(self._stored(p, value, kind))
        name = file.pop("file_path").rsplit("/", 1)[-1]
        extra = {"file_name": name} if kind == "document" else {"width": 640, "height": 480, "duration": 1}
        found = {**file, **extra}
        return {kind: [found] if kind == "photo" else found, **formatted(p, "caption", CAPTION_LIMIT)}

    def _send_file(self, p: Json, kind: str) -> Json:
        """Send a document or a photo."""
        self._chat(p)
        return self._publish(p, {**self._media(p, kind, p.get(kind)), **checked_markup(p)})

    def _send_media_group(self, p: Json) -> list[Json]:
        """Send an album."""
        self._chat(p)
        media = p.get("media")
        if not isinstance(media, list) or not media:
            raise bad("there are no messages to send")
        refuse(len(media) > 10, "too many messages to send as an album")
        self._check_kinds({str(item.get("type")) for item in media})
        contents = [self._media({**p, **item}, item["type"], item.get("media")) for item in media]
        group = {"media_group_id": str(self._next_id())}
        return [self._publish(p, {**content, **group}) for content in contents]

    @staticmethod
    def _check_kinds(kinds: set[str]) -> None:
        """Refuse what cannot be in one album."""
        for kind in kinds - {"photo", "video", "document", "audio"}:
            raise bad(f"can't parse InputMedia: type \"{kind}\" can't be used in sendMediaGroup")
        for kind in sorted(kinds & {"document", "audio"}) if len(kinds) > 1 else ():
            raise bad(f"{kind} can't be mixed with other media types")

    def _get_file(self, p: Json) -> Json:
        """Describe a file that may be downloaded."""
        file = self.files.get(str(p.get("file_id")))
        if file is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        refuse(file["file_size"] > 20 * MIB, "file is too big")
        return file

    # Chats.

    def _get_chat(self, p: Json) -> Json:
        """Describe a chat in full."""
        full = {"accent_color_id": 0, "max_reaction_count": 11}
        return {**self._chat(p), **full, "accepted_gift_types": dict.fromkeys(GIFTS, False)}

    def _get_chat_member(self, p: Json) -> Json:
        """Describe a member whom the test registered."""
        self._chat(p)
        member = self.members.get((p["chat_id"], p.get("user_id", 0)))
        if member is None:
            raise bad("member not found")
        if isinstance(member, dict):
            return member
        return {"status": member, "user": self.user(p["user_id"]), **MEMBER_FIELDS.get(member, {})}

    def _create_forum_topic(self, p: Json) -> Json:
        """Open a topic in a group that has them."""
        refuse(not self._chat(p).get("is_forum"), "the chat is not a forum")
        name = str(p.get("name") or "")
        refuse(not 1 <= len(name) <= 128, "TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
        thread = self._next_id()
        self.topics[p["chat_id"], thread] = {"name": name, "closed": False}
        return {"message_thread_id": thread, "name": name, "icon_color": 7322096}

    def _turn_forum_topic(self, p: Json, *, closed: bool) -> bool:
        """Close an open topic, or open a closed one."""
        self._chat(p)
        topic = self._topic(p)
        refuse(topic["closed"] == closed, "TOPIC_NOT_MODIFIED")
        topic["closed"] = closed
        return True

    @staticmethod
    def _commands_key(p: Json) -> tuple[str, str]:
        """Name the list of commands that a call means."""
        scope = p.get("scope") or {"type": "default"}
        return json.dumps(scope, sort_keys=True), str(p.get("language_code") or "")

    def _set_my_commands(self, p: Json) -> bool:
        """Keep a list of commands."""
        commands: list[Json] = p.get("commands") or []
        refuse(len(commands) > 100, "BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            refuse(not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command") or ""), "BOT_COMMAND_INVALID")
            refuse(not 1 <= len(command.get("description") or "") <= 256, "BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[self._commands_key(p)] = commands
        return True

    # The test's side.

    def chat(self, chat_id: int) -> Json:
        """Describe a chat: a negative id is a supergroup, with topics unless it is in plain_groups."""
        if chat_id > 0:
            return {"id": chat_id, "type": "private", "first_name": self.user(chat_id)["first_name"]}
        forum = {} if chat_id in self.plain_groups else {"is_forum": True}
        return {"id": chat_id, "type": "supergroup", "title": "Group", **forum}

    def user(self, user_id: int) -> Json:
        """Describe a user; fields set in users[user_id] come on top."""
        base = {"id": user_id, "is_bot": False, "first_name": "Test", "language_code": "ru"}
        return {**base, **self.users.get(user_id, {})}

    def user_message(self, chat_id: int, user_id: int | None = None, **fields: Any) -> Json:
        """Make a user's message of any kind, to be pushed."""
        sender = self.user(user_id or (chat_id if chat_id > 0 else GROUP_USER))
        base = {"message_id": self._next_id(), "date": int(time.time())}
        return {**base, "from": sender, "chat": self.chat(chat_id), **fields}

    def push(self, update_fields: Json) -> Json:
        """Queue an update of any kind, without its update_id; give it back with one."""
        update = {"update_id": self._next_id(), **copy.deepcopy(update_fields)}
        for content in update_fields.values():
            self._admit(content.get("message", content))
        if "callback_query" in update:
            self._queries.add(update["callback_query"]["id"])
        self._updates[update["update_id"]] = update
        self._queue.append(update)
        self._notify()
        return update

    def _admit(self, content: Json) -> None:
        """Learn the chat, the topic and the message that an update shows."""
        if "chat" not in content:
            return
        chat_id = content["chat"]["id"]
        self.known_chats.add(chat_id)
        if "message_id" in content:
            self._everything.setdefault((chat_id, content["message_id"]), copy.deepcopy(content))
        if "message_thread_id" in content:
            topic = {"name": "Topic", "closed": False}
            self.topics.setdefault((chat_id, content["message_thread_id"]), topic)

    def redeliver(self, update_id: int) -> None:
        """Deliver the same update once more, whatever the offset says."""
        self._again.append(self._updates[update_id])
        self._notify()

    def user_says(self, chat_id: int, text: str, user_id: int | None = None, **extra: Any) -> Json:
        """Send a text as a user; extra sets any other field of the message."""
        command = re.match(r"/\w+(@\w+)?", text)
        entity = {"type": "bot_command", "offset": 0, "length": command.end()} if command else None
        fields = {"text": text, **({"entities": [entity]} if entity else {}), **extra}
        return self.push({"message": self.user_message(chat_id, user_id, **fields)})

    def user_taps(self, chat_id: int, button: str, message_id: int | None = None, user_id: int | None = None) -> Json:
        """Tap the inline button with this text or data, in the newest message that has it."""
        for message in reversed(self.messages[chat_id]):
            data = callback_data(message, button) if message_id in (None, message["message_id"]) else None
            if data is not None:
                query = {"id": f"{self._next_id():018}", "chat_instance": str(chat_id), "data": data}
                sender = self.user_message(chat_id, user_id)["from"]
                return self.push({"callback_query": {**query, "from": sender, "message": public(message)}})
        raise LookupError(f"no inline button {button!r} in chat {chat_id}")

    def user_shares_contact(self, chat_id: int, phone: str, user_id: int | None = None) -> Json:
        """Share a contact: the sender's own, or the one of user_id."""
        contact = {"phone_number": phone, "first_name": "Test", "user_id": user_id or chat_id}
        return self.push({"message": self.user_message(chat_id, contact=contact)})

    def add_file(self, path: str, content: bytes, file_id: str | None = None) -> Json:
        """Register a file to be got by getFile and downloaded; give its description."""
        number = self._next_id()
        file = {"file_id": file_id or f"file-{number}", "file_unique_id": f"unique-{number}"}
        self.files[file["file_id"]] = {**file, "file_size": len(content), "file_path": path}
        self._contents[path] = content
        return self.files[file["file_id"]]

    def fail_next(
        self, method: str, error_code: int, description: str, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next calls of a method with an error and do nothing."""
        self._failures[method].extend(ApiError(error_code, description, retry_after) for _ in range(times))

    def drop_next_response(self, method: str) -> None:
        """Perform the next call of a method, but cut the connection instead of answering."""
        self._drops[method] += 1

    async def next_message(self, chat_id: int, seconds: float = 10) -> Json:
        """Wait for the bot's next message in a chat, as it was when sent."""
        if not await self._wait_for(lambda: bool(self._unseen[chat_id]), seconds):
            raise AssertionError(f"no message to chat {chat_id} in {seconds} s")
        return self._unseen[chat_id].popleft()

    async def next_call(self, method: str, seconds: float = 10) -> Json:
        """Wait for the next call of a method not given yet; give its parameters."""
        seen = self._calls_seen[method]
        if not await self._wait_for(lambda: len(self.calls(method)) > seen, seconds):
            raise AssertionError(f"no call of {method} in {seconds} s")
        self._calls_seen[method] += 1
        return self.calls(method)[seen]

    def calls(self, method: str) -> list[Json]:
        """List the parameters of all calls of a method."""
        return [params for name, params in self.sent if name == method]
