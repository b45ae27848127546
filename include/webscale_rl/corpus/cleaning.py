"""Cleaning of a text: encodings repaired, control characters out, Unicode composed; what an author wrote stays."""

from __future__ import annotations

import re
import unicodedata

from webscale_rl.corpus.personal_data import mask

# Signs of UTF-8 that was read as Windows-1252 or Latin-1; only then is the slow repair tried.
_MOJIBAKE = re.compile(r"[ÂÃâÐÑØÙ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¡-¿]|ï»¿|â€")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0 and C1, but tab, line feed, carriage return, next line
    "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"  # invisible, of direction
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)
_CONTROL_ASCII = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NEW_LINE = re.compile("\r\n?|[\x85\u2028\u2029]")
_END_OF_LINE = re.compile(r"[ \t\u00a0]++\n")
_BLANK_LINES = re.compile(r"\n{4,}")


def clean(text: str, *, mask_personal_data: bool = False) -> str:
    """Return the text as it is kept; cleaning it again changes nothing.

    Composed by NFC, since NFKC would turn x² into x2. Encodings are repaired by ftfy where a text shows
    signs of damage.

    Args:
        text: of a document.
        mask_personal_data: also replace e-mail addresses, phone numbers and IP addresses.
    """
    if text.isascii():
        text = _CONTROL_ASCII.sub("", text)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        text = unicodedata.normalize("NFC", _CONTROL.sub("", _repaired(text)))
        text = _NEW_LINE.sub("\n", text)
    if " \n" in text or "\t\n" in text or "\u00a0\n" in text:
        text = _END_OF_LINE.sub("\n", text)
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    text = text.rstrip(" \t\u00a0\n").lstrip("\n")
    return mask(text) if mask_personal_data else text


def _repaired(text: str) -> str:
    """Return the text with its encoding repaired, as often as it was damaged."""
    import ftfy

    for _ in range(3):
        if not _MOJIBAKE.search(text):
            break
        better = ftfy.fix_encoding(text)
        if better == text:
            break
        text = better
    return text
