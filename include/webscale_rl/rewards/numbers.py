"""Numbers as people write them: exact values with their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

from webscale_rl.rewards.normalise import compatible

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
_SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_NUMBER = re.compile(
    r"(?<![\w.])(?<![a-z]\^)(?P<sign>[-+]?)\s?(?P<currency>[$€£¥]?)\s?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(?:e|[x×*]\s?10\s?(?:\^|\*\*))\s?(?P<exponent>[-+]?\d{1,3}))?"
    r"(?:\s?/\s?(?P<divisor>\d{1,12})(?![\d/.]))?"
    r"(?:\s?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn)s?\b)?"
)

_COMPOUND = frozenset({"per", "/", "squared", "cubed", "a", "an", "each"})  # "m per second" is no length
_GROUPING = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SHORT = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}  # behind an amount of money

# Unit to (kind, factor): equal kinds compare after multiplication.
_UNITS: dict[str, tuple[str, Fraction]] = {}


def _unit(kind: str, factor: str, *names: str) -> None:
    for name in names:
        _UNITS[name] = (kind, Fraction(factor))


for _kind, _factor, _names in [
    ("length", "1", "m metre metres meter meters"),
    ("length", "1000000", "megametre"),
    ("length", "1000", "km kilometre kilometres kilometer kilometers"),
    ("length", "1/100", "cm centimetre centimetres centimeter centimeters"),
    ("length", "1/1000", "mm millimetre millimetres millimeter millimeters"),
    ("length", "1/1000000", "µm μm um micrometre micrometres micrometer micrometers micron microns"),
    ("length", "1/1000000000", "nm nanometre nanometres nanometer nanometers"),
    ("length", "0.3048", "ft foot feet"),
    ("length", "0.0254", "in inch inches"),
    ("length", "1609.344", "mi mile miles"),
    ("mass", "1", "kg kilogram kilograms kilogramme kilogrammes"),
    ("mass", "1/1000", "g gram grams gramme grammes"),
    ("mass", "1/1000000", "mg milligram milligrams"),
    ("mass", "1/1000000000", "µg μg mcg ug microgram micrograms"),
    ("mass", "1000", "t tonne tonnes megagram"),
    ("time", "1", "s sec second seconds"),
    ("time", "1/1000", "ms millisecond milliseconds"),
    ("time", "60", "min minute minutes"),
    ("time", "3600", "h hr hour hours"),
    ("time", "86400", "day days"),
    ("time", "604800", "week weeks"),
    ("month", "1", "month months"),
    ("month", "12", "year years yr yrs"),
    ("volume", "1", "l litre litres liter liters"),
    ("volume", "1000000", "megalitre megalitres megaliter megaliters"),
    ("volume", "1/1000", "ml millilitre millilitres milliliter milliliters"),
    ("percent", "1", "% percent"),
    ("celsius", "1", "°c c celsius"),
    ("fahrenheit", "1", "°f f fahrenheit"),
    ("kelvin", "1", "k kelvin"),
    ("energy", "1", "j joule joules"),
    ("energy", "1000", "kj kilojoule kilojoules"),
    ("power", "1/1000", "milliwatt milliwatts"),
    ("power", "1", "w watt watts"),
    ("power", "1000", "kw kilowatt kilowatts"),
    ("power", "1000000", "mw megawatt megawatts"),
    ("frequency", "1/1000", "millihertz"),
    ("frequency", "1", "hz hertz"),
    ("frequency", "1000", "khz kilohertz"),
    ("frequency", "1000000", "mhz megahertz"),
    ("usd", "1", "$ usd us$ dollar dollars"),
    ("eur", "1", "€ eur euro euros"),
    ("gbp", "1", "£ gbp pound pounds"),
    ("yen", "1", "¥ jpy yen"),
]:
    _unit(_kind, _factor, *_names.split())


@dataclass(frozen=True)
class Number:
    """A value and what stands around it: ``before`` (a currency sign) and ``after`` (the rest up to the next)."""

    value: Fraction
    before: str
    after: str

    @property
    def unit(self) -> tuple[str, Fraction] | None:
        """The kind of the unit and its factor, or None where no known unit is written."""
        if self.before in _UNITS:
            return _UNITS[self.before]
        after = self.after.strip(" .,;:()")
        words = after.split()
        if any(word in _COMPOUND for word in words[1:]):
            return None
        return next((_UNITS[word] for word in [after, *words[:1]] if word in _UNITS), None)


def read_numbers(text: str) -> list[Number]:
    """Return the numbers of a text, in order; number words up to ninety-nine count where no digits stand."""
    plain = compatible(_GROUPING.sub(",", text)).casefold().replace("−", "-").replace("–", "-")
    plain = plain.replace("percent", "%").replace("per cent", "%")
    found = list(_NUMBER.finditer(plain))
    numbers = []
    for match, following in zip_longest(found, found[1:]):
        value = _value(match)
        if value is not None:
            after = plain[match.end() : following.start() if following else len(plain)]
            numbers.append(_measured(value, match["currency"], after.strip()))
    return numbers or _worded(plain)


def _measured(value: Fraction, currency: str, after: str) -> Number:
    short = after.split()[0].strip(".,;)") if currency and after else ""
    if short in _SHORT:
        return Number(value * _SHORT[short], currency, after[len(short) :].strip())
    return Number(value, currency, after)


def _value(match: re.Match[str]) -> Fraction | None:
    digits = match["digits"].replace(",", "")
    exponent = int(match["exponent"] or 0)
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_EXPONENT:
        return None
    value = Fraction(digits) * Fraction(10) ** exponent * _SCALES.get(match["scale"] or "", 1)
    if match["divisor"]:
        if int(match["divisor"]) == 0:
            return None
        value /= int(match["divisor"])
    return -value if match["sign"] == "-" else value


def _worded(plain: str) -> list[Number]:
    """Read "five", "twenty-one", "two hundred": one number, at the start."""
    words = plain.replace("-", " ").split()
    total = 0
    used = 0
    for word in words[:4]:
        if word in NUMBER_WORDS and (not total or (total in range(20, 100, 10) and NUMBER_WORDS[word] < 10)):
            total += NUMBER_WORDS[word]
        elif word in _SCALES and used:
            total *= _SCALES[word]
        else:
            break
        used += 1
    if not used or any(word in NUMBER_WORDS or word in _SCALES for word in words[used:]):
        return []
    return [Number(Fraction(total), "", " ".join(words[used:]))]
