"""shop.yml -> Shop: names, addresses, deadlines; which request goes where."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
    validate_email,
)
from pydantic_core import PydanticCustomError
from rapidfuzz import fuzz

from index.lined_yaml import Lined, YamlError, read_yaml

Kind = Literal["delete", "block", "complain", "unsubscribe", "access", "rectify", "withdraw_consent", "question"]
KINDS: tuple[Kind, ...] = (
    "delete", "block", "complain", "unsubscribe", "access", "rectify", "withdraw_consent", "question",
)  # fmt: skip
RETENTION_DAYS = 365
_ALIKE = 86
_SHORT = 5


class ShopError(Exception):
    """shop.yml cannot be used: `path`, `line` (from 1), what and the remedy (Russian)."""

    def __init__(self, path: Path, line: int, what: str, remedy: str) -> None:
        """Keep the place and the remedy beside the message."""
        super().__init__(f"{path}:{line}: {what}. {remedy}")
        self.path, self.line, self.what, self.remedy = path, line, what, remedy


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _a_sender(value: str) -> str:
    """An address, or @domain for everybody there; written as mail systems compare them."""
    validate_email(f"anybody{value}" if value.startswith("@") else value)
    return value.lower()


class _PolicyFacts(_Part):
    edition: str = ""
    source: str = ""


class _Contact(_Part):
    clause: str = ""
    email: EmailStr | None = None
    postal: str = ""


class Deadline(_Part):
    """Days in which a request is answered, and the clause that says so (empty: the shop's own promise).

    `days` of the calendar or `working_days` of Kazakhstan, one of the two.
    """

    days: Annotated[int | None, Field(gt=0, le=366)] = None
    working_days: Annotated[int | None, Field(gt=0, le=366)] = None
    clause: str = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> "Deadline":
        if (self.days is None) == (self.working_days is None):
            raise PydanticCustomError("one_of_two", "days or working_days")
        return self

    @property
    def count(self) -> int:
        """How many days, of either kind."""
        return self.days or self.working_days or 0

    @property
    def is_working(self) -> bool:
        """Whether only working days count."""
        return self.working_days is not None


class _File(_Part):
    version: Literal[1]
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    aliases: list[str] = []
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,5}$")]
    policy: _PolicyFacts = _PolicyFacts()
    contact: _Contact = _Contact()
    routes: dict[Kind, EmailStr] = {}
    fallback: EmailStr | None = None
    deadlines: dict[Kind, Deadline] = {}
    senders: list[Annotated[str, AfterValidator(_a_sender)]] = []
    retention_days: Annotated[int, Field(gt=0, le=3660)] = RETENTION_DAYS


@dataclass(frozen=True)
class Route:
    """Where a request goes: an address, and whether a clause, shop.yml or the owner's fallback names it."""

    address: str
    source: str


@dataclass(frozen=True)
class Shop:
    """A shop as its owner describes it; `folder` holds shop.yml and the policy.

    `senders` may answer beside the route's own: addresses, and @domain for everybody there.
    `retention_days` after a request has ended its personal data is erased.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    prefix: str
    edition: str
    source: str
    contact_clause: str
    email: str
    postal: str
    routes: Mapping[str, str]
    fallback: str
    deadlines: Mapping[str, Deadline]
    senders: tuple[str, ...]
    folder: Path
    retention_days: int = RETENTION_DAYS

    def route(self, kind: str) -> Route | None:
        """The address for a kind of request; None when the owner has named none."""
        if kind in self.routes:
            return Route(self.routes[kind], "shop.yml")
        if self.email:
            return Route(self.email, self.contact_clause)
        return Route(self.fallback, "fallback") if self.fallback else None


def read_shops(folder: Path) -> dict[str, Shop]:
    """All shops of knowledge/ by id (the folder's name). Raises ShopError."""
    shops = {path.parent.name: read_shop(path) for path in sorted(folder.glob("*/shop.yml"))}
    prefixes: dict[str, Shop] = {}
    for policy in folder.glob("*/policy.*"):
        if policy.parent.name not in shops:
            remedy = "Создайте shop.yml по образцу из knowledge/README.md."
            raise ShopError(policy.with_name("shop.yml"), 1, "файла нет", remedy)
    for shop in shops.values():
        other = prefixes.setdefault(shop.prefix, shop)
        if other is not shop:
            what = f"префикс {shop.prefix} уже занят магазином {other.id}"
            raise ShopError(shop.folder / "shop.yml", 1, what, "Выберите другой префикс.")
    return shops


def read_shop(path: Path) -> Shop:
    """One shop.yml. Raises ShopError with the line of the wrong value."""
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise ShopError(path, error.line, error.what, "Проверьте отступы и кавычки.") from error
    try:
        file = _File.model_validate(document, strict=True)
    except ValidationError as error:
        raise _explained(path, document, error) from error
    return Shop(
        id=path.parent.name,
        name=file.name,
        aliases=tuple(file.aliases),
        prefix=file.prefix,
        edition=file.policy.edition,
        source=file.policy.source,
        contact_clause=file.contact.clause,
        email=file.contact.email or "",
        postal=file.contact.postal,
        routes={str(kind): address for kind, address in file.routes.items()},
        fallback=file.fallback or "",
        deadlines={str(kind): promise for kind, promise in file.deadlines.items()},
        senders=tuple(file.senders),
        folder=path.parent,
        retention_days=file.retention_days,
    )


def find_shop(text: str, shops: Iterable[Shop]) -> tuple[Shop, str] | None:
    """The shop that a message names, and the message without the name; forgives a typo in long names."""
    words = list(re.finditer(r"[\w.]+", text.lower()))
    spans = [words[start : start + length] for length in (2, 1) for start in range(len(words) - length + 1)]
    best: tuple[float, Shop, int, int] | None = None
    for shop in shops:
        for span in spans:
            likeness = _likeness("".join(_bare(word[0]) for word in span), shop)
            if likeness >= _ALIKE and (best is None or likeness > best[0]):
                best = (likeness, shop, span[0].start(), span[-1].end())
    if best is None:
        return None
    _, shop, start, end = best
    return shop, f"{text[:start]} {text[end:]}".strip(" ,?!.:;-")


def _likeness(name: str, shop: Shop) -> float:
    known = {_bare(alias.replace(" ", "")) for alias in (shop.id, shop.name, *shop.aliases)}
    if name in known:
        return 100.0
    return max((fuzz.ratio(name, alias) for alias in known if min(len(alias), len(name)) > _SHORT), default=0.0)


def _bare(word: str) -> str:
    """Lower case without the domain: «PROtorg.kz» and «протог.кз» lose their ends."""
    return re.sub(r"\.?(?:kz|кз)$", "", word.lower()).replace(".", "")


def _explained(path: Path, document: object, error: ValidationError) -> ShopError:
    """The first mistake in an owner's words, at the line of the deepest key that exists."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    keys = [key for key in first["loc"] if isinstance(key, str)]
    remedies = {
        "extra_forbidden": ("лишняя строка", "Уберите её или исправьте опечатку в названии."),
        "one_of_two": ("нужно одно из двух: days или working_days", "Оставьте дни календарные или рабочие."),
        "missing": ("не заполнено", "Добавьте это значение."),
        "string_type": ("нужен текст", "Возьмите значение в кавычки."),
    }
    what, remedy = remedies.get(first["type"], ("неверное значение", "Образец - в knowledge/README.md."))
    return ShopError(path, _line(document, first["loc"]), f"{'.'.join(keys) or 'файл'}: {what}", remedy)


def _line(document: object, place: Iterable[int | str]) -> int:
    line = 1
    for key in map(str, place):
        if not isinstance(document, Lined) or key not in document:
            break
        line = document.lines[key]
        document = document[key]
    return line
