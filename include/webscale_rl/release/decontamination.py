"""Whether a question stands in a benchmark, as it is or altered: the rules and the index they look things up in.

In this order, and with the overlapping text as evidence:

- ``exact``: the same question, whatever was done to its case, spaces, punctuation, Unicode form or look-alikes.
- ``overlap``: thirteen tokens in a row (Brown et al. 2020, appendix C), unless many items share them.
- ``altered``: an item of at least thirteen tokens most of whose words and masked runs stand in the question.
- ``short``: an item of fewer tokens whose words all stand there, with its numbers and names or with its answer.

The weighting by inverse document frequency and the answer as supporting evidence follow the ideas of allenai/decon.
docs/decontamination.md has what they find and miss.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from webscale_rl.release.benchmarks import BenchmarkItem
from webscale_rl.release.folding import keys, tokens, traced
from webscale_rl.release.grams import NUMBER, UNKNOWN, GramIndex, Hits, Ids, joined
from webscale_rl.release.resemblance import NUMBER_WORDS, PRONOUNS, Reading, Weights, read
from webscale_rl.release.spelling import Spelling
from webscale_rl.release.verdicts import (
    LEAST_WEIGHT,
    LONG,
    Contamination,
    Place,
    agree,
    answer_tokens,
    judge,
    least_weight,
)

BATCH = 4_096  # questions looked up together
BATCH_TOKENS = 400_000  # and tokens: documents are longer
HOT_RUN = 10  # thirteen tokens that more items share are a template
HOT_GRAM = 60  # three tokens that more items share lead to none of them
LEAST_SHARE = 0.2  # of an item's runs of three, by weight, for a closer look
LEAST_SHARE_WITHIN = 0.4  # the same in a longer text, where chance has more room
WINDOW, WINDOW_MORE = 1.5, 8  # an item is looked for in so many times its tokens, and some more
MOST_ANSWERS = (
    2  # of items with one and the same question, as two benchmarks may write them: more make a template
)
MOST_CANDIDATES = 24  # closer looks at one question
WORDS_OF_RUN = 5  # different words of three letters or more, in thirteen tokens: the rest may be a formula


_CAPITALISED = re.compile(r"\b[A-Z]\w*")


class _Vocabulary(dict[str, int]):
    """Ids of the tokens of benchmarks. Others are :data:`UNKNOWN`, or :data:`NUMBER`, and are not kept."""

    def __missing__(self, word: str) -> int:
        return NUMBER if word[0].isdecimal() else UNKNOWN


class BenchmarkIndex:
    """The items of benchmarks, to be searched. Read-only once built: processes that are forked share it.

    32,000 items of 40 words take 0.3 GB, read for a closer look as well.
    """

    def __init__(self, items: Iterable[BenchmarkItem]) -> None:
        self._items: list[BenchmarkItem] = []
        self._by_key: dict[str, list[int]] = {}
        texts = []
        for item in items:
            words = tokens(item.question)
            if words:
                for key in keys(item.question, words):
                    self._by_key.setdefault(key, []).append(len(self._items))
                self._items.append(item)
                texts.append(words)
        self._vocabulary = _Vocabulary()
        for words in texts:
            for word in words:
                if word not in self._vocabulary:
                    self._vocabulary[word] = len(self._vocabulary) + 2
        self._weights = _weigh(self._items, texts)
        self._spelling = Spelling(self._weights.of)
        self._numbers = np.arange(len(self._vocabulary) + 2)
        for word, number in self._vocabulary.items():
            if word[0].isdecimal() or word in NUMBER_WORDS:
                self._numbers[number] = NUMBER
            elif word in PRONOUNS:
                self._numbers[number] = self._vocabulary[min(self._vocabulary.keys() & PRONOUNS)]
        self._ids, owner = joined([[self._vocabulary[word] for word in words] for words in texts])
        self._starts = np.concatenate(([0], np.cumsum([len(words) + 1 for words in texts])))
        self._runs = GramIndex(self._ids, owner, LONG, HOT_RUN, self._worded())
        self._grams = GramIndex(self._numbers[self._ids], owner, 3, HOT_GRAM)
        self._gram_weights = np.log((len(texts) + 1) / self._grams.frequency)
        totals = self._grams.item_totals(self._gram_weights, len(self._items))
        self._totals = np.maximum(totals, 1e-9)
        lengths = np.diff(self._starts) - 1
        self._windows: Ids = np.ceil(WINDOW * lengths).astype(np.int64) + WINDOW_MORE
        self._alone = [self._weights.sum(frozenset(filter(_is_telling, words))) for words in texts]
        # by item that was ever looked at closer, which words a text must have, and how many by weight
        self._wanted: dict[int, tuple[frozenset[str], float]] = {}
        self._reading = lru_cache(maxsize=8_192)(self._read_item)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def counts(self) -> dict[str, int]:
        """Items of each benchmark."""
        return dict(Counter(item.benchmark for item in self._items))

    def find(self, question: str, answer: str = "") -> Contamination | None:
        """Return the benchmark item that a question is, or repeats; None where it is clean.

        Args:
            question: or any longer text. Its first match by the order of the rules is returned.
            answer: of the question; agreement with the item's decides about short ones.
        """
        return self._find([(question, answer)])[0]

    def find_all(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Contamination | None]:
        """Yield what :meth:`find` returns for each (question, answer), in order, many times faster."""
        waiting = iter(pairs)
        while batch := list(_batch(waiting)):
            yield from self._find(batch)

    def _find(self, pairs: Sequence[tuple[str, str]]) -> list[Contamination | None]:
        found: list[Contamination | None] = [None] * len(pairs)
        open_: list[int] = []
        texts: list[list[int]] = []
        said: list[frozenset[str]] = []
        vocabulary = self._vocabulary.__getitem__
        for place, (question, answer) in enumerate(pairs):
            words = tokens(question)
            by_key = self._by_key
            same = {item for key in keys(question, words) for item in by_key.get(key, ())} if words else set()
            if same:
                found[place] = self._same(sorted(same), question, answer)
            if (
                words and found[place] is None and len(same) < 2
            ):  # what many items ask is decided by the answer
                words = tokens(question, self._spelling)
                open_.append(place)
                said.append(frozenset(words))
                texts.append(list(map(vocabulary, words)))
        if not open_:
            return found
        ids, text_of = joined(texts)
        starts = np.concatenate(([0], np.cumsum([len(text) + 1 for text in texts])))
        for number, candidate in self._overlaps(ids, text_of, starts).items():
            question, _ = pairs[open_[number]]
            found[open_[number]] = self._overlap(question, texts[number], *candidate)
        for number, candidates in self._candidates(ids, text_of, starts).items():
            place = open_[number]
            if found[place] is None:
                found[place] = self._closer(*pairs[place], said[number], candidates)
        return found

    def _same(self, items: list[int], question: str, answer: str) -> Contamination | None:
        """Return the item that is this question; one that says little, or asks many things, must have its answer."""
        found = [self._items[number] for number in items]
        signs = _squeezed(question)  # brackets too
        found = [item for item in found if _squeezed(item.question) == signs] or found
        agreed = next((item for item in found if agree(item.answer, answer, weak=True)), None)
        if agreed is None and self._alone[items[0]] < LEAST_WEIGHT:
            return None
        answers = {tuple(answer_tokens(item.answer)) for item in found}
        if agreed is None and answer and len(answers) > MOST_ANSWERS:
            return None
        item = agreed or found[0]
        return Contamination(item.benchmark, item.id, "exact", question.strip(), 1.0)

    def _overlaps(self, ids: Ids, text_of: Ids, starts: Ids) -> dict[int, tuple[int, int]]:
        """Return for each text the item of its first shared run, and where in the text that begins."""
        hits = self._runs.find(ids)
        texts = text_of[hits.position]
        first: dict[int, tuple[int, int]] = {}
        for text, item, position in zip(
            texts.tolist(), hits.item.tolist(), hits.position.tolist(), strict=True
        ):
            first.setdefault(text, (item, position - int(starts[text])))
        return first

    def _overlap(self, question: str, ids: list[int], item: int, start: int) -> Contamination:
        """Return the longest run around a shared one."""
        of = self._ids[self._starts[item] : self._starts[item + 1] - 1].tolist()
        run = ids[start : start + LONG]
        at = next(place for place in range(len(of)) if of[place : place + LONG] == run)
        end, of_end = start + LONG, at + LONG
        while end < len(ids) and of_end < len(of) and ids[end] == of[of_end]:
            end, of_end = end + 1, of_end + 1
        spans = traced(question, self._spelling)
        text = question[spans[start].start : spans[end - 1].end]
        found = self._items[item]
        return Contamination(found.benchmark, found.id, "overlap", text, round((end - start) / len(of), 4))

    def _candidates(self, ids: Ids, text_of: Ids, starts: Ids) -> dict[int, list[tuple[int, int, int]]]:
        """Return for each text items that share enough runs with it in one place, and that place; most first."""
        hits = self._grams.find(self._numbers[ids])
        if not hits.item.size:
            return {}
        pair, position, share = self._densest(hits, text_of)
        text, item = np.divmod(pair, len(self._items))
        lengths = np.diff(starts)[text] - 1
        within = lengths > 2 * self._windows[item]
        enough = share >= np.where(within, LEAST_SHARE_WITHIN, LEAST_SHARE)
        found: dict[int, list[tuple[int, int, int]]] = {}
        for place in np.lexsort((pair, -share, text)).tolist():
            if not enough[place]:
                continue
            candidates = found.setdefault(int(text[place]), [])
            if len(candidates) < MOST_CANDIDATES:
                window, length = int(self._windows[item[place]]), int(lengths[place])
                start = max(0, int(position[place] - starts[text[place]]) - 3) if length > window else 0
                candidates.append((int(item[place]), start, min(length, start + window)))
        return found

    def _densest(self, hits: Hits, text_of: Ids) -> tuple[Ids, Ids, NDArray[np.float64]]:
        """Return pairs (text * items + item), where a window with most of the item's runs begins, and their share."""
        pairs = text_of[hits.position] * len(self._items) + hits.item
        order = np.lexsort((hits.position, pairs))
        pairs, positions, items = pairs[order], hits.position[order], hits.item[order]
        weights = np.concatenate(([0.0], np.cumsum(self._gram_weights[hits.gram[order]])))
        first = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1])))
        counts = np.diff(np.concatenate((first, [pairs.size])))
        rank = np.repeat(np.arange(first.size), counts)
        span = int(positions.max()) + int(self._windows.max()) + 2
        keys = rank * span + positions
        ends = np.searchsorted(keys, keys + self._windows[items])
        ends = np.minimum(ends, (first + counts)[rank])
        sums = weights[ends] - weights[:-1]
        best = np.maximum.reduceat(sums, first)
        at = np.flatnonzero(sums >= best[rank])
        _, begin = np.unique(rank[at], return_index=True)
        return pairs[first], positions[at[begin]], best / self._totals[items[first]]

    def _closer(
        self, question: str, answer: str, said: frozenset[str], candidates: list[tuple[int, int, int]]
    ) -> Contamination | None:
        candidates = [each for each in candidates if self._may_be(said, each[0])]
        if not candidates:
            return None
        asked = read(question, traced(question, self._spelling), self._weights)
        for number, start, end in candidates:
            whole = end - start == len(asked.tokens)
            part = asked if whole else asked.part(start, end, self._weights)
            place = Place(question, asked, part, start, answer)
            verdict = judge(place, self._items[number], self._reading(number), self._weights)
            if verdict is not None:
                return verdict
        return None

    def _may_be(self, said: frozenset[str], number: int) -> bool:
        if number not in self._wanted:
            known = self._reading(number)
            self._wanted[number] = frozenset(map(sys.intern, known.words)), least_weight(known)
        words, least = self._wanted[number]
        return self._weights.sum(said & words) >= least

    def _read_item(self, number: int) -> Reading:
        text = self._items[number].question
        return read(text, traced(text), self._weights)

    def _worded(self) -> NDArray[np.bool_]:
        """Say by place which runs of thirteen hold enough words: formulas of many a text are alike."""
        long = np.zeros(len(self._vocabulary) + 2, dtype=np.int64)
        for word, number in self._vocabulary.items():
            long[number] = len(word) > 2 and word.isalpha()
        sums = np.concatenate(([0], np.cumsum(long[self._ids])))
        counts: NDArray[np.int64] = sums[LONG:] - sums[:-LONG]
        return counts >= WORDS_OF_RUN


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def _is_telling(word: str) -> bool:
    return len(word) > 2 or word.isdecimal()


def _batch(pairs: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    signs = 0
    for pair in islice(pairs, BATCH):
        yield pair
        signs += len(pair[0])
        if signs > 5 * BATCH_TOKENS:
            return


def _weigh(items: Sequence[BenchmarkItem], texts: Sequence[Sequence[str]]) -> Weights:
    frequency: Counter[str] = Counter()
    for words in texts:
        frequency.update(set(words))
    plain: Counter[str] = Counter()
    for item in items:
        plain.update(set(tokens(_CAPITALISED.sub(" ", item.question))))
    total = len(texts) + 1
    return Weights(
        {word: 0.0 if word in PRONOUNS else math.log(total / count) for word, count in frequency.items()},
        math.log(total),
        frozenset(word for word, count in plain.items() if count >= 3 or 10 * count >= frequency[word]),
    )
