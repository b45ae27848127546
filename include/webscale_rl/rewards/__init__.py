"""Answer equivalence. Standard library only: a trainer can import this package without any other."""

from webscale_rl.rewards.match import Match, match
from webscale_rl.rewards.spec import ANSWER_TYPES, AnswerSpec

__all__ = ["ANSWER_TYPES", "AnswerSpec", "Match", "match"]
