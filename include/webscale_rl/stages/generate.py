"""generate: one question for one plan item, with its evidence and the specification of its answer."""

from functools import cache
from typing import Annotated

from pydantic import Field, StringConstraints

from webscale_rl.llm.fence import fence
from webscale_rl.llm.prompts import load_card
from webscale_rl.records import ClaimScope, Domain, PlanItem
from webscale_rl.rewards.spec import AnswerType
from webscale_rl.stages.demonstrations import DOMAIN_FILES, Forms, demonstrations_for
from webscale_rl.stages.stage import LongText, Stage, StageAnswer

Text100 = Annotated[str, StringConstraints(max_length=100)]
Text300 = Annotated[str, StringConstraints(max_length=300)]


class GenerateAnswer(StageAnswer):
    """The model's answer. With ``abstain`` true, everything after ``abstain_reason`` is left empty."""

    evidence: Annotated[list[Annotated[str, StringConstraints(max_length=600)]], Field(max_length=5)]
    derivation: LongText
    expression: Annotated[str, StringConstraints(max_length=200)]
    abstain: bool
    abstain_reason: Text300
    question: Annotated[str, StringConstraints(max_length=2000)]
    options: Annotated[list[Text300], Field(max_length=6)]
    answer: Text300
    answer_type: AnswerType
    unit: Annotated[str, StringConstraints(max_length=40)]
    precision: Annotated[str, StringConstraints(max_length=40)]
    tolerance: Annotated[float, Field(ge=0)]
    aliases: Annotated[list[Text100], Field(max_length=6)]
    claim_scope: ClaimScope
    scope_anchor: Text100


@cache
def generate_stage(domain: Domain, forms: Forms) -> Stage[GenerateAnswer]:
    """Return the stage with the card of a domain and two demonstrations of domain and forms.

    ``forms`` are those of a whole plan (see ``shown_forms``), so that its items share all that stands behind the
    document.
    """
    shown = demonstrations_for(domain, forms)
    return Stage(
        name="generate",
        answer=GenerateAnswer,
        limit=1600,  # five long quotations and six long options never come together
        temperature=0.7,
        guides=(load_card(DOMAIN_FILES[domain]), *(fence("demonstration", text) for text in shown)),
    )


def generate_fields(item: PlanItem, domain: Domain) -> dict[str, str]:
    """Return the variable parts of the prompt; what the items of a document share comes first."""
    return {
        "domain": domain.value,
        "persona": item.persona,
        "task_form": item.task_form.value,
        "target": item.target,
    }
