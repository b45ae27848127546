"""Numbers as people write them: exact values with their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

from webscale_rl.rewards.normalise import compatible
from webscale_rl.rewards.units import UNITS, known_unit

MAX_DIGITS = 60
MAX_EXPONENT = 60

NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
        + [
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
        + ["twenty"]
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_CODES = "usd|eur|gbp|jpy|cad|aud|nzd|hkd|chf|cny|inr"
_NUMBER = re.compile(
    rf"(?<![\w.])(?<![a-z]\^)(?P<sign>[-+]?)\s?(?P<currency>(?:[a-z]{{0,3}}[$€£¥]|\b(?:{_CODES})\b)?)\s?"
    r"(?:(?P<whole>\d{1,12})\s(?=\d{1,12}\s?/\s?\d))?"  # 3 1/2
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(?:e|[x×*·]\s?10\s?(?:\^|\*\*))\s?(?P<exponent>[-+]?\d{1,3}))?"
    r"(?:\s?/\s?(?P<divisor>\d{1,12})(?![\d/.]))?"
    r"(?:\s?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn)s?\b)?"
)

_GROUPING = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SPACED = re.compile(r"^[-+$€£¥ ]*\d{1,3}(?: \d{3})+(?![\d ]*[/\d])")  # 1 200 000
_SIGNED = re.compile(r"^\s*(?:minus|negative)\s+(?=[-\d.$€£¥a-z])")
_DEGREES = re.compile(r"\bdegrees?\s+(?=[cf])|°\s+(?=[cf]\b)")
_SHORT = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}  # behind an amount of money


@dataclass(frozen=True)
class Number:
    """A value and what stands around it.

    ``before``: a currency. ``after``: the rest up to the next number. ``lead``: what stands in front of both.
    """

    value: Fraction
    before: str
    after: str
    lead: str = ""

    @property
    def unit(self) -> tuple[str, Fraction] | None:
        """The kind of the unit and its factor, or None where no known unit is written."""
        return self._measure[0]

    @property
    def rest(self) -> str:
        """What stands behind the unit."""
        return self._measure[1]

    @property
    def _measure(self) -> tuple[tuple[str, Fraction] | None, str]:
        found = known_unit(self.after)
        if not self.before:
            return found or (None, self.after)
        money = UNITS.get(self.before)
        if found and (money is None or found[0][0] != money[0]):  # "$5 CAD"
            return None, self.after
        return money, found[1] if found else self.after


def read_numbers(text: str) -> list[Number]:
    """Return the numbers of a text, in order; number words up to ninety-nine count where no digits stand."""
    plain = compatible(_GROUPING.sub(",", text)).casefold().replace("−", "-").replace("–", "-").strip()
    plain = plain.replace("percent", "%").replace("per cent", "%").replace("us dollar", "us_dollar")
    plain = _DEGREES.sub(
        "°", _SIGNED.sub("-", _SPACED.sub(lambda spaced: ",".join(spaced.group().split(" ")), plain))
    )
    found = list(_NUMBER.finditer(plain))
    numbers: list[Number] = []
    for match, following in zip_longest(found, found[1:]):
        value = _value(match)
        if value is not None:
            after = plain[match.end() : following.start() if following else len(plain)]
            lead = plain[: match.start()].strip() if not numbers else ""
            numbers.append(_measured(value, match["currency"], after.strip(), lead))

    return numbers or _worded(plain)


def _measured(value: Fraction, currency: str, after: str, lead: str) -> Number:
    short = after.split()[0].strip(".,;)") if currency and after else ""
    if short in _SHORT:
        return Number(value * _SHORT[short], currency, after[len(short) :].strip(), lead)
    return Number(value, currency, after, lead)


def _value(match: re.Match[str]) -> Fraction | None:
    digits = match["digits"].replace(",", "")
    exponent = int(match["exponent"] or 0)
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_EXPONENT:
        return None
    value = Fraction(digits) * Fraction(10) ** exponent * SCALES.get(match["scale"] or "", 1)
    if match["divisor"]:
        if int(match["divisor"]) == 0:
            return None
        value /= int(match["divisor"])
    if match["whole"]:
        if value >= 1:
            return None
        value += int(match["whole"])
    return -value if match["sign"] == "-" else value


def _worded(plain: str) -> list[Number]:
    """Read "five", "minus twenty-one", "one thousand five hundred": one number, at the start."""
    words = re.findall(r"\w+|[^\w\s]", re.sub(r"(?<=y)-(?=[a-z])", " ", plain))
    negative = words[:1] == ["-"]
    words = words[negative:]
    total = group = used = 0
    bound = 10**15  # scales go down: "two million three thousand", not "two thousand million"
    for word in words[:12]:
        room = group % 100 == 0 or (group % 100 in range(20, 100, 10) and NUMBER_WORDS.get(word, 10) < 10)
        if word in NUMBER_WORDS and room and not (used and word == "zero"):
            group += NUMBER_WORDS[word]
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif 1000 <= SCALES.get(word, 0) < bound and group > 0:
            bound = SCALES[word]
            total, group = total + group * bound, 0
        elif not (
            word == "and"
            and used
            and words[used - 1] in SCALES
            and NUMBER_WORDS.keys() & words[used + 1 : used + 2]
        ):
            break
        used += 1
    if not used or any(word in NUMBER_WORDS or word in SCALES for word in words[used:]):
        return []
    value = Fraction(total + group)
    return [Number(-value if negative else value, "", " ".join(words[used:]))]
