"""The reward of a response: 1.0 for the right final answer, else 0.0."""

from __future__ import annotations

from dataclasses import dataclass

from webscale_rl.rewards.spec import AnswerSpec


@dataclass(frozen=True, slots=True)
class Score:
    """What a response is worth and why.

    ``outcome``: ``same``, ``different``, ``unsure`` (the rules cannot say; it counts 0), ``none`` (no final answer),
    ``conflict`` (several that differ), ``flood`` or ``too_long``.
    """

    value: float
    outcome: str
    answer: str  # as it was read; empty where there is none


def judge(spec: AnswerSpec, response: str, question: str | None = None) -> Score:
    """Return the score of a response with the outcome that it rests on. Never raises."""
    raise NotImplementedError


def score(spec: AnswerSpec, response: str, question: str | None = None) -> float:
    """Return 1.0 if the final answer of a response is right by the rules, else 0.0. Never raises."""
    return judge(spec, response, question).value
