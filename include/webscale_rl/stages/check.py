"""check: solve without the answer, compare, judge the question alone (paper, section 3.2, made stricter).

``lean`` solves once, asks a matcher only where the rules are unsure, and has the question judged blind. ``full``
adds a second solver on disagreement, a solver without the document where the question carries its premises, repeated
solves where one agrees by chance too often, and a judge with the document in view. In both, a choice question must
not be answerable from its options alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import StringConstraints

from webscale_rl.ids import text_id
from webscale_rl.llm.ledger import Asker
from webscale_rl.records import ItemState, Question, Verdict
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.stages.conditions import carries_its_premises, conditions
from webscale_rl.stages.options import rotated, stem_of
from webscale_rl.stages.stage import LongText, Stage, StageAnswer

CheckDepth = Literal["lean", "full"]
Text300 = Annotated[str, StringConstraints(max_length=300)]


class SolveAnswer(StageAnswer):
    """The checker solves the question from the document; it never sees answer, evidence or persona."""

    analysis: LongText
    sufficient: bool  # whether the document determines the answer
    answer: Text300


class MatchAnswer(StageAnswer):
    """Whether two answers to a question are the same; without the document, in hashed order."""

    analysis: LongText
    verdict: Literal["same", "different", "unsure"]


class BlindAnswer(StageAnswer):
    """The question judged alone: a judge with the document in view fills in what is missing and misses it."""

    analysis: LongText
    missing: Text300  # the context one would need; empty where nothing is missing
    self_contained: bool
    ambiguous: bool  # two experts could understand different things


class ClosedAnswer(StageAnswer):
    """The question solved without the document: whether it carries the premises that it needs (depth ``full``)."""

    analysis: LongText
    sufficient: bool  # whether the question and general knowledge determine the answer
    missing: Text300  # the fact one would need; empty where nothing is missing
    answer: Text300


class OptionsAnswer(StageAnswer):
    """The options of a question judged without it: which of them looks right."""

    analysis: LongText
    answer: Text300


class JudgeAnswer(StageAnswer):
    """The pair judged with the document in view (depth ``full``)."""

    analysis: LongText
    supported: bool  # the document supports the answer
    rival_answer: Text300  # another answer that would be right too; empty where there is none
    answer_revealed: bool  # the question gives its answer away


SOLVE = Stage(name="solve", answer=SolveAnswer)
MATCH = Stage(name="match", answer=MatchAnswer, sees_document=False)
BLIND = Stage(name="blind", answer=BlindAnswer, sees_document=False)
JUDGE = Stage(name="judge", answer=JudgeAnswer)
CLOSED = Stage(name="closed", answer=ClosedAnswer, sees_document=False)
OPTIONS = Stage(name="options", answer=OptionsAnswer, sees_document=False)

GUESSES = 3  # attempts from the options alone: all of them right by chance is at most 1 in 27


@dataclass
class Check:
    """One question under check; gathers the verdicts on the way."""

    question: Question
    asker: Asker
    depth: CheckDepth
    verdicts: list[Verdict] = field(default_factory=list)
    rival: str = ""  # the answer that stands against the reference, where one does

    async def run(self) -> tuple[ItemState, str]:
        """Return the state in which the item ends and the reason (empty for an accepted one).

        Raises:
            The errors of :meth:`Asker.ask`; the verdicts gathered until then stay in ``verdicts``.
        """
        steps = [self._solve, self._guess, self._judge_blind]
        if self.depth == "full":
            steps = [self._solve, self._solve_again, self._solve_closed, self._guess, self._judge_blind]
            steps.append(self._judge_with_document)
        for step in steps:
            state, reason = await step()
            if state is not ItemState.ACCEPTED:
                return state, reason
        return ItemState.ACCEPTED, ""

    async def _solve(self) -> tuple[ItemState, str]:
        solved = await self._solver("solve", "checker", self.question.text)
        if solved is None:
            return ItemState.REJECTED, "unanswerable"
        if await self._same("match", self.question.spec, solved):
            return ItemState.ACCEPTED, ""
        self.rival = solved
        return await self._second_opinion(solved)

    async def _second_opinion(self, first: str) -> tuple[ItemState, str]:
        """Decide a disagreement: another family may side with the reference, or with the first solver."""
        if self.depth == "lean" or not self.asker.has("second_solver"):
            return ItemState.DISPUTED, "solver_disagrees"
        second = await self._solver("second_solve", "second_solver", self.question.text)
        if second is None:
            return ItemState.DISPUTED, "second_solver_unanswered"
        if await self._same("second_match", self.question.spec, second):
            return ItemState.ACCEPTED, ""
        spec = self.question.spec
        rival = AnswerSpec(
            type=spec.type, answer=first, unit=spec.unit, tolerance=spec.tolerance, options=spec.options
        )
        if await self._same("solvers_match", rival, second):
            return ItemState.REJECTED, "wrong"
        return ItemState.DISPUTED, "three_answers"

    async def _solve_again(self) -> tuple[ItemState, str]:
        """Solve a question with few possible answers under other conditions, until chance is no explanation."""
        for number, (text, spec) in enumerate(conditions(self.question), start=2):
            solved = await self._solver(f"solve_{number}", "checker", text)
            if solved is None or not await self._same(f"match_{number}", spec, solved):
                self.rival = solved or ""
                return ItemState.DISPUTED, "unstable"
        return ItemState.ACCEPTED, ""

    async def _solve_closed(self) -> tuple[ItemState, str]:
        """Solve a question that carries its premises without the document."""
        if not carries_its_premises(self.question):
            return ItemState.ACCEPTED, ""
        asked = await self.asker.ask(CLOSED, {"question": self.question.text}, role="checker")
        found = asked.answer
        answer = found.answer.strip() if found.sufficient else ""
        words = f"{found.analysis} Missing: {found.missing}" if found.missing else found.analysis
        self._note("closed", "answered" if answer else "insufficient", words, answer, asked.call_key)
        if not answer:
            return ItemState.REJECTED, "premises_missing"
        if await self._same("closed_match", self.question.spec, answer):
            return ItemState.ACCEPTED, ""
        self.rival = answer
        return ItemState.DISPUTED, "closed_solver_disagrees"

    async def _guess(self) -> tuple[ItemState, str]:
        """Let the options of a choice question be judged without it, in other orders; one miss is enough."""
        for turn in range(GUESSES if self.question.spec.options else 0):
            text, spec = rotated(self.question, turn)
            asked = await self.asker.ask(
                OPTIONS, {"options": text.removeprefix(stem_of(self.question)).strip()}, role="checker"
            )
            guess = asked.answer.answer.strip()
            hit = match(spec, guess) is Match.SAME
            self._note("options", "hit" if hit else "miss", asked.answer.analysis, guess, asked.call_key)
            if not hit:
                return ItemState.ACCEPTED, ""
        return _ended("guessable_options" if self.question.spec.options else "")

    async def _solver(self, judge: str, role: str, question: str) -> str | None:
        """Return a solver's answer, or None where it finds that the document does not determine one."""
        asked = await self.asker.ask(SOLVE, {"question": question}, role=role)
        found = asked.answer
        solved = found.sufficient and bool(found.answer.strip())
        self._note(
            judge, "answered" if solved else "insufficient", found.analysis, found.answer, asked.call_key
        )
        return found.answer.strip() if solved else None

    async def _same(self, judge: str, spec: AnswerSpec, candidate: str) -> bool:
        """Compare by rules; what these leave open goes to the matcher."""
        by_rules = match(spec, candidate, self.question.text)
        if by_rules is not Match.UNSURE:
            self._note(judge, by_rules.value, "by rules", candidate)
            return by_rules is Match.SAME
        one, two = sorted((spec.answer, candidate), key=lambda answer: text_id(self.question.text + answer))
        fields = {"question": self.question.text, "answer_one": one, "answer_two": two}
        asked = await self.asker.ask(MATCH, fields, role="checker")
        self._note(judge, asked.answer.verdict, asked.answer.analysis, candidate, asked.call_key)
        return asked.answer.verdict == "same"

    async def _judge_blind(self) -> tuple[ItemState, str]:
        asked = await self.asker.ask(BLIND, {"question": self.question.text}, role="checker")
        found = asked.answer
        reason = "ambiguous" if found.ambiguous else ""
        if not found.self_contained:
            reason = "needs_context"
        words = f"{found.analysis} Missing: {found.missing}" if found.missing else found.analysis
        self._note("blind", reason or "clear", words, "", asked.call_key)
        return _ended(reason)

    async def _judge_with_document(self) -> tuple[ItemState, str]:
        fields = {"question": self.question.text, "answer": self.question.spec.answer}
        asked = await self.asker.ask(JUDGE, fields, role="checker")
        found = asked.answer
        rival = found.rival_answer.strip()
        if not found.supported:
            reason = "unsupported"
        elif rival and match(self.question.spec, rival) is not Match.SAME:
            reason, self.rival = "not_unique", rival
        else:
            reason = "answer_revealed" if found.answer_revealed else ""
        words = f"{found.analysis} Rival answer: {rival}" if rival else found.analysis
        self._note("judge", reason or "sound", words, rival, asked.call_key)
        return _ended(reason)

    def _note(self, judge: str, outcome: str, words: str, answer: str, key: str = "") -> None:
        self.verdicts.append(Verdict(judge=judge, outcome=outcome, words=words, answer=answer, call_key=key))


def _ended(reason: str) -> tuple[ItemState, str]:
    return (ItemState.REJECTED, reason) if reason else (ItemState.ACCEPTED, "")
