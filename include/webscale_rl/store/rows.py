"""From the outcome of a document to the rows that record it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from webscale_rl.convert import pair_id
from webscale_rl.ids import content_id
from webscale_rl.records import DocumentOutcome, ItemOutcome, ItemState

TableRow = tuple[str, dict[str, Any]]


def outcome_rows(outcome: DocumentOutcome, config_hash: str, origin: Mapping[str, str]) -> Iterator[TableRow]:
    """Yield (table, row) for a document, its items and their verdicts, parents before children."""
    for item in outcome.items:
        row = _question_row(outcome, item, config_hash)
        yield "questions", {**row, **origin}
        for position, verdict in enumerate(item.verdicts):
            yield "verdicts", {"question_id": row["id"], "position": position, **verdict.model_dump()}
    yield (
        "document_results",
        {
            **origin,
            "config_hash": config_hash,
            "document_id": outcome.document_id,
            "state": outcome.state.value,
            "stage": outcome.stage,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "domain": outcome.domain.value if outcome.domain else "",
            "call_key": outcome.call_key,
            "n_items": len(outcome.items),
            "n_accepted": outcome.accepted,
        },
    )


def _question_row(outcome: DocumentOutcome, item: ItemOutcome, config_hash: str) -> dict[str, Any]:
    question = item.question
    parent = question.parent_id if question else ""
    accepted = item.state is ItemState.ACCEPTED
    row = {
        "id": content_id([config_hash, outcome.document_id, item.item_index, parent]),
        "pair_id": pair_id(outcome.document_id, question) if question and accepted else "",
        "parent_id": parent,
        "config_hash": config_hash,
        "document_id": outcome.document_id,
        "item_index": item.item_index,
        "domain": outcome.domain.value if outcome.domain else "",
        "persona": item.item.persona,
        "task_form": item.item.task_form.value,
        "target": item.item.target,
        "draft": item.draft or None,
        "state": item.state.value,
        "stage": item.stage,
        "reason": item.reason,
        "detail": item.detail,
        "call_key": item.call_key,
    }
    draft = item.draft
    return row | {
        "question": question.text if question else draft.get("question", ""),
        "answer": question.spec.answer if question else draft.get("answer", ""),
        "answer_type": question.spec.type if question else draft.get("answer_type", ""),
        "answer_spec": orjson.loads(question.spec.to_json()) if question else None,
        "evidence": [span.model_dump() for span in question.evidence] if question else [],
        "derivation": question.derivation if question else draft.get("derivation", ""),
        "expression": question.expression if question else draft.get("expression", ""),
        "claim_scope": question.claim_scope.value if question else draft.get("claim_scope", ""),
        "scope_anchor": question.scope_anchor if question else draft.get("scope_anchor", ""),
    }
