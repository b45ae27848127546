"""What a solver sees of a question: all of it, or only what must not suffice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from webscale_rl.difficulty.pairs import Pair, lettered, reordered
from webscale_rl.ids import text_id
from webscale_rl.rewards.prompt import PROMPT_VERSION, solver_prompt
from webscale_rl.rewards.spec import AnswerSpec

CONDITIONS_VERSION = "1"  # of the two prompts below; raised when they change
BLANK = "____"

_HIDDEN = "The question is not shown. Which of these options is most likely the right answer to it?"
_REMOVED = f"Parts of this question are missing ({BLANK}). Give the most likely answer all the same."

_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
# "one" is mostly no number, and scales such as "million" belong to the unit that is asked for.
_NUMBER = re.compile(
    rf"\d(?:[\d.,:/]*\d)?|\b(?:{'|'.join(_NUMBER_WORDS.split())})(?:-(?:one|{'|'.join(_NUMBER_WORDS.split())}))?\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9$€£])|\n+")


class Condition(StrEnum):
    """What the solver sees."""

    QUESTION = "question"  # the very prompt that a trainer uses
    OPTIONS_ONLY = "options_only"  # of a choice question
    WITHOUT_GIVENS = "without_givens"  # of derive and compute

    @property
    def prompt_version(self) -> str:
        """The version of its prompt, as the tables name it."""
        return PROMPT_VERSION if self is Condition.QUESTION else f"{PROMPT_VERSION}/{CONDITIONS_VERSION}"


@dataclass(frozen=True, slots=True)
class Task:
    """What a solver is asked, and how its answer is judged."""

    question: str
    spec: AnswerSpec

    @property
    def prompt(self) -> str:
        """The text of the one user message."""
        return solver_prompt(self.question, self.spec)


def task(condition: Condition, pair: Pair, attempt: int) -> Task | None:
    """Return what a solver is asked at its attempt (from 0), or None where the condition is none for this pair."""
    if condition is Condition.QUESTION:
        return Task(pair.question, pair.spec)
    if condition is Condition.OPTIONS_ONLY:
        return _options_only(pair, attempt)
    return _without_givens(pair)


def _options_only(pair: Pair, attempt: int) -> Task | None:
    """Show the options alone, in another order each time: a liking for a letter is no knowledge."""
    options = pair.spec.options
    if pair.spec.type != "choice" or len(options) < 2:
        return None
    order = tuple(sorted(options, key=lambda option: text_id(f"{pair.id} {attempt} {option}")))
    return Task(f"{_HIDDEN}\n{lettered(order)}", reordered(pair.spec, order))


def _without_givens(pair: Pair) -> Task | None:
    """Blank the numbers; of a derivation leave only the sentence that asks, since its premises are words."""
    if pair.task_form not in ("derive", "compute") or pair.spec.options:
        return None
    left = asking_sentence(pair.question) if pair.task_form == "derive" else pair.question.strip()
    blanked = _NUMBER.sub(BLANK, left)
    if blanked == pair.question.strip():
        return None  # there is nothing to remove
    return Task(f"{_REMOVED}\n\n{blanked if BLANK in blanked else f'{BLANK} {blanked}'}", pair.spec)


def asking_sentence(question: str) -> str:
    """Return the last sentence with a question mark, else the last sentence."""
    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(question.strip()) if sentence.strip()]
    asking = [sentence for sentence in sentences if "?" in sentence]
    return (asking or sentences or [question.strip()])[-1]
