"""k attempts of one solver at one pair, through the ledger: what was answered once is never asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from webscale_rl.difficulty.conditions import Condition, Task, task
from webscale_rl.difficulty.pairs import Pair
from webscale_rl.ids import content_id
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.ledger import ATTEMPT_STAGE, Asker, FreeCall, FreeText
from webscale_rl.rewards.score import judge

SURE = ("same", "different", "unsure")  # outcomes of a response with one final answer
CUT = "cut"  # the outcome of a response that ran into its limit, whatever stands in it


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a solver is sampled. ``max_tokens`` bounds a response, its thinking included."""

    temperature: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt. ``outcome`` as ``rewards.score`` names it, or ``cut``; ``answer`` as it was read."""

    success: bool
    outcome: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts by what came of them; ``unsure`` and ``unanswered`` are no successes."""

    attempts: int
    successes: int
    unsure: int
    unanswered: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.attempts + other.attempts,
            self.successes + other.successes,
            self.unsure + other.unsure,
            self.unanswered + other.unanswered,
        )

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Tally:
        """Count attempts."""
        return cls(
            len(attempts),
            sum(attempt.success for attempt in attempts),
            sum(attempt.outcome == "unsure" for attempt in attempts),
            sum(attempt.outcome not in SURE for attempt in attempts),
        )


def solver_name(endpoint: Endpoint) -> str:
    """Return what names a solver in the tables: its model, ``@`` its revision, ``#`` a hash of its extra body."""
    name = f"{endpoint.model}@{endpoint.revision}" if endpoint.revision else endpoint.model
    return f"{name}#{content_id(dict(endpoint.extra_body))[:8]}" if endpoint.extra_body else name


async def attempts_at(
    pair: Pair, condition: Condition, number: int, sampling: Sampling, asker: Asker, *, role: str
) -> list[Attempt]:
    """Return what came of so many attempts, and of all more that the ledger has.

    Empty where the condition is none for this pair.

    Raises:
        ExceptionGroup: of what ``Asker.ask_text`` raises.
    """
    asked: list[asyncio.Task[Attempt]] = []
    async with asyncio.TaskGroup() as group:
        while (found := task(condition, pair, len(asked))) is not None:
            call = _call(found, condition, len(asked), sampling)
            if len(asked) >= number and not asker.knows(call, role=role):
                break
            asked.append(group.create_task(_attempt(found, call, asker, role)))
    return [each.result() for each in asked]


def _call(asked: Task, condition: Condition, index: int, sampling: Sampling) -> FreeCall:
    return FreeCall(
        stage=f"{ATTEMPT_STAGE}{condition.value}",
        prompt_version=condition.prompt_version,
        messages=[{"role": "user", "content": asked.prompt}],
        sampling=asdict(sampling),
        sample_index=index,
    )


async def _attempt(asked: Task, call: FreeCall, asker: Asker, role: str) -> Attempt:
    said = await asker.ask_text(call, role=role)
    return await asyncio.to_thread(judged, asked, said)  # a comparison of expressions may take seconds


def judged(asked: Task, said: FreeText) -> Attempt:
    """Return what a response is worth; one that was cut off has not given its final answer."""
    if said.is_cut:
        return Attempt(False, CUT)
    score = judge(asked.spec, said.text, asked.question)
    return Attempt(score.value >= 0.5, score.outcome, score.answer)
