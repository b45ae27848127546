"""The reward of a response: 1.0 for the right final answer, else 0.0.

Only what the response marks as final is read, behind its thinking. Several marked answers must agree: whoever offers
two has given none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from webscale_rl.rewards.final_answer import final_answers
from webscale_rl.rewards.guards import STOP, guarded
from webscale_rl.rewards.match import MAX_QUESTION, match
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerSpec
from webscale_rl.rewards.typesetting import verbatim
from webscale_rl.rewards.verdict import Match
from webscale_rl.rewards.words import tokens

ROOM = 8  # words that a final answer may have beyond the longest right wording
MAX_WORDINGS = 3  # of one answer beside the last one: each may take seconds to compare


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
    question = question and question[:MAX_QUESTION]
    if found.fault:
        return Score(0.0, found.fault, "")
    last = found.texts[-1]
    others = dict.fromkeys(zip(found.texts[:-1], found.written[:-1], strict=True))
    if (
        len(others) > MAX_WORDINGS
        or any(not _agree(spec, (last, found.written[-1]), other) for other in others)
        or any(_offers_more(spec, before, after, question or "") for before, after in found.beside)
    ):
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


def _agree(spec: AnswerSpec, one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Say whether two marked answers, each as read and as written, are one."""
    if spec.type == "string":
        return any(verbatim(mine) & verbatim(theirs) for mine in one for theirs in other)
    if one[0] == other[0]:
        return True
    # Options and aliases belong to the right answer, not to this one.
    rival = replace(spec, answer=one[0], aliases=())
    return match(rival, other[0]) is Match.SAME


_LEADS = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|of|as|by|to|in|the|approximately)|[:≈])[\s$*(\\\[]*$"
)
_OPTION = re.compile(r"\b(?:option|choice)[^\w,;]*$", re.IGNORECASE)
_HARMLESS = STOP | frozenset({"so", "therefore", "thus", "hence", "value", "result", "solution"})


def _offers_more(spec: AnswerSpec, before: str, after: str, question: str) -> bool:
    """Say whether a line that calls itself final has another answer, or a denial, around its box.

    "43 \\boxed{42}" has; "the value of x is \\boxed{42} km" has not.
    """
    before = _OPTION.sub("", before)
    if guarded(f"{before} {after}", (), question):
        return True
    asked = frozenset(tokens(question))
    harmless = _HARMLESS - {"a"} if spec.type == "choice" else _HARMLESS
    front, behind = tokens(before), tokens(after)
    led = before.rstrip(" $").endswith("=") or (
        bool(_LEADS.search(before.casefold())) and all(word in asked for word in front if word[0].isdigit())
    )
    if spec.type in NUMERIC_TYPES:  # its unit may stand behind the box
        units = tokens(spec.unit) + tokens(re.sub(r"[\d.,]", "", spec.answer))
        harmless |= {word for word in asked.union(units) if not word[0].isdigit()}
    return not (harmless.issuperset(behind) and (led or harmless.issuperset(front)))
