"""What attempts and rules say of a pair: which marks follow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from webscale_rl.difficulty.attempts import SURE, Attempt, Tally
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.pairs import Pair
from webscale_rl.difficulty.statistics import chance_of_at_least
from webscale_rl.rewards import Match, match
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerSpec
from webscale_rl.stages.figures import numbers
from webscale_rl.stages.text_match import contains_words

RULES = "rules"  # the finder of what needs no solver
SIGNIFICANT = 0.05  # one-sided
LEAST_ATTEMPTS = (
    4  # before options alone can be called enough: all of four by luck, one time in 81 of three options
)
LEAST_SUCCESSES = 2  # without the givens
SUSPECT_ATTEMPTS = 8
# A solver that says so, however often, names no other answer.
_ABSTAINS = re.compile(
    r"\b(?:unknown|unclear|unsure|undetermined|indeterminate|insufficient|cannot|can't|could not|do(?: not|n't) know"
    r"|not (?:enough|given|known|possible|provided|sufficient|stated|specified)|no (?:answer|information)|n/a)\b",
    re.IGNORECASE,
)
MAX_DETAIL = 300  # characters
MAX_GROUPED = 64  # answers that are compared with each other


class Mark(StrEnum):
    """What is wrong with a pair, perhaps."""

    ANSWER_IN_QUESTION = "answer_in_question"
    GUESSABLE_OPTIONS = "guessable_options"
    GUESSABLE_WITHOUT_GIVENS = "guessable_without_givens"
    SUSPECT_LABEL = "suspect_label"


@dataclass(frozen=True, slots=True)
class Found:
    """A mark and what it rests on, in words."""

    mark: Mark
    detail: str


def answer_in_question(pair: Pair) -> Found | None:
    """Return the mark of a pair whose answer, or an alias of it, stands in its stem.

    Not where it must: yes or no, one of two things to compare, the output of code that is shown. A premise of the
    arithmetic, which is stated, may happen to equal the result.
    """
    if pair.spec.type == "boolean" or pair.task_form in ("compare", "execute"):
        return None
    premises = set(numbers(pair.expression))
    for wording in (pair.spec.answer, *pair.spec.aliases):
        if pair.spec.options and len(wording) == 1:
            continue  # a letter
        if pair.spec.type in NUMERIC_TYPES and premises & set(numbers(wording)):
            continue
        if contains_words(wording, pair.stem):
            return Found(Mark.ANSWER_IN_QUESTION, f"{wording!r} stands in the question"[:MAX_DETAIL])
    return None


def marks_of(
    pair: Pair, attempts: Mapping[Condition, Sequence[Attempt]], suspect_attempts: int = SUSPECT_ATTEMPTS
) -> list[Found]:
    """Return the marks that follow from one solver's attempts at a pair, by condition."""
    found = (
        guessable_options(pair.spec, attempts.get(Condition.OPTIONS_ONLY, ())),
        guessable_without_givens(pair.spec, attempts.get(Condition.WITHOUT_GIVENS, ())),
        suspect_label(pair.spec, attempts.get(Condition.QUESTION, ()), suspect_attempts),
    )
    return [mark for mark in found if mark]


def guessable_options(spec: AnswerSpec, attempts: Sequence[Attempt]) -> Found | None:
    """Return the mark of a choice that succeeds without its question significantly more often than by chance."""
    count = Tally.of(attempts)
    if count.attempts < LEAST_ATTEMPTS or not spec.options:
        return None
    luck = chance_of_at_least(count.successes, count.attempts, 1 / len(spec.options))
    if luck >= SIGNIFICANT:
        return None
    said = f"{count.successes} of {count.attempts} right with the options alone (by chance: p = {luck:.2g})"
    return Found(Mark.GUESSABLE_OPTIONS, said)


def guessable_without_givens(spec: AnswerSpec, attempts: Sequence[Attempt]) -> Found | None:
    """Return the mark of a question that is answered in half of the attempts although its givens are missing.

    Of yes or no half are right by chance, so there the successes must also be significantly more than half.
    """
    count = Tally.of(attempts)
    if count.successes < LEAST_SUCCESSES or 2 * count.successes < count.attempts:
        return None
    if spec.type == "boolean" and chance_of_at_least(count.successes, count.attempts, 0.5) >= SIGNIFICANT:
        return None
    said = f"{count.successes} of {count.attempts} right without the givens"
    return Found(Mark.GUESSABLE_WITHOUT_GIVENS, said)


def suspect_label(spec: AnswerSpec, attempts: Sequence[Attempt], least: int) -> Found | None:
    """Return the mark of a pair that a solver never agrees with, although it agrees with itself.

    So often that half of all its attempts give one answer: a question that is merely hard scatters them, or is
    left without an answer.
    """
    if len(attempts) < least or any(attempt.success for attempt in attempts):
        return None
    group = _largest_group(spec, [attempt for attempt in attempts if _states(attempt)])
    if 2 * len(group) < len(attempts) or not group:
        return None
    unsure = sum(attempt.outcome == "unsure" for attempt in group)
    said = f"never the reference; {len(group)} of {len(attempts)} attempts say {group[0].answer[:200]!r}"
    if unsure:
        said += f", of which the rules cannot say whether it means the same ({unsure})"
    return Found(Mark.SUSPECT_LABEL, said[:MAX_DETAIL])


def _states(attempt: Attempt) -> bool:
    """Say whether an attempt gives an answer, and not that there is none."""
    return attempt.outcome in SURE and bool(attempt.answer.strip()) and not _ABSTAINS.search(attempt.answer)


def _largest_group(spec: AnswerSpec, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the attempts that give the answer which most give, as the rules compare answers."""
    groups: list[tuple[AnswerSpec, list[Attempt]]] = []
    for attempt in attempts[:MAX_GROUPED]:
        for theirs, group in groups:
            if match(theirs, attempt.answer) is Match.SAME:
                group.append(attempt)
                break
        else:
            groups.append((replace(spec, answer=attempt.answer, aliases=()), [attempt]))
    return max((group for _, group in groups), key=len, default=[])
