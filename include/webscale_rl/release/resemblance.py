"""How far a benchmark item stands in a question, whatever was changed about it: words, order, numbers, names.

Both are read three ways: as words with weights (inverse document frequency over the benchmarks, so that what many
items say counts little), as runs of three tokens in which numbers and names are masked, and as numbers and names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webscale_rl.release.folding import Token

Gram = tuple[str, ...]
# As `folding` writes them, with one stroke for i and l.
_WRITTEN = """
zero one two three flve four slx seven elght nlne ten eleven twelve thlrteen fourteen flfteen slxteen seventeen
elghteen nlneteen twenty thlrty forty flfty slxty seventy elghty nlnety hundred thousand mllllon bllllon
"""
NUMBER_WORDS = frozenset(_WRITTEN.split())
# They change with the person's name, and count as one word, of no weight.
_PRONOUNS = "he she hls her hlm hers hlmself herself they thelr them thelrs themselves"
PRONOUNS = frozenset(_PRONOUNS.split())
PRONOUN = "he"
LEAST_NAMELESS = 4  # runs of three without a name that say enough
SENTENCE_ENDS = frozenset('.?!:;"“”‘(\n•。？！：；．')
_MOSTLY_CAPITAL = 0.6  # of the words: capitals say nothing


@dataclass(frozen=True)
class Weights:
    """What words weigh, over all items of all benchmarks."""

    of: Mapping[str, float]  # folded word to the logarithm of items / items that hold it
    unseen: float  # the weight of a word that no item holds
    common: frozenset[str]  # folded words that items write without a capital

    def sum(self, words: frozenset[str]) -> float:
        """Return the weight of words together."""
        get, unseen = self.of.get, self.unseen
        return sum(get(word, unseen) for word in words)


@dataclass(frozen=True)
class Reading:
    """A text as it is compared."""

    tokens: tuple[Token, ...]
    masked: tuple[str, ...]  # a token each: the word, "#" for a number, "@" for a name
    words: frozenset[str]  # of two letters or more, neither numbers nor names
    names: frozenset[str]
    numbers: Counter[str]
    all: frozenset[str]  # words of all tokens
    grams: frozenset[Gram]  # runs of three, numbers, names and pronouns masked
    nameless: frozenset[Gram]  # those of them without a name
    cased: frozenset[Gram]  # runs of three, numbers masked: where a copy has lost its capitals
    weight: float  # of the words
    named: float  # of words and names

    def part(self, start: int, end: int, weights: Weights) -> Reading:
        """Return the reading of some of the tokens."""
        return _reading(self.tokens[start:end], self.masked[start:end], weights)


@dataclass(frozen=True)
class Shares:
    """What of an item stands in a question, each from 0 to 1."""

    words: float  # by weight
    grams: float
    numbers: float
    names: float
    back: float  # of the question's words, by weight, that are in the item
    alike: bool  # the question has no number and no name but the item's


def read(text: str, tokens: Sequence[Token], weights: Weights) -> Reading:
    """Return the reading of a text."""
    return _reading(tuple(tokens), tuple(_mask(text, tokens, weights.common)), weights)


def compare(part: Reading, item: Reading, weights: Weights) -> Shares:
    """Return what of an item stands in a question, or in the part of a longer text where most of it stands.

    Of its runs the largest share counts: with names masked, as they stand (a copy may have lost its capitals), or
    without a name (in its place may be "my neighbour").
    """
    grams = max(_part(part.grams, item.grams), _part(part.cased, item.cased))
    if len(item.nameless) >= max(LEAST_NAMELESS, 0.4 * len(item.grams)):
        grams = max(grams, _part(part.grams, item.nameless))
    return Shares(
        words=weights.sum(part.all & item.words) / item.weight if item.weight else 1.0,
        grams=grams,
        numbers=_share(part.numbers, item.numbers),
        names=len(part.all & item.names) / len(item.names) if item.names else 1.0,
        back=weights.sum(part.words & item.all) / part.weight if part.weight else 1.0,
        alike=part.names <= item.all and part.numbers <= item.numbers,
    )


def _part(some: frozenset[Gram], of: frozenset[Gram]) -> float:
    return len(some & of) / len(of) if of else 0.0


def _reading(tokens: tuple[Token, ...], masked: tuple[str, ...], weights: Weights) -> Reading:
    words = frozenset(mask for mask in masked if len(mask) > 1)
    names = frozenset(token.word for token, mask in zip(tokens, masked, strict=True) if mask == "@")
    # a name of several words is one name, and a number too; a copy may give it more or fewer
    single = [
        mask
        for place, mask in enumerate(masked)
        if mask not in ("@", "#") or not place or masked[place - 1] != mask
    ]
    grams = _grams(single)
    cased = [token.word if mask == "@" else mask for token, mask in zip(tokens, masked, strict=True)]
    return Reading(
        tokens,
        masked,
        words,
        names,
        Counter(token.word for token, mask in zip(tokens, masked, strict=True) if mask == "#"),
        frozenset(token.word for token in tokens) | words,
        grams,
        frozenset(gram for gram in grams if "@" not in gram),
        _grams(cased),
        weights.sum(words),
        weights.sum(words | names),
    )


def _grams(words: Sequence[str]) -> frozenset[Gram]:
    if len(words) < 3:
        return frozenset([tuple(words)])
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _mask(text: str, tokens: Sequence[Token], common: frozenset[str]) -> list[str]:
    names = _names(text, tokens, common)
    return [
        "#"
        if token.word[0].isdecimal() or token.word in NUMBER_WORDS
        else "@"
        if token.capital and token.word in names
        else PRONOUN
        if token.word in PRONOUNS
        else token.word
        for token in tokens
    ]


def _names(text: str, tokens: Sequence[Token], common: frozenset[str]) -> set[str]:
    """Return the words that are names where they have a capital: within a sentence, or not known without one."""
    shouted = sum(token.capital for token in tokens) > _MOSTLY_CAPITAL * len(tokens)
    names = set()
    end = 0
    for token in tokens:
        known = token.word in common and (shouted or _begins(text, end, token.start))
        if token.capital and len(token.word) > 1 and not known:
            names.add(token.word)
        end = token.end
    return names


def _begins(text: str, end: int, start: int) -> bool:
    """Say whether a sentence begins between two tokens."""
    return not end or not SENTENCE_ENDS.isdisjoint(text[end:start])


def _share(some: Counter[str], of: Counter[str]) -> float:
    total = of.total()
    return (some & of).total() / total if total else 1.0
