"""Accepted pairs as a solver meets them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webscale_rl.rewards.spec import AnswerSpec

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class Pair:
    """An accepted pair. ``id`` is that of the data set; ``expression`` the arithmetic that gives the answer."""

    id: str
    document_id: str
    task_form: str
    question: str
    spec: AnswerSpec
    expression: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Pair:
        """Return the pair of a row with the columns :data:`COLUMNS` of ``questions``."""
        spec = AnswerSpec.from_json(json.dumps(row["answer_spec"]))
        return cls(
            row["pair_id"], row["document_id"], row["task_form"], row["question"], spec, row["expression"]
        )

    @property
    def stem(self) -> str:
        """The question without the lettered options that stand below it."""
        return self.question.removesuffix(lettered(self.spec.options)).rstrip()


COLUMNS = ("pair_id", "document_id", "task_form", "question", "answer_spec", "expression")
# The accepted pairs of a shard: parameters are configurations, shard and the run that measures. A document that
# stands in several shards of the run is the first one's.
SHARD_PAIRS = f"""
    SELECT DISTINCT ON (q.document_id, q.pair_id) {", ".join(f"q.{name}" for name in COLUMNS)}
    FROM documents d JOIN questions q ON q.config_hash = ANY(%s) AND q.document_id = d.document_id
    WHERE d.shard_id = %s AND q.state = 'accepted'
      AND NOT EXISTS (SELECT FROM run_shards o JOIN documents e USING (shard_id)
                      WHERE o.run_id = %s AND o.shard_id < d.shard_id AND e.document_id = d.document_id)
    ORDER BY q.document_id, q.pair_id, q.created_at
"""


def lettered(options: tuple[str, ...]) -> str:
    """Return options as they stand below a question, one a line."""
    return "\n".join(f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))


def reordered(spec: AnswerSpec, options: tuple[str, ...]) -> AnswerSpec:
    """Return the specification of a choice whose options stand in another order, and so have other letters."""
    wordings = tuple(alias for alias in spec.aliases if len(alias) > 1)
    letters = tuple(letter for letter, option in zip(LETTERS, options, strict=False) if option == spec.answer)
    return replace(spec, options=options, aliases=wordings + letters)
