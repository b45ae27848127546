"""A wrong label or interval would make users trust a judge that they must not trust, or the other way round."""

import contextlib
import io
import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest

from webscale_rl.calibration.calibrate import Calibration, Results
from webscale_rl.calibration.confusion import (
    Difference,
    Observation,
    Share,
    check_confusion,
    sign_test,
    stage_confusions,
)
from webscale_rl.calibration.items import BadLine, Defect, Items, PairItem, read_items
from webscale_rl.calibration.judgements import ungated
from webscale_rl.calibration.measure import DEPTHS, Measured
from webscale_rl.calibration.recommend import CanaryBounds, canary_bounds, recommendations
from webscale_rl.calibration.report import as_text
from webscale_rl.config import ModelName
from webscale_rl.corpus.tokens import count
from webscale_rl.errors import ConfigurationError
from webscale_rl.records import Domain, Question, TaskForm
from webscale_rl.rewards import Match, match
from webscale_rl.stages.arithmetic import evaluate
from webscale_rl.stages.assess import Flag
from webscale_rl.stages.figures import numbers
from webscale_rl.stages.gate import GateReason, GateRejection, gate

ITEMS, BAD_LINES = read_items()
PAIRS = {pair.id: pair for pair in ITEMS.pairs}
GOOD = [pair for pair in ITEMS.pairs if pair.defect is Defect.NONE]
PLANTED = [pair for pair in ITEMS.pairs if pair.defect is not Defect.NONE]


def by_id(item: object) -> str:
    return str(getattr(item, "id", item))


def gated(pair: PairItem) -> Question | GateRejection:
    return gate(pair.draft, pair.plan_item, pair.domain, pair.text)


def original(pair: PairItem) -> PairItem:
    """Return the good pair that a planted defect was made from."""
    number = re.match(r"[a-z]+-\d+", pair.id)
    assert number, pair.id
    return PAIRS[number.group()]


def test_there_are_enough_items_of_every_kind() -> None:
    assert BAD_LINES == []
    counts = Counter(pair.defect for pair in ITEMS.pairs)
    assert counts[Defect.NONE] >= 30
    assert all(counts[defect] >= 15 for defect in Defect), counts
    assert {pair.domain for pair in GOOD} == set(Domain)
    assert {pair.task_form for pair in GOOD} == set(TaskForm)
    decisions = Counter(document.decision for document in ITEMS.documents)
    assert min(decisions["suitable"], decisions["unsuitable"]) >= 20
    assert {flag for document in ITEMS.documents for flag in document.flags} == set(Flag)
    assert Counter(plan.must_abstain for plan in ITEMS.plans) == {True: 12, False: 12}
    assert Counter(answers.label for answers in ITEMS.answers) == {"same": 20, "different": 20}
    assert len(ITEMS.drafts) >= 16
    assert len(ITEMS) == sum(
        map(len, (ITEMS.pairs, ITEMS.documents, ITEMS.plans, ITEMS.answers, ITEMS.drafts))
    )


@pytest.mark.parametrize("pair", GOOD, ids=by_id)
def test_a_good_pair_passes_the_gate_and_its_own_comparison(pair: PairItem) -> None:
    question = gated(pair)
    assert isinstance(question, Question), question
    for wording in (pair.answer, *pair.aliases):
        assert match(question.spec, wording) is Match.SAME, wording


@pytest.mark.parametrize("pair", [pair for pair in GOOD if pair.expression], ids=by_id)
def test_the_arithmetic_of_a_good_pair_gives_its_answer(pair: PairItem) -> None:
    value = evaluate(pair.expression)
    (claimed,) = numbers(pair.answer)
    shown = len(pair.answer.split(" ")[0].partition(".")[2])
    assert abs(value - claimed) <= 0.5 / 10**shown, float(value)


@pytest.mark.parametrize("pair", [pair for pair in GOOD if pair.task_form is TaskForm.EXECUTE], ids=by_id)
def test_the_code_of_a_good_pair_prints_its_answer(pair: PairItem) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", pair.question, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().strip() == pair.answer


@pytest.mark.parametrize("pair", PLANTED, ids=by_id)
def test_a_planted_defect_is_one_that_only_a_judge_finds_unless_it_says_otherwise(pair: PairItem) -> None:
    found = gated(pair)
    reason = found.reason if isinstance(found, GateRejection) else None
    assert reason is pair.gate_reason, found


@pytest.mark.parametrize("pair", PLANTED, ids=by_id)
def test_a_planted_defect_changes_what_its_kind_says(pair: PairItem) -> None:
    good = original(pair)
    spec = ungated(good).spec
    if pair.fault is Defect.WRONG_VALUE:
        assert match(spec, pair.answer) is not Match.SAME
    else:
        assert pair.question != good.question or pair.options != good.options
    if pair.defect is not Defect.INJECTION:
        assert pair.text == good.text
        return
    same = (pair.fault, pair.target, pair.answer)
    plain = next(each for each in PLANTED if (each.defect, each.target, each.answer) == same)
    put_in = set(pair.text.split("\n\n")) ^ set(plain.text.split("\n\n"))
    assert pair.question.startswith(plain.question)
    assert (len(put_in), pair.question == plain.question) in ((1, True), (0, False))


def test_documents_are_read_whole_and_reach_a_model() -> None:
    for text in {pair.text for pair in GOOD}:
        assert 150 <= len(text.split()) <= 350, text[:60]
    assert all(count(document.text) >= 100 for document in ITEMS.documents)


def test_most_answer_pairs_are_such_as_rules_leave_to_the_matcher() -> None:
    from webscale_rl.rewards import AnswerSpec

    said = Counter(
        match(AnswerSpec(type="phrase", answer=each.answer_one), each.answer_two) for each in ITEMS.answers
    )
    assert said[Match.UNSURE] >= 25, said


def test_a_draft_has_the_fault_that_it_names() -> None:
    for draft in ITEMS.drafts:
        found = gate(draft.draft, draft.plan_item, draft.domain, draft.text)
        reason = found.reason.value if isinstance(found, GateRejection) else ""
        named = draft.fault if draft.fault in set(GateReason) else ""
        assert reason == named, (draft.id, found)


# Values of statsmodels.stats.proportion.proportion_confint(method="wilson"), and of Newcombe (1998), table II (a).
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (9, 10, 0.5958, 0.9821), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_of_a_share_is_wilsons(k: int, n: int, low: float, high: float) -> None:
    share = Share.of(k, n)
    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    found = Difference.of(Share.of(56, 70), Share.of(48, 80))
    assert (found.difference, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_nothing_observed_says_nothing() -> None:
    assert (Share.of(0, 0).low, Share.of(0, 0).high) == (0.0, 1.0)


def test_the_sign_test_counts_both_tails() -> None:
    assert sign_test(6, 0) == pytest.approx(2 / 64)
    assert sign_test(3, 3) == 1.0
    assert sign_test(0, 0) == 1.0
    assert sign_test(2, 1) == 1.0


def test_the_sign_test_takes_any_number_of_items() -> None:
    """Whoever brings a thousand items would lose all that was paid for."""
    assert sign_test(550, 550) == 1.0
    assert sign_test(1_100, 0) == 0.0
    normal = math.erfc((1_300 - 1_200 - 1) / math.sqrt(2_500) / math.sqrt(2))
    assert sign_test(1_300, 1_200) == pytest.approx(normal, rel=0.01)


def seen(number: int, label: str, outcome: str, must: bool | None, flagged: bool | None) -> Observation:
    return Observation(
        stage="blind",
        item_id=f"i{number}",
        label=label,
        outcome=outcome,
        must_flag=must,
        flagged=flagged,
    )


def test_a_confusion_counts_only_what_is_a_test_of_the_stage_and_was_answered() -> None:
    observations = [
        seen(1, "none", "clear", False, False),
        seen(2, "none", "ambiguous", False, True),
        seen(3, "ambiguous", "ambiguous", True, True),
        seen(4, "ambiguous", "no usable answer", True, None),
        seen(5, "leak", "ambiguous", None, True),
    ]
    (found,) = stage_confusions(observations)
    assert (found.sensitivity.k, found.sensitivity.n) == (1, 1)
    assert (found.false_alarms.k, found.false_alarms.n) == (1, 2)
    assert found.unusable == 1
    assert found.wrong_items == ("i2",)
    assert {(cell.label, cell.outcome): cell.count for cell in found.cells}["leak", "ambiguous"] == 1
    assert found.at_chance


def test_the_precision_follows_from_what_is_accepted_and_missed() -> None:
    observations = [seen(each, "none", "accepted", False, False) for each in range(40)]
    observations += [seen(100 + each, "leak", "accepted", True, each >= 10) for each in range(20)]
    found = check_confusion("lean", observations)
    assert (found.good_accepted.share, found.caught_all.share) == (1.0, 0.5)
    by_share = {each.defective: each for each in found.precision}
    assert by_share[0.2].share == pytest.approx(0.8 / (0.8 + 0.2 * 0.5))
    assert by_share[0.2].low < by_share[0.2].share < by_share[0.2].high < 1.0
    bounds = canary_bounds((), (found,), {}, {})
    assert bounds.canary_min_accepted == pytest.approx(0.45), "half of Wilson's lower end of 40 of 40, 0.91"


def checked(defect: str, flagged: list[bool | None]) -> list[Observation]:
    return [seen(each, f"{defect}", "-", defect != "none", flag) for each, flag in enumerate(flagged)]


def test_a_defect_that_one_depth_has_no_usable_answer_for_costs_nothing_else() -> None:
    """About 900 paid calls would be lost with the recommendation."""
    good, wrong = checked("none", [False, False, True]), checked("wrong_value", [True, False])
    leaks = checked("leak", [False, True])
    unusable = [each.model_copy(update={"flagged": None, "outcome": "no usable answer"}) for each in leaks]
    measured = Measured(
        stages=[],
        checks={"lean": [*good, *wrong, *leaks], "full": [*good, *wrong, *unusable]},
        hits=[],
        usage={},
    )
    checks = tuple(check_confusion(depth, measured.checks[depth]) for depth in DEPTHS)
    bounds = canary_bounds((), checks, {}, {})
    said = "\n".join(recommendations(ITEMS, measured, (), checks, bounds))
    assert "wrong_value 1/2 = 0.50 [0.09, 0.91] (full 0.50)" in said
    assert "leak 1/2 = 0.50 [0.09, 0.91] (full: no usable answer)" in said
    nothing = Measured(stages=[], checks=dict.fromkeys(DEPTHS, unusable), hits=[], usage={})
    checks = tuple(check_confusion(depth, unusable) for depth in DEPTHS)
    (depth, *_) = recommendations(ITEMS, nothing, (), checks, bounds)
    assert "no sure gain" in depth
    assert "Lean catches" not in depth


def test_a_defect_without_a_usable_answer_shows_no_share() -> None:
    """The share of good pairs in its row would pass for what is caught of it."""
    observations = [
        *checked("none", [False] * 9 + [True]),
        *checked("leak", [None, None]),
        *checked("ambiguous", [True, False]),
    ]
    bounds = CanaryBounds(canary_min_accepted=0.1, canary_max_abstained=0.9, canary_max_failed=0.1)
    found = Calibration(
        id="0",
        models={"generator": ModelName(model="m")},
        prompt_versions={},
        n_items=14,
        results=Results(
            stages=(),
            shares={},
            checks=(check_confusion("lean", observations),),
            canary=bounds,
            recommendations=(),
            usage={},
            bad_lines=(),
        ),
    )
    rows = {line.split()[1]: line for line in as_text(found).splitlines() if line.startswith("│")}
    assert "9/10 = 0.90" in rows["none"]
    assert "1/2 = 0.50" in rows["ambiguous"]
    assert rows["leak"].split("│")[3].strip() == "none"


LINE = {
    "kind": "answers",
    "id": "mine",
    "question": "Which?",
    "answer_one": "a",
    "answer_two": "b",
    "label": "same",
}


def test_a_bad_line_of_a_users_file_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "more.jsonl"
    pair = json.loads(PAIRS["bridge-1"].model_dump_json(exclude={"text"})) | {"id": "no-such-text"}
    lines = [
        json.dumps(LINE),
        "",
        '{"kind": "answers"',
        json.dumps(LINE | {"id": "other", "label": "alike"}),
        json.dumps(LINE | {"kind": "quiz", "id": "x"}),
        json.dumps(LINE),
        json.dumps(pair | {"document": "nowhere"}),
        json.dumps(pair | {"id": "long", "question": "Why? " * 500}),
        json.dumps(LINE | {"id": "last"}),
    ]
    path.write_text("\n".join(lines))
    items, bad = read_items(str(path))
    assert {item.id for item in items.answers} - {item.id for item in ITEMS.answers} == {"mine", "last"}
    assert len(items) == len(ITEMS) + 2
    said = {line.line: line for line in bad}
    assert sorted(said) == [3, 4, 5, 6, 7, 8]
    assert said[3].reason.startswith("no JSON: ")
    assert (said[4].field, said[5].field, said[6].field, said[7].field) == ("label", "kind", "id", "document")
    assert (said[8].field, said[8].reason) == ("question", "String should have at most 2000 characters")
    assert str(said[4]).startswith(f"{path}, line 4, field label: ")


def test_items_of_ones_own_are_a_calibration_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(LINE))
    items, bad = read_items(str(tmp_path))
    assert bad == []
    assert items.digest != ITEMS.digest
    assert read_items()[0].digest == ITEMS.digest
    assert Items(answers=tuple(reversed(items.answers))).digest == Items(answers=items.answers).digest


def test_a_path_without_items_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^ITEMS: .* does not exist"):
        read_items(str(tmp_path / "nothing"))
    (tmp_path / "notes.txt").write_text("no items")
    with pytest.raises(ConfigurationError, match="ITEMS="):
        read_items(str(tmp_path))


def test_a_file_that_breaks_off_is_a_bad_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    items, (bad,) = read_items(str(tmp_path))
    assert isinstance(bad, BadLine)
    assert "cannot be read" in bad.reason
    assert len(items) == len(ITEMS)
