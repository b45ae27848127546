"""The final answer of a response: what stands in ``\\boxed{}``, between ``<answer>`` tags or behind "Final answer:"."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ANSWER = 1_000  # characters: a longer final answer is none
MAX_MARKED = 16  # final answers of one response: more are a flood
MAX_RESPONSE = 1_000_000  # characters: what lies before the last so many is not read


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """The marked answers of a response, the last one last; empty where there are none or ``fault`` says why."""

    texts: tuple[str, ...]
    fault: str = ""  # none, flood, too_long


def final_answer(response: str) -> FinalAnswer:
    """Return what a response marks as its final answer, in time linear in its length."""
    raise NotImplementedError
