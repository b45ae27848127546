"""How long the prompts of a release are. Trainers stop, drop or cut what is over their limit, which is often 512."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

STEP = 64
TEMPLATE = 64  # tokens that a chat template may add


@dataclass
class PromptLengths:
    """Counts while rows pass by."""

    rows: int = 0
    longest: int = 0  # tokens, as the column ``prompt_tokens`` counts

    def watched(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows, which have ``prompt_tokens``, and remember how many and how long."""
        for row in rows:
            self.rows += 1
            self.longest = max(self.longest, row["prompt_tokens"])
            yield row

    @property
    def limit(self) -> int:
        """A limit that no prompt is over: another tokenizer may need a quarter more, a chat template adds some."""
        needed = self.longest * 5 // 4 + TEMPLATE
        return -(-needed // STEP) * STEP
