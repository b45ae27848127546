"""Human questions as labels of the planted model, with defective variants that a generator might have written."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gold_corruptions import (
    Maker,
    entities,
    entity_of_the_document,
    entity_of_the_sentence,
    last_digit_changed,
    number_changed,
    number_of_the_sentence,
    operand_of_the_rows,
)
from gold_rows import Draft, read_rows, squad_drafts, tatqa_drafts

from webscale_rl.calibration.items import Defect
from webscale_rl.offline.planted_labels import Candidate, PlantedItem, distractors
from webscale_rl.records import Domain, PlanItem
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.text_match import normalised

ITEMS_PER_DOCUMENT = 3
HINTED = 4  # letters of an answer from which on half of it is a hint and not the whole

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
# What rules cannot know first: what they can would show the gate alone.
_VALUES: dict[str, tuple[Maker, ...]] = {
    "squad": (number_of_the_sentence, number_changed),
    "tatqa": (operand_of_the_rows, last_digit_changed),
}
_ENTITIES: tuple[Maker, ...] = (entity_of_the_sentence, entity_of_the_document)


def gold_labels(folder: Path, limit: int, seed: int = 0) -> tuple[PlantedItem, ...]:
    """Return labels of at least ``limit`` questions, one of three of them from TAT-QA, as far as there are so many.

    Questions that the gate turns down as they are, or that are asked of two texts, are left out.
    """
    tatqa = _labels(folder / "tatqa_gold.jsonl", limit // 3, seed)
    return tatqa + _labels(folder / "squad_gold.jsonl", limit - len(tatqa), seed)


def _labels(path: Path, limit: int, seed: int) -> tuple[PlantedItem, ...]:
    rows = read_rows(path)
    random.Random(seed).shuffle(rows)
    found: list[PlantedItem] = []
    seen: set[str] = set()
    for row in rows:
        if len(found) >= limit:
            break
        if normalised(row["text"]) not in seen:
            seen.add(normalised(row["text"]))
            found += _of_row(row, path.name.split("_")[0], seen, seed)
    return tuple(found)


def _of_row(row: dict[str, Any], source: str, seen: set[str], seed: int) -> Iterator[PlantedItem]:
    drafts = [draft for draft in _drafts(source)([row]) if _passes(draft)]
    # SQuAD's questions that look answerable and are not.
    lacking = [qa["question"].strip() for qa in row["qas"] if qa.get("is_impossible")]
    made = 0
    for number, draft in enumerate(drafts):
        dice = random.Random(f"{seed} {draft.id}")
        others = [other for other in drafts if other is not draft]
        item = _item(draft, others, lacking[number : number + 1], dice)
        asked = {normalised(each.draft.question) for each in (item.good, *item.variants)}
        if made < ITEMS_PER_DOCUMENT and not asked & seen:
            seen |= asked
            made += 1
            yield item


def _drafts(source: str) -> Any:
    return squad_drafts if source == "squad" else tatqa_drafts


def _passes(draft: Draft) -> bool:
    found = gate(draft.answer, _plan(draft), Domain.OTHER, draft.document)
    return not isinstance(found, GateRejection)


def _plan(draft: Draft) -> PlanItem:
    return PlanItem(persona="A reader", task_form=draft.form, target=draft.answer.question[:300])


def _item(draft: Draft, others: list[Draft], lacking: list[str], dice: random.Random) -> PlantedItem:
    answer, plan = draft.answer, _plan(draft)
    wrong = list(_wrong(draft, others, dice))
    false = [candidate.draft.answer for candidate in wrong]
    plausible = distractors(answer, draft.document, [*false, *(each.answer.answer for each in others)])
    right = (answer.answer,)

    def variant(defect: Defect, question: str, answers: tuple[str, ...]) -> Candidate:
        changed = answer.model_copy(update={"question": question})
        return Candidate(defect=defect, plan=plan, draft=changed, answers=answers)

    stem = answer.question.rstrip(" ?.")
    variants = [
        *wrong,
        *(variant(Defect.LEAK, f"{stem}? {hint}", right) for hint in _hints(answer.answer)),
        variant(Defect.DANGLING_REFERENT, _dangling(answer.question), right),
        variant(Defect.SECOND_ANSWER, f"{stem}, among others?", (*right, plausible[0])),
        *(variant(Defect.NOT_IN_DOCUMENT, question, ()) for question in lacking),
    ]
    return PlantedItem(
        document=draft.document,
        domain=Domain.OTHER,
        good=Candidate(plan=plan, draft=answer, answers=right),
        variants=tuple(variants),
        distractors=plausible,
    )


def _wrong(draft: Draft, others: Iterable[Draft], dice: random.Random) -> Iterator[Candidate]:
    """Yield at most one wrong value and one wrong entity; where none applies, the answer to another question."""
    found = []
    for defect, makers in (
        (Defect.WRONG_VALUE, _VALUES[draft.source]),
        (Defect.WRONG_ENTITY, _ENTITIES),
    ):
        copies = (make(draft, dice, []) for make in makers)
        if copy := next((copy.answer for copy in copies if copy and _differs(copy, draft)), None):
            found.append((defect, copy))
    elsewhere = [other for other in others if _differs(other, draft)]
    if not found and elsewhere:
        other = dice.choice(elsewhere).answer
        found.append((Defect.WRONG_ENTITY, other.model_copy(update={"question": draft.answer.question})))
    for defect, answer in found:
        yield Candidate(defect=defect, plan=_plan(draft), draft=answer, answers=(draft.answer.answer,))


def _differs(other: Draft, draft: Draft) -> bool:
    right = draft.answer
    spec = AnswerSpec(
        type=right.answer_type, answer=right.answer, unit=right.unit, aliases=tuple(right.aliases)
    )
    return match(spec, other.answer.answer) is not Match.SAME


def _hints(answer: str) -> Iterator[str]:
    """Yield the answer outright, which the gate finds, and the first half of it, which it cannot."""
    yield f"(Not everybody says {answer}.)"
    if len(answer) >= HINTED:
        yield f"(It begins with '{answer[: len(answer) // 2]}'.)"


def _dangling(question: str) -> str:
    """Take from a question what it is about: its longest name, else a year, else say that something is known."""
    if names := entities(question):
        return question.replace(max(names, key=len), "that one")
    if year := _YEAR.search(question):
        return question.replace(year.group(), "that year")
    return f"In that case, {question[:1].lower()}{question[1:]}"
