"""Everything that the commands share, wired: rooms, words and the dialogue."""

from collections.abc import Callable

from rasa_sdk.executor import ActionExecutor

from bot.actions import DEEDS, ValidateRequestForm
from bot.dialogue import Dialogue
from bot.responses import Responses
from bot.rooms import open_rooms
from bot.rules import read_rules
from bot.settings import Settings
from bot.shops import find_shop, read_shops
from index.packaged_model import Progress


class House:
    """An open Konfident; `rooms.tickets` is closed by whoever opened it."""

    def __init__(self, settings: Settings, progress: Callable[[str], Progress]) -> None:
        """Open the rooms. Raises ShopError, PolicyError, IntentsError, ModelError."""
        self.settings = settings
        self.responses = Responses(settings.intents_dir / "domain.yml")
        domain = self.responses.domain
        rules = read_rules(settings.intents_dir / "rules.yml", domain, domain["responses"])
        self.rooms = open_rooms(settings, progress)
        self.shop_names = {shop.id: shop.name for shop in self.rooms.shops.values()}
        executor = ActionExecutor()
        for deed in DEEDS:
            executor.register_action(deed(self.rooms))
        executor.register_action(ValidateRequestForm())
        words = (self.responses, rules)
        self.dialogue = Dialogue(self.rooms.recognizer, self._spot_shop, self.shop_names, words, executor)

    def refresh(self) -> bool:
        """Read knowledge/ again where the owner changed it; an error leaves all as it was and is raised."""
        shops = read_shops(self.settings.knowledge_dir)
        if not self.rooms.library.refresh():
            return False
        self.rooms.shops.update(shops)
        self.shop_names.update((shop.id, shop.name) for shop in shops.values())
        return True

    def _spot_shop(self, text: str) -> tuple[str, str] | None:
        found = find_shop(text, self.rooms.shops.values())
        return (found[0].id, found[1]) if found else None
