"""Selection, clusters and split: what a trainer gets is balanced, and nothing nearly the same is on both sides."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webscale_rl.release.clusters import Clusters, join_alike
from webscale_rl.release.selection import Candidate, Selection, limits_of, select

BASE = Candidate(
    id="",
    document_id="d",
    domain="Math",
    source="books",
    licence="CC0-1.0",
    task_form="recall",
    answer_type="integer",
    claim_scope="world",
    pass_rate=None,
    label_confidence="solved",
    marks=(),
    prompt_tokens=100,
)


def candidates(count: int, **given: Any) -> list[Candidate]:
    kind = "-".join(str(value) for value in given.values())
    return [replace(BASE, **given, id=f"{kind}-{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("selection", "given", "reason"),
    [
        (Selection(allowed={"domain": ["Coding"]}), {}, "filtered/domain"),
        (Selection(allowed={"licence": ["CC0-1.0"]}), {"licence": "unknown"}, "filtered/licence"),
        (Selection(allowed={"domain": []}), {}, ""),
        (Selection(min_label_confidence="judged"), {}, "filtered/label_confidence"),
        (
            Selection(min_label_confidence="solved"),
            {"label_confidence": "split"},
            "filtered/label_confidence",
        ),
        (Selection(min_label_confidence="solved"), {"label_confidence": "judged"}, ""),
        (
            Selection(excluded_marks=["suspect_label"]),
            {"marks": ("suspect_label",)},
            "filtered/suspect_label",
        ),
        (Selection(excluded_marks=["suspect_label"]), {"marks": ("guessable_options",)}, ""),
        (Selection(max_prompt_tokens=99), {}, "filtered/prompt_tokens"),
        (Selection(pass_rates=(0.3, 0.7)), {"pass_rate": 0.8}, "filtered/pass_rate"),
        (Selection(pass_rates=(0.3, 0.7)), {"pass_rate": 0.7}, ""),
        (Selection(pass_rates=(0.3, 0.7)), {}, ""),
        (Selection(unmeasured=False), {}, "filtered/unmeasured"),
        (Selection(unmeasured=False, max_prompt_tokens=99), {}, "filtered/prompt_tokens"),
    ],
)
def test_a_candidate_is_left_out_for_the_first_rule_that_it_breaks(
    selection: Selection, given: dict[str, Any], reason: str
) -> None:
    assert selection.reason(replace(BASE, **given))[0] == reason


def test_a_cap_keeps_the_best_confirmed_and_any_order_gives_the_same() -> None:
    found = [*candidates(5, label_confidence="solved"), *candidates(2, label_confidence="judged")]
    selection = Selection(max_per_document=3)
    out = select(found, selection, "seed")
    kept = [each for each in found if each.id not in out]
    assert Counter(each.label_confidence for each in kept) == {"judged": 2, "solved": 1}
    assert select(reversed(found), selection, "seed") == out
    assert {reason for reason, _ in out.values()} == {"capped/document_id"}
    assert select(found, selection, "another seed") != out


def test_shares_hold_in_what_remains_even_when_they_pull_at_each_other() -> None:
    found = [
        *candidates(600, task_form="recall", answer_type="integer"),
        *candidates(200, task_form="compute", answer_type="decimal"),
        *candidates(200, task_form="derive", answer_type="boolean"),
    ]
    shares = {"task_form": {"recall": 0.5}, "answer_type": {"boolean": 0.1}}
    out = select(found, Selection(shares=shares), "seed")
    kept = [each for each in found if each.id not in out]
    assert len(kept) > 400, "no more is left out than the shares ask for"
    assert sum(each.task_form == "recall" for each in kept) <= 0.5 * len(kept)
    assert sum(each.answer_type == "boolean" for each in kept) <= 0.1 * len(kept)
    assert len(kept) + len(out) == len(found)


@pytest.mark.parametrize(
    ("counts", "shares", "limits"),
    [
        ({"a": 10, "b": 90}, {"b": 0.5}, {"a": 10, "b": 10}),
        ({"a": 10, "b": 5}, {"b": 0.5}, {"a": 10, "b": 5}),
        ({"a": 10}, {"a": 0.5}, {"a": 0}),
        ({"a": 0}, {}, {"a": 0}),
        ({"a": 29, "b": 71}, {"a": 0.29}, {"a": 29, "b": 71}),  # 0.29 * 100 is less than 29
        ({"a": 140, "b": 140, "c": 140}, {"a": 0.34, "b": 0.33, "c": 0.33}, {"a": 140, "b": 138, "c": 138}),
        ({"a": 20, "b": 20, "c": 20}, {"a": 0.34, "b": 0.33, "c": 0.33}, {"a": 20, "b": 20, "c": 20}),
    ],
)
def test_the_limits_of_shares(
    counts: dict[str, int], shares: dict[str, float], limits: dict[str, int]
) -> None:
    assert limits_of(counts, shares) == limits


@given(
    counts=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3000), min_size=1),
    parts=st.lists(st.integers(1, 100), min_size=6, max_size=6),
)
def test_shares_that_cover_everything_leave_out_no_more_than_they_must(
    counts: dict[str, int], parts: list[int]
) -> None:
    """Of fractional rows the best total is the least of count / share; whole rows come within one for each value."""
    weights = dict(zip(counts, parts, strict=False))
    shares = {value: weight / sum(weights.values()) for value, weight in weights.items()}
    limits = limits_of(counts, shares)
    total = sum(limits.values())
    assert all(limits[value] <= counts[value] for value in counts)
    assert all(limits[value] < shares[value] * total + 1 for value in counts)
    assert total >= min(min(counts[value] / shares[value] for value in counts), sum(counts.values())) - len(
        counts
    )


def test_documents_and_questions_that_are_nearly_the_same_are_one_cluster() -> None:
    text = (
        "The Alder Bridge was opened in 1860 and has a span of 42 metres over the river Wend near the mill. "
        * 3
    )
    other = "A method for the solution of linear equations by elimination was known in China two thousand years ago. "
    clusters = Clusters()
    join_alike(
        clusters, [("one", text), ("two", text.replace("1860", "1861")), ("three", other * 3), ("four", text)]
    )
    assert clusters.lead("one") == clusters.lead("two") == clusters.lead("four")
    assert clusters.lead("three") != clusters.lead("one")


def test_clusters_are_joined_through_others() -> None:
    clusters = Clusters()
    for one, other in (("a", "b"), ("c", "d"), ("b", "c")):
        clusters.join(one, other)
    assert {clusters.lead(name) for name in "abcd"} == {"a"}
    assert clusters.lead("e") == "e"
