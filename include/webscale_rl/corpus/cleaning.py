"""Cleaning of a text: encodings repaired, control characters out, Unicode composed; what an author wrote stays."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from webscale_rl.corpus.personal_data import mask

# Signs of UTF-8 that was read as Windows-1252 or Latin-1; only then is the slow repair tried.
_MOJIBAKE = re.compile(r"[ÂÃâÐÑØÙ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¡-¿]|ï»¿|â€")
_FIRST_OF_SIGN = "ÂÃâÐÑØÙï"  # far faster to look for than the whole sign
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0 and C1, but tab, line feed, carriage return, next line
    "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"  # invisible, of direction
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)
_CONTROL_ASCII = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NEW_LINE = re.compile("\r\n?|[\x85\u2028\u2029]")
_END_OF_LINE = re.compile(r"[ \t\u00a0]++\n")
_BLANK_LINES = re.compile(r"\n{4,}")


_MOST_MARKS = (
    30  # on one letter, as in Unicode's stream-safe text (UAX 15): sorting more takes quadratic time
)
_ROUNDS = 4  # how often damage was done on top of damage


def clean(text: str, *, mask_personal_data: bool = False) -> str:
    """Return the text as it is kept; cleaning it again changes nothing.

    Composed by NFC, since NFKC would turn x² into x2. Encodings are repaired by ftfy where a text shows
    signs of damage.

    Args:
        text: of a document.
        mask_personal_data: also replace e-mail addresses, phone numbers and IP addresses.
    """
    # Repaired as it came, since the controls and spaces that go are part of what was damaged; and again after
    # that, since the halves of a sign may have come together.
    text = _tidied_ascii(text) if text.isascii() else _settled(_tidied(_repaired(text)))
    return mask(text) if mask_personal_data else text


def _settled(tidy: str) -> str:
    """Return a tidy text repaired until nothing changes, or as it is where that has no end soon."""
    text = tidy
    for _ in range(_ROUNDS):
        better = _repaired_once(text)
        if better == text or (better := _tidied(better)) == text:
            return text
        text = better
    return tidy


def _repaired(text: str) -> str:
    for _ in range(_ROUNDS):
        better = _repaired_once(text)
        if better == text:
            break
        text = better
    return text


def _repaired_once(text: str) -> str:
    if not any(map(text.__contains__, _FIRST_OF_SIGN)) or not _MOJIBAKE.search(text):
        return text
    import ftfy

    return ftfy.fix_encoding(text)


def _tidied(text: str) -> str:
    """Return the text without controls, composed, its lines tidied; a tidy text stays."""
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = _few_marks(unicodedata.normalize("NFC", _few_marks(text)))
    return _tidied_lines(_NEW_LINE.sub("\n", text))


def _tidied_ascii(text: str) -> str:
    text = _CONTROL_ASCII.sub("", text)
    return _tidied_lines(text.replace("\r\n", "\n").replace("\r", "\n"))


def _tidied_lines(text: str) -> str:
    if " \n" in text or "\t\n" in text or "\u00a0\n" in text:
        text = _END_OF_LINE.sub("\n", text)
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    return text.rstrip(" \t\u00a0\n").lstrip("\n")


def _few_marks(text: str) -> str:
    marks = _marks()
    # Every fifteenth character is a mark twice in a row in any run that is too long.
    if not marks.pair.search(text[::15]):
        return text
    return marks.many.sub(r"\1", text)


@dataclass(frozen=True)
class _Marks:
    pair: re.Pattern[str]
    many: re.Pattern[str]


@lru_cache
def _marks() -> _Marks:
    """Return what finds the marks on letters, of any script; some count as letters until they are decomposed."""
    signs = "".join(
        char
        for char in map(chr, range(0x300, 0x1F000))
        if unicodedata.combining(unicodedata.normalize("NFD", char)[0])
    )
    return _Marks(re.compile(f"[{signs}][{signs}]"), re.compile(f"([{signs}]{{{_MOST_MARKS}}})[{signs}]++"))
