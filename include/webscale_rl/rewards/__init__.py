"""Rewards: whether an answer is right. Standard library only: a trainer can import this package without any other."""

from webscale_rl.rewards.match import match
from webscale_rl.rewards.prompt import PROMPT_VERSION, solver_prompt
from webscale_rl.rewards.score import Score, judge, score, unsure_share
from webscale_rl.rewards.spec import ANSWER_TYPES, AnswerSpec
from webscale_rl.rewards.verdict import Match

__all__ = [
    "ANSWER_TYPES",
    "PROMPT_VERSION",
    "AnswerSpec",
    "Match",
    "Score",
    "judge",
    "match",
    "score",
    "solver_prompt",
    "unsure_share",
]
