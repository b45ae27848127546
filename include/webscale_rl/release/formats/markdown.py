"""Text of data in Markdown: names of sources may hold Markdown, HTML, line breaks and control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

SHOWN = 200  # characters of a value
MOST = 50  # rows of a table
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # control, bidirectional, line separators
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>#+\-!|~&@:$^=])|(?<=www)(\.)|(?<=\d)(\.)")


def flat(text: str) -> str:
    """Return a text on one line, without what cannot be seen."""
    seen = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text[: 4 * SHOWN])
    words = " ".join(seen.split())
    return words if len(words) <= SHOWN else words[: SHOWN - 1] + "…"


def code(text: str) -> str:
    """Return a value as a code span: nothing in it is markup, nor a link.

    A bar would end a cell even there, and what a backslash before it means differs between readers: it is
    replaced by a broken bar.
    """
    words = flat(text).replace("|", "¦")
    if not words:
        return "(none)"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", words)), default=0))
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{pad}{words}{pad}{fence}"


def prose(text: str) -> str:
    """Return a sentence in which no character is markup."""
    return _PUNCTUATION.sub(lambda found: f"\\{found[0]}", flat(text))


def fenced(text: str, language: str = "") -> str:
    """Return a block of code that its text cannot close."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    """Return a table of cells that are Markdown already; ``numbers`` stand in the last column."""
    lines = [heads, ["---"] * (len(heads) - 1) + ["---:" if numbers else "---"], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def counts(head: str, found: Mapping[str, int], of: str = "rows") -> str:
    """Return a table of values and how often they occur, the most frequent first."""
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0] or ""))
    rows = [(code(value or ""), f"{count:,}") for value, count in ordered[:MOST]]
    if rest := ordered[MOST:]:
        rows.append((f"{len(rest):,} more", f"{sum(count for _, count in rest):,}"))
    return table((head, of), rows) if rows else f"No {head.lower()}."
