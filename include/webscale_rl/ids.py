"""Content hashes: what is the same gets the same name, on every machine and in every run."""

import hashlib
from typing import Any

import orjson

ID_LENGTH = 32  # hexadecimal digits: 128 bits, beyond accidental collision for 10^15 objects


def text_id(text: str) -> str:
    """Return the id of a text: 32 hexadecimal digits of the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def content_id(value: Any) -> str:
    """Return the id of a JSON-serialisable value, independent of the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:ID_LENGTH]
