"""Numbers and hostile texts as a reader sees them."""

from __future__ import annotations

import re

# What is not seen, or turns the order of what is: controls but line ends and tabs, soft hyphen, zero width, bidi.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def seen(text: object) -> str:
    """Return a text in which every sign that is not seen stands as its number, such as ``[U+202E]``."""
    return _UNSEEN.sub(lambda sign: f"[U+{ord(sign[0]):04X}]", str(text).replace("\r\n", "\n"))


def count(number: float) -> str:
    """Return a whole number with separators of thousands."""
    return f"{number:,.0f}"


def few(number: float) -> str:
    """Return a number of which small values matter: three digits, never an exponent."""
    if number >= 100 or number == 0:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def percent(share: float | None) -> str:
    """Return a share in per cent; a dash for None. Next to nothing and next to all are not rounded to them."""
    if share is None:
        return "–"
    if 0 < share < 0.001:
        return "< 0.1\u00a0%"
    words = f"{share:.0%}" if share in (0, 1) else f"{min(share, 0.999):.1%}"
    return words.replace("%", "\u00a0%")


def stretches(text: str) -> list[tuple[bool, str]]:
    """Return the stretches of a question, each with whether it is fenced code."""
    parts = re.split(r"^```[\w+#-]*\n(.*?)\n?^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [(place % 2 == 1, part.strip("\n")) for place, part in enumerate(parts) if part.strip()]


def short(text: str, signs: int) -> str:
    """Return a text of at most so many characters."""
    text = " ".join(seen(text).split())
    return text if len(text) <= signs else text[: signs - 1].rstrip() + "…"
