"""Choice questions from passages that argue: one span is masked, and the options offer what may stand there.

So a document without a checkable number or name still makes a question that a program can score: the passage is
quoted with ``[MASK]`` in place of a span, which is the right option; wrong ones are written to read as smoothly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from webscale_rl.stages.text_match import contains_words

MASK = "[MASK]"
_PASSAGE = re.compile(r"[\"“][^\"“”]*\[MASK\][^\"“”]*[\"”]")
AROUND = 4  # words on each side that are compared with the document
ENOUGH = 4  # of them, on both sides together


def mask_fault(question: str, answer: str, options: Sequence[str], document: str) -> str:
    """Return what is wrong with a masked question: its passage is not the document's, or two options stand there.

    A question without a mask has no fault. The mask may be named once more, by the words that ask for it.
    """
    pieces = question.split(MASK)
    if len(pieces) == 1:
        return ""
    if len(pieces) > 3:
        return f"{MASK} stands {len(pieces) - 1} times in the question"
    places = [
        (
            re.findall(r"\S+\s*", MASK.join(pieces[:cut]))[-AROUND:],
            re.findall(r"\s*\S+", pieces[cut])[:AROUND],
        )
        for cut in range(1, len(pieces))
    ]
    held = [(left, right) for left, right in places if _stands(left, answer, right, document)]
    if len(held) != 1:
        left, right = places[0]
        return f"the document does not hold {''.join((*left, answer, *right))!r}"
    for option in options:
        if option.strip() != answer.strip() and _stands(held[0][0], option, held[0][1], document):
            return f"the document has {option!r} in the same place"
    return ""


def without_passage(question: str) -> str:
    """Return a question without its masked quotation, whose words speak of their own surroundings."""
    return _PASSAGE.sub('""', question)


def _stands(left: list[str], span: str, right: list[str], document: str) -> bool:
    """Say whether a document holds a span between some words of both sides; a quotation may begin or end there."""
    for taken in range(len(left), -1, -1):
        for given in range(len(right), -1, -1):
            if taken + given < min(ENOUGH, len(left) + len(right)):
                break
            words = (*left[len(left) - taken :], span.strip(), *right[:given])
            if contains_words("".join(words).strip(" .,;\"“”'"), document):
                return True
    return False
