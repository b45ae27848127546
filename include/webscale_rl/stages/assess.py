"""assess: is the document worth questions, which domain is it, and who would ask what (paper, section 3.1)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from webscale_rl.records import Domain, PlanItem, Profile, TaskForm
from webscale_rl.stages.stage import LongText, Stage, StageAnswer


class Flag(StrEnum):
    """What can be wrong with a document. The first flag of an unsuitable document is its reason."""

    BOILERPLATE = "boilerplate"  # licence texts, cookie notices, templates, placeholders
    NAVIGATION = "navigation"  # menus, link lists, tables of contents, indexes
    ADVERTISEMENT = "advertisement"
    MACHINE_DATA = "machine_data"  # logs, minified code, markup, lock files, raw rows
    FRAGMENT = "fragment"  # starts or ends in mid-argument and cannot be understood alone
    MISSING_REFERENT = "missing_referent"  # speaks of figures, tables or links that are not there
    NO_FACTS = "no_facts"  # opinion, promotion, changelog or chatter without checkable content
    NOT_ENGLISH = "not_english"
    QUESTIONS_ONLY = "questions_only"  # exercises without their content


ShortText = Annotated[str, StringConstraints(max_length=200)]


class PlannedItem(StageAnswer):
    """One entry of the plan."""

    persona: ShortText
    task_form: TaskForm
    target: Annotated[str, StringConstraints(max_length=300)]


class AssessAnswer(StageAnswer):
    """The model's answer."""

    analysis: LongText
    flags: Annotated[list[Flag], Field(max_length=4)]
    decision: Literal["suitable", "unsuitable"]
    domain: Domain
    plan: Annotated[list[PlannedItem], Field(max_length=3)]


ASSESS = Stage(name="assess", answer=AssessAnswer)


def rejection(answer: AssessAnswer) -> str:
    """Return the reason to reject the document, or an empty string to go on with it."""
    if answer.decision == "unsuitable":
        return answer.flags[0].value if answer.flags else "unsuitable"
    return "" if any(_usable(item) for item in answer.plan) else "empty_plan"


def profile(answer: AssessAnswer, max_items: int) -> Profile:
    """Turn the answer on a suitable document into its profile: at most ``max_items`` different items."""
    plan: dict[tuple[TaskForm, str], PlanItem] = {}
    for item in filter(_usable, answer.plan):
        planned = PlanItem(persona=item.persona.strip(), task_form=item.task_form, target=item.target.strip())
        plan.setdefault((planned.task_form, planned.target.casefold()), planned)
    return Profile(domain=answer.domain, plan=tuple(plan.values())[:max_items])


def _usable(item: PlannedItem) -> bool:
    return bool(item.persona.strip() and item.target.strip())
