"""What may stand beside a formula: ``math-verify`` drops what it does not understand, a denial or a rival too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from webscale_rl.rewards.signs import signs
from webscale_rl.rewards.typesetting import plain_text

# What changes a result, by whether it is for a reward: rounding does only there.
_ALTERING = {False: frozenset("≠¬!%?"), True: frozenset("≠¬!%?≈~±∓…∨@")}
_BOUNDS = frozenset("<>≤≥")
_BOUNDED = re.compile(r"[<>≤≥,]|\\[lg]eq?\b|\\in\b")  # an interval may be written as bounds
_NUMBERS_EQUAL = re.compile(r"^[\s$]*[-+\d.,/\s]+=[-+\d.,/\s$]+$")
_MALFORMED = re.compile(
    r"--|\+\+|^\s*[*/^=]|[-+*/^=]\s*$|(?<![c\d])\d+\s*[(\[{]\s*\d+\s*[)\]}]|\([^()]*=|\b[a-z]\.\s?[a-z]\.|\d\.?\s+\d"
)
_DENYING = re.compile(r"\\(?:not|[xb]?cancel|sout|st|overline|neg|lor|vee|land|wedge|(?:long)?(?:right|left)arrow|to"
                      r"|implies|Rightarrow|quad|qquad|mid)(?![a-z])|\\\\", re.IGNORECASE)  # fmt: skip
_SEPARATORS = frozenset(";|&:',[]\"#`@?<>!~%")
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NEUTRAL = re.compile(
    r"\\[,;:!{}%]|(?<=\d),(?=\d{1,2}$)|(?<=\\sqrt)\[\d+\]"
)  # a comma may be a decimal point
_LETTERS = re.compile(r"\\[a-zA-Z]+|[a-zA-Z]{2,}")
_PLAIN = frozenset(
    re.findall(
        r"\w+",
        """arcsin arccos arctan sin cos tan cot sec csc sinh cosh tanh log ln exp sqrt pi lim max min percent pct deg
        degrees mod gcd lcm""",
    )
)


def says_more(given: str, golds: Sequence[str], strict: bool, alone: bool) -> bool:
    """Say whether a formula is denied, bounded, rounded, part of a false equation or has something beside it.

    Args:
        given: the formula.
        golds: those that are right.
        strict: for rewards.
        alone: it stands without a sentence and without delimiters, where everything may be taken for mathematics.
    """
    altering = _ALTERING[strict]
    if not any(map(_BOUNDED.search, golds)):
        altering |= _BOUNDS
    kinds = [{sign[-1] for _, sign in signs(plain_text(text))} & altering for text in (given, *golds)]
    if all(kinds[0] - kind for kind in kinds[1:]) or (
        (strict or alone) and all(_has_foreign(given, gold) for gold in golds)
    ):
        return True
    left, equals, _ = given.partition("=")
    if not equals or any("=" in gold for gold in golds):
        return False
    return bool(_NUMBERS_EQUAL.match(given)) or (strict and not re.search(r"[a-zA-Z]", left))


def _has_foreign(given: str, gold: str) -> bool:
    """Say whether a formula has separators, words or characters that the right one has not, or is malformed."""
    given, gold = _GROUPING.sub("", given.strip(" .$")), _GROUPING.sub("", gold)
    if "\\begin" not in gold + given and any(
        pattern.search(given) and not pattern.search(gold) for pattern in (_MALFORMED, _DENYING)
    ):
        return True
    if any(
        given.count(left) != given.count(right) for left, right in ("()", "[]", "{}")
    ) and not _BOUNDED.search(gold):
        return True
    plain = _NEUTRAL.sub(" ", given)
    if _BOUNDED.search(gold):
        plain = re.sub(r"[<>,|\[\]]", " ", plain)
    if any(
        (not c.isascii() or unicodedata.category(c) == "Cc" or c in _SEPARATORS) and c not in gold
        for c in plain
    ):
        return True
    runs = [run for run in _LETTERS.findall(plain) if run[0] != "\\" and run not in _PLAIN]
    return "\\begin" not in given and not set("".join(runs)) <= set(gold)
