"""check: solve without the answer, compare, judge the question alone (paper, section 3.2, made stricter).

``lean`` solves once, asks a matcher only where the rules are unsure, and has the question judged blind.
``full`` adds a second solver on disagreement and a judge with the document in view.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import StringConstraints

from webscale_rl.ids import text_id
from webscale_rl.llm.ledger import Asker
from webscale_rl.records import ItemState, Question, Verdict
from webscale_rl.rewards import AnswerSpec, Match, match
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


@dataclass
class Check:
    """One question under check; gathers the verdicts on the way."""

    question: Question
    asker: Asker
    depth: CheckDepth
    verdicts: list[Verdict] = field(default_factory=list)

    async def run(self) -> tuple[ItemState, str]:
        """Return the state in which the item ends and the reason (empty for an accepted one).

        Raises:
            The errors of :meth:`Asker.ask`; the verdicts gathered until then stay in ``verdicts``.
        """
        for step in (self._solve, self._judge_blind, self._judge_with_document):
            state, reason = await step()
            if state is not ItemState.ACCEPTED:
                return state, reason
        return ItemState.ACCEPTED, ""

    async def _solve(self) -> tuple[ItemState, str]:
        solved = await self._solver("solve", "checker")
        if solved is None:
            return ItemState.REJECTED, "unanswerable"
        if await self._same("match", self.question.spec, solved):
            return ItemState.ACCEPTED, ""
        return await self._second_opinion(solved)

    async def _second_opinion(self, first: str) -> tuple[ItemState, str]:
        """Decide a disagreement: another family may side with the reference, or with the first solver."""
        if self.depth == "lean" or not self.asker.has("second_solver"):
            return ItemState.DISPUTED, "solver_disagrees"
        second = await self._solver("second_solve", "second_solver")
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

    async def _solver(self, judge: str, role: str) -> str | None:
        """Return a solver's answer, or None where it finds that the document does not determine one."""
        asked = await self.asker.ask(SOLVE, {"question": self.question.text}, role=role)
        found = asked.answer
        solved = found.sufficient and bool(found.answer.strip())
        self._note(
            judge, "answered" if solved else "insufficient", found.analysis, found.answer, asked.call_key
        )
        return found.answer.strip() if solved else None

    async def _same(self, judge: str, spec: AnswerSpec, candidate: str) -> bool:
        """Compare by rules; what these leave open goes to the matcher."""
        by_rules = match(spec, candidate)
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
        if self.depth == "lean":
            return ItemState.ACCEPTED, ""
        fields = {"question": self.question.text, "answer": self.question.spec.answer}
        asked = await self.asker.ask(JUDGE, fields, role="checker")
        found = asked.answer
        rival = found.rival_answer.strip()
        if not found.supported:
            reason = "unsupported"
        elif rival and match(self.question.spec, rival) is not Match.SAME:
            reason = "not_unique"
        else:
            reason = "answer_revealed" if found.answer_revealed else ""
        words = f"{found.analysis} Rival answer: {rival}" if rival else found.analysis
        self._note("judge", reason or "sound", words, rival, asked.call_key)
        return _ended(reason)

    def _note(self, judge: str, outcome: str, words: str, answer: str, key: str = "") -> None:
        self.verdicts.append(Verdict(judge=judge, outcome=outcome, words=words, answer=answer, call_key=key))


def _ended(reason: str) -> tuple[ItemState, str]:
    return (ItemState.REJECTED, reason) if reason else (ItemState.ACCEPTED, "")
