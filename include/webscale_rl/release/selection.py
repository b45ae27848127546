"""Which candidates go into a release: filters on columns, caps, and shares that keep it balanced.

Every candidate that is left out has one reason. Where some of equals must go, a hash decides, the worse confirmed
first.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from webscale_rl.ids import text_id
from webscale_rl.release.rows import LABEL_CONFIDENCES

# The columns that a selection reads of a candidate.
COLUMNS = (
    "id",
    "document_id",
    "domain",
    "source",
    "licence",
    "task_form",
    "answer_type",
    "claim_scope",
    "pass_rate",
    "label_confidence",
    "marks",
    "prompt_tokens",
)
ROUNDING = 1e-9  # 0.29 * 100 is less than 29
BALANCED = ("domain", "source", "licence", "task_form", "answer_type", "claim_scope")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a selection looks at."""

    id: str
    document_id: str
    domain: str
    source: str
    licence: str
    task_form: str
    answer_type: str
    claim_scope: str
    pass_rate: float | None
    label_confidence: str
    marks: tuple[str, ...]
    prompt_tokens: int


@dataclass(frozen=True)
class Selection:
    """The rules of a selection. Empty lists allow everything; ``shares`` are of the release, by column and value.

    ``pass_rates`` are the bounds of the band, both included; ``unmeasured`` says whether pairs without a pass rate
    may stand beside it. A cap of 0 is none.
    """

    allowed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # column to values
    min_label_confidence: str = LABEL_CONFIDENCES[0]
    pass_rates: tuple[float, float] = (0.0, 1.0)
    unmeasured: bool = True
    excluded_marks: Sequence[str] = ()
    max_prompt_tokens: int = 0
    max_per_document: int = 0
    max_per_source: int = 0
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def reason(self, candidate: Candidate) -> tuple[str, str]:
        """Return why the filters leave a candidate out, and the detail; empty where they do not."""
        for column, values in self.allowed.items():
            value = getattr(candidate, column)
            if values and value not in values:
                return f"filtered/{column}", value
        wanted = LABEL_CONFIDENCES.index(self.min_label_confidence)
        if LABEL_CONFIDENCES.index(candidate.label_confidence) < wanted:
            return "filtered/label_confidence", candidate.label_confidence
        if marked := sorted(set(candidate.marks).intersection(self.excluded_marks)):
            return f"filtered/{marked[0]}", ", ".join(marked)
        if self.max_prompt_tokens and candidate.prompt_tokens > self.max_prompt_tokens:
            return "filtered/prompt_tokens", str(candidate.prompt_tokens)
        if candidate.pass_rate is None:
            return ("", "") if self.unmeasured else ("filtered/unmeasured", "")
        low, high = self.pass_rates
        if not low <= candidate.pass_rate <= high:
            return "filtered/pass_rate", f"{candidate.pass_rate:.3f}"
        return "", ""


def select(candidates: Iterable[Candidate], selection: Selection, seed: str) -> dict[str, tuple[str, str]]:
    """Return, for every candidate that is left out, why: ``filtered/...``, ``capped/...`` or ``balanced/...``.

    Args:
        candidates: without duplicates and contaminated ones; any order gives the same result.
        selection: the rules.
        seed: of the hash that decides among equals.
    """
    out: dict[str, tuple[str, str]] = {}
    kept: list[Candidate] = []
    for candidate in candidates:
        why, detail = selection.reason(candidate)
        if why:
            out[candidate.id] = (why, detail)
        else:
            kept.append(candidate)
    kept.sort(key=lambda each: _rank(each, seed))
    for cap, column in ((selection.max_per_document, "document_id"), (selection.max_per_source, "source")):
        if cap:
            kept = _capped(kept, column, cap, out)
    before = -1
    while before != len(kept):  # what one column leaves out may raise a share of another
        before = len(kept)
        for column, shares in selection.shares.items():
            kept = _balanced(kept, column, shares, out)
    return out


def _rank(candidate: Candidate, seed: str) -> tuple[int, str]:
    return -LABEL_CONFIDENCES.index(candidate.label_confidence), text_id(f"{seed}:{candidate.id}")


def _capped(
    ranked: list[Candidate], column: str, cap: int, out: dict[str, tuple[str, str]]
) -> list[Candidate]:
    counts: Counter[str] = Counter()
    kept = []
    for candidate in ranked:
        value = getattr(candidate, column)
        counts[value] += 1
        if counts[value] <= cap:
            kept.append(candidate)
        else:
            out[candidate.id] = (f"capped/{column}", f"more than {cap} of {value!r}")
    return kept


def _balanced(
    ranked: list[Candidate], column: str, shares: Mapping[str, float], out: dict[str, tuple[str, str]]
) -> list[Candidate]:
    """Leave out the lowest ranked of values that would take more than their share of what remains."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in ranked:
        groups[getattr(candidate, column)].append(candidate)
    limits = limits_of({value: len(group) for value, group in groups.items()}, shares)
    left_out = {
        candidate.id: (f"balanced/{column}", f"{value!r} has its share of {shares[value]:g}")
        for value, group in groups.items()
        for candidate in group[limits[value] :]
    }
    out |= left_out
    return [candidate for candidate in ranked if candidate.id not in left_out]


def limits_of(counts: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, int]:
    """Return how many of each value may stay, so that none has more than its share of all that stay.

    The total is the largest N for which the sum over values of min(count, share · N) is still N, found from above.
    Where the shares of all values sum to less than one, nothing can satisfy them but nothing. Where every value has a
    share and they sum to one, a share may be exceeded by less than one row: whole rows seldom meet all of them, and
    rounding down again and again would end at nothing.
    """
    complete = counts.keys() <= shares.keys() and sum(shares[value] for value in counts) > 1 - ROUNDING
    whole = (lambda rows: math.ceil(rows - ROUNDING)) if complete else (lambda rows: int(rows + ROUNDING))
    total = sum(counts.values())
    while True:
        limits = {
            value: min(count, whole(shares[value] * total)) if value in shares else count
            for value, count in counts.items()
        }
        if sum(limits.values()) == total:
            return limits
        total = sum(limits.values())
