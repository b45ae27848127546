"""Numbers as they stand in documents: signs, separators, currency, accounting parentheses."""

import re
from decimal import Decimal

NUMBER_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen|twenty|thirty|forty|fifty"
)
YEAR = r"(?:1[1-9]\d\d|20[0-4]\d)"
MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_CELL = re.compile(
    r"(?P<sign>[-−–]?)\s?(?P<currency>[$£€]?)\s{0,3}(?P<digits>\d{1,3}(?:,\d{3})+|\d{1,12})(?P<part>\.\d{1,6})?\s?(?P<percent>%?)"
)


def cell_number(cell: str) -> tuple[Decimal, str] | None:
    """Return value and unit (``""``, ``%`` or a currency sign) of a cell that holds one number, else None.

    Numbers in accounting parentheses are left out: their sign is a convention that a reader may not share.
    """
    found = _CELL.fullmatch(cell.strip())
    if found is None:
        return None
    value = Decimal(found["digits"].replace(",", "") + (found["part"] or ""))
    return (-value if found["sign"] else value), found["percent"] or found["currency"]


def written(value: Decimal) -> str:
    """Return a number without exponent, separators or trailing zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def is_whole(value: Decimal) -> bool:
    """Return whether a number is written without a fraction."""
    return "." not in written(value)
