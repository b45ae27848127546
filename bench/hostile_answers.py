"""What a reward pays for hostile responses and for honest ones: ``rewards.score`` beside the rules of others.

    .venv/bin/python bench/hostile_answers.py out/hostile_answers.json

Hostile responses (``hostile_texts.py``) want the reward without the answer. Honest ones (``honest_texts.py``) give a
right or a wrong answer in the forms in which models write it; the right ones are written in as many ways as came to
mind, so a share says which of them are read, not how often a model's answer is.

Two sets of specifications with their honest answers: the first was written *before* the rules were repaired, the
second *after*. The families of hostile responses were written before, and the rules were repaired on those made from
the first set: there the figures say that the repair holds. No rule was repaired on those made from the second.

Beside ours, on the same responses: verl's search reward (exact match and containment; it reads the last
``<answer>``), verl's MATH reward (it reads the last ``\\boxed``) and ``math-verify`` on the whole response, as
General-Reasoner's and verl's reward functions call it. Which form is read is a matter of the prompt, so the tables
beside others count the responses in which a rule finds a final answer; ours and ``math-verify`` count all. "No final
answer" is hostile to rules that want it marked; ``math-verify``, meant for mathematics, takes it wherever it stands.
It is given one response of ten, by chance; what is longer than 20,000 characters or takes it more than two seconds or
2 GiB is left out and counted.

Exits with status 1 if more than 1 % of the hostile responses score 1 by our rules. A few are right: 0/1 is 0.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from honest_texts import AFTER, BEFORE, CASES, FORMS, fits, written
from hostile_texts import hostile
from response_rules import OURS, Kind, Response, Rule, Verdict, rules
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SEED = 7
ALLOWED = 0.01  # of the hostile responses
SHOWN = 100  # characters of a response
SETS = (BEFORE, AFTER)

Counts = defaultdict[tuple[str, Kind, str, str], Counter[Verdict]]  # by rule, kind, set and group


@dataclass(frozen=True)
class Accepted:
    """A hostile response that scores 1 by our rules."""

    family: str
    type: str
    answer: str
    response: str


def responses() -> Iterator[Response]:
    """Yield all responses one at a time: together they are a gigabyte."""
    random = Random(SEED)
    for when, cases in CASES.items():
        for case in cases:
            for family, text in hostile(case, random):
                yield Response(case, Kind.HOSTILE, when, family, text)
            for kind, answers in ((Kind.RIGHT, case.right), (Kind.WRONG, case.wrong)):
                for answer in answers:
                    for form in FORMS[when]:
                        if fits(form, answer):
                            yield Response(case, kind, when, case.spec.type, written(form, answer))


def measure(compared: dict[str, Rule]) -> tuple[Counts, list[Accepted], dict[str, float]]:
    """Score all responses; return the counts, the hostile ones that ours accepts, and the seconds of each rule."""
    counts: Counts = defaultdict(Counter)
    accepted = []
    seconds = dict.fromkeys(compared, 0.0)
    for response in responses():
        for name, rule in compared.items():
            started = time.monotonic()
            verdict = rule(response)
            seconds[name] += time.monotonic() - started
            if verdict is None:
                continue
            counts[name, response.kind, response.written, response.group][verdict] += 1
            if name == OURS and response.kind is Kind.HOSTILE and verdict is Verdict.ONE:
                spec = response.case.spec
                accepted.append(Accepted(response.group, spec.type, spec.answer, response.text[:SHOWN]))
    return counts, accepted, seconds


def total(counts: Counts, rule: str, kind: Kind, when: str = "", group: str = "") -> Counter[Verdict]:
    """Add up the counts of a rule; of both sets and of all groups where none is named."""
    added: Counter[Verdict] = Counter()
    for (by, of_kind, of_set, of_group), count in counts.items():
        if (by, of_kind) == (rule, kind) and when in ("", of_set) and group in ("", of_group):
            added.update(count)
    return added


def share(count: Counter[Verdict]) -> str:
    """Return the share that scores 1 of those in which a final answer was found."""
    read = count[Verdict.ONE] + count[Verdict.ZERO]
    return f"{count[Verdict.ONE] / read:.1%}" if read else "-"


def groups(counts: Counts, kind: Kind) -> list[str]:
    """Return the groups of a kind, and no name for all of them."""
    return [*dict.fromkeys(group for _, of_kind, _, group in counts if of_kind is kind), ""]


def hostile_table(counts: Counts) -> Table:
    """Return how many hostile responses score 1 by our rules."""
    title = f"Hostile responses, {OURS}: made from specifications written before and after the rules were repaired"
    table = Table("family", *(head for when in SETS for head in (when, "score 1")), title=title)
    for family in groups(counts, Kind.HOSTILE):
        both = [total(counts, OURS, Kind.HOSTILE, when, family) for when in SETS]
        cells = (cell for count in both for cell in (f"{count.total():,}", f"{count[Verdict.ONE]:,}"))
        table.add_row(family or "all", *cells)
    return table


def honest_table(counts: Counts) -> Table:
    """Return the share of honest responses that scores 1 by our rules."""
    title = f"Honest responses that score 1, {OURS}: written before and after the rules were repaired"
    columns = [(kind, when) for when in SETS for kind in (Kind.RIGHT, Kind.WRONG)]
    table = Table("type", *(f"{kind.value}, {when}" for kind, when in columns), title=title)
    for group in groups(counts, Kind.RIGHT):
        found = [total(counts, OURS, kind, when, group) for kind, when in columns]
        table.add_row(group or "all", *(f"{share(count)} of {count.total():,}" for count in found))
    return table


def compared_table(counts: Counts, names: list[str], kind: Kind) -> Table:
    """Return the share of a kind of responses that scores 1 by each rule."""
    table = Table("family" if kind is Kind.HOSTILE else "type", *names)
    table.title = f"Responses, {kind.value}: share that scores 1 where a final answer is found, both sets"
    for group in groups(counts, kind):
        table.add_row(group or "all", *(share(total(counts, name, kind, "", group)) for name in names))
    every = [total(counts, name, kind) for name in names]
    table.add_row("responses given", *(f"{count.total():,}" for count in every))
    for verdict in (Verdict.UNREAD, Verdict.LEFT_OUT):
        table.add_row(verdict.value, *(f"{count[verdict]:,}" for count in every))
    return table


def accepted_table(accepted: list[Accepted]) -> Table:
    """Return the hostile responses that score 1 by our rules."""
    table = Table("family", "type", "answer", "response", title=f"Hostile responses that score 1, {OURS}")
    for each in accepted:
        table.add_row(each.family, each.type, escape(each.answer), escape(ascii(each.response)))
    return table


def figures(counts: Counts, accepted: list[Accepted], seconds: dict[str, float]) -> str:
    """Return everything as JSON, the counts of a group in one object."""
    rows = [
        {"rule": rule, "kind": kind.value, "written": when, "group": group}
        | {verdict.value: count[verdict] for verdict in Verdict}
        for (rule, kind, when, group), count in counts.items()
    ]
    results = {
        "counts": rows,
        "hostile responses that score 1": [asdict(each) for each in accepted],
        "seconds": {rule: round(spent, 1) for rule, spent in seconds.items()},
    }
    return json.dumps(results, indent=2) + "\n"


def main() -> None:
    """Measure, print the tables and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("results", type=Path)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # math-verify warns of every text that is no mathematics
    compared = rules()
    counts, accepted, seconds = measure(compared)
    console = Console(width=140)
    console.print(hostile_table(counts), accepted_table(accepted), honest_table(counts))
    for kind in Kind:
        console.print(compared_table(counts, list(compared), kind))
    console.print(", ".join(f"{rule}: {spent:.0f} s" for rule, spent in seconds.items()))
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(figures(counts, accepted, seconds))
    ours = total(counts, OURS, Kind.HOSTILE)
    if ours[Verdict.ONE] > ALLOWED * ours.total():
        sys.exit(1)


if __name__ == "__main__":
    main()
