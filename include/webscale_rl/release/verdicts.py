"""When an item of a benchmark counts as standing in a question: the thresholds, and the answer as evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from webscale_rl.release.benchmarks import BenchmarkItem
from webscale_rl.release.folding import tokens
from webscale_rl.release.resemblance import SENTENCE_ENDS, Reading, Shares, Weights, compare

LONG = 13  # tokens from which an item counts as long
# What the words of an item weigh together, each the natural logarithm of items / items that hold it. "Which of the
# following statements is true?" weighs 11, three words that a hundredth of all items hold 14.
LEAST_WEIGHT = 12.0  # asked word for word
WORDED_WEIGHT = 14.0  # altered: below, it is numbers and formulas that make the question
TELLING_WEIGHT = 22.0  # short, and something is changed or stands around it
RENAMED_WEIGHT = 18.0  # short, with other names, where there is no answer to compare
ROW_WEIGHT = (
    30.0  # short, word for word within a longer text: "who fought in the French and Indian war" weighs 24
)
PLAIN_WEIGHT = 40.0  # altered: below, many ask such things
LEAST_WORDS, ALL_WORDS = 0.75, 0.99  # of the item's words, by weight
RARE = 4.0  # the weight of a number
LONGEST_QUESTION = 150  # tokens, where no item that is longer is asked
LEAST_IN_A_ROW = 8  # tokens of a short item that may stand in a longer text
_ANSWER_NEAR = 120  # tokens behind the beginning of a question in which its answer is looked for
_OPTION = re.compile(r"^\(?[A-Za-z][).]\s*")
_WEAK = frozenset({"yes", "no", "true", "false", "lnvalld", "valld", "none"})  # as `folding` writes them


@dataclass(frozen=True)
class Contamination:
    """The item that a question repeats.

    ``kind`` is ``exact``, ``overlap``, ``altered`` or ``short``; ``overlap`` is the overlapping text as it stands in
    the question; ``share`` is how much of the item it holds, from 0 to 1.
    """

    benchmark: str
    item: str
    kind: str
    overlap: str
    share: float


@dataclass(frozen=True)
class Place:
    """Part of a text in which an item is looked for: tokens ``start`` to ``end`` of ``asked``."""

    text: str
    asked: Reading
    part: Reading
    start: int
    answer: str

    @property
    def is_question(self) -> bool:
        """Whether the text may be one question, with some context, and not a document that holds many things."""
        return len(self.asked.tokens) <= max(LONGEST_QUESTION, len(self.part.tokens))


def least_weight(known: Reading) -> float:
    """Return what an item's words must weigh in a text for it to be judged: most texts fail at little cost."""
    return (LEAST_WORDS if len(known.tokens) >= LONG else ALL_WORDS) * known.weight


def judge(place: Place, item: BenchmarkItem, known: Reading, weights: Weights) -> Contamination | None:
    """Return the contamination of a text by an item, if it is one."""
    shares = compare(place.part, known, weights)
    if len(known.tokens) >= LONG:
        kind = "altered" if _altered(shares, known, place) else ""
    else:
        kind = "short" if _short(shares, known, item, place) else ""
    if not kind:
        return None
    return Contamination(item.benchmark, item.id, kind, _evidence(place, known), round(shares.words, 4))


def agree(wanted: str, given: str, *, weak: bool = False) -> bool:
    """Say whether two answers are the same in their words and numbers.

    A bare letter, yes or no says nothing, unless ``weak``.
    """
    one, other = answer_tokens(wanted), answer_tokens(given)
    if not one or not other:
        return False
    if one == other:
        return weak or not _is_weak(one)
    kinds = set(one), set(other)
    return len(kinds[0] & kinds[1]) >= max(2, 0.8 * max(map(len, kinds)))


def answer_tokens(answer: str) -> list[str]:
    """Return the tokens of an answer, without the letter of an option before its text."""
    plain = answer.strip()
    return tokens(_OPTION.sub("", plain) or plain)


def _is_weak(words: list[str]) -> bool:
    return len(words) == 1 and (words[0] in _WEAK or (len(words[0]) == 1 and words[0].isalpha()))


def _altered(shares: Shares, known: Reading, place: Place) -> bool:
    """Most words and runs are there; nearly all where neither numbers nor names are the same."""
    if _in_a_row(known, place):
        return True
    if known.weight < WORDED_WEIGHT:
        return shares.words >= ALL_WORDS and shares.numbers == 1 and shares.grams > 0.8 and shares.back > 0.6
    changed = min(shares.numbers, shares.names) < 0.5
    if not place.is_question:
        # a textbook says what its field says, and its exercises are alike but for their numbers
        return not changed and shares.words >= 0.9 and shares.grams >= 0.7
    if not changed and shares.words >= 0.98 and shares.back >= 0.9 and shares.alike:
        return shares.grams >= 0.25  # all of it and nothing else, in another order
    plain = known.named < PLAIN_WEIGHT  # what many ask
    if changed:
        return shares.words >= 0.9 and shares.grams >= 0.7 and shares.back >= (0.75 if plain else 0.5)
    return shares.words >= (0.9 if plain else LEAST_WORDS) and shares.grams >= (0.6 if plain else 0.45)


def _short(shares: Shares, known: Reading, item: BenchmarkItem, place: Place) -> bool:
    """All words are there, and numbers and names or the answer."""
    if shares.words < ALL_WORDS:
        return False
    whole = _whole(known)
    if shares.numbers == 1 and shares.names == 1:
        if shares.back >= 0.85 and shares.alike:
            return whole >= LEAST_WEIGHT
        if not _in_a_row(known, place):
            return False
        if place.is_question and _is_sentence(known, place):
            return whole >= LEAST_WEIGHT
        if len(known.tokens) >= LEAST_IN_A_ROW and whole >= ROW_WEIGHT:
            return True
        return whole >= LEAST_WEIGHT and (agree(item.answer, place.answer) or _answered(item, place))
    if shares.back < 0.85 or shares.grams < 0.99 or not place.is_question:
        return False
    if known.weight >= LEAST_WEIGHT and agree(item.answer, place.answer):
        return True
    if shares.names == 1:  # other numbers, whose answer must be another one
        return known.named >= TELLING_WEIGHT
    return known.weight >= (TELLING_WEIGHT if place.answer else RENAMED_WEIGHT)


def _whole(known: Reading) -> float:
    """Return what an item weighs with its numbers, each of which counts as a rare word."""
    return known.named + RARE * len(known.numbers)


def _in_a_row(known: Reading, place: Place) -> bool:
    """Say whether an item stands token for token in a text."""
    words = " ".join(token.word for token in known.tokens)
    return f" {words} " in f" {' '.join(token.word for token in place.part.tokens)} "


def _is_sentence(known: Reading, place: Place) -> bool:
    """Say whether an item that stands in a text is a sentence of its own there."""
    wanted = tuple(token.word for token in known.tokens)
    asked = place.asked.tokens
    last = min(place.start + len(place.part.tokens), len(asked)) - len(wanted)
    for first in range(place.start, last + 1):
        end = first + len(wanted)
        if tuple(token.word for token in asked[first:end]) == wanted:
            before = place.text[asked[first - 1].end : asked[first].start] if first else "."
            behind = place.text[asked[end - 1].end : asked[end].start] if end < len(asked) else "."
            if not (SENTENCE_ENDS.isdisjoint(before) or SENTENCE_ENDS.isdisjoint(behind)):
                return True
    return False


def _answered(item: BenchmarkItem, place: Place) -> bool:
    """Say whether the text goes on with the item's answer, in two words or more."""
    words = answer_tokens(item.answer)
    behind = place.asked.tokens[place.start : place.start + _ANSWER_NEAR]
    return len(words) > 1 and f" {' '.join(words)} " in f" {' '.join(token.word for token in behind)} "


def _evidence(place: Place, known: Reading) -> str:
    """Return the text from the first to the last token that both have."""
    held = known.words | known.names | set(known.numbers)
    shared = [token for token in place.part.tokens if token.word in held] or list(place.part.tokens)
    return place.text[shared[0].start : shared[-1].end]
