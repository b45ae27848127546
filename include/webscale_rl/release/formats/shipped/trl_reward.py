"""The reward function of this data set for TRL: ``GRPOTrainer(reward_funcs=webscale_reward, ...)``.

It needs Python 3.11 and the folder ``webscale_rl`` beside this file; ``math-verify`` is used where it is
installed.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

try:
    from webscale_rl.rewards import AnswerSpec, Score, judge, unsure_share
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from webscale_rl.rewards import AnswerSpec, Score, judge, unsure_share

_UNANSWERED = ("none", "conflict", "flood", "too_long")  # outcomes without a single final answer


def webscale_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    answer_spec: Sequence[str | None],
    question: Sequence[str | None] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    **kwargs: Any,
) -> list[float | None]:
    """Return a reward for every completion: 1.0 for the right final answer, else 0.0.

    Args:
        prompts: not looked at.
        completions: texts, or lists of messages of which the last one counts.
        answer_spec: the column, one JSON object for each completion.
        question: the column; lets an answer repeat the words of the question.
        log_metric: TRL's; gets how often the rules could not say, how often there was no single final
            answer, and how often the specification could not be read, which counts 0.
        kwargs: the other columns and whatever else TRL passes.

    Returns:
        One reward for each completion; None, which TRL leaves out, for a row without specification: one of
        another data set that is trained on at the same time.
    """
    questions = question if question is not None else [None] * len(completions)
    rewards: list[float | None] = []
    scores: list[Score] = []
    for completion, spec, asked in zip(completions, answer_spec, questions, strict=True):
        if spec is None:
            rewards.append(None)
            continue
        scores.append(_judged(spec, _text(completion), asked))
        rewards.append(scores[-1].value)
    if log_metric is not None and scores:
        log_metric("webscale_rl/unsure", unsure_share(scores))
        unanswered = sum(each.outcome in _UNANSWERED for each in scores)
        log_metric("webscale_rl/unanswered", unanswered / len(scores))
        unreadable = sum(each.outcome == "unreadable" for each in scores)
        log_metric("webscale_rl/unreadable", unreadable / len(scores))
    return rewards


def _judged(spec: Any, response: str, question: str | None) -> Score:
    try:
        read = AnswerSpec.from_json(spec)
    except Exception:
        _complain()
        return Score(0.0, "unreadable", "")
    return judge(read, response, question)


def _text(completion: Any) -> str:
    """Return the text of a completion: itself, or the content, text or blocks, of its last message."""
    content = completion
    if isinstance(completion, list):
        last = completion[-1] if completion else None
        content = last.get("content") if isinstance(last, dict) else None
    if isinstance(content, list):
        parts = [block.get("text") for block in content if isinstance(block, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


@cache  # once in a process
def _complain() -> None:
    logging.getLogger(__name__).warning(
        "%s: a row has no answer specification that can be read; such rows count 0", __file__
    )
