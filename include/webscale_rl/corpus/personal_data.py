"""Masking of personal data: e-mail addresses, phone numbers, IP addresses, as FineWeb and datatrove mask them."""

from __future__ import annotations

import ipaddress
import re

EMAIL, PHONE, IP = "email@example.com", "555-0100", "192.0.2.1"  # reserved for examples (RFC 2606, RFC 5737)

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}\b"
)
# With a plus or a bracketed area code, or a word that says what it is: a table of numbers has neither.
_PHONE = re.compile(
    r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}"
    r"|\(\d{3}\)[ .-]?\d{3}[ .-]\d{4}|(?<![\d-])\d{3}[-.]\d{3}[-.]\d{4})(?![\w-]|\.\d)"
)
_SPOKEN = re.compile(
    r"\b((?:phone|tel|telephone|call|fax|mobile|cell)\b[.:]?\s{0,3})(\d[\d .-]{5,16}\d)(?![\w-])",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){1,7}(?![\w:])")


def mask(text: str) -> str:
    """Return the text with personal data replaced by values that are reserved for examples.

    Addresses of private and reserved networks stay: they name no person.
    """
    if "@" in text:
        text = _EMAIL.sub(EMAIL, text)
    text = _IPV4.sub(_public_address, text)
    if "::" in text or text.count(":") > 3:
        text = _IPV6.sub(_public_address, text)
    text = _PHONE.sub(PHONE, text)
    return _SPOKEN.sub(lambda found: found[1] + PHONE, text)


def _public_address(found: re.Match[str]) -> str:
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]
    return IP if address.is_global else found[0]
