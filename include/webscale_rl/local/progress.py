"""What a run shows while it works, and the table at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from webscale_rl.store import queries

LINE_SECONDS = 5.0  # between lines where the output is no terminal


class Display:
    """A live bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._first: tuple[float, int] | None = None  # when documents were first done, and how many
        self._line_at = 0.0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("documents, {task.fields[pairs]} pairs, {task.fields[calls]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("converting", total=None, pairs=0, calls="0 calls", left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, now: queries.Progress) -> None:
        """Show how far the run is."""
        rate = now.calls / max(time.monotonic() - self._started, 1e-3)
        calls = f"{now.calls} calls ({rate:.1f}/s)"
        left = self._left(now)
        self._bar.update(
            self._task,
            total=now.documents_total,
            completed=now.documents_done,
            pairs=now.pairs,
            calls=calls,
            left=left,
        )
        if not self._console.is_terminal and time.monotonic() - self._line_at >= LINE_SECONDS:
            self._line_at = time.monotonic()
            total = "?" if now.documents_total is None else now.documents_total
            parts = (f"{now.documents_done}/{total} documents", f"{now.pairs} pairs kept", calls, left)
            self._console.print(", ".join(filter(None, parts)), soft_wrap=True)

    def _left(self, now: queries.Progress) -> str:
        """Return the time left at the pace so far; what earlier runs have done says nothing about it."""
        if not now.documents_total or not now.documents_done:
            return ""
        if self._first is None:
            self._first = (time.monotonic(), now.documents_done)
        since, before = self._first
        if now.documents_done == before:
            return ""
        seconds = (time.monotonic() - since) / (now.documents_done - before)
        seconds *= now.documents_total - now.documents_done
        return f"about {int(seconds // 60)}:{int(seconds % 60):02d} left"


def funnel_table(funnel: Mapping[str, Any]) -> Table:
    """Return the funnel of a run, as ``funnel.json`` holds it, as a table."""
    table = Table(title="Funnel")
    table.add_column("level")
    table.add_column("state")
    table.add_column("stage/reason")
    table.add_column("count", justify="right")
    for level in ("documents", "parts", "items", "repairs"):
        counts = funnel.get(level)
        if not counts or not counts["total"]:  # no document was split, or no question repaired
            continue
        table.add_row(level, "all", "", f"{counts['total']:,}", style="bold")
        for state, count in counts["states"].items():
            reasons = counts["reasons"].get(state, {})
            table.add_row("", state, "", f"{count:,}")
            for reason, part in reasons.items():
                table.add_row("", "", reason, f"{part:,}", style="dim")
        if level == "repairs":
            mended = counts["states"].get("accepted", 0)
            table.add_row("", "yield", "accepted of all", f"{mended / counts['total']:.0%}", style="dim")
        table.add_section()
    pairs = funnel["pairs"]
    table.add_row("pairs", "in the data set", "", f"{pairs:,}", style="bold")
    for form, count in funnel.get("pairs_by_task_form", {}).items():
        table.add_row("", form, "", f"{count:,} ({count / pairs:.0%})", style="dim")
    return table
