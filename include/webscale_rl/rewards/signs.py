"""The signs of a text that change what it means: -5 is not 5, ¬A is not A, O(n) log n is not O(n log n).

Words are compared without punctuation; what punctuation a comparison may drop is decided here, in one place.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from webscale_rl.rewards.normalise import SAME_SIGNS, compatible, folded

_EMPHATIC = re.compile(r"(?<=[^\W\d_]{2})!+(?=\s|$)")  # "It dries out!", but neither 5! nor n! nor !x
_CALL = re.compile(r"(\w+)\((?!e?s\))")
_MINUS = re.compile(r"(?<![\w)\]}.\s])-+|^-+|(?<=\s)-+(?=[\w(.$€£¥])|(?<=\w)-+(?!\w)|(?<=\d)\s*-\s*(?=\d)")
_MEANT = frozenset("!?%^*/\\@…†‡\u0334\u0335\u0336\u0337\u0338\u20d2")  # the last ones strike out
_SYMBOLS = frozenset({"Sm", "Sc", "So"})
_QUOTE = re.compile("['\"]")
_PRIMED = re.compile(r"\d$|(?<!\w)\w$")  # five minutes, five feet, A prime
_TRAILING = re.compile(r"\.{3,}")


@lru_cache(maxsize=4096)
def signs(text: str) -> tuple[tuple[int, str], ...]:
    """Return the signs of a text in order, each with the number of letters and digits behind it."""
    plain = _EMPHATIC.sub("", _TRAILING.sub("…", compatible(text)).translate(SAME_SIGNS))
    calls = {found.end() - 1: found[1] for found in _CALL.finditer(plain)}
    minus = {place for found in _MINUS.finditer(plain) for place in range(found.start(), found.end())}
    found, behind, closing = [], 0, bool(calls)
    for place in range(len(plain) - 1, -1, -1):
        sign = plain[place]
        if sign.isalnum():
            behind += 1
        elif place in calls:
            found.append((behind, calls[place] + sign))  # o() is not O()
        elif (
            sign in _MEANT
            or unicodedata.category(sign) in _SYMBOLS
            or (sign == "-" and (place in minus or closing))
            or (closing and sign == ")")
            or (
                sign in "'\"′"
                and plain[place + 1 : place + 2] != "s"
                and _PRIMED.search(plain, max(0, place - 2), place)
                and not _QUOTE.search(plain, 0, place)
            )  # 5'
        ):
            found.append((behind, sign))
    return tuple(reversed(found))


def foreign_signs(text: str, *known: str) -> bool:
    """Say whether a text has signs, or more of one, than the richest of the known texts and no other."""
    mine = Counter(sign for _, sign in signs(text))
    return bool(mine) and all(mine - Counter(sign for _, sign in signs(other)) for other in (*known, ""))


def same_text(one: str, other: str) -> bool:
    """Say whether two texts are the same but for case, articles, quotes and mere punctuation."""
    return bool(folded(one)) and folded(one) == folded(other) and signs(one) == signs(other)
