"""What the deeds work with, opened together: the wiring that the bot and the action server share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from bot.codes import Codes
from bot.files import Files
from bot.retention import Retention
from bot.settings import Settings
from bot.shops import Shop, read_shops
from bot.tickets import Tickets
from index.encoder import load_encoder
from index.library import Library
from index.packaged_model import Progress
from index.recognizer import Recognizer, fit_or_load
from index.training import read_training


def now() -> datetime:
    """The clock of a running program; everything else gets it as an argument."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Rooms:
    """Shops, their library, the recogniser, the tickets, the clock, and whether letters leave the house."""

    shops: dict[str, Shop]
    library: Library
    recognizer: Recognizer
    tickets: Tickets
    clock: Callable[[], datetime] = now
    sends_letters: bool = False

    @cached_property
    def files(self) -> Files:
        """Customers' files, beside the database."""
        return Files(self.tickets)

    @cached_property
    def codes(self) -> Codes:
        """Codes that confirm an e-mail."""
        return Codes(self.tickets)

    @cached_property
    def retention(self) -> Retention:
        """What is kept, and its end."""
        return Retention(self.tickets, self.files, self.codes)


def open_rooms(settings: Settings, progress: Callable[[str], Progress]) -> Rooms:
    """Open everything, making what is missing. Raises ShopError, PolicyError, IntentsError, ModelError."""
    shops = read_shops(settings.knowledge_dir)
    training = read_training(settings.intents_dir)
    encoder = load_encoder(settings.embedding_model, settings.data_dir, progress("model"))
    recognizer = fit_or_load(training, encoder, settings.data_dir, progress)
    library = Library.open(settings.knowledge_dir, settings.data_dir, encoder, training, progress("clauses"))
    tickets = Tickets(settings.data_dir / "konfident.db")
    return Rooms(shops, library, recognizer, tickets, sends_letters=settings.smtp_url is not None)


def open_library(settings: Settings, progress: Callable[[str], Progress]) -> Library:
    """The policies alone, for a look at what is proposed. Raises PolicyError, IntentsError, ModelError."""
    training = read_training(settings.intents_dir)
    encoder = load_encoder(settings.embedding_model, settings.data_dir, progress("model"))
    return Library.open(settings.knowledge_dir, settings.data_dir, encoder, training, progress("clauses"))
