"""Small tables: arithmetic over two cells of a row or a column, and comparison of two rows."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from webscale_rl.offline.rules.fact import Fact, anchor
from webscale_rl.offline.rules.numbers import cell_number, is_whole, written
from webscale_rl.offline.rules.text import Page, plain

MAX_TABLES = 6
MAX_ROWS = 40
MAX_FACTS = 12  # of a document

_YEARLIKE = re.compile(r"(?:FY\s?)?(?:19|20)?\d\d\**|.*\b(?:19|20)\d\d\b.*")
_FOLLOWING = re.compile(
    r"^The following (?:table|is)?[a-z ]{0,20}\b(?:sets forth|shows|presents|summarizes|provides)\b"
)
_AS_FOLLOWS = re.compile(
    r"(?:,| (?:was|were|are|is|included?|consists?|consisted|comprised?)(?: of)?)(?: as follows| the following)$"
)
_NUMBERING = re.compile(r"^(?:\(?[\da-z]{1,2}[.)]\s*)+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|\bFY")
_SCALE = re.compile(r"\bin (?:thousands|millions|billions)\b", re.IGNORECASE)
_CURRENCY = {"$": "US dollars", "£": "pounds", "€": "euros"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number with the text that it was read from."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row with a label; ``cells`` by column name."""

    label: str
    raw: str
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows and columns have names. ``scale`` is such as ``in millions``, where it is stated."""

    rows: tuple[Row, ...]
    scale: str


def table_facts(page: Page) -> Iterator[Fact]:
    """Yield facts to compute and to compare, alternating, from the tables of a document."""
    subject = _NUMBERING.sub("", page.title or _caption(page))
    if not subject:
        return
    found = 0
    for table in _tables(page.lines):
        for index, row in enumerate(table.rows):
            for fact in (
                _change(table, row, subject),
                _larger(table, index, subject),
                _share(table, index, subject),
            ):
                if fact is not None:
                    yield fact
                    found += 1
            if found >= MAX_FACTS:
                return


def _caption(page: Page) -> str:
    """Return what a document without a title says of itself in its first line, shortened to a noun phrase."""
    first = next((line.strip() for line in page.lines if line.strip()), "")
    if first.startswith("|") or len(first) < 8:
        return ""
    head, colon, rest = first.partition(":")
    words = plain(head if colon and rest else first).rstrip(".:")
    words = _AS_FOLLOWS.sub("", _FOLLOWING.sub("", words)).strip(" ,")
    return " ".join(words.split()[:14]).rstrip(" ,;")


def _tables(lines: tuple[str, ...]) -> Iterator[Table]:
    block: list[str] = []
    tables = 0
    for line in (*lines, ""):
        if line.lstrip().startswith("|"):
            block.append(line)
            continue
        if len(block) >= 2 and (table := _table(block[:MAX_ROWS])) is not None:
            yield table
            tables += 1
            if tables == MAX_TABLES:
                return
        block = []


def _table(lines: list[str]) -> Table | None:
    grid = [[plain(cell) for cell in line.strip().strip("|").split("|")] for line in lines]
    width = max(len(row) for row in grid)
    heads = [""] * width
    rows: list[Row] = []
    for line, cells in zip(lines, grid, strict=True):
        numbers = {
            column: number for column, cell in enumerate(cells) if column and (number := cell_number(cell))
        }
        if not rows and (not cells[0] or all(_YEARLIKE.fullmatch(cells[column]) for column in numbers)):
            _take_heads(heads, cells)
        elif numbers and cells[0] and _is_label(cells[0]):
            named = {heads[column]: Cell(*number) for column, number in numbers.items() if heads[column]}
            rows.append(Row(cells[0].rstrip(": "), line.strip(), named))
    scale = _SCALE.search("\n".join(lines[:4]))
    names = [name for name in heads[1:] if name]
    labels = Counter(row.label for row in rows)
    rows = [row for row in rows if labels[row.label] == 1 and row.cells]
    if len(set(names)) < len(names) or not rows:
        return None
    return Table(tuple(rows), scale.group().lower() if scale else "")


def _take_heads(heads: list[str], cells: list[str]) -> None:
    """Remember the names of columns; a later row of heads is nearer to the numbers and overrides all but years."""
    for column, cell in enumerate(cells):
        is_named = _YEAR.search(heads[column]) and not _YEAR.search(cell)
        if cell and not is_named and not set(cell) <= set("-: ") and not _SCALE.search(cell):
            heads[column] = cell.rstrip("* ")


def _is_label(text: str) -> bool:
    return 3 <= len(text) <= 90 and any(letter.isalpha() for letter in text)


def _change(table: Table, row: Row, subject: str) -> Fact | None:
    """Return the difference between two neighbouring columns, later minus earlier as they are named."""
    names = list(row.cells)
    if len(names) < 2:
        return None
    one, other = names[0], names[1]
    first, second = row.cells[one], row.cells[other]
    if first.value < second.value:
        one, other, first, second = other, one, second, first
    if first.value == second.value or min(first.value, second.value) < 0:
        return None
    expression = f"{written(first.value)} - {written(second.value)}"
    unit = _unit(table, row)
    return _computed(
        table,
        target=f'the difference between "{one}" and "{other}" in "{row.label}"',
        question=f'In the report on "{subject}", by how much is "{row.label}" for "{one}" higher than for '
        f'"{other}"{_asked_unit(unit)}?',
        value=first.value - second.value,
        expression=expression,
        evidence=(row.raw,),
        unit=unit,
        subject=subject,
        rank=60,
    )


def _share(table: Table, index: int, subject: str) -> Fact | None:
    """Return the share of a row in the total row below it, in percent with one decimal."""
    row = table.rows[index]
    total = next(
        (other for other in table.rows[index + 1 :] if other.label.lower().startswith("total")), None
    )
    column = next(iter(row.cells), "")
    if total is None or column not in total.cells or row.label.lower().startswith("total"):
        return None
    part, whole = row.cells[column].value, total.cells[column].value
    if not 0 < part < whole:
        return None
    return _computed(
        table,
        target=f'the share of "{row.label}" in "{total.label}" for "{column}"',
        question=f'In the report on "{subject}", what percentage of "{total.label}" for "{column}" is '
        f'"{row.label}", rounded to one decimal?',
        value=(part / whole * 100).quantize(Decimal("0.1")),
        expression=f"{written(part)} / {written(whole)} * 100",
        evidence=(row.raw, total.raw),
        unit="%",
        subject=subject,
        rank=50,
    )


def _computed(
    table: Table,
    *,
    target: str,
    question: str,
    value: Decimal,
    expression: str,
    evidence: tuple[str, ...],
    unit: str,
    subject: str,
    rank: int,
) -> Fact:
    answer, rounded = written(value), "/" in expression
    kind = "percent" if unit == "%" else "integer" if is_whole(value) else "decimal"
    return Fact(
        form="compute",
        target=target,
        question=question,
        answer=answer,
        answer_type=kind,
        evidence=evidence,
        derivation=f"From the rows quoted: {expression} = {answer}{' after rounding' if rounded else ''}.",
        rank=rank,
        expression=expression,
        unit=unit,
        precision="1 decimal" if rounded else "",
        tolerance=0.05 if rounded else 0.0,
        scope_anchor=anchor(f'In the report on "{subject}"'),
    )


def _larger(table: Table, index: int, subject: str) -> Fact | None:
    """Return which of two neighbouring rows is larger in their first common column."""
    if index + 1 >= len(table.rows):
        return None
    one, other = table.rows[index], table.rows[index + 1]
    column = next((name for name in one.cells if name in other.cells), "")
    if not column or one.label == other.label or "total" in f"{one.label} {other.label}".lower():
        return None
    first, second = one.cells[column], other.cells[column]
    if (
        first.value == second.value
        or min(first.value, second.value) <= 0
        or (first.unit == "%") != (second.unit == "%")
    ):
        return None
    larger = one if first.value > second.value else other
    sign = ">" if larger is one else "<"
    return Fact(
        form="compare",
        target=f'which is larger for "{column}", "{one.label}" or "{other.label}"',
        question=f'In the report on "{subject}", which is larger for "{column}": "{one.label}" or "{other.label}"?',
        answer=larger.label,
        answer_type="entity",
        evidence=(one.raw, other.raw),
        derivation=f"{one.label}: {written(first.value)} {sign} {written(second.value)}: {other.label}.",
        rank=55,
        scope_anchor=anchor(f'In the report on "{subject}"'),
    )


def _unit(table: Table, row: Row) -> str:
    """Return the unit of a row: what its first number is marked with, at the scale of the table."""
    sign = next(iter(row.cells.values())).unit
    if sign == "%":
        return "percentage points"
    currency = _CURRENCY.get(sign, "")
    if not table.scale:
        return currency
    scale = table.scale.removeprefix("in ")
    return f"{scale} of {currency}" if currency else scale


def _asked_unit(unit: str) -> str:
    return f", in {unit}" if unit else ""
