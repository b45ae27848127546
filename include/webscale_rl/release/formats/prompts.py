"""How long the prompts of a release are. Trainers stop, drop or cut what is over their limit, which is often 512."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

STEP = 64
TEMPLATE = 64  # tokens that a chat template may add


@dataclass
class PromptLengths:
    """Counts while rows pass by."""

    rows: Counter[str] = field(default_factory=Counter)  # by split
    longest: int = 0  # tokens, as the column ``prompt_tokens`` counts

    def watched(self, split: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows, which have ``prompt_tokens``, and remember how many and how long."""
        for row in rows:
            self.rows[split] += 1
            self.longest = max(self.longest, row["prompt_tokens"])
            yield row

    @property
    def said(self) -> str:
        """What a README says of rows and lengths: two sentences."""
        counted = f"{self.rows['train']:,} rows in train and {self.rows['test']:,} in test."
        return f"{counted} The longest prompt has {self.longest:,} tokens (`prompt_tokens`, without chat template)."

    @property
    def limit(self) -> int:
        """A limit that no prompt is over: another tokenizer may need a quarter more, a chat template adds some."""
        needed = self.longest * 5 // 4 + TEMPLATE
        return -(-needed // STEP) * STEP
