"""E-mail addresses and phone numbers as people type them."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_ADDRESS = re.compile(r"[^\s<>(),;:]+@[^\s<>(),;:]+")


def find_contact(text: str) -> str | None:
    """The first valid e-mail (normalised) or phone number (+7…) in a text; None when there is none."""
    return _find_email(text) or _find_phone(text)


def _find_email(text: str) -> str | None:
    for match in _ADDRESS.finditer(text):
        try:
            return validate_email(match[0].rstrip("."), check_deliverability=False).normalized
        except EmailNotValidError:
            continue
    return None


def _find_phone(text: str) -> str | None:
    """Numbers without a country are Kazakhstan's: 8 701 …, 7701…, 701…."""
    for match in phonenumbers.PhoneNumberMatcher(text, "KZ"):
        return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    return None
