"""Rules that score whole responses: ours, and those of others with their own ways to find the final answer.

verl's come from its wheel (``answer_equivalence.py``). ``math-verify`` works in a process of its own: it may take any
time and memory for hostile text.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from answer_equivalence import Row, math_verify, verl_rules
from honest_texts import Case

from webscale_rl.rewards import score

OURS = "rewards.score"
SAMPLE = 1 / 10  # of the responses are given to math-verify: it takes some 15 milliseconds each
MAX_CHARACTERS = 20_000
SECONDS = 2.0
MEMORY = 2 * 1024**3  # bytes
FORK = multiprocessing.get_context("fork")  # a new process has math-verify imported already


class Kind(Enum):
    """What a response gives."""

    HOSTILE = "hostile"
    RIGHT = "honest, right"
    WRONG = "honest, wrong"


class Verdict(Enum):
    """What a rule makes of a response."""

    ONE = "scores 1"
    ZERO = "scores 0"
    UNREAD = "no final answer found"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Response:
    """A response to the question of a case."""

    case: Case
    kind: Kind
    written: str  # before or after the repair of the rules
    group: str  # family of a hostile response, answer type of an honest one
    text: str

    @property
    def references(self) -> list[str]:
        """All wordings of the right answer."""
        return [self.case.spec.answer, *self.case.spec.aliases]


Rule = Callable[[Response], Verdict | None]


def rules() -> dict[str, Rule]:
    """Return everything that is compared, by name."""
    return {OURS: _ours, **_verl(), "math-verify, whole response": MathVerify(SAMPLE)}


def _ours(response: Response) -> Verdict:
    worth = score(response.case.spec, response.text, response.case.question)
    return Verdict.ONE if worth == 1 else Verdict.ZERO


def _verl() -> dict[str, Rule]:
    modules = verl_rules()
    search, mathematics = modules["search_r1_like_qa_em"], modules["math_reward"]

    def scored(found: object, worth: Callable[[], float]) -> Verdict:
        if found is None:
            return Verdict.UNREAD
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # both print what they read
            return Verdict.ONE if worth() == 1 else Verdict.ZERO

    def searched(name: str) -> Rule:
        return lambda response: scored(
            search.extract_solution(response.text),
            lambda: getattr(search, name)(response.text, {"target": response.references}),
        )

    return {
        "verl search, exact match": searched("compute_score"),
        "verl search, containment": searched("compute_score_subem"),
        "verl MATH": lambda response: scored(
            mathematics.last_boxed_only_string(response.text),
            lambda: max(mathematics.compute_score(response.text, each) for each in response.references),
        ),
    }


class MathVerify:
    """``math-verify`` on a share of the responses, by chance; its process is ended when it takes too much."""

    def __init__(self, sample: float) -> None:
        self._sample = sample
        self._random = Random(7)
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = FORK.Pipe()
        self._process = FORK.Process(target=_serve, args=(theirs, self._pipe), daemon=True)
        self._process.start()
        theirs.close()  # else the end of the process would not show

    def __call__(self, response: Response) -> Verdict | None:
        """Score a response; None where it is not in the sample."""
        if self._random.random() >= self._sample:
            return None
        if len(response.text) > MAX_CHARACTERS:
            return Verdict.LEFT_OUT
        self._pipe.send((response.references, response.text))
        try:
            equal = self._pipe.recv() if self._pipe.poll(SECONDS) else None
        except EOFError:
            equal = None
        if equal is None:
            self._process.kill()
            self._process.join()
            self._start()
            return Verdict.LEFT_OUT
        return Verdict.ONE if equal else Verdict.ZERO


def _serve(pipe: Connection, others_end: Connection) -> None:
    others_end.close()  # else this process would outlive one that is killed
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with suppress(EOFError, MemoryError, RecursionError):  # whichever it is, the other side sees the end
        while True:
            references, text = pipe.recv()
            pipe.send(math_verify(Row("", "", tuple(references), text, False, "")))
