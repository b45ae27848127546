"""Dates as people write them, with the granularity they have."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = {
    name: number
    for number, names in enumerate(
        ["jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august"]
        + ["sep sept september", "oct october", "nov november", "dec december"],
        start=1,
    )
    for name in names.split()
}
LONGEST = 60  # characters of a date
_ISO = re.compile(r"^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_YEAR_FIRST = re.compile(r"^(\d{4})([/.])(\d{1,2})\2(\d{1,2})$")
_FILLER = re.compile(
    r"\b(?:the|of|in|on|year|ad|ce)\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|(?<=\d)(?:st|nd|rd|th)\b|[,.]|(?<=\d)-(?=[a-z])|(?<=[a-z])-(?=\d)"
)
_BEFORE = re.compile(r"\bb\.?\s?c\.?(?:\s?e\b\.?)?(?!\w)")


@dataclass(frozen=True)
class CalendarDate:
    """A year, perhaps with month and day. Years before the common era are negative."""

    year: int
    month: int | None = None
    day: int | None = None

    def agrees(self, other: CalendarDate) -> bool:
        """Say whether both are the same as far as both are given."""
        pairs = [(self.year, other.year), (self.month, other.month), (self.day, other.day)]
        return all(mine == theirs for mine, theirs in pairs if mine is not None and theirs is not None)

    @property
    def granularity(self) -> int:
        """1 for a year, 2 for a month, 3 for a day."""
        return 1 + (self.month is not None) + (self.day is not None)


def read_date(text: str) -> CalendarDate | None:
    """Return the date that a text is, or None; numeric forms other than ISO are ambiguous and not read."""
    plain = " ".join(text.casefold().split())
    if len(plain) > LONGEST:
        return None
    plain = _YEAR_FIRST.sub(r"\1-\3-\4", plain.rstrip("."))
    if iso := _ISO.match(plain):
        year, month, day = (int(part) if part else None for part in iso.groups())
        return _checked(year, month, day)
    before = bool(_BEFORE.search(plain))
    plain = _BEFORE.sub(" ", plain)
    words = _FILLER.sub(" ", plain).split()
    months = [_MONTHS[word] for word in words if word in _MONTHS]
    numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= 4]
    if len(months) + len(numbers) != len(words) or len(months) > 1 or not numbers:
        return None
    year = numbers[-1]
    if months and len(numbers) == 1 and year <= 31:  # "12 May" has no year
        return None
    day = numbers[0] if len(numbers) == 2 and months else None
    if len(numbers) > 2 or (len(numbers) == 2 and not months):
        return None
    return _checked(-year if before else year, months[0] if months else None, day)


def _checked(year: int | None, month: int | None, day: int | None) -> CalendarDate | None:
    if (
        year is None
        or (month is not None and not 1 <= month <= 12)
        or (day is not None and not 1 <= day <= 31)
    ):
        return None
    return CalendarDate(year, month, day)
