"""The road that one document takes, readable top to bottom.

    filter -> parts -> assess -> generate (per plan item) -> gate -> check -> pair
                                     ^                        |
                                     +------- repair once ----+

A document goes down this road on its own, among many others in flight: no barrier between stages.
"""

import asyncio

from webscale_rl.config import ConversionConfig
from webscale_rl.corpus.parts import Part
from webscale_rl.errors import EndpointError, InvalidAnswer, RequestRejected
from webscale_rl.ids import content_id
from webscale_rl.llm.ledger import Answered, Asker
from webscale_rl.llm.prompts import show_document
from webscale_rl.records import (
    Document,
    DocumentOutcome,
    DocumentState,
    ItemOutcome,
    ItemState,
    PartOutcome,
    PlanItem,
    Profile,
    Question,
    Verdict,
)
from webscale_rl.stages.assess import ASSESS, profile, rejection
from webscale_rl.stages.check import Check
from webscale_rl.stages.demonstrations import shown_forms
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import GenerateAnswer, generate_fields, generate_stage
from webscale_rl.stages.parts import parts_of, position
from webscale_rl.stages.repair import is_mendable, repair_fields, repair_stage

# What ends a document or item as failed, to be driven again: it says nothing about the document.
RETRYABLE = (InvalidAnswer, EndpointError, RequestRejected)


async def convert_document(document: Document, config: ConversionConfig, asker: Asker) -> DocumentOutcome:
    """Take one document down the road.

    Raises:
        ExceptionGroup: of EndpointRefusal, LeaseLost or Stopping: no document can go on.
    """
    if reason := _filtered(document, config):
        said = {"stage": "filter", "reason": reason, "detail": f"{document.n_tokens} tokens"}
        return DocumentOutcome(document_id=document.id, state=DocumentState.REJECTED, **said)
    try:
        parts = await parts_of(document, config.part_tokens, config.tokens, asker)
    except RETRYABLE as error:
        return DocumentOutcome(
            document_id=document.id, state=DocumentState.FAILED, stage="parts", **_reason_of(error)
        )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(convert_part(part, config, asker)) for part in parts]
    return _document_outcome(document, _without_repeats([task.result() for task in tasks]))


async def convert_part(part: Part, config: ConversionConfig, asker: Asker) -> PartOutcome:
    """Assess one part of a document and convert the items of its plan."""
    reader = asker.reading(show_document(part.text, position(part)))
    outcome = PartOutcome(
        start=part.start,
        end=part.end,
        title_path=part.title_path,
        state=DocumentState.FAILED,
        stage="assess",
    )
    try:
        assessed = await reader.ask(ASSESS, {}, role="generator")
    except RETRYABLE as error:
        return outcome.model_copy(update=_reason_of(error))
    answer = assessed.answer
    outcome = outcome.model_copy(update={"call_key": assessed.call_key, "detail": answer.analysis})
    if reason := rejection(answer):
        return outcome.model_copy(update={"state": DocumentState.REJECTED, "reason": reason})
    found = profile(answer, config.items_per_document)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(convert_item(item, index, found, part, config, reader))
            for index, item in enumerate(found.plan)
        ]
    items = tuple(outcome for task in tasks for outcome in task.result())
    ended = {"state": DocumentState.DONE, "stage": "", "domain": found.domain, "items": items}
    if failed := [item for item in items if item.state is ItemState.FAILED]:
        first = failed[0]
        ended["state"] = DocumentState.FAILED
        ended |= {"stage": first.stage, "reason": first.reason, "detail": first.detail}
    return outcome.model_copy(update=ended)


async def convert_item(
    item: PlanItem, index: int, found: Profile, part: Part, config: ConversionConfig, asker: Asker
) -> list[ItemOutcome]:
    """Write, gate and check one question; where that finds a fault that can be mended, once more."""
    domain, forms = found.domain, shown_forms(found.plan)
    outcome = ItemOutcome(
        item=item, item_index=index, domain=domain, state=ItemState.FAILED, stage="generate"
    )
    try:
        fields = generate_fields(item, domain)
        written = await asker.ask(generate_stage(domain, forms), fields, role="generator")
    except RETRYABLE as error:
        return [outcome.model_copy(update=_reason_of(error))]
    outcome = await _judged(outcome, written, part, config, asker)
    if not (config.repair and is_mendable(outcome)):
        return [outcome]
    try:
        fields = repair_fields(outcome, written.answer)
        mended = await asker.ask(repair_stage(domain, forms), fields, role="generator")
    except RETRYABLE as error:
        return [
            outcome.model_copy(update={"state": ItemState.FAILED, "stage": "repair", **_reason_of(error)})
        ]
    if mended.answer.abstain:
        return [_declined(outcome, mended)]
    revision = ItemOutcome(
        item=item, item_index=index, domain=domain, revision=1, state=ItemState.FAILED, stage="repair"
    )
    revision = await _judged(revision, mended, part, config, asker)
    return [outcome.model_copy(update={"state": ItemState.REPAIRED}), revision]


async def _judged(
    outcome: ItemOutcome,
    written: Answered[GenerateAnswer],
    part: Part,
    config: ConversionConfig,
    asker: Asker,
) -> ItemOutcome:
    """Return where a written question ends: at the generator's own word, at the gate, or after the check."""
    outcome = outcome.model_copy(update={"call_key": written.call_key})
    draft = written.answer
    if draft.abstain:
        said = {"reason": "abstained", "detail": draft.abstain_reason or draft.derivation}
        return outcome.model_copy(update={"state": ItemState.ABSTAINED, **said})
    question = gate(draft, outcome.item, outcome.domain, part.text)
    if isinstance(question, GateRejection):
        update = {"state": ItemState.REJECTED, "stage": "gate", "draft": draft.model_dump(mode="json")}
        said = {"reason": question.reason.value, "detail": question.detail}
        return outcome.model_copy(update=update | said)
    check = Check(question, asker, config.check_depth)
    try:
        state, reason = await check.run()
        ended = {"state": state, "reason": reason, "detail": _words(check) if reason else ""}
    except RETRYABLE as error:
        ended = _reason_of(error)
    return outcome.model_copy(
        update={
            "stage": "check",
            "question": question.shifted(part.start),
            "verdicts": tuple(check.verdicts),
            **ended,
        }
    )


def pair_id(document_id: str, question: Question) -> str:
    """Return the id of a pair: a hash of its document, question and answer specification."""
    return content_id([document_id, question.text, question.spec.to_json()])


def _filtered(document: Document, config: ConversionConfig) -> str:
    """Return why a document never reaches a model (paper: fewer than 50 tokens), or an empty string."""
    if document.n_tokens < config.min_tokens:
        return "too_short"
    return "too_long" if document.n_tokens > config.max_tokens else ""


def _without_repeats(parts: list[PartOutcome]) -> list[PartOutcome]:
    """Reject an accepted item whose question another accepted item of the document already asks."""
    seen: set[str] = set()

    def kept(item: ItemOutcome) -> ItemOutcome:
        if item.state is not ItemState.ACCEPTED or item.question is None:
            return item
        asked = " ".join(item.question.text.casefold().split())
        if asked in seen:
            update = {"state": ItemState.REJECTED, "stage": "gate", "reason": "repeated_question"}
            return item.model_copy(update=update)
        seen.add(asked)
        return item

    return [
        part.model_copy(update={"items": tuple(kept(item) for item in part.items)}) if part.items else part
        for part in parts
    ]


def _document_outcome(document: Document, parts: list[PartOutcome]) -> DocumentOutcome:
    """Return where a document ends: failed if a part is not final, done if one carried questions, else rejected."""
    ended = {part.state: part for part in reversed(parts)}  # the first part of each state
    gravest = (DocumentState.FAILED, DocumentState.DONE, DocumentState.REJECTED)
    state = next(state for state in gravest if state in ended)
    decided = ended[state]
    return DocumentOutcome(
        document_id=document.id,
        state=state,
        stage=decided.stage,
        reason=decided.reason,
        detail=decided.detail,
        domain=decided.domain,
        call_key=decided.call_key,
        parts=tuple(parts),
    )


def _declined(outcome: ItemOutcome, mended: Answered[GenerateAnswer]) -> ItemOutcome:
    """Return the outcome of a question that the generator could not mend: it stays as it was."""
    words = mended.answer.abstain_reason or mended.answer.derivation
    declined = Verdict(judge="repair", outcome="declined", words=words, call_key=mended.call_key)
    return outcome.model_copy(update={"verdicts": (*outcome.verdicts, declined)})


def _words(check: Check) -> str:
    """Return the words of the verdict that decided: the last one."""
    last = check.verdicts[-1]
    rival = f" Rival answer: {check.rival}" if check.rival and "Rival answer:" not in last.words else ""
    return f"{last.judge}: {last.outcome}. {last.words}{rival}"


def _reason_of(error: Exception) -> dict[str, str]:
    if isinstance(error, InvalidAnswer):
        return {"reason": error.reason, "detail": error.detail}
    reason = "request_rejected" if isinstance(error, RequestRejected) else "endpoint"
    return {"reason": reason, "detail": str(error)}
