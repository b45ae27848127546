"""A calibration as tables on a terminal or in a log, and as a file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from webscale_rl.calibration.calibrate import Calibration, Results
from webscale_rl.calibration.confusion import (
    GOOD,
    SHOWN_WRONG,
    Cell,
    CheckConfusion,
    Share,
    StageConfusion,
)
from webscale_rl.offline import MODEL as OFFLINE

FILE = "calibration.json"
NOTHING = Share.of(0, 0)  # of a defect that there was no usable answer for
LINE_SECONDS = 5.0  # between lines where the output is no terminal
TASKS = {  # what it means that a stage flags an item
    "gate": "rejects by rules",
    "solve": "does not come to the same answer (with match)",
    "closed": "does not come to the same answer without the document, where the question has its premises",
    "options": "can tell the right option without the question",
    "blind": "finds the question incomplete or ambiguous",
    "judge": "turns the pair down, document in view",
    "match": "does not call two answers the same",
    "assess": "turns the document down",
    "generate": "abstains",
    "repair": "gives the draft up",
}


class ItemsBar:
    """How many items are done: a live bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._done, self._line_at = console, total, 0, time.monotonic()
        self._bar = Progress(
            TextColumn("calibrating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("items"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self) -> None:
        """Show that one more is done."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        if not self._console.is_terminal and time.monotonic() - self._line_at >= LINE_SECONDS:
            self._line_at = time.monotonic()
            self._console.print(f"{self._done}/{self._total} items")


def write_json(found: Calibration, out: Path) -> Path:
    """Write a calibration to ``out``, whole or not at all, and return the path."""
    out.mkdir(parents=True, exist_ok=True)
    temporary = out / f".{FILE}.{os.getpid()}"
    temporary.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return temporary.replace(out / FILE)


def rendered(found: Calibration) -> Group:
    """Return everything that a reader of a calibration needs, in order."""
    return Group(*_parts(found))


def as_text(found: Calibration, width: int = 118) -> str:
    """Return the same as plain text, for a log."""
    written = StringIO()
    Console(width=width, no_color=True, file=written).print(rendered(found))
    return written.getvalue()


def small_numbers(found: Calibration) -> dict[str, float]:
    """Return what is worth knowing at a glance: items, and for each depth what is accepted and caught."""
    numbers: dict[str, float] = {"items": found.n_items}
    for check in found.results.checks:
        numbers[f"{check.depth}_good_accepted"] = round(check.good_accepted.share, 3)
        numbers[f"{check.depth}_defects_caught"] = round(check.caught_all.share, 3)
    return numbers


def is_offline(found: Calibration) -> bool:
    """Say whether the rule-based stand-in was measured, which is no language model."""
    return any(model.model == OFFLINE for model in found.models.values())


def _parts(found: Calibration) -> Iterator[RenderableType]:
    results = found.results
    yield Text(_heading(found), style="bold")
    if is_offline(found):
        yield Text(
            "This endpoint is the rule-based stand-in, no language model: its figures say that the calibration "
            "works, and nothing about the prompts. Set LLM_BASE_URL and LLM_MODEL.",
            style="bold red",
        )
    if results.bad_lines:
        yield Text(f"{len(results.bad_lines)} lines could not be used: {FILE} names them", style="red")
    for stage in results.stages:
        yield _stage_table(stage)
    if results.shares:
        yield _shares_table(results)
    for check in results.checks:
        yield _check_table(check)
    if all(check.precision for check in results.checks):
        yield _precision_table(results)
    yield _usage_table(results)
    yield Text("Recommendations", style="bold")
    for number, words in enumerate(results.recommendations, start=1):
        yield Text(f"{number}. {words}")


def _heading(found: Calibration) -> str:
    names = ", ".join(
        f"{role} {model.model}{f' @ {model.revision}' if model.revision else ''}"
        for role, model in found.models.items()
    )
    return f"Calibration {found.id[:12]} of {found.n_items} labelled items: {names}. In brackets: 95 % intervals."


def _stage_table(stage: StageConfusion) -> Table:
    table = Table(title=f"{stage.stage}: {TASKS.get(stage.stage, 'flags')}", title_justify="left")
    for name in ("label", "outcomes", "flagged of what it must"):
        table.add_column(name)
    for label, outcomes in _by_label(stage.cells):
        table.add_row(label, outcomes, stage.recall[label].words() if label in stage.recall else "")
    table.add_section()
    table.add_row("all", "sensitivity", stage.sensitivity.words(), style="bold")
    table.add_row("", "false alarms", stage.false_alarms.words(), style="bold")
    table.caption = _caption(stage.wrong_items, stage.unusable)
    return table


def _check_table(check: CheckConfusion) -> Table:
    table = Table(title=f"gate and check, {check.depth}", title_justify="left")
    for name in ("defect", "outcomes", "accepted (good), caught (the rest)"):
        table.add_column(name)
    for label, outcomes in _by_label(check.cells):
        share = check.good_accepted if label == GOOD else check.caught.get(label, NOTHING)
        table.add_row(label, outcomes, share.words())
    table.add_section()
    table.add_row("all defects", "caught", check.caught_all.words(), style="bold")
    table.caption = _caption(check.wrong_items, check.unusable)
    return table


def _precision_table(results: Results) -> Table:
    table = Table(title="Estimated share of good pairs among the accepted", title_justify="left")
    table.add_column("defective among the candidates")
    for check in results.checks:
        table.add_column(check.depth)
    for row in zip(*(check.precision for check in results.checks), strict=True):
        cells = (f"{each.share:.3f} [{each.low:.3f}, {each.high:.3f}]" for each in row)
        table.add_row(f"{row[0].defective:.0%}", *cells)
    table.caption = (
        "Defects mixed as in the items; the ends put the worst of both intervals together, then the best."
    )
    return table


def _shares_table(results: Results) -> Table:
    table = Table(title="Right besides", title_justify="left")
    for name in ("what", "share"):
        table.add_column(name)
    for what, share in results.shares.items():
        table.add_row(what, share.words())
    return table


def _usage_table(results: Results) -> Table:
    table = Table(title="Asked", title_justify="left")
    table.add_column("stage")
    for name in ("calls", "unusable", "prompt tokens", "cached", "completion tokens"):
        table.add_column(name, justify="right")
    for stage, used in results.usage.items():
        numbers = (used.calls, used.unusable, used.prompt_tokens, used.cached_tokens, used.completion_tokens)
        table.add_row(stage, *(f"{number:,}" for number in numbers))
    return table


def _by_label(cells: tuple[Cell, ...]) -> Iterator[tuple[str, str]]:
    for label in dict.fromkeys(cell.label for cell in cells):
        found = sorted((cell for cell in cells if cell.label == label), key=lambda cell: -cell.count)
        yield label, escape(", ".join(f"{cell.outcome} {cell.count}" for cell in found))


def _caption(wrong: tuple[str, ...], unusable: int) -> str:
    said = []
    if wrong:
        more = f" and {len(wrong) - SHOWN_WRONG} more" if len(wrong) > SHOWN_WRONG else ""
        said.append(f"wrong: {escape(', '.join(wrong[:SHOWN_WRONG]))}{more}")
    if unusable:
        said.append(f"{unusable} items without a usable answer, in no share")
    return "; ".join(said)
