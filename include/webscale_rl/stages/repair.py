"""repair: one revision of a question with a fault that can be named and mended; everything is checked again."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import orjson

from webscale_rl.llm.prompts import load_template
from webscale_rl.records import Domain, ItemOutcome, ItemState
from webscale_rl.stages.demonstrations import Forms
from webscale_rl.stages.generate import GenerateAnswer, generate_fields, generate_stage
from webscale_rl.stages.stage import Stage

# The reasons of rejections for which the section of the task says how they are mended.
MENDABLE = frozenset(re.findall(r"^- ([a-z_]+): ", load_template("repair"), re.MULTILINE))


def is_mendable(outcome: ItemOutcome) -> bool:
    """Say whether a question was turned down for a fault that a revision can mend."""
    return outcome.state is ItemState.REJECTED and outcome.revision == 0 and outcome.reason in MENDABLE


@cache
def repair_stage(domain: Domain, forms: Forms) -> Stage[GenerateAnswer]:
    """Return the stage that revises a question: its prompt is that of `generate` as far as the fields go."""
    return replace(generate_stage(domain, forms), name="repair", temperature=0.0)


def repair_fields(outcome: ItemOutcome, draft: GenerateAnswer) -> dict[str, str]:
    """Return the variable parts of the prompt: those of `generate`, then the draft, its fault and the remark."""
    fields = generate_fields(outcome.item, outcome.domain)
    return fields | {"draft": shown_draft(draft), "fault": outcome.reason, "remark": outcome.detail}


def shown_draft(draft: GenerateAnswer) -> str:
    """Return a draft as the prompt shows it: JSON without what only an abstention needs."""
    return orjson.dumps(draft.model_dump(mode="json", exclude={"abstain", "abstain_reason"})).decode()
