"""The reward of a response: 1.0 for the right final answer, else 0.0.

Only what the response marks as final is read, behind its thinking. Several marked answers must agree: whoever offers
two has given none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from webscale_rl.rewards.final_answer import final_answers
from webscale_rl.rewards.match import match
from webscale_rl.rewards.spec import AnswerSpec
from webscale_rl.rewards.verdict import Match

ROOM = 8  # words that a final answer may have beyond the longest right wording


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
    try:
        return _judged(spec, response, question)
    except Exception:
        return Score(0.0, "unsure", "")


def score(spec: AnswerSpec, response: str, question: str | None = None) -> float:
    """Return 1.0 if the final answer of a response is right by the rules, else 0.0. Never raises."""
    return judge(spec, response, question).value


def unsure_share(scores: Iterable[Score]) -> float:
    """Return how often the rules could not say, of all responses; 0 where there are none."""
    outcomes = [each.outcome for each in scores]
    return outcomes.count("unsure") / len(outcomes) if outcomes else 0.0


def _judged(spec: AnswerSpec, response: str, question: str | None) -> Score:
    found = final_answers(response)
    if found.fault:
        return Score(0.0, found.fault, "")
    last = found.texts[-1]
    if any(not _agree(spec, last, other) for other in dict.fromkeys(found.texts[:-1])):
        return Score(0.0, "conflict", last)
    if len(last.split()) > ROOM + max(len(text.split()) for text in (spec.answer, *spec.aliases)):
        return Score(0.0, "too_long", last)
    if spec.type == "string":
        last = _verbatim(spec, last, found.written[-1])
    outcome = match(spec, last, question, strict=True)
    return Score(float(outcome is Match.SAME), outcome.value, last)


def _verbatim(spec: AnswerSpec, read: str, written: str) -> str:
    """Return an exact answer as it is right, if it is: as written, unwrapped, without the end of a sentence."""
    forms = [written, read, *(form.removesuffix(".") for form in (written, read))]
    return next((form for form in forms if match(spec, form) is Match.SAME), read)


def _agree(spec: AnswerSpec, one: str, other: str) -> bool:
    if one == other:
        return True
    # Options and aliases belong to the right answer, not to this one.
    rival = replace(spec, answer=one, aliases=())
    return match(rival, other) is Match.SAME
