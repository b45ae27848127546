"""The gate on human questions: how many it lets through, and how many corrupted copies it turns down.

    python bench/gold_regression.py --gold DIR [--json FILE] [--seed N]

DIR holds `squad_gold.jsonl` and `tatqa_gold.jsonl`: one JSON object a line with `id`, `text` and `qas`. No model
is asked.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gold_corruptions import KINDS, Kind
from gold_rows import Draft, read_rows, squad_drafts, tatqa_drafts
from rich.console import Console
from rich.table import Table

from webscale_rl.records import Domain, PlanItem
from webscale_rl.stages.gate import GateReason, GateRejection, gate

EXAMPLES = 5
WANTED = 0.95


@dataclass
class Tally:
    """What became of drafts of one kind."""

    total: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, draft: Draft, found: GateRejection | None) -> None:
        """Count a draft with what the gate said of it."""
        self.total += 1
        if found:
            self.rejected[found.reason.value] += 1
        kept = self.examples.setdefault(found.reason.value if found else "passed", [])
        if len(kept) < EXAMPLES:
            detail = f" [{found.detail}]" if found else ""
            kept.append(
                f"{draft.answer.question} -> {draft.answer.answer!r} {draft.answer.expression}{detail}"
            )

    @property
    def rejection(self) -> float:
        """The share that was rejected, 0 where there was nothing."""
        return self.rejected.total() / self.total if self.total else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return counts, share and examples."""
        return {
            "total": self.total,
            "rejected": self.rejected.total(),
            "share": round(self.rejection, 4),
            "reasons": dict(self.rejected.most_common()),
            "examples": self.examples,
        }


def judged(draft: Draft) -> GateRejection | None:
    """Return what the gate has against a draft."""
    item = PlanItem(persona="A reader", task_form=draft.form, target="a fact")
    found = gate(draft.answer, item, Domain.OTHER, draft.document)
    return found if isinstance(found, GateRejection) else None


def measure(drafts: Iterable[Draft], seed: int = 0) -> tuple[Tally, dict[Kind, Tally]]:
    """Send drafts of one source through the gate, then a corrupted copy of each kind of those that passed."""
    whole = Tally()
    passed: list[Draft] = []
    for draft in drafts:
        found = judged(draft)
        whole.add(draft, found)
        if not found:
            passed.append(draft)
    sources = {draft.source for draft in passed}
    kinds = {kind: Tally() for kind in KINDS if kind.source in sources}
    documents = list(dict.fromkeys(draft.document for draft in passed))
    for kind, tally in kinds.items():
        for draft in passed:
            # Of its own: another kind or another row changes nothing for this one.
            dice = random.Random(f"{seed} {kind.make.__name__} {draft.id}")
            copy = kind.make(draft, dice, documents)
            if copy and copy.answer != draft.answer:
                tally.add(copy, judged(copy))
    return whole, kinds


def refers(tally: Tally) -> int:
    """Return how many were turned down because they speak of their source, as questions of a reading test may."""
    return tally.rejected[GateReason.REFERS_TO_SOURCE.value]


def show(console: Console, source: str, whole: Tally, kinds: dict[Kind, Tally]) -> None:
    """Print the tables of one source, with examples of what was decided wrongly."""
    passed = whole.total - whole.rejected.total()
    console.print(f"\n[bold]{source}[/]: {passed} of {whole.total} pass, {passed / max(1, whole.total):.1%}")
    for reason, count in whole.rejected.most_common():
        console.print(f"  {reason}: {count}")
        for example in whole.examples[reason][:2]:
            console.print(f"    {example[:200]}", markup=False, highlight=False)
    table = Table("corrupted copy", "rules can know", "copies", "rejected", "share", "reasons")
    for kind, tally in kinds.items():
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.rejected.most_common(3))
        low = kind.knowable and tally.rejection < WANTED
        share = f"[red]{tally.rejection:.1%}[/]" if low else f"{tally.rejection:.1%}"
        rejected = str(tally.rejected.total())
        knows = "yes" if kind.knowable else f"no: {kind.why}"
        table.add_row(kind.name, knows, str(tally.total), rejected, share, reasons)
    console.print(table)
    for kind, tally in kinds.items():
        if kind.knowable and (wrong := tally.examples.get("passed")):
            console.print(f"passes: {kind.name}", markup=False)
            for example in wrong:
                console.print(f"    {example[:240]}", markup=False, highlight=False)


def main() -> int:
    """Print both sources and write JSON; return 1 where a share is below 95 %."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--gold", type=Path, required=True, help="folder of squad_gold.jsonl and tatqa_gold.jsonl"
    )
    parser.add_argument("--json", type=Path, default=Path("out/gold_regression.json"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    console, result, low = Console(), {}, False
    for source, read in (("squad", squad_drafts), ("tatqa", tatqa_drafts)):
        whole, kinds = measure(read(read_rows(arguments.gold / f"{source}_gold.jsonl")), arguments.seed)
        show(console, source, whole, kinds)
        low |= whole.rejection > 1 - WANTED
        low |= any(
            kind.knowable and tally.total and tally.rejection < WANTED for kind, tally in kinds.items()
        )
        result[source] = {
            "questions": whole.to_json(),
            "refers_to_source": refers(whole),
            "corrupted": [
                {"kind": kind.name, "knowable": kind.knowable, "why": kind.why} | tally.to_json()
                for kind, tally in kinds.items()
            ],
        }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {arguments.json}", highlight=False)
    return int(low)


if __name__ == "__main__":
    raise SystemExit(main())
