"""Who may answer for a shop."""

from collections.abc import Iterable

# Anybody has an address there: only the very one that the shop named is the shop's.
_PUBLIC = frozenset({
    "163.com", "aol.com", "bk.ru", "gmail.com", "gmx.com", "googlemail.com", "hotmail.com", "icloud.com", "inbox.ru",
    "internet.ru", "list.ru", "live.com", "live.ru", "mac.com", "mail.kz", "mail.ru", "mail.ua", "me.com", "msn.com",
    "narod.ru", "nur.kz", "outlook.com", "pochta.ru", "proton.me", "protonmail.com", "qq.com", "rambler.ru", "ro.ru",
    "tut.by", "ukr.net", "vk.com", "xmail.ru", "ya.ru", "yahoo.com", "yandex.by", "yandex.com", "yandex.kz",
    "yandex.ru", "yandex.uz",
})  # fmt: skip


def is_own(sender: str, route: str, senders: Iterable[str]) -> bool:
    """Whether a mail's sender is the address a letter went to, one of its house, or named in shop.yml.

    `senders`: addresses, and @domain for everybody there.
    """
    address, domain = _parts(sender)
    own, home = _parts(route)
    named = {"@".join(_parts(each)) for each in senders}
    if not address or not domain:
        return False
    if f"{address}@{domain}" in {*named, f"{own}@{home}"} or f"@{domain}" in named:
        return True
    return domain == home and domain not in _PUBLIC


def _parts(address: str) -> tuple[str, str]:
    """Local part and domain, both as mail systems compare them: lower case, the domain in ASCII."""
    local, _, domain = address.lower().rpartition("@")
    try:
        return local, domain.encode("idna").decode("ascii")
    except UnicodeError:
        return local, domain
