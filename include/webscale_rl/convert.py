"""The road that one document takes, readable top to bottom.

    filter -> assess -> generate (per plan item) -> gate -> check -> pair

A document goes down this road on its own, among many others in flight: no barrier between stages.
"""

import asyncio

from webscale_rl.config import ConversionConfig
from webscale_rl.errors import EndpointError, InvalidAnswer, RequestRejected
from webscale_rl.ids import content_id
from webscale_rl.llm.ledger import Asker
from webscale_rl.records import (
    Document,
    DocumentOutcome,
    DocumentState,
    Domain,
    ItemOutcome,
    ItemState,
    PlanItem,
    Question,
)
from webscale_rl.stages.assess import ASSESS, profile, rejection
from webscale_rl.stages.check import Check
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import generate_fields, generate_stage

# What ends a document or item as failed, to be driven again: it says nothing about the document.
RETRYABLE = (InvalidAnswer, EndpointError, RequestRejected)


async def convert_document(document: Document, config: ConversionConfig, asker: Asker) -> DocumentOutcome:
    """Take one document down the road.

    Raises:
        ExceptionGroup: of EndpointRefusal, LeaseLost or Stopping: no document can go on.
    """
    if reason := _filtered(document, config):
        return _rejected(document, "filter", reason, f"{document.n_tokens} tokens")
    try:
        assessed = await asker.ask(ASSESS, {}, role="generator")
    except RETRYABLE as error:
        return _failed(document, error)
    answer = assessed.answer
    if reason := rejection(answer):
        return _rejected(document, "assess", reason, answer.analysis, assessed.call_key)
    found = profile(answer, config.items_per_document)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(convert_item(item, index, found.domain, document, config, asker))
            for index, item in enumerate(found.plan)
        ]
    items = _without_repeats([task.result() for task in tasks])
    failed = [item for item in items if item.state is ItemState.FAILED]
    return DocumentOutcome(
        document_id=document.id,
        state=DocumentState.FAILED if failed else DocumentState.DONE,
        stage=failed[0].stage if failed else "",
        reason=failed[0].reason if failed else "",
        detail=failed[0].detail if failed else answer.analysis,
        domain=found.domain,
        call_key=assessed.call_key,
        items=tuple(items),
    )


async def convert_item(
    item: PlanItem, index: int, domain: Domain, document: Document, config: ConversionConfig, asker: Asker
) -> ItemOutcome:
    """Write, gate and check one question."""
    outcome = ItemOutcome(item=item, item_index=index, state=ItemState.FAILED, stage="generate")
    try:
        stage = generate_stage(domain, item.task_form)
        written = await asker.ask(stage, generate_fields(item, domain), role="generator")
    except RETRYABLE as error:
        return outcome.model_copy(update=_reason_of(error))
    outcome = outcome.model_copy(update={"call_key": written.call_key})
    draft = written.answer
    if draft.abstain:
        said = {"reason": "abstained", "detail": draft.abstain_reason or draft.derivation}
        return outcome.model_copy(update={"state": ItemState.ABSTAINED, **said})
    question = gate(draft, item, domain, document.text)
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
        update={"stage": "check", "question": question, "verdicts": tuple(check.verdicts), **ended}
    )


def pair_id(document_id: str, question: Question) -> str:
    """Return the id of a pair: a hash of its document, question and answer specification."""
    return content_id([document_id, question.text, question.spec.to_json()])


def _filtered(document: Document, config: ConversionConfig) -> str:
    """Return why a document never reaches a model (paper: fewer than 50 tokens), or an empty string."""
    if document.n_tokens < config.min_tokens:
        return "too_short"
    return "too_long" if document.n_tokens > config.max_tokens else ""


def _without_repeats(items: list[ItemOutcome]) -> list[ItemOutcome]:
    """Reject an accepted item whose question another accepted item of the document already asks."""
    seen: set[str] = set()
    kept = []
    for item in items:
        if item.state is ItemState.ACCEPTED and item.question is not None:
            asked = " ".join(item.question.text.casefold().split())
            if asked in seen:
                update = {"state": ItemState.REJECTED, "stage": "gate", "reason": "repeated_question"}
                item = item.model_copy(update=update)
            seen.add(asked)
        kept.append(item)
    return kept


def _words(check: Check) -> str:
    """Return the words of the verdict that decided: the last one."""
    last = check.verdicts[-1]
    return f"{last.judge}: {last.outcome}. {last.words}"


def _rejected(
    document: Document, stage: str, reason: str, detail: str, call_key: str = ""
) -> DocumentOutcome:
    return DocumentOutcome(
        document_id=document.id,
        state=DocumentState.REJECTED,
        stage=stage,
        reason=reason,
        detail=detail,
        call_key=call_key,
    )


def _failed(document: Document, error: Exception) -> DocumentOutcome:
    return DocumentOutcome(
        document_id=document.id, state=DocumentState.FAILED, stage="assess", **_reason_of(error)
    )


def _reason_of(error: Exception) -> dict[str, str]:
    if isinstance(error, InvalidAnswer):
        return {"reason": error.reason, "detail": error.detail}
    reason = "request_rejected" if isinstance(error, RequestRejected) else "endpoint"
    return {"reason": reason, "detail": str(error)}
