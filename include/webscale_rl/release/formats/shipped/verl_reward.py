"""The reward function of this data set for verl: ``reward.custom_reward_function.path=<this file>``.

It needs Python 3.11 and the folder ``webscale_rl`` beside this file; ``math-verify`` is used where it is
installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

try:
    from webscale_rl.rewards import AnswerSpec, judge
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from webscale_rl.rewards import AnswerSpec, judge

_UNANSWERED = ("none", "conflict", "flood", "too_long")  # outcomes without a single final answer


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, Any] | None = None,
    **kwargs: Any,
) -> dict[str, float]:
    """Return the reward of a response, with the same keys for every one.

    Args:
        data_source: not looked at.
        solution_str: the response as text.
        ground_truth: the answer specification as JSON.
        extra_info: of the row; ``question`` lets an answer repeat the words of the question.
        kwargs: whatever else verl passes.

    Returns:
        ``score`` (and ``acc``, which verl averages in validation) is 1.0 for the right final answer, else
        0.0. ``unsure`` is 1.0 where the rules cannot say, ``unanswered`` where there is no single final
        answer.

    Raises:
        ValueError: the row is of another data set.
    """
    found = judge(AnswerSpec.from_json(ground_truth), solution_str, (extra_info or {}).get("question"))
    return {
        "score": found.value,
        "acc": found.value,
        "unsure": float(found.outcome == "unsure"),
        "unanswered": float(found.outcome in _UNANSWERED),
    }
