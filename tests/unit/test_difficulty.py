"""What attempts say of a pair: a wrong formula would let a user choose pairs that teach nothing."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from math import comb, pi, sin

import pytest

from webscale_rl.difficulty.attempts import Attempt, Tally, judged, solver_name
from webscale_rl.difficulty.conditions import BLANK, Condition, Task, asking_sentence, task
from webscale_rl.difficulty.config import DifficultyConfig, ModelName
from webscale_rl.difficulty.marks import (
    Mark,
    answer_in_question,
    guessable_options,
    guessable_without_givens,
    marks_of,
    suspect_label,
)
from webscale_rl.difficulty.pairs import Pair
from webscale_rl.difficulty.statistics import chance_of_at_least, histogram, mixed_share
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.ledger import FreeText
from webscale_rl.offline.rules.closed_book import closed_book, is_closed_book
from webscale_rl.rewards import AnswerSpec
from webscale_rl.rewards.prompt import PROMPT_VERSION, solver_prompt
from webscale_rl.rewards.score import judge

OPTIONS = ("Collatz lemma", "Collatz conjecture", "Collatz paradox", "Collatz theorem")
CHOICE = Pair(
    "pair-1",
    "document",
    "choice",
    "Which name has the statement?\nA) Collatz lemma\nB) Collatz conjecture\nC) Collatz paradox\nD) Collatz theorem",
    AnswerSpec("choice", "Collatz conjecture", options=OPTIONS, aliases=("B",)),
)
COMPUTE = Pair(
    "pair-2",
    "document",
    "compute",
    "A reservoir holds 128.5 million cubic metres in 1964 and twenty-one less in 2003. How much is left?",
    AnswerSpec("quantity", "107.5 million cubic metres", unit="million cubic metres"),
    "128.5 - 21",
)
DERIVE = Pair(
    "pair-3",
    "document",
    "derive",
    "A reservoir of 128 million cubic metres is closed below one third of that. It holds 40 million now. "
    "Is it closed to boats? Answer yes or no.",
    AnswerSpec("boolean", "yes"),
)


# Statistics


@pytest.mark.parametrize("group", [1, 2, 3, 5])
def test_the_share_of_mixed_groups_is_that_of_all_groups_that_can_be_drawn(group: int) -> None:
    for attempts in range(group, 8):
        for successes in range(attempts + 1):
            outcomes = [1] * successes + [0] * (attempts - successes)
            drawn = list(combinations(outcomes, group))
            mixed = sum(0 < sum(each) < group for each in drawn)
            assert mixed_share(successes, attempts, group) == pytest.approx(mixed / len(drawn))


@pytest.mark.parametrize("chance", [Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize(("attempts", "group"), [(4, 4), (6, 4), (8, 2)])
def test_with_enough_attempts_the_estimate_is_unbiased(chance: Fraction, attempts: int, group: int) -> None:
    """A biased one would promise mixed groups that a trainer never sees."""
    expected = sum(
        comb(attempts, k)
        * chance**k
        * (1 - chance) ** (attempts - k)
        * Fraction(mixed_share(k, attempts, group))
        for k in range(attempts + 1)
    )
    truth = 1 - chance**group - (1 - chance) ** group
    assert float(expected) == pytest.approx(float(truth))


@pytest.mark.parametrize(("successes", "attempts", "group"), [(0, 1, 8), (1, 1, 2), (2, 4, 8), (3, 7, 8)])
def test_with_few_attempts_it_is_the_posterior_mean_after_jeffreys_prior(
    successes: int, attempts: int, group: int
) -> None:
    steps = 200_000  # midpoints of p = sin^2(t), which takes the prior's poles away
    above = weight = 0.0
    for step in range(steps):
        p = sin((step + 0.5) / steps * pi / 2) ** 2
        likelihood = p**successes * (1 - p) ** (attempts - successes)
        weight += likelihood
        above += likelihood * (1 - p**group - (1 - p) ** group)
    assert mixed_share(successes, attempts, group) == pytest.approx(above / weight, abs=1e-6)


def test_impossible_counts_are_refused() -> None:
    for counts in [(-1, 4, 4), (5, 4, 4), (1, 4, 0)]:
        with pytest.raises(ValueError, match="groups of"):
            mixed_share(*counts)


def test_the_tail_is_that_of_all_outcomes() -> None:
    for attempts in range(6):
        for least in range(attempts + 1):
            found = sum(
                0.25 ** sum(outcome) * 0.75 ** (attempts - sum(outcome))
                for outcome in product([0, 1], repeat=attempts)
                if sum(outcome) >= least
            )
            assert chance_of_at_least(least, attempts, 0.25) == pytest.approx(found)


def test_every_rate_of_counts_falls_into_its_band() -> None:
    for attempts in range(1, 40):
        for successes in range(attempts + 1):
            (band,) = [n for n, count in enumerate(histogram([successes / attempts])) if count]
            assert band == min(successes * 10 // attempts, 9)


# Conditions


def test_the_whole_question_is_asked_with_the_very_prompt_of_the_exports() -> None:
    """Otherwise the pass rate would be that of another prompt than the one that is trained with."""
    found = task(Condition.QUESTION, CHOICE, 5)
    assert found is not None
    assert found.prompt == solver_prompt(CHOICE.question, CHOICE.spec)
    assert Condition.QUESTION.prompt_version == PROMPT_VERSION


def test_the_options_alone_come_in_another_order_each_time_and_their_letters_follow() -> None:
    """A liking for a letter would pass for knowledge, or a right letter for a wrong one."""
    orders = set()
    for attempt in range(24):
        found = task(Condition.OPTIONS_ONLY, CHOICE, attempt)
        assert found is not None
        assert "statement" not in found.prompt
        assert sorted(found.spec.options) == sorted(OPTIONS)
        orders.add(found.spec.options)
        letter = "ABCD"[found.spec.options.index("Collatz conjecture")]
        assert f"{letter}) Collatz conjecture" in found.question
        for answer in ["A", "B", "C", "D"]:
            score = judge(found.spec, f"\\boxed{{{answer}}}", found.question)
            assert (score.value == 1.0) == (answer == letter), (answer, score)
        assert task(Condition.OPTIONS_ONLY, CHOICE, attempt) == found
    assert len(orders) > 5
    assert task(Condition.OPTIONS_ONLY, COMPUTE, 0) is None


def test_without_givens_no_number_is_left() -> None:
    found = task(Condition.WITHOUT_GIVENS, COMPUTE, 0)
    assert found is not None
    assert (
        f"A reservoir holds {BLANK} million cubic metres in {BLANK} and {BLANK} less in {BLANK}. How much is left?"
        in found.question
    )
    assert found.spec == COMPUTE.spec


def test_of_a_derivation_only_the_sentence_that_asks_is_left() -> None:
    found = task(Condition.WITHOUT_GIVENS, DERIVE, 0)
    assert found is not None
    assert found.question.endswith("Is it closed to boats?")
    assert "million" not in found.question
    assert "third" not in found.question


@pytest.mark.parametrize(
    ("question", "form"),
    [("Which river is longer?", "derive"), ("Who wrote it?", "recall"), ("Sum the numbers.", "compute")],
)
def test_where_nothing_can_be_removed_nothing_is_asked(question: str, form: str) -> None:
    """The whole question, asked once more and passed off as a guess, would mark good pairs."""
    pair = Pair("id", "document", form, question, AnswerSpec("entity", "Elbe"))
    assert task(Condition.WITHOUT_GIVENS, pair, 0) is None


@pytest.mark.parametrize(
    ("question", "asking"),
    [
        ("It has 2.5 kg. How heavy is it?", "How heavy is it?"),
        ("How heavy is it? Give kg.", "How heavy is it?"),
        ("Name the river.", "Name the river."),
        ("A.\nB holds.\nName it", "Name it"),
        ("", ""),
    ],
)
def test_the_sentence_that_asks(question: str, asking: str) -> None:
    assert asking_sentence(question) == asking


# Attempts


def test_a_response_that_is_cut_off_is_an_attempt_without_answer() -> None:
    """Dropping it would make hard questions, on which solvers think long, look easy."""
    asked = Task(COMPUTE.question, COMPUTE.spec)
    cut = judged(asked, FreeText("perhaps \\boxed{107.5 million cubic metres}", True, "key"))
    whole = judged(asked, FreeText("so \\boxed{107.5 million cubic metres}", False, "key"))
    empty = judged(asked, FreeText("", False, "key"))
    assert whole.success
    assert not cut.success
    assert not empty.success
    assert Tally.of([cut, whole, empty]) == Tally(3, 1, 0, 2)


def test_solvers_of_other_weights_or_settings_have_other_names() -> None:
    thinking = {"chat_template_kwargs": {"enable_thinking": True}}
    endpoints = [
        Endpoint("http://h/v1", "m"),
        Endpoint("http://h/v1", "m", "r2"),
        Endpoint("http://h/v1", "m", extra_body=thinking),
    ]
    names = [solver_name(endpoint) for endpoint in endpoints]
    assert names[:2] == ["m", "m@r2"]
    assert len(set(names)) == 3


def test_the_configuration_names_what_changes_an_answer() -> None:
    model = {"m": ModelName(model="m")}
    first = DifficultyConfig(solvers=model)
    assert DifficultyConfig(solvers=model, temperature=1).hash == first.hash
    assert DifficultyConfig(solvers=model, temperature=0.7).hash != first.hash
    assert DifficultyConfig(solvers=model, max_tokens=512).hash != first.hash


# Marks

RIGHT = Attempt(True, "same", "right")
WRONG = Attempt(False, "different", "wrong")


def test_an_answer_in_the_stem_is_marked_but_not_among_the_options() -> None:
    assert answer_in_question(CHOICE) is None
    told = replace(CHOICE, question=CHOICE.question.replace("the statement", "the Collatz  Conjecture"))
    found = answer_in_question(told)
    assert found is not None
    assert found.mark is Mark.ANSWER_IN_QUESTION
    alias = Pair(
        "id", "d", "recall", "When did JFK die?", AnswerSpec("entity", "John Kennedy", aliases=("JFK",))
    )
    assert answer_in_question(alias) is not None


@pytest.mark.parametrize(
    ("form", "question", "spec"),
    [
        ("derive", "Is it so? Answer yes or no.", AnswerSpec("boolean", "yes")),
        ("compare", "Which is longer, the Elbe or the Oder?", AnswerSpec("entity", "the Elbe")),
        ("execute", "What does f() return?\ndef f():\n    return 8", AnswerSpec("integer", "8")),
        ("recall", "In which year was the X-1937 built?", AnswerSpec("entity", "193")),
        (
            "choice",
            "Which letter A is it?\nA) one\nB) two",
            AnswerSpec("choice", "one", "", "", 0, ("A",), ("one", "two")),
        ),
    ],
)
def test_an_answer_that_must_or_may_stand_there_is_not_marked(
    form: str, question: str, spec: AnswerSpec
) -> None:
    assert answer_in_question(Pair("id", "d", form, question, spec)) is None


def test_a_given_that_happens_to_equal_the_result_is_not_marked() -> None:
    spec = AnswerSpec("integer", "40")
    given = Pair("id", "d", "compute", "Of 80, 40 are gone. How many are left?", spec, "80 - 40")
    assert answer_in_question(given) is None


def test_options_alone_must_beat_chance_significantly() -> None:
    four = CHOICE.spec  # four of four: p = 1/256; of four options three of four: 0.05078
    assert guessable_options(four, [RIGHT] * 4) is not None
    assert guessable_options(four, [RIGHT] * 3 + [WRONG]) is None
    assert guessable_options(four, [RIGHT] * 3) is None, "too few attempts to say so"
    three = replace(four, options=OPTIONS[:3], aliases=())
    assert guessable_options(three, [RIGHT] * 5 + [WRONG] * 3) is None
    assert guessable_options(three, [RIGHT] * 6 + [WRONG] * 2) is not None


def test_without_givens_half_must_succeed_and_of_yes_or_no_more_than_chance() -> None:
    """A tossed coin answers half of all yes-or-no questions: marking them would throw good pairs away."""
    assert guessable_without_givens(COMPUTE.spec, [RIGHT, WRONG]) is None
    assert guessable_without_givens(COMPUTE.spec, [RIGHT] * 2 + [WRONG] * 2) is not None
    assert guessable_without_givens(COMPUTE.spec, [RIGHT] * 3 + [WRONG] * 5) is None
    assert guessable_without_givens(DERIVE.spec, [RIGHT] * 5 + [WRONG] * 3) is None
    assert guessable_without_givens(DERIVE.spec, [RIGHT] * 8) is not None


def test_a_label_is_suspect_where_a_solver_agrees_with_itself_but_never_with_it() -> None:
    spec = AnswerSpec("integer", "1937")
    one = [Attempt(False, "different", answer) for answer in ["1938", "1,938", "\\text{1938}", "1938 "]]
    scattered = [Attempt(False, "different", str(year)) for year in range(1940, 1944)]
    found = suspect_label(spec, [*one, *scattered], 8)
    assert found is not None
    assert "'1938'" in found.detail
    assert suspect_label(spec, [*one[:3], *scattered, WRONG], 8) is None, "merely hard"
    assert suspect_label(spec, one, 8) is None, "too few"
    assert suspect_label(spec, [*one, *scattered[:3], RIGHT], 8) is None
    for word in ("unknown", "\\text{cannot be determined}", "I do not know", "not enough information", ""):
        assert suspect_label(spec, [Attempt(False, "different", word)] * 8, 8) is None, (
            "it names no other answer"
        )
    unanswered = [Attempt(False, "cut")] * 5
    assert suspect_label(spec, [*one[:3], *unanswered], 8) is None


def test_where_the_rules_cannot_say_the_mark_says_so() -> None:
    spec = AnswerSpec("phrase", "by boat")
    found = suspect_label(spec, [Attempt(False, "unsure", "aboard a ship")] * 8, 8)
    assert found is not None
    assert "cannot say" in found.detail


def test_all_marks_of_a_pair() -> None:
    attempts = {
        Condition.QUESTION: [Attempt(False, "different", "Collatz lemma")] * 8,
        Condition.OPTIONS_ONLY: [RIGHT] * 8,
    }
    assert [found.mark for found in marks_of(CHOICE, attempts)] == [
        Mark.GUESSABLE_OPTIONS,
        Mark.SUSPECT_LABEL,
    ]
    assert marks_of(CHOICE, {}) == []


# The offline stand-in


@pytest.mark.parametrize(
    ("question", "spec", "answer"),
    [
        ("What is 12 + 30?", AnswerSpec("integer", "42"), "\\boxed{42}"),
        ("How high is it?", AnswerSpec("integer", "42"), "\\boxed{unknown}"),
        ("What is printed?", AnswerSpec("string", "x"), "<answer>unknown</answer>"),
    ],
)
def test_the_offline_endpoint_answers_in_the_form_that_is_asked_for(
    question: str, spec: AnswerSpec, answer: str
) -> None:
    prompt = solver_prompt(question, spec)
    assert is_closed_book(prompt)
    assert closed_book(prompt).endswith(answer)


def test_the_offline_endpoint_guesses_among_options() -> None:
    letters = {
        closed_book(solver_prompt(f"{number} {CHOICE.question}", CHOICE.spec))[-3:-1] for number in range(40)
    }
    assert letters == {"{A", "{B", "{C", "{D"}
    assert not is_closed_book("Tell me of \\boxed{}.\n\nNow greet me.")
