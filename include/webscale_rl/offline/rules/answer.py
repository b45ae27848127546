"""From a prompt to an answer: which rule answers which stage."""

from collections.abc import Callable
from typing import Any

from webscale_rl.llm.fence import fenced
from webscale_rl.offline.rules.assess import assess
from webscale_rl.offline.rules.check import blind, judge, match
from webscale_rl.offline.rules.closed_book import guess, solve_closed
from webscale_rl.offline.rules.generate import generate, repair
from webscale_rl.offline.rules.minimal import minimal
from webscale_rl.offline.rules.solve import solve

STAGES: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "assess": assess,
    "generate": generate,
    "solve": solve,
    "match": match,
    "blind": blind,
    "options": guess,
    "closed": solve_closed,
    "judge": judge,
    "repair": repair,
}


def answer(stage: str, prompt: str, schema: dict[str, Any]) -> Any:
    """Return the answer to a prompt: by the rules of its stage, else the smallest value that fits the schema.

    Only what stands in fences is looked at; of several fences with one name, the last holds the task.
    """
    rule = STAGES.get(stage)
    if rule is None:
        return minimal(schema)
    found = rule({name: texts[-1] for name, texts in fenced(prompt).items()})
    known = schema.get("properties", {})
    return found if set(found) == set(known) else minimal(schema)
