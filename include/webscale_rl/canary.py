"""The canary: the first documents of a run must come out as its form demands, or nothing else is converted."""

from __future__ import annotations

from dataclasses import dataclass

from webscale_rl.store.queries import Rates


@dataclass(frozen=True)
class Bounds:
    """Shares from 0 to 1: of planned questions accepted and abstained from, of documents failed."""

    min_accepted: float
    max_abstained: float
    max_failed: float

    def broken_by(self, found: Rates) -> str:
        """Return which bounds the first documents break, in one line; empty when they keep all."""
        accepted = found.accepted or 0.0  # no question at all is no success, either
        abstained = found.abstained or 0.0
        failed = found.failed or 0.0
        broken = []
        if accepted < self.min_accepted:
            broken.append(f"{accepted:.0%} of {found.items} questions accepted, not {self.min_accepted:.0%}")
        if abstained > self.max_abstained:
            broken.append(
                f"{abstained:.0%} of {found.items} questions abstained from, not {self.max_abstained:.0%}"
            )
        if failed > self.max_failed:
            broken.append(f"{failed:.0%} of {found.documents} documents failed, not {self.max_failed:.0%}")
        if not broken:
            return ""
        return f"the canary stops the run: {'; '.join(broken)}. Read its questions; change model, prompts or bounds"
