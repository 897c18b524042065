"""`konfident` as an operator runs it: a process of its own, with nothing but its environment and a data folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot_api import BotApi

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("konfident")
PATIENCE_S = 30.0
_START_S = 60.0


def furnish(data: Path, home: Path) -> Path:
    """Lend a data folder the model, the recogniser and the index that all tests share; its database is its own."""
    data.mkdir(parents=True, exist_ok=True)
    for room in ("models", "recognizer"):
        (data / room).symlink_to(home / room)
    for room in ("memo", "index"):
        shutil.copytree(home / room, data / room)
    return data


def environment(data: Path, **more: str) -> dict[str, str]:
    """Give a whole environment: what a shell has, the project's own rooms and what the test adds, nothing else."""
    shell = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    own = {"KNOWLEDGE_DIR": str(ROOT / "knowledge"), "INTENTS_DIR": str(ROOT / "intents"), "DATA_DIR": str(data)}
    return {**shell, "PYTHONIOENCODING": "utf-8", **own, **more}


@dataclass
class Konfident:
    """A running `konfident run`, and what it has logged so far."""

    process: Process
    log: list[str] = field(default_factory=list)
    _logged: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def logged_text(self) -> str:
        """The whole log."""
        return "\n".join(self.log)

    async def read_log(self) -> None:
        """Keep reading, so that the process never waits for its reader; ends with the process."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode().rstrip())
            self._logged.set()

    async def says(self, text: str) -> str:
        """Wait for a line of the log with this text."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._logged.clear()
                found = next((line for line in self.log if text in line), None)
                if found is not None:
                    return found
                await self._logged.wait()

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to stop, as `docker stop` does; give its exit status."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def konfident_run(api: BotApi, folder: Path, env: dict[str, str]) -> AsyncIterator[Konfident]:
    """Run the bot until the block ends; it is there when it first asks Telegram for updates."""
    whole = {"BOT_TOKEN": api.token, "TELEGRAM_API_URL": api.url, **env}
    process = await asyncio.create_subprocess_exec(COMMAND, "run", cwd=folder, env=whole, stderr=PIPE)
    konfident = Konfident(process)
    reader = asyncio.create_task(konfident.read_log())
    try:
        await _polling(api, konfident)
        yield konfident
    finally:
        status = await konfident.stop()
        await reader
    assert status in (0, -signal.SIGKILL), konfident.logged_text
    assert "Traceback" not in konfident.logged_text


async def _polling(api: BotApi, konfident: Konfident) -> None:
    """Wait for its first getUpdates; a process that ends before is shown with its log."""
    api._calls_seen["getUpdates"] = len(api.calls("getUpdates"))  # an earlier process may have asked
    asked = asyncio.create_task(api.next_call("getUpdates", seconds=_START_S))
    ended = asyncio.create_task(konfident.process.wait())
    await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in (asked, ended):
        task.cancel()
    if konfident.process.returncode is not None:
        raise AssertionError(f"konfident ended with {konfident.process.returncode}:\n{konfident.logged_text}")
    with suppress(asyncio.CancelledError):
        await asked


async def konfident_chat(folder: Path, env: dict[str, str], shop: str, lines: list[str]) -> str:
    """Talk in the terminal: give what stands on the screen when the last line has been answered."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "chat", "--shop", shop, cwd=folder, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(_START_S):
        screen, complaints = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    assert process.returncode == 0, complaints.decode()
    return screen.decode()


@dataclass
class Customer:
    """A person with Telegram on a phone; every deed gives the bot's next message."""

    api: BotApi
    chat: int

    async def says(self, text: str) -> dict[str, Any]:
        """Type a message."""
        self.api.user_says(self.chat, text)
        return await self.hears()

    async def taps(self, title: str) -> dict[str, Any]:
        """Tap a button of the newest message that has it."""
        self.api.user_taps(self.chat, title)
        return await self.hears()

    async def shares_contact(self, phone: str) -> dict[str, Any]:
        """Press Telegram's own button that shares the sender's number."""
        self.api.user_shares_contact(self.chat, phone)
        return await self.hears()

    async def hears(self) -> dict[str, Any]:
        """Wait for the bot's next message."""
        return await self.api.next_message(self.chat, seconds=PATIENCE_S)
