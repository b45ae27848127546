"""The reward function of this data set for OpenRLHF: ``--reward.remote_url <this file>``.

It needs Python 3.11 and the folder ``webscale_rl`` beside this file; ``math-verify`` is used where it is
installed.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

try:
    from webscale_rl.rewards import AnswerSpec, Score, judge
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from webscale_rl.rewards import AnswerSpec, Score, judge

_UNANSWERED = ("none", "conflict", "flood", "too_long")  # outcomes without a single final answer
# What chat templates put behind an answer: <|im_end|>, </s>, <eos>, <end_of_turn>.
_CLOSING = re.compile(
    r"(?:\s*(?:<\|[^|<>\s]{1,40}\|>|</?s>|<eos>|<pad>|<(?:end_of_)?turn\|?>|<｜[^｜<>]{1,40}｜>))+\s*\Z"
)
TAILS = (400, 100, 30)  # characters of the prompt's end by which its place in a query is found


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **kwargs: Any
) -> dict[str, Any]:
    """Return rewards, scores and what is logged; OpenRLHF asks for one sample at a time.

    Args:
        queries: prompt and response together, with special tokens.
        prompts: as they were put to the model, before they were cut to its length.
        labels: the column ``label``: JSON of ``answer_spec``, ``id`` and ``question``.
        kwargs: whatever else OpenRLHF passes.

    Returns:
        ``rewards`` and ``scores``, 1.0 for the right final answer, else 0.0; ``extra_logs`` with ``unsure``
        (the rules cannot say), ``unanswered`` (no single final answer), ``prompt_lost`` (the end of the
        prompt was not found in the query, so nothing was read: 0.0) and ``unreadable`` (the label could not
        be read: 0.0). Tensors where torch is installed.
    """
    found = [_judged(*each) for each in zip(queries, prompts, labels, strict=True)]
    rewards = [score.value for score in found]
    logs = {
        name: [float(score.outcome in outcomes) for score in found]
        for name, outcomes in {
            "unsure": ("unsure",),
            "unanswered": _UNANSWERED,
            "prompt_lost": ("prompt_lost",),
            "unreadable": ("unreadable",),
        }.items()
    }
    return {
        "rewards": _tensor(rewards),
        "scores": _tensor(rewards),
        "extra_logs": {name: _tensor(values) for name, values in logs.items()},
    }


def _judged(query: Any, prompt: Any, label: Any) -> Score:
    try:
        data = json.loads(label)
        spec, question = AnswerSpec.from_json(json.dumps(data["answer_spec"])), data["question"]
    except Exception:
        _complain()
        return Score(0.0, "unreadable", "")
    response = _response(query, prompt) if isinstance(query, str) and isinstance(prompt, str) else None
    return Score(0.0, "prompt_lost", "") if response is None else judge(spec, response, question)


def _response(query: str, prompt: str) -> str | None:
    r"""Return what stands behind the prompt: the prompt itself says ``\boxed{...}``."""
    if query.startswith(prompt):
        return _CLOSING.sub("", query[len(prompt) :])
    for size in TAILS:  # the prompt was cut in front, or a tokenizer has changed a character of it
        tail = prompt[-size:]
        if tail.strip() and (place := query.rfind(tail)) >= 0:
            return _CLOSING.sub("", query[place + len(tail) :])
    return None


def _tensor(values: list[float]) -> Any:
    try:
        import torch  # type: ignore[import-not-found]
    except ImportError:
        return values
    return torch.tensor(values)


@cache  # once in a process
def _complain() -> None:
    logging.getLogger(__name__).warning(
        "%s: a row has no label that can be read; such rows count 0", __file__
    )
