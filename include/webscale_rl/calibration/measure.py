"""Asks every stage about every item, as the pipeline asks: the same prompts, schemas and roles."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from webscale_rl.calibration.confusion import Observation
from webscale_rl.calibration.items import (
    AnswersItem,
    Defect,
    DocumentItem,
    DraftItem,
    GenerateItem,
    Items,
    PairItem,
    PlanLine,
)
from webscale_rl.calibration.judgements import Judgement, checked, judgements, matched, ungated
from webscale_rl.errors import InvalidAnswer, RequestRejected, WebscaleError
from webscale_rl.llm.endpoint import EndpointClient
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.prompts import show_document
from webscale_rl.records import Record, TaskForm
from webscale_rl.stages.assess import ASSESS, AssessAnswer, rejection
from webscale_rl.stages.check import CheckDepth
from webscale_rl.stages.demonstrations import shown_forms
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import GenerateAnswer, generate_fields, generate_stage
from webscale_rl.stages.repair import repair_stage, shown_draft

DEPTHS: tuple[CheckDepth, ...] = get_args(CheckDepth)
NO_ANSWER = "no usable answer"
# Says nothing about the item; faults of the endpoint end everything.
UNUSABLE = (InvalidAnswer, RequestRejected)

Counter = Callable[[], object]


class StageUsage(Record):
    """Calls of one stage and their tokens, as the endpoint counts them."""

    calls: int = 0
    unusable: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


class Hit(Record):
    """Whether one thing about an item was right that is no matter of flagging."""

    what: str
    item_id: str
    right: bool


@dataclass
class Tally:
    """Takes the rows of the calls, which are counted and not kept."""

    usage: dict[str, StageUsage] = field(default_factory=lambda: defaultdict(StageUsage))

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Count a row of ``llm_calls``."""
        before = self.usage[row["stage"]]
        counts = {
            name: getattr(before, name) + row[name]
            for name in ("prompt_tokens", "cached_tokens", "completion_tokens")
        }
        one_more = {"calls": before.calls + 1, "unusable": before.unusable + (not row["valid"])}
        self.usage[row["stage"]] = StageUsage(**counts, **one_more)

    def check(self) -> None:
        """Nothing stops these calls."""


@dataclass
class Measured:
    """What was observed. ``checks`` has the observations of the whole check, by depth."""

    stages: list[Observation] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    checks: dict[CheckDepth, list[Observation]] = field(
        default_factory=lambda: {depth: [] for depth in DEPTHS}
    )
    usage: dict[str, StageUsage] = field(default_factory=dict)


async def measure(
    items: Items, clients: Mapping[str, EndpointClient], on_item: Counter = lambda: None
) -> Measured:
    """Ask about all items; the clients' admission bounds how many calls are in flight.

    Args:
        items: to ask about.
        clients: by role: ``generator``, ``checker`` and perhaps ``second_solver``.
        on_item: called when an item is done.

    Raises:
        WebscaleError: the endpoint refuses or kept failing.
    """
    tally = Tally()
    desk = _Desk(clients, tally)
    tasks = [_counted(job, on_item) for job in _jobs(items, desk)]
    try:
        async with asyncio.TaskGroup() as group:
            done = [group.create_task(task) for task in tasks]
    except* WebscaleError as errors:
        raise _first(errors) from None
    found = Measured(usage=dict(tally.usage))
    for task in done:  # in the order of the items
        part = task.result()
        found.stages += part.stages
        found.hits += part.hits
        for depth in DEPTHS:
            found.checks[depth] += part.checks[depth]
    return found


class _Desk:
    """One asker a document, so that its items share what was answered."""

    def __init__(self, clients: Mapping[str, EndpointClient], tally: Tally) -> None:
        self._clients = clients
        self._tally = tally
        self._askers: dict[str, Asker] = {}

    def asker(self, name: str, text: str = "") -> Asker:
        if name not in self._askers:
            # The document that was opened first goes first: it is finished while a server holds its prefix.
            priority = len(self._askers)
            asker = Asker(name, KnownCalls(), self._clients, self._tally, {}, priority=priority)
            self._askers[name] = asker.reading(show_document(text)) if text else asker
        return self._askers[name]


def _jobs(items: Items, desk: _Desk) -> Iterator[Coroutine[Any, Any, Measured]]:
    for pair in items.pairs:
        yield _pair(pair, desk.asker(pair.document_id, pair.text))
    for document in items.documents:
        yield _document(document, desk.asker(document.document_id, document.text))
    for plan in items.plans:
        yield _plan(plan, desk.asker(plan.document_id, plan.text))
    for answers in items.answers:
        yield _answers(answers, desk.asker("answers"))
    for draft in items.drafts:
        yield _draft(draft, desk.asker(draft.document_id, draft.text))


async def _counted(job: Coroutine[Any, Any, Measured], on_item: Counter) -> Measured:
    found = await job
    on_item()
    return found


async def _pair(item: PairItem, asker: Asker) -> Measured:
    """Observe gate, solve with match, blind and judge alone, then gate and check together at every depth."""
    found = Measured()
    gated = gate(item.draft, item.plan_item, item.domain, item.text)
    question = ungated(item) if isinstance(gated, GateRejection) else gated
    refused = gated.reason.value if isinstance(gated, GateRejection) else ""
    must = True if item.gate_reason else False if item.defect is Defect.NONE else None
    found.stages.append(_seen(item, "gate", refused or "passes", must, flagged=bool(refused)))
    for stage, judged, flags in judgements(question, asker):
        must = False if item.fault is Defect.NONE else True if item.fault in flags else None
        found.stages.append(await _observed(item, stage, must, judged))
    for depth in DEPTHS:
        bad = item.defect is not Defect.NONE
        if refused:
            ended = _seen(item, depth, f"gate: {refused}", bad, flagged=True)
        else:
            ended = await _observed(item, depth, bad, checked(question, asker, depth))
        found.checks[depth].append(ended)
    return found


async def _observed(item: PairItem, stage: str, must: bool | None, judged: Judgement) -> Observation:
    try:
        outcome, flagged = await judged
    except UNUSABLE:
        return _seen(item, stage, NO_ANSWER, must, flagged=None)
    return _seen(item, stage, outcome, must, flagged=flagged)


def _seen(
    item: PairItem, stage: str, outcome: str, must: bool | None, *, flagged: bool | None
) -> Observation:
    return Observation(
        stage=stage,
        item_id=item.id,
        label=item.defect.value,
        outcome=outcome,
        must_flag=must,
        flagged=flagged,
    )


async def _document(item: DocumentItem, asker: Asker) -> Measured:
    """Observe whether assess takes the document, and of what it takes or leaves, domain or first flag."""
    try:
        answer: AssessAnswer | None = (await asker.ask(ASSESS, {}, role="generator")).answer
    except UNUSABLE:
        answer = None
    reason = rejection(answer) if answer else NO_ANSWER
    seen = Observation(
        stage="assess",
        item_id=item.id,
        label=item.decision,
        outcome=reason or "suitable",
        must_flag=item.decision == "unsuitable",
        flagged=bool(reason) if answer else None,
    )
    hits = []
    if answer and not reason and item.decision == "suitable":
        hits.append(
            Hit(what="domain of suitable documents", item_id=item.id, right=answer.domain in item.domains)
        )
    if reason and item.decision == "unsuitable" and answer:
        right = any(reason == flag.value for flag in item.flags)
        hits.append(Hit(what="first flag of unsuitable documents", item_id=item.id, right=right))
    return Measured(stages=[seen], hits=hits)


async def _plan(item: GenerateItem, asker: Asker) -> Measured:
    """Observe whether the generator writes or abstains, and whether what it writes passes the gate."""
    stage = generate_stage(item.domain, _forms(item))
    try:
        fields = generate_fields(item.plan_item, item.domain)
        draft: GenerateAnswer | None = (await asker.ask(stage, fields, role="generator")).answer
    except UNUSABLE:
        draft = None
    label = "target not in the document" if item.must_abstain else "target in the document"
    what = "written questions that pass the gate"
    return _written(item, "generate", label, draft, must_abstain=item.must_abstain, what=what)


async def _draft(item: DraftItem, asker: Asker) -> Measured:
    """Observe whether a draft is mended so that it passes the gate, or given up."""
    fields = generate_fields(item.plan_item, item.domain)
    fields |= {"draft": shown_draft(item.draft), "fault": item.fault, "remark": item.remark}
    try:
        stage = repair_stage(item.domain, _forms(item))
        draft: GenerateAnswer | None = (await asker.ask(stage, fields, role="generator")).answer
    except UNUSABLE:
        draft = None
    what = "mended questions that pass the gate"
    label = "cannot be mended" if item.must_abstain else "can be mended"
    return _written(item, "repair", label, draft, must_abstain=item.must_abstain, what=what)


def _written(
    item: PlanLine, stage: str, label: str, draft: GenerateAnswer | None, *, must_abstain: bool, what: str
) -> Measured:
    outcome, hits = NO_ANSWER, []
    if draft is not None:
        outcome = "abstains" if draft.abstain else _gated(item, draft)
    if draft is not None and not draft.abstain and not must_abstain:
        hits.append(Hit(what=what, item_id=item.id, right=outcome == "passes the gate"))
    seen = Observation(
        stage=stage,
        item_id=item.id,
        label=label,
        outcome=outcome,
        must_flag=must_abstain,
        flagged=None if draft is None else draft.abstain,
    )
    return Measured(stages=[seen], hits=hits)


def _gated(item: PlanLine, draft: GenerateAnswer) -> str:
    gated = gate(draft, item.plan_item, item.domain, item.text)
    return f"gate: {gated.reason.value}" if isinstance(gated, GateRejection) else "passes the gate"


async def _answers(item: AnswersItem, asker: Asker) -> Measured:
    """Observe what the matcher says, also where rules would have decided; only ``same`` lets a pair pass."""
    try:
        outcome = await matched(item.question, item.answer_one, item.answer_two, asker)
    except UNUSABLE:
        outcome = NO_ANSWER
    seen = Observation(
        stage="match",
        item_id=item.id,
        label=item.label,
        outcome=outcome,
        must_flag=item.label == "different",
        flagged=None if outcome == NO_ANSWER else outcome != "same",
    )
    return Measured(stages=[seen])


def _forms(item: PlanLine) -> tuple[TaskForm, ...]:
    return shown_forms((item.plan_item,))


def _first(errors: BaseExceptionGroup[WebscaleError]) -> WebscaleError:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, WebscaleError)
    return first
