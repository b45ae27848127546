"""The reward function of this data set for verl: ``reward.custom_reward_function.path=<this file>``.

It needs Python 3.11 and the folder ``webscale_rl`` beside this file; ``math-verify`` is used where it is
installed.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path
from typing import Any

try:
    from webscale_rl.rewards import AnswerSpec, Score, judge
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from webscale_rl.rewards import AnswerSpec, Score, judge

_UNANSWERED = ("none", "conflict", "flood", "too_long")  # outcomes without a single final answer


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, Any] | None = None,
    **kwargs: Any,
) -> dict[str, float]:
    """Return the reward of a response, with the same keys for every one. Never raises.

    Args:
        data_source: not looked at.
        solution_str: the response as text.
        ground_truth: the answer specification as JSON.
        extra_info: of the row; ``question`` lets an answer repeat the words of the question.
        kwargs: whatever else verl passes.

    Returns:
        ``score`` (and ``acc``, which verl averages in validation) is 1.0 for the right final answer, else
        0.0. ``unsure`` is 1.0 where the rules cannot say, ``unanswered`` where there is no single final
        answer, ``unreadable`` where the ground truth is no answer specification: the row is of another data
        set.
    """
    found = _judged(ground_truth, solution_str, extra_info)
    return {
        "score": found.value,
        "acc": found.value,
        "unsure": float(found.outcome == "unsure"),
        "unanswered": float(found.outcome in _UNANSWERED),
        "unreadable": float(found.outcome == "unreadable"),
    }


def _judged(ground_truth: Any, response: Any, extra_info: Any) -> Score:
    try:
        spec = AnswerSpec.from_json(ground_truth)
    except Exception:
        _complain()
        return Score(0.0, "unreadable", "")
    question = extra_info.get("question") if isinstance(extra_info, dict) else None
    return judge(spec, response if isinstance(response, str) else "", question)


@cache  # once in a process
def _complain() -> None:
    logging.getLogger(__name__).warning(
        "%s: a row has no answer specification that can be read; such rows count 0", __file__
    )
