"""The judgements of one pair, each asked by itself: what `check` asks, without stopping at the first objection.

Each returns the word that decides, and whether it flags the pair.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any

from webscale_rl.calibration.items import Defect, PairItem
from webscale_rl.ids import text_id
from webscale_rl.llm.ledger import Asker
from webscale_rl.records import ItemState, Question
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.rewards.spec import NUMERIC_TYPES
from webscale_rl.stages.check import BLIND, CLOSED, GUESSES, JUDGE, MATCH, OPTIONS, SOLVE, Check, CheckDepth
from webscale_rl.stages.conditions import carries_its_premises
from webscale_rl.stages.options import letters_of, rotated, shuffled, stem_of, with_options

# What a stage has to flag. A defect that is not listed is no test of that stage: it may flag it or not.
SOLVE_FLAGS = frozenset({Defect.WRONG_VALUE, Defect.WRONG_ENTITY, Defect.NOT_IN_DOCUMENT})
BLIND_FLAGS = frozenset({Defect.DANGLING_REFERENT, Defect.AMBIGUOUS})
JUDGE_FLAGS = SOLVE_FLAGS | {Defect.LEAK, Defect.SECOND_ANSWER}
CLOSED_FLAGS = SOLVE_FLAGS | {Defect.DANGLING_REFERENT}

Judgement = Coroutine[Any, Any, tuple[str, bool]]


def judgements(question: Question, asker: Asker) -> Iterator[tuple[str, Judgement, frozenset[Defect]]]:
    """Yield the stages that judge a question, what they are asked, and what they must flag."""
    yield "solve", _solved(question, asker), SOLVE_FLAGS
    if carries_its_premises(question):
        yield "closed", _solved_closed(question, asker), CLOSED_FLAGS
    if question.spec.options:  # of the planted leaks some can be guessed from the options, some cannot
        yield "options", _guessed(question, asker), frozenset()
    yield "blind", _judged_blind(question, asker), BLIND_FLAGS
    yield "judge", _judged_with_document(question, asker), JUDGE_FLAGS


async def _solved(question: Question, asker: Asker) -> tuple[str, bool]:
    """Solve and compare as the check does."""
    solved = (await asker.ask(SOLVE, {"question": question.text}, role="checker")).answer
    return await _compared(question, solved.answer.strip() if solved.sufficient else "", asker)


async def _solved_closed(question: Question, asker: Asker) -> tuple[str, bool]:
    """Solve and compare without the document."""
    solved = (await asker.ask(CLOSED, {"question": question.text}, role="checker")).answer
    return await _compared(question, solved.answer.strip() if solved.sufficient else "", asker)


async def _compared(question: Question, candidate: str, asker: Asker) -> tuple[str, bool]:
    if not candidate:
        return "insufficient", True
    by_rules = match(question.spec, candidate, question.text)
    same = by_rules is Match.SAME
    if by_rules is Match.UNSURE:
        same = await matched(question.text, question.spec.answer, candidate, asker) == "same"
    return ("agrees", False) if same else ("disagrees", True)


async def _guessed(question: Question, asker: Asker) -> tuple[str, bool]:
    """Guess from the options alone, in other orders; one miss is enough to pass."""
    for turn in range(GUESSES):
        text, spec = rotated(question, turn)
        options = text.removeprefix(stem_of(question)).strip()
        guess = (await asker.ask(OPTIONS, {"options": options}, role="checker")).answer.answer.strip()
        if match(spec, guess) is not Match.SAME:
            return "not guessed", False
    return "guessed", True


async def matched(question: str, answer: str, candidate: str, asker: Asker) -> str:
    """Ask the matcher, with the answers in the order of the check."""
    one, two = sorted((answer, candidate), key=lambda each: text_id(question + each))
    fields = {"question": question, "answer_one": one, "answer_two": two}
    return (await asker.ask(MATCH, fields, role="checker")).answer.verdict


async def _judged_blind(question: Question, asker: Asker) -> tuple[str, bool]:
    found = (await asker.ask(BLIND, {"question": question.text}, role="checker")).answer
    outcome = "clear" if found.self_contained else "needs_context"
    if found.self_contained and found.ambiguous:
        outcome = "ambiguous"
    return outcome, outcome != "clear"


async def _judged_with_document(question: Question, asker: Asker) -> tuple[str, bool]:
    fields = {"question": question.text, "answer": question.spec.answer}
    found = (await asker.ask(JUDGE, fields, role="checker")).answer
    rival = found.rival_answer.strip()
    outcome = "answer_revealed" if found.answer_revealed else "sound"
    if rival and match(question.spec, rival) is not Match.SAME:
        outcome = "not_unique"
    if not found.supported:
        outcome = "unsupported"
    return outcome, outcome != "sound"


async def checked(question: Question, asker: Asker, depth: CheckDepth) -> tuple[str, bool]:
    """Run the pipeline's own check."""
    state, reason = await Check(question, asker, depth).run()
    accepted = state is ItemState.ACCEPTED
    return state.value if accepted else f"{state.value}: {reason}", not accepted


def ungated(item: PairItem) -> Question:
    """Return the question that the gate would not let through, so that the judges can be asked about it."""
    numeric = item.answer_type in NUMERIC_TYPES
    options = shuffled(item.question, item.options)
    return Question(
        item=item.plan_item,
        domain=item.domain,
        evidence=(),
        derivation=item.derivation,
        expression=item.expression,
        text=with_options(item.question.strip(), options),
        spec=AnswerSpec(
            type=item.answer_type,
            answer=item.answer,
            unit=item.unit,
            precision=item.precision,
            tolerance=item.tolerance if numeric else 0.0,
            aliases=(*item.aliases, *letters_of(item.answer, options)),
            options=options,
            order=item.answer_type != "set",
        ),
        claim_scope=item.claim_scope,
        scope_anchor=item.scope_anchor,
    )
