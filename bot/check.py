"""Is knowledge/ and intents/ sound? One finding a line: file, line, what, remedy."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rapidfuzz import fuzz

from bot.responses import Responses
from bot.rules import read_rules
from bot.shops import Shop, ShopError, read_shop, read_shops
from index.clauses import Clause, Policy, PolicyError, read_policy
from index.documents import SUFFIXES
from index.library import policy_files
from index.topics import read_topics
from index.training import IntentsError, read_training

_BLANK = re.compile(r"_{3,}|\.{5,}|\[\s*\]")
_LOST_DASH = re.compile(r"\s\?\s")
_LATIN_NAME = re.compile(r"\b[A-Z][A-Za-z]{3,}\b")
_COMMON = {"cookies", "cookie", "http", "https", "internet", "email", "google", "telegram", "whatsapp"}
_NEARLY_THE_SAME = 85
_STEM = 5

Error = PolicyError | IntentsError | ShopError


@dataclass(frozen=True)
class Finding:
    """`is_error` findings keep the program from starting; the others are worth a look."""

    path: Path
    line: int
    what: str
    remedy: str
    is_error: bool = False

    def __str__(self) -> str:
        """As `konfident check` prints it."""
        mark = "ошибка" if self.is_error else "заметка"
        return f"{self.path}:{self.line}: {mark}: {self.what}. {self.remedy}"


def check(knowledge: Path, intents: Path, only: str = "") -> list[Finding]:
    """All findings, or those of one shop; what cannot be read at all is an error."""
    findings: list[Finding] = []
    policies: dict[str, Policy] = {}
    topics: set[str] = set()
    try:
        topics = {examples.topic for examples in read_training(intents) if examples.topic}
        responses = Responses(intents / "domain.yml")
        read_rules(intents / "rules.yml", responses.domain, responses.domain["responses"])
    except IntentsError as error:
        findings.append(_of_error(error))
    try:
        files = {path.parent.name: path for path in policy_files(knowledge)}
    except PolicyError as error:
        return [*findings, _of_error(error)]
    try:
        read_shops(knowledge)
    except ShopError as error:
        findings.append(_of_error(error))
    for shop, path in files.items():
        try:
            policies[shop] = read_policy(path)
        except PolicyError as error:
            findings.append(_of_error(error))
    for path in knowledge.glob("*/policy.*"):
        if path.suffix not in SUFFIXES:
            remedy = "Сохраните политику как policy.docx или policy.txt (текст в кодировке UTF-8)"
            findings.append(Finding(path, 1, f"файл вида {path.suffix} не читается", remedy, is_error=True))
    for shop, policy in policies.items():
        findings.extend(_of_shop(files[shop], policy, topics))
        findings.extend(_of_text(files[shop], policy, shop, policies))
    unique = dict.fromkeys(findings)
    return [finding for finding in unique if not only or only in finding.path.parts]


def _of_error(error: Error) -> Finding:
    return Finding(error.path, error.line, error.what, error.remedy, is_error=True)


def _of_shop(path: Path, policy: Policy, topics: set[str]) -> Iterator[Finding]:
    """shop.yml and topics.yml beside the policy they speak of."""
    described, listed = path.with_name("shop.yml"), path.with_name("topics.yml")
    try:
        yield from _of_facts(described, read_shop(described), policy)
    except ShopError as error:
        yield _of_error(error)
    except FileNotFoundError:
        yield Finding(described, 1, "файла нет", "Создайте его по образцу из knowledge/README.md", is_error=True)
    if not listed.exists():
        remedy = f"Предложение для него пишет команда konfident check {path.parent.name}"
        yield Finding(listed, 1, "файла нет: ответы ищутся по сходству", remedy)
        return
    try:
        reached = {number for numbers in read_topics(listed, policy, topics).values() for number in numbers}
    except IntentsError as error:
        yield _of_error(error)
        return
    for clause in policy.clauses:
        if clause.number not in reached:
            yield Finding(
                path, clause.line, f"пункт {clause.number} не отвечает ни на одну тему", "Дополните topics.yml"
            )


def _of_facts(path: Path, shop: Shop, policy: Policy) -> Iterator[Finding]:
    """Addresses and deadlines must stand in the clauses that are named for them."""
    named = policy.by_number.get(shop.contact_clause)
    if shop.contact_clause and named is None:
        what = f"contact.clause: в политике нет пункта {shop.contact_clause}"
        yield Finding(path, 1, what, "Исправьте номер", is_error=True)
    elif named is not None and any(part and part not in named.text for part in (shop.email, shop.postal)):
        what = f"адрес из contact не стоит в пункте {shop.contact_clause}"
        yield Finding(path, 1, what, "Перепишите адрес из пункта без изменений", is_error=True)
    for kind, promise in shop.deadlines.items():
        clause = policy.by_number.get(promise.clause)
        if promise.clause and (clause is None or str(promise.count) not in clause.text):
            what = f"срок для {kind}: {promise.count} дней нет в пункте {promise.clause}"
            yield Finding(path, 1, what, "Исправьте число дней или номер пункта", is_error=True)
    if shop.route("delete") is None:
        what = "заявки некуда отправлять: в политике нет электронной почты"
        yield Finding(path, 1, what, "Впишите адрес: fallback: адрес@магазина.kz")


def _of_text(path: Path, policy: Policy, shop: str, policies: dict[str, Policy]) -> Iterator[Finding]:
    """What looks like a slip in the owner's document; the document itself is never changed."""
    for line, number in policy.gaps:
        yield Finding(path, line, f"перед пунктом {number} пропущены номера", "Проверьте, не потерялся ли текст")
    numbers = [int(section.number) for section in policy.sections]
    for section, before, here in zip(policy.sections[1:], numbers, numbers[1:], strict=False):
        if here != before + 1:
            what = f"после раздела {before} идёт раздел {here}"
            yield Finding(path, section.line, what, "Проверьте, не потерялся ли текст")
    names = _names_of(path)
    for clause in policy.clauses:
        if _BLANK.search(clause.text):
            yield Finding(path, clause.line, f"в пункте {clause.number} незаполненное место", "Впишите пропущенное")
        if _LOST_DASH.search(clause.text):
            what = f"в пункте {clause.number} вопросительный знак на месте тире"
            yield Finding(path, clause.line, what, "Поставьте тире")
        yield from _of_names(path, clause, names)
    yield from _of_siblings(path, shop, policies)


def _of_names(path: Path, clause: Clause, known: set[str]) -> Iterator[Finding]:
    """A foreign shop's name may have stayed from the document that this one was copied from."""
    names = {name for name in _LATIN_NAME.findall(clause.text) if name.lower() not in _COMMON | known}
    for name in sorted(names):
        what = f"в пункте {clause.number} стоит название «{name}», не похожее на название магазина"
        yield Finding(path, clause.line, what, "Проверьте, не осталось ли оно от чужого документа")


def _of_siblings(path: Path, shop: str, policies: dict[str, Policy]) -> Iterator[Finding]:
    """Clauses that repeat another shop's but for one word, swapped nowhere else: maybe a slip of the pen."""
    for other, policy in policies.items():
        swaps = [] if other == shop else list(_swaps(policies[shop], policy))
        seen = Counter((mine[:_STEM], theirs[:_STEM]) for _, mine, theirs in swaps)
        for clause, mine, theirs in swaps:
            if seen[mine[:_STEM], theirs[:_STEM]] == 1:
                what = f"в пункте {clause.number} «{mine}», а в таком же пункте {other} «{theirs}»"
                yield Finding(path, clause.line, what, "Проверьте, нет ли описки")


def _swaps(policy: Policy, other: Policy) -> Iterator[tuple[Clause, str, str]]:
    """Words of alike look that stand for one another in clauses of the same number and nearly the same text."""
    for clause in policy.clauses:
        twin = other.by_number.get(clause.number)
        if twin is None or fuzz.token_set_ratio(clause.text, twin.text) < _NEARLY_THE_SAME:
            continue
        mine, theirs = _words(clause.text), _words(twin.text)
        for one, another in product(mine - theirs, theirs - mine):
            if one[:2] == another[:2] and one[-1] == another[-1]:
                yield clause, one, another


def _words(text: str) -> set[str]:
    return set(re.findall(r"[а-я]{6,}", text.lower().replace("ё", "е")))


def _names_of(path: Path) -> set[str]:
    """How the shop calls itself, and its domain's parts."""
    try:
        shop = read_shop(path.with_name("shop.yml"))
    except (ShopError, FileNotFoundError):
        return {path.parent.name}
    return {word for name in (shop.id, shop.name, *shop.aliases) for word in re.split(r"\W+", name.lower())}
