"""Labelled quantities outside tables: fields such as ``Cook time: 30 min``, ingredients, equations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from webscale_rl.offline.rules.fact import Fact
from webscale_rl.offline.rules.numbers import written
from webscale_rl.offline.rules.text import Page, word_set

MAX_FOUND = 12

_FIELD = re.compile(
    r"\s*(?:[-*]\s+)?(?:[^\w\s\"'(#|$-]\S{0,3}\s+)?(?P<label>[A-Z][A-Za-z]+(?: [A-Za-z]+){0,3}):\**\s+"
    r"[~≈]?(?P<value>\d[\w .,/-]{0,40}?)\s*"
)
_NO_FIELDS = word_set(
    "Solution Problem Step Note Part Figure Table Example Answer Item Section Chapter Page Source"
)
_INGREDIENT = re.compile(
    r"\s*[-*]\s+~?(?P<value>\d[\d./ ]{0,8})\s?(?P<unit>g|kg|ml|l|oz|cups?|tbsp|tsp|teaspoons?|tablespoons?|pounds?|"
    r"lbs?|grams?|cloves?|cans?|slices?)\.?\s+(?:\([^()]{1,30}\)\s+)?(?:of )?"
    r"(?P<label>[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ -]{2,40}?)\s*(?:[,(].*)?"
)
_EQUATION = re.compile(r"\$(?P<left>\d{1,7}(?: ?[+×·÷−-] ?\d{1,7}){1,4}) ?= ?(?P<right>\d{1,9})\$")
_OPERATORS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})
_UNITS = {
    "min": "minutes",
    "mins": "minutes",
    "minute": "minutes",
    "hour": "hours",
    "hrs": "hours",
    "hr": "hours",
}
_UNITS |= {
    "g": "grams",
    "gram": "grams",
    "ml": "millilitres",
    "cup": "cups",
    "teaspoon": "teaspoons",
    "pound": "pounds",
    "lb": "pounds",
    "lbs": "pounds",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A labelled number with its unit; ``written`` as it stands in the document."""

    label: str
    written: str
    value: Decimal | None  # None for fractions and ranges: no arithmetic with these
    unit: str
    raw: str


def quantity_facts(page: Page) -> Iterator[Fact]:
    """Yield facts about fields and ingredients of a document with a title, and about equations."""
    yield from _equations(page)
    if not page.title:
        return
    fields, ingredients = list(_fields(page)), list(_ingredients(page))
    for field in fields:
        yield _stated(field, f'What is the {field.label.lower()} of "{page.title}"?', 75)
    for found in ingredients:
        how = "much" if found.unit else "many"
        yield _stated(found, f'How {how} {found.label} does the recipe for "{page.title}" call for?', 72)
    yield from _arithmetic(fields, page.title)
    yield from _arithmetic(ingredients, page.title)


def _fields(page: Page) -> Iterator[Quantity]:
    seen: set[str] = set()
    for line in page.lines[:60]:
        found = _FIELD.fullmatch(line)
        if found is not None and found["label"] not in seen | _NO_FIELDS and len(seen) < MAX_FOUND:
            seen.add(found["label"])
            yield _quantity(found["label"], found["value"].strip(), line.strip())


def _ingredients(page: Page) -> Iterator[Quantity]:
    if not any(line.strip("# *:").lower() == "ingredients" for line in page.lines):
        return
    seen: set[str] = set()
    for line in page.lines:
        found = _INGREDIENT.fullmatch(line)
        if found is not None and found["label"] not in seen and len(seen) < MAX_FOUND:
            seen.add(found["label"])
            yield _quantity(found["label"].strip(), f"{found['value'].strip()} {found['unit']}", line.strip())


def _quantity(label: str, value: str, raw: str) -> Quantity:
    number, _, unit = value.partition(" ")
    whole = Decimal(number) if re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", number) else None
    if not re.fullmatch(r"[a-zA-Z]*", unit):
        whole, unit = None, ""
    return Quantity(
        label, value if value in raw else value.replace(" ", ""), whole, _UNITS.get(unit, unit), raw
    )


def _stated(found: Quantity, question: str, rank: int) -> Fact:
    kind = "quantity" if found.value is not None and found.unit else "phrase"
    if found.value is not None and not found.unit:
        kind = "integer" if "." not in found.written else "decimal"
    return Fact(
        form="recall",
        target=f"the stated {found.label.lower()}",
        question=question,
        answer=found.written,
        answer_type=kind,
        evidence=(found.raw,),
        derivation=f"It is stated as {found.written}.",
        rank=rank,
        unit=found.unit if kind == "quantity" else "",
    )


def _arithmetic(quantities: list[Quantity], title: str) -> Iterator[Fact]:
    """Yield the sum and the comparison of the first two quantities with the same unit."""
    usable = [quantity for quantity in quantities if quantity.value is not None and quantity.unit]
    for one, other in pairwise(usable):
        if one.unit != other.unit or one.value is None or other.value is None:
            continue
        total = one.value + other.value
        names = f"{one.label.lower()} and {other.label.lower()}"
        yield Fact(
            form="compute",
            target=f"the sum of {names}",
            question=f'For "{title}", how many {one.unit} do {names} come to together?',
            answer=written(total),
            answer_type="integer" if "." not in written(total) else "decimal",
            evidence=(one.raw, other.raw),
            derivation=f"{written(one.value)} + {written(other.value)} = {written(total)} {one.unit}.",
            rank=65,
            expression=f"{written(one.value)} + {written(other.value)}",
            unit=one.unit,
        )
        yield Fact(
            form="derive",
            target=f"the sum of a given {names}",
            question=f"Something takes {written(one.value)} {one.unit} of {one.label.lower()} and "
            f"{written(other.value)} {one.unit} of {other.label.lower()}. How many {one.unit} is that together?",
            answer=written(total),
            answer_type="integer" if "." not in written(total) else "decimal",
            evidence=(one.raw, other.raw),
            derivation=f"{written(one.value)} + {written(other.value)} = {written(total)} {one.unit}.",
            rank=62,
            expression=f"{written(one.value)} + {written(other.value)}",
            unit=one.unit,
        )
        if one.value != other.value:
            yield _more(one, other, title)
        return


def _more(one: Quantity, other: Quantity, title: str) -> Fact:
    first, second = one.label.lower(), other.label.lower()
    larger = first if (one.value or 0) > (other.value or 0) else second
    return Fact(
        form="compare",
        target=f"which is more, {first} or {second}",
        question=f'For "{title}", which is stated as more {one.unit}: {first} or {second}?',
        answer=larger,
        answer_type="entity",
        evidence=(one.raw, other.raw),
        derivation=f"{one.written} against {other.written}.",
        rank=60,
    )


def _equations(page: Page) -> Iterator[Fact]:
    """Yield arithmetic that a document works out, such as ``$8 + 9 = 17$``."""
    seen: set[str] = set()
    for line in page.lines:
        for found in _EQUATION.finditer(line):
            left = found["left"]
            if left not in seen and len(seen) < MAX_FOUND:
                seen.add(left)
                yield _worked(left, found)


def _worked(left: str, found: re.Match[str]) -> Fact:
    expression = " ".join(re.findall(r"\d+|[+*/-]", left.translate(_OPERATORS)))
    shown = " ".join(re.findall(r"\d+|\D", left.replace(" ", "")))
    return Fact(
        form="compute",
        target=f"the value of {shown}",
        question=f"What is the value of {shown}?",
        answer=found["right"],
        answer_type="integer",
        evidence=(found.group(),),
        derivation=f"{shown} = {found['right']}.",
        rank=40 + min(len(expression), 15),
        expression=expression,
    )
