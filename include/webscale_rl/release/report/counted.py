"""What can be counted of the rows of a release while they stream by."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webscale_rl.difficulty.statistics import BANDS, histogram
from webscale_rl.difficulty.summary import LEARNABLE

TOP_PERSONAS = 10
REPEATS = (1, 5, 20, 100)  # how many pairs have the same persona: up to these, and more
# Of pass rates: the same limits as the share that `difficulty.json` calls learnable.
GRADES = ("seldom solved", "sometimes solved", "mostly solved", "not measured")


@dataclass(frozen=True)
class Lengths:
    """How long something is: ``counts`` by length, in ``unit``."""

    of: str
    unit: str
    counts: Mapping[int, int]

    def quantile(self, share: float) -> int:
        """Return the length that ``share`` of all do not exceed; 0 of nothing."""
        left = share * sum(self.counts.values())
        for length in sorted(self.counts):
            left -= self.counts[length]
            if left <= 0:
                return length
        return 0


@dataclass(frozen=True)
class Personas:
    """For whom the questions are; personas that differ only in case count as one."""

    distinct: int
    top: tuple[tuple[str, int], ...]
    repeats: Mapping[str, int]  # pairs, by how many pairs have the same persona


@dataclass(frozen=True)
class Counted:
    """Counts of the rows. Mappings are sorted by count, the largest first."""

    rows: int
    sources: Mapping[str, Mapping[str, int]]  # domains by source
    domains: Mapping[str, int]
    task_forms: Mapping[str, int]
    answer_types: Mapping[str, int]
    confidences: Mapping[str, int]
    splits: Mapping[str, int]
    marks: Mapping[str, int]
    personas: Personas
    lengths: tuple[Lengths, ...]
    longest_prompt: int  # in tokens
    measured: int  # rows with a pass rate
    attempts: int
    mean_pass_rate: float | None
    pass_rates: tuple[int, ...]  # rows in ten bands, [0, 0.1) to [0.9, 1]
    grades: Mapping[str, tuple[int, ...]]  # by task form, in the order of GRADES


class Counting:
    """Takes batches of rows, and says what was counted."""

    def __init__(self) -> None:
        self._columns = {
            name: Counter[str]()
            for name in ("domain", "task_form", "answer_type", "label_confidence", "split")
        }
        self._sources: dict[str, Counter[str]] = {}
        self._personas: Counter[str] = Counter()
        self._written: dict[str, str] = {}  # a persona as it was first written
        self._marks: Counter[str] = Counter()
        self._lengths = {name: Counter[int]() for name in ("question", "answer", "document")}
        self._longest = 0
        self._rates: list[float] = []
        self._attempts = 0
        self._grades: dict[str, list[int]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of ``RELEASE_SCHEMA``. The texts of documents are measured, not copied."""
        for name, counter in self._columns.items():
            counter.update(_values(batch, name))
        for source, domain in zip(_values(batch, "source"), _values(batch, "domain"), strict=True):
            self._sources.setdefault(source, Counter())[domain] += 1
        for persona in _values(batch, "persona"):
            key = " ".join(persona.casefold().rstrip(". ").split())
            self._personas[key] += 1
            self._written.setdefault(key, persona)
        for marks in _values(batch, "marks"):
            self._marks.update(marks or ())
        self._lengths["question"].update(len(text.split()) for text in _values(batch, "question"))
        self._lengths["answer"].update(len(text.split()) for text in _values(batch, "answer"))
        self._lengths["document"].update(pc.utf8_length(batch.column("pretrain_text")).to_pylist())
        self._longest = max([self._longest, *_values(batch, "prompt_tokens")])
        self._attempts += sum(_values(batch, "solver_attempts"))
        for form, rate in zip(_values(batch, "task_form"), _values(batch, "pass_rate"), strict=True):
            self._grades.setdefault(form, [0] * len(GRADES))[_grade(rate)] += 1
            if rate is not None:
                self._rates.append(rate)

    def counted(self) -> Counted:
        """Return the counts of all batches."""
        sources = {name: sum(domains.values()) for name, domains in self._sources.items()}
        forms = _sorted(self._columns["task_form"])
        units = {"question": "words", "answer": "words", "document": "characters"}
        return Counted(
            rows=sum(forms.values()),
            sources={name: _sorted(self._sources[name]) for name in _sorted(sources)},
            domains=_sorted(self._columns["domain"]),
            task_forms=forms,
            answer_types=_sorted(self._columns["answer_type"]),
            confidences=_sorted(self._columns["label_confidence"]),
            splits=_sorted(self._columns["split"]),
            marks=_sorted(self._marks),
            personas=Personas(
                distinct=len(self._personas),
                top=tuple(
                    (self._written[key], count)
                    for key, count in list(_sorted(self._personas).items())[:TOP_PERSONAS]
                ),
                repeats=_repeats(self._personas.values()),
            ),
            lengths=tuple(
                Lengths(name, units[name], dict(sorted(counts.items())))
                for name, counts in self._lengths.items()
            ),
            longest_prompt=self._longest,
            measured=len(self._rates),
            attempts=self._attempts,
            mean_pass_rate=sum(self._rates) / len(self._rates) if self._rates else None,
            pass_rates=tuple(histogram(self._rates)) if self._rates else (0,) * BANDS,
            grades={form: tuple(self._grades[form]) for form in forms},
        )


def _repeats(counts: Iterable[int]) -> dict[str, int]:
    names = [
        "once",
        *(f"{low + 1} to {high} times" for low, high in pairwise(REPEATS)),
        f"over {REPEATS[-1]} times",
    ]
    pairs = dict.fromkeys(names, 0)
    for count in counts:
        pairs[names[bisect_left(REPEATS, count)]] += count
    return pairs


def _grade(rate: float | None) -> int:
    if rate is None:
        return 3
    low, high = LEARNABLE
    return 0 if rate < low else 1 if rate <= high else 2


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    values: list[Any] = batch.column(name).to_pylist()
    return values


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
