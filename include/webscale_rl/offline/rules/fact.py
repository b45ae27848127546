"""A fact: everything that a question with its answer needs, found in a document."""

import re
from dataclasses import dataclass

from webscale_rl.offline.rules.text import normal

MAX_ANSWER = 130  # characters
MAX_QUESTION = 700
MAX_SPAN = 600
MAX_ANCHOR = 100

# Words that point at something outside the sentence.
POINTING = re.compile(
    r"\b(?:this|these|those|above|below|following|previous|former|latter|such|here|figure|table|chapter|section|"
    r"example|instance|we|our|us|you|your|I|my|me|he|she|his|her|him|another|other|also|however|thus|therefore)\b",
    re.IGNORECASE,
)
DANGLING = re.compile(
    r"(?:It|Its|They|Their|Them|There|That|And|But|Or|So|Then|If|When|What|Who|Yet|Both|Each)\b"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A question with its answer, as the fields of a generator's answer name them.

    ``target`` is different for every fact of a document and does not hold the answer. ``rank`` orders the facts
    of a form: the highest is asked first.
    """

    form: str
    target: str
    question: str
    answer: str
    answer_type: str
    evidence: tuple[str, ...]
    derivation: str
    rank: int
    expression: str = ""
    unit: str = ""
    precision: str = ""
    tolerance: float = 0.0
    options: tuple[str, ...] = ()
    scope_anchor: str = ""  # the words of the question that name the source, where it is needed


def is_sound(fact: Fact) -> bool:
    """Return whether a fact keeps to the rules of a good question, as far as rules can tell."""
    answer = normal(fact.answer)
    if not answer or len(fact.answer) > MAX_ANSWER or len(fact.question) > MAX_QUESTION:
        return False
    if any(len(span) > MAX_SPAN for span in fact.evidence):
        return False
    if fact.form == "recall" and not _holds(" ".join(" ".join(fact.evidence).split()), fact.answer):
        return False  # markup or a line break stands in it
    revealed = f" {answer} " in f" {normal(fact.question)} " or _holds(fact.question, fact.answer)
    return fact.form == "compare" or not revealed


def _holds(text: str, words: str) -> bool:
    """Return whether ``words`` stand in ``text`` as they are, not as a part of longer ones."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def anchor(words: str) -> str:
    """Return the beginning of ``words`` that fits the field for the name of a source, whole words only."""
    return words if len(words) <= MAX_ANCHOR else words[: MAX_ANCHOR + 1].rsplit(" ", 1)[0]


def first_words(text: str, before: str) -> str:
    """Return the beginning of a sentence, up to six words and never as far as ``before``, to name it by."""
    head = text.split(before, 1)[0].split()
    return " ".join(head[:6]).rstrip(' ,;:("“')
