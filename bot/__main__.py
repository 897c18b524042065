"""The command line and the wiring."""

import asyncio
import contextlib
import csv
import gc
import json
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click
from pydantic import SecretStr

from bot.deadlines import local_time
from bot.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from bot.house import House
    from bot.tickets import Tickets
    from index.packaged_model import Progress


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Konfident: the exact clause of a shop's privacy policy, and customers' wishes carried out."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in (
        "aiogram.event",
        "rasa_sdk",
        "asyncio",
        "httpx",
        "faiss",
        "bm25s",
        "imapclient",
        "pymorphy3",
        "sentence_transformers",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@main.command()
@click.option("--shop", help="Begin in this shop (a folder of knowledge/).")
def chat(shop: str | None) -> None:
    """Talk in the terminal; letters are written to DATA_DIR/letters."""
    from bot.terminal import talk

    logging.getLogger().setLevel(logging.WARNING)
    with _house() as house:
        asyncio.run(talk(house, _known(house, shop)))


@main.command()
def run() -> None:
    """Run the Telegram bot, long polling."""
    settings = _settings()
    if settings.bot_token is None:
        _stop("BOT_TOKEN: not set; BotFather in Telegram gives one")
    gc.disable()  # until the house is open, as there
    from bot import mailbox, smtp
    from bot.service import serve

    _check_url("SMTP_URL", settings.smtp_url, smtp.check_url)
    _check_url("IMAP_URL", settings.imap_url, mailbox.check_url)
    with _house(settings) as house:
        asyncio.run(serve(house))


@main.command()
@click.argument("text", required=False)
@click.option("--shop", help="The shop that is asked (a folder of knowledge/).")
@click.option("--json", "as_json", is_flag=True, help='Read lines {"id","shop","text"}, write a line for each.')
def ask(text: str | None, shop: str | None, *, as_json: bool) -> None:
    """Print one answer, or with --json one a line of standard input."""
    logging.getLogger().setLevel(logging.WARNING)
    if not as_json and not text:
        raise click.UsageError("TEXT is missing (or --json)")
    with _house() as house:
        if as_json:
            asyncio.run(_answer_lines(house, sys.stdin))
        else:
            print(asyncio.run(_answer_text(house, _known(house, shop) or _only_shop(house), text or "")))


@main.command()
def build() -> None:
    """Make or refresh the index and the recogniser."""
    with _house() as house:
        shelves = house.rooms.library.shelves
        print(f"{len(shelves)} policies, {sum(len(shelf.policy.clauses) for shelf in shelves.values())} clauses ready")


@main.command()
@click.argument("shop", required=False, default="")
def check(shop: str) -> None:
    """Say whether knowledge/ and intents/ are sound; exit 1 when something cannot be used.

    For a SHOP without topics.yml a proposal is written to DATA_DIR/proposals and its doubtful lines are named.
    """
    from bot.check import check as findings_of

    settings = _settings()
    findings = findings_of(settings.knowledge_dir, settings.intents_dir, shop)
    for finding in findings:
        print(finding)
    if any(finding.is_error for finding in findings):
        sys.exit(1)
    if shop and not (settings.knowledge_dir / shop / "topics.yml").exists():
        _propose(settings, shop)


@main.command("eval")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--baseline", is_flag=True, help="Beside them what BM25, plain embeddings and TF-IDF reach; takes minutes."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(files: tuple[str, ...], *, baseline: bool, as_json: bool) -> None:
    """Print the quality figures on labelled FILEs, questions or messages."""
    from bot.labels import LabelError, read_labels
    from bot.measure import measure, measure_baselines
    from bot.scoreboard import table

    logging.getLogger().setLevel(logging.WARNING)
    if baseline:
        _check_packages()
    with _house() as house:
        clauses = {shop: shelf.policy.by_number for shop, shelf in house.rooms.library.shelves.items()}
        try:
            labels = [label for file in files for label in read_labels(Path(file), clauses)]
        except LabelError as error:
            _stop(str(error), code=1)
        figures = measure(house, labels)
        others = measure_baselines(house, labels, _progress) if baseline else {}
    if as_json:
        print(json.dumps({**figures, "baselines": others}, ensure_ascii=False, indent=2))
    else:
        print(table(figures, others))


@main.group()
def tickets() -> None:
    """Look at the requests."""


@tickets.command("list")
@click.option("--shop", default="", help="Only this shop's.")
def list_tickets(shop: str) -> None:
    """One line a request, oldest first."""
    now = datetime.now(UTC)
    with _tickets() as found:
        for ticket in found.listed(shop):
            route = ticket.route or "NO ROUTE"
            late = "  просрочено" if ticket.is_overdue(now) else ""
            due = f"{ticket.deadline or '-'!s:10}"
            state = f"{ticket.status:9} {ticket.kind:17} {local_time(ticket.opened):%Y-%m-%d %H:%M}"
            print(f"{ticket.number}  {state}  {due}  {route}{late}")


@tickets.command()
@click.argument("number")
def show(number: str) -> None:
    """One request with its record."""
    with _tickets() as found:
        ticket = found.ticket(number.upper())
        if ticket is None:
            _stop(f"{number}: there is no such ticket", code=1)
        for name, value in vars(ticket).items():
            if value and name != "token":
                print(f"{name:16} {value}")
        for event in found.events(ticket.number):
            print(f"{local_time(event.at):%Y-%m-%d %H:%M:%S}  {event.actor:8} {event.what}  {event.who}".rstrip())


@tickets.command()
@click.option("--personal", is_flag=True, help="With contacts and customers' words.")
@click.option("--shop", default="", help="Only this shop's.")
def export(shop: str, *, personal: bool) -> None:
    """All requests as CSV, without personal data unless asked."""
    from bot.report import REGISTER, REGISTER_PERSONAL, register

    with _tickets() as found:
        writer = csv.DictWriter(sys.stdout, REGISTER + (REGISTER_PERSONAL if personal else ()), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(register(found, shop))


@main.command()
@click.option("--shop", default="", help="Only this shop's.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def report(shop: str, *, as_json: bool) -> None:
    """Print customers' questions on which the policy is silent, with the shops' answers."""
    from bot.report import answered_questions, as_list, as_text
    from bot.shops import ShopError, read_shops

    try:
        names = {each.id: each.name for each in read_shops(_settings().knowledge_dir).values()}
    except ShopError as error:
        _stop(str(error), code=1)
    with _tickets() as found:
        answered = answered_questions(found, shop)
    print(json.dumps(as_list(answered), ensure_ascii=False, indent=2) if as_json else as_text(answered, names).strip())


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        _stop(str(error))


@contextlib.contextmanager
def _house(settings: Settings | None = None) -> Iterator["House"]:
    """Everything open; what is wrong with the owner's files is said in a line, without a traceback."""
    gc.disable()  # what is imported and opened stays: looking for garbage in it meanwhile takes 0.7 s
    from bot.house import House
    from bot.shops import ShopError
    from index.clauses import PolicyError
    from index.packaged_model import ModelError
    from index.training import IntentsError

    try:
        house = House(settings or _settings(), _progress)
    except (PolicyError, IntentsError, ShopError, ModelError) as error:
        _stop(str(error), code=1)
    finally:
        gc.freeze()
        gc.enable()
    try:
        yield house
    finally:
        house.rooms.tickets.close()


@contextlib.contextmanager
def _tickets() -> Iterator["Tickets"]:
    from bot.tickets import Tickets

    found = Tickets(_settings().data_dir / "konfident.db")
    try:
        yield found
    finally:
        found.close()


def _propose(settings: Settings, shop: str) -> None:
    """Write a topics.yml for a shop that has none, for its owner to look through."""
    from bot.proposed import write_proposal
    from bot.rooms import open_library

    path = settings.data_dir / "proposals" / f"{shop}.topics.yml"
    library = open_library(settings, _progress)
    for doubt in write_proposal(library.shelves[shop], shop, library.about, path):
        print(doubt)
    own = settings.knowledge_dir / shop / "topics.yml"
    print(f"{path}: предложение готово. Поправьте его и скопируйте в {own}")


def _known(house: "House", shop: str | None) -> str | None:
    """The id as it is; stops the command for one that does not exist."""
    if shop is not None and shop not in house.rooms.shops:
        _stop(f"--shop {shop}: known are {', '.join(house.rooms.shops)}")
    return shop


def _only_shop(house: "House") -> str:
    """The shop where there is one; else the command must say which."""
    if len(house.rooms.shops) > 1:
        _stop(f"--shop is missing: known are {', '.join(house.rooms.shops)}")
    return next(iter(house.rooms.shops))


async def _answer_text(house: "House", shop: str, text: str) -> str:
    from bot.ask import first_turn

    return (await first_turn(house.dialogue, shop, text)).reply.text


async def _answer_lines(house: "House", lines: IO[str]) -> None:
    """A line that cannot be answered gets its error in its place; the others are answered all the same."""
    from bot.ask import answer

    for line in lines:
        if not line.strip():
            continue
        try:
            question = json.loads(line)
            shop, text = house.rooms.shops[question["shop"]].id, str(question["text"])
            said: dict[str, Any] = {"id": question.get("id"), **await answer(house.dialogue, shop, text)}
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            said = {"id": None, "error": f"needs id, shop and text of a known shop: {type(error).__name__} {error}"}
        print(json.dumps(said, ensure_ascii=False), flush=True)


def _check_packages() -> None:
    """The baselines need packages that the program itself does without."""
    try:
        import_module("bot.baselines")
    except ModuleNotFoundError as error:
        _stop(f"--baseline: не установлен пакет {error.name}. Поставьте его: pip install {error.name}", code=1)


def _progress(label: str) -> "Progress":
    """A bar on standard error that appears with the first step of real work."""
    bars: list[Any] = []

    def report(done: int, total: int) -> None:
        if not bars:
            bar = click.progressbar(length=total, label=f"{label:12}", file=sys.stderr)
            bar.render_progress()
            bars.append(bar)
        bars[0].update(done - bars[0].pos)
        if done >= total:
            bars.pop().render_finish()

    return report


def _check_url(name: str, url: SecretStr | None, check: Callable[[str], None]) -> None:
    try:
        if url:
            check(url.get_secret_value())
    except ValueError as error:
        _stop(f"{name}: {error}")


def _stop(reason: str, *, code: int = 2) -> NoReturn:
    print(f"konfident: {reason}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
