"""The answer to `assess`: flags, domain and a plan of different questions."""

from typing import Any

from webscale_rl.offline.rules.domains import domain_of, personas_of
from webscale_rl.offline.rules.facts import choose
from webscale_rl.offline.rules.junk import flag_of


def assess(fields: dict[str, str]) -> dict[str, Any]:
    """Return the answer for the document in ``fields``."""
    document = fields.get("document", "")
    domain = domain_of(document)
    if flag := flag_of(document):
        return _unsuitable(flag, domain, f"The shape of the text is that of {flag.replace('_', ' ')}.")
    chosen = choose(document)
    if not chosen:
        return _unsuitable("no_facts", domain, "The rules find no statement that they could ask about.")
    plan = [
        {"persona": persona, "task_form": fact.form, "target": fact.target[:300]}
        for persona, fact in zip(personas_of(domain), chosen, strict=False)
    ]
    return {
        "analysis": f"The rules find facts to ask about, the first of them {chosen[0].target}."[:1200],
        "flags": [],
        "decision": "suitable",
        "domain": domain,
        "plan": plan,
    }


def _unsuitable(flag: str, domain: str, analysis: str) -> dict[str, Any]:
    return {"analysis": analysis, "flags": [flag], "decision": "unsuitable", "domain": domain, "plan": []}
