"""What decides how a pair is measured, and the hash that names it."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from webscale_rl.config import ModelName
from webscale_rl.difficulty.attempts import Sampling
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.marks import SUSPECT_ATTEMPTS
from webscale_rl.ids import content_id
from webscale_rl.records import Record

DEFAULT_ATTEMPTS = 8
# At which trainers sample their groups: the share of mixed groups is about theirs. Colder solvers agree more with
# themselves than a policy in training will.
DEFAULT_TEMPERATURE = 1.0
DEFAULT_MAX_TOKENS = 4096


def every_prompt() -> dict[Condition, str]:
    """Return the versions of all prompts."""
    return {condition: condition.prompt_version for condition in Condition}


class DifficultyConfig(Record):
    """How pairs are measured. The number of attempts is no part of it: more of them go on where a run has ended."""

    kind: Literal["difficulty"] = "difficulty"
    solvers: dict[str, ModelName]  # by the name that the tables give them
    temperature: float = Field(default=DEFAULT_TEMPERATURE, ge=0)
    max_tokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=1)
    conditions: dict[Condition, str] = Field(default_factory=every_prompt)  # to the version of its prompt
    suspect_attempts: int = Field(default=SUSPECT_ATTEMPTS, ge=1)

    @cached_property
    def hash(self) -> str:
        """What names it in ``configurations`` and ``conversions``."""
        return content_id(self.model_dump(mode="json"))

    @property
    def sampling(self) -> Sampling:
        """How solvers are sampled."""
        return Sampling(self.temperature, self.max_tokens)
