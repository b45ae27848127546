"""From the bytes of a web page to its characters, whatever it says about itself."""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_HEAD = 4_096  # bytes of a page in which it names its encoding
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Their bytes are also valid UTF-8, which says nothing then.
_LIKE_ASCII = re.compile(r"(utf-?16|utf-?32|utf-?7|iso-?2022|hz)", re.IGNORECASE)
_WINDOWS = {"iso8859-1": "cp1252", "ascii": "cp1252"}  # what browsers take these names for
_SAMPLE = 5_000  # bytes at either end by which an encoding is guessed
_DAMAGE = 500  # one character in so many may be broken, such as the last of a page that was cut


def decoded(content: bytes, content_type: str = "") -> str:
    """Return the characters of a page: by its mark, as UTF-8, by the HTTP header, by its meta tag, by a guess.

    UTF-8 comes before what is declared: bytes of another encoding are hardly ever valid UTF-8, and servers declare
    ISO-8859-1 for everything.

    Args:
        content: the page.
        content_type: the HTTP header.
    """
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return content.decode(name, "replace")
    declared = _declared(content, content_type)
    wide = [name for name in declared if _LIKE_ASCII.match(name)]
    for name in (*wide, "utf-8", *declared):
        try:
            return content.decode(name)
        except UnicodeError:
            continue
    if "utf-8" in declared or not declared:
        text = content.decode("utf-8", "replace")
        if text.count("\ufffd") * _DAMAGE <= max(len(text), _DAMAGE):
            return text
    return content.decode(_guessed(content), "replace")


def _declared(content: bytes, content_type: str) -> list[str]:
    found = _CHARSET.findall(content_type.encode()) + _CHARSET.findall(content[:_HEAD])[:1]
    names = []
    for each in found:
        try:
            codec = codecs.lookup(each.decode())
            "".encode(codec.name)  # some names are no encodings of text
            names.append(_WINDOWS.get(codec.name, codec.name))
        except LookupError:
            continue
    return names


def _guessed(content: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(
        content[:_SAMPLE] + content[-_SAMPLE:] if len(content) > 2 * _SAMPLE else content
    ).best()
    return best.encoding if best else "cp1252"
