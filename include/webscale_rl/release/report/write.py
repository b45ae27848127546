"""Writes the report: one HTML file that needs nothing else. The same data give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from webscale_rl.release.report import drawn
from webscale_rl.release.report.counted import GRADES
from webscale_rl.release.report.data import ReportData
from webscale_rl.release.report.words import count, few, percent, seen, stretches

SOURCES = 15  # rows of the table of sources; the others are added up

# Every text of a document, a question or a model is hostile: escaped here, and `seen` shows what hides in it.
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: seen(value) if type(value) is str else value,
)
_pages.filters |= {"count": count, "few": few, "percent": percent, "stretches": stretches}
_pages.globals |= {"drawn": drawn, "grades": tuple(zip(GRADES, drawn.GRADE_TONES, strict=True))}


def write_report(data: ReportData, path: Path) -> None:
    """Write the report; the file appears whole or not at all."""
    page = _pages.get_template("report.html").render(data=data, sources=_sources(data.counted.sources))
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    part.write_text(page, encoding="utf-8", newline="\n")
    part.replace(path)


def _sources(counted: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int], int]]:
    """Return (source, pairs by domain, pairs), the largest first; the small ones together at the end."""
    rows = [(name or "(not named)", domains, sum(domains.values())) for name, domains in counted.items()]
    if len(rows) <= SOURCES + 1:
        return rows
    others: dict[str, int] = {}
    for _, domains, _ in rows[SOURCES:]:
        for domain, number in domains.items():
            others[domain] = others.get(domain, 0) + number
    return [
        *rows[:SOURCES],
        (f"{count(len(rows) - SOURCES)} other sources", others, sum(others.values())),
    ]
