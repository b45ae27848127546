"""What a release says of itself: in its data card, its Croissant file and its report.

Nothing here is of a moment or a machine: the same rows and parameters give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Counts = Mapping[str, int]


@dataclass(frozen=True)
class About:
    """A release in words and numbers.

    ``excluded`` counts the candidates that were left out by ``group/reason``, such as ``duplicate/near``. ``counts``
    holds, by column (``domain``, ``task_form``, ``answer_type``, ``source``, ``licence``, ``claim_scope``,
    ``label_confidence``, ``split``), the number of rows by value.
    """

    name: str
    version: str  # the id of the release: a hash of its rows and parameters
    parameters: Mapping[str, Any]
    candidates: int  # accepted pairs that were looked at; = rows + sum of excluded
    rows: int
    excluded: Counts
    counts: Mapping[str, Counts]
    funnel: Mapping[str, Any]  # of the runs together: documents and items by state and reason
    models: Mapping[str, str]  # role to model@revision
    benchmarks: Counts  # items of each benchmark that the rows were compared with
    rewards_prompt_version: str
    code_version: str
    limits: tuple[str, ...] = field(default=())  # what a reader must know, a sentence each
