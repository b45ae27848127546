"""Prompt tokens that a server computes for an accepted pair: this pipeline's layout against others.

    .venv/bin/python bench/prefix_reuse.py [CORPUS] [--documents 200] [--models 2] [--json FILE]

Counts as vLLM does: blocks of 16 tokens, a hash over all that stands before, the least recently used forgotten first,
a cache for each replica of each model. No model is asked. All layouts send the calls of the lean check without a
matcher, with the same documents, plans and questions, and every question is accepted: assess; for each of three
items generate, solve, blind. System and user message are tokenised apart, as a chat template has it (o200k_base); the
few tokens of the template, and the room that running requests and their answers take in a cache, are left out for
all. The calls of a document go to one replica (rendezvous hash of its id) or to any (random).

Corpora: without CORPUS documents of ``synthetic_corpus.py``, with its answers; the calls of the first one are
compared with those that ``convert_document`` sends. Of a real corpus the documents of 800 to 6,000 tokens, with
invented plans of three different forms and the domains in turn; questions are words of the document, as long as real
ones.

Layouts sent document by document: a number of documents is in flight, the three generates of one go out together,
each question is solved and judged when it is written, a finished document makes room for the next; times of answers
vary.

- a: this pipeline (``Stage.messages``)
- a, own form: demonstrations by the form of each item, not shared by the items of a document
- a, behind: the order before: rules, document, section of the task, card, demonstrations by the form of the item
- a, first: rules, section of the task, card, demonstrations, document, fields
- a, one shown: as a, with one demonstration in place of two
- a, all forms: one demonstration for each of the six forms in the system message, only the card behind the document

Layouts sent stage by stage over all documents, the items of a document one after the other, which favours them:

- b: rules, section of the task, two random demonstrations, document, fields. The demonstrations are drawn anew for
  every call: for generate from those of all domains, for the others from the task's own file, in random order. The
  card stands before the demonstrations. blind sees no document.
- b, of the domain: as the published code draws: two of the document's domain, and for generate only; the other
  tasks keep their fixed ones, so that the three solves of a document share it
- b, fixed: for generate, too, always the first two of the domain, so that its three calls share the document

The bound: every distinct block of the prompts of (a), computed once for each model, and no other token.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Any

import bpe_openai
import orjson
from bare_loop import recorded
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from synthetic_corpus import answer, document

from webscale_rl.corpus.readers import find_files, read
from webscale_rl.corpus.tokens import count as count_tokens
from webscale_rl.ids import text_id
from webscale_rl.llm import prefix_cache
from webscale_rl.llm.fence import fence
from webscale_rl.llm.prefix_cache import BLOCK, PrefixCache
from webscale_rl.llm.prompts import load_card, load_template, show_document
from webscale_rl.records import Document, Domain, PlanItem, Profile, TaskForm
from webscale_rl.stages.assess import ASSESS, AssessAnswer, profile
from webscale_rl.stages.check import BLIND, SOLVE
from webscale_rl.stages.demonstrations import (
    DOMAIN_FILES,
    Forms,
    demonstrations,
    demonstrations_for,
    read_demonstrations,
    shown_forms,
)
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.instructions import RULES, SECTIONS, SHOWN, SYSTEM
from webscale_rl.stages.stage import Stage

ITEMS = 3
SHORTEST, LONGEST = 800, 6_000  # tokens of a real document
ROOMS = {"64 k": 65_536, "256 k": 262_144, "1 M": 1_048_576, "2 M": 2_097_152}  # tokens of a cache
ROLES = {"assess": "generator", "generate": "generator", "solve": "checker", "blind": "checker"}
DECODED = {
    "assess": 350,
    "generate": 550,
    "solve": 130,
    "blind": 120,
}  # tokens, about: how long an answer takes
FLEETS = {
    "one replica": (1, True),
    "4 replicas, a document keeps to one": (4, True),
    "4 replicas, calls spread at random": (4, False),
}
FORM_SHOWN_FROM = {  # for "all forms": the domain whose demonstration of a form is taken
    TaskForm.RECALL: Domain.SOCIAL_SCIENCE,
    TaskForm.DERIVE: Domain.MATH,
    TaskForm.COMPUTE: Domain.COMMERCE,
    TaskForm.COMPARE: Domain.NATURAL_SCIENCE,
    TaskForm.EXECUTE: Domain.CODING,
    TaskForm.CHOICE: Domain.MEDICINE,
}

# All caches take one prompt after the other: its keys are computed once.
prefix_cache._block_keys = lru_cache(maxsize=1)(prefix_cache._block_keys)

Prompt = tuple[str, str]  # system message, user message


@dataclass(frozen=True)
class Read:
    """A document, its plan, and the questions that are written for it."""

    id: str
    shown: str
    domain: Domain
    plan: tuple[PlanItem, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """One call, as far as all layouts agree about it."""

    of: Read
    task: str
    item: int

    @property
    def document(self) -> str:
        """What is shown of the document; empty where the task must not see it."""
        return "" if self.task == "blind" else self.of.shown

    @property
    def fields(self) -> dict[str, str]:
        """The variable parts."""
        if self.task == "assess":
            return {}
        if self.task == "generate":
            return generate_fields(self.of.plan[self.item], self.of.domain)
        return {"question": self.of.questions[self.item]}

    @property
    def forms(self) -> Forms:
        """The task forms that a plan shows."""
        return shown_forms(self.of.plan)

    @property
    def own_form(self) -> Forms:
        """The task form of the item."""
        return (self.of.plan[self.item].task_form,)


# The layouts. Each puts the same parts in another order.


def stage_of(call: Call, forms: Forms) -> Stage[Any]:
    """Return the stage that the pipeline asks."""
    if call.task == "generate":
        return generate_stage(call.of.domain, forms)
    return {"assess": ASSESS, "solve": SOLVE, "blind": BLIND}[call.task]


def this_pipeline(call: Call) -> Prompt:
    """a."""
    return sent(stage_of(call, call.forms), call)


def own_form(call: Call) -> Prompt:
    """a, own form."""
    return sent(stage_of(call, call.own_form), call)


def sent(stage: Stage[Any], call: Call) -> Prompt:
    """Return what the library sends."""
    system, user = stage.messages(call.document, call.fields)
    return system["content"], user["content"]


def laid_out(call: Call, *parts: str, system: str = RULES) -> Prompt:
    """Return a prompt whose user message has these parts and then the name of the task."""
    closing = f"The task is: {call.task}. Write the JSON object now."
    return system, "\n\n".join(filter(None, [*parts, closing]))


def fenced_fields(call: Call) -> list[str]:
    return [fence(name, text) for name, text in call.fields.items()]


def fenced_shown(texts: tuple[str, ...] | list[str]) -> list[str]:
    return [fence("demonstration", text) for text in texts]


def card(call: Call) -> str:
    return load_card(DOMAIN_FILES[call.of.domain]) if call.task == "generate" else ""


def instructions_behind(call: Call) -> Prompt:
    """a, behind."""
    guides = stage_of(call, call.own_form).guides
    return laid_out(call, call.document, SECTIONS[call.task], *guides, *fenced_fields(call))


def instructions_first(call: Call) -> Prompt:
    """a, first."""
    guides = stage_of(call, call.forms).guides
    return laid_out(call, SECTIONS[call.task], *guides, call.document, *fenced_fields(call))


def one_shown(call: Call) -> Prompt:
    """a, one shown."""
    guides = stage_of(call, call.forms).guides[:2]
    return laid_out(call, call.document, *guides, *fenced_fields(call), system=SYSTEM)


@lru_cache
def system_with_all_forms() -> str:
    shown = [demonstrations_for(domain, (form,))[0] for form, domain in FORM_SHOWN_FROM.items()]
    with_shown = "\n\n".join([SECTIONS["generate"], *fenced_shown(shown)])
    return SYSTEM.replace(SECTIONS["generate"], with_shown)


def all_forms(call: Call) -> Prompt:
    """a, all forms."""
    return laid_out(call, call.document, card(call), *fenced_fields(call), system=system_with_all_forms())


@lru_cache
def all_demonstrations(names: tuple[str, ...]) -> list[str]:
    return [text for name in names for text in demonstrations(name, len(read_demonstrations(name)))]


def drawn(call: Call, names: tuple[str, ...]) -> list[str]:
    """Draw two demonstrations, the same ones for the same call in every run."""
    chance = random.Random(f"{call.of.id} {call.task} {call.item}")
    return fenced_shown(chance.sample(all_demonstrations(names), 2))


def published(call: Call) -> Prompt:
    """b."""
    names = tuple(DOMAIN_FILES.values()) if call.task == "generate" else (SHOWN[call.task][0],)
    before = [load_template(call.task), card(call), *drawn(call, names)]
    return laid_out(call, *before, call.document, *fenced_fields(call))


def published_of_the_domain(call: Call) -> Prompt:
    """b, of the domain."""
    before = [SECTIONS[call.task], card(call)]
    if call.task == "generate":
        before += drawn(call, (DOMAIN_FILES[call.of.domain],))
    return laid_out(call, *before, call.document, *fenced_fields(call))


def published_fixed(call: Call) -> Prompt:
    """b, fixed."""
    before = [SECTIONS[call.task], card(call)]
    if call.task == "generate":
        before += fenced_shown(demonstrations(DOMAIN_FILES[call.of.domain]))
    return laid_out(call, *before, call.document, *fenced_fields(call))


CHOSEN, PUBLISHED = "a: this pipeline", "b: published order"
BY_DOCUMENT: dict[str, Callable[[Call], Prompt]] = {
    CHOSEN: this_pipeline,
    "a, own form": own_form,
    "a, behind": instructions_behind,
    "a, first": instructions_first,
    "a, one shown": one_shown,
    "a, all forms": all_forms,
}
BY_STAGE: dict[str, Callable[[Call], Prompt]] = {
    PUBLISHED: published,
    "b, of the domain": published_of_the_domain,
    "b, fixed": published_fixed,
}


# The order in which calls reach the servers.


def by_document(documents: list[Read], in_flight: int) -> Iterator[Call]:
    """Yield calls as the worker sends them."""
    chance = random.Random(0)
    order = count()
    waiting = iter(documents)
    due: list[tuple[float, int, Call]] = []  # when it is sent, and a tie-breaker
    unfinished = dict.fromkeys((made.id for made in documents), ITEMS)

    def send(moment: float, call: Call) -> None:
        heapq.heappush(due, (moment, next(order), call))

    for made in islice(waiting, in_flight):
        send(0, Call(made, "assess", 0))
    while due:
        moment, _, call = heapq.heappop(due)
        yield call
        moment += DECODED[call.task] * chance.uniform(0.6, 1.4)
        if call.task == "assess":
            for item in range(ITEMS):
                send(moment, Call(call.of, "generate", item))
        elif call.task == "generate":
            send(moment, Call(call.of, "solve", call.item))
        elif call.task == "solve":
            send(moment, Call(call.of, "blind", call.item))
        else:
            unfinished[call.of.id] -= 1
            if not unfinished[call.of.id] and (made := next(waiting, None)):
                send(moment, Call(made, "assess", 0))


def by_stage(documents: list[Read]) -> Iterator[Call]:
    """Yield the calls of one stage for all documents, then those of the next."""
    for task in ROLES:
        for made in documents:
            for item in range(1 if task == "assess" else ITEMS):
                yield Call(made, task, item)


# The servers.


@dataclass
class Fleet:
    """The replicas that serve the models, each with a cache of ``room`` tokens."""

    replicas: int
    keeps: bool  # whether the calls of a document go to one replica
    room: int
    caches: dict[tuple[str, int], PrefixCache] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def take(self, call: Call, model: str, tokens: tuple[int, ...]) -> None:
        """Serve a call."""
        if self.replicas == 1:
            replica = 0
        elif self.keeps:
            replica = max(range(self.replicas), key=lambda number: text_id(f"{call.of.id} {number}"))
        else:
            replica = self.chance.randrange(self.replicas)
        cache = self.caches.setdefault((model, replica), PrefixCache(self.room // BLOCK))
        cache.take(tokens)

    @property
    def computed(self) -> int:
        """Prompt tokens that were not cached."""
        return sum(cache.queried_tokens - cache.hit_tokens for cache in self.caches.values())

    @property
    def blocks(self) -> int:
        """Blocks that are cached now."""
        return sum(map(len, self.caches.values()))


@lru_cache(maxsize=16)
def encoded_system(text: str) -> list[int]:
    return bpe_openai.get_encoding("o200k_base").encode(text)


def measure(
    layout: Callable[[Call], Prompt], calls: Iterator[Call], models: int, tick: Callable[[], Any]
) -> dict[str, Any]:
    """Send all calls in one layout to all fleets; returns totals of prompt tokens."""
    encode = bpe_openai.get_encoding("o200k_base").encode
    fleets = {
        (name, room): Fleet(replicas, keeps, ROOMS[room])
        for name, (replicas, keeps) in FLEETS.items()
        for room in ROOMS
    }
    endless = Fleet(1, True, sys.maxsize)
    sent_tokens = 0
    for call in calls:
        system, user = layout(call)
        tokens = (*encoded_system(system), *encode(user))
        sent_tokens += len(tokens)
        model = ROLES[call.task] if models > 1 else "model"
        for fleet in (endless, *fleets.values()):
            fleet.take(call, model, tokens)
        tick()
    computed: dict[str, dict[str, int]] = {name: {} for name in FLEETS}
    for (name, room), fleet in fleets.items():
        computed[name][room] = fleet.computed
    return {"sent": sent_tokens, "bound": endless.blocks * BLOCK, "computed": computed}


# The documents.


def synthetic(number: int, tokens: int) -> Read:
    """Return a document of the synthetic corpus with its canned plan and questions."""
    text = document(number, tokens)
    shown = show_document(text)
    found = profile(AssessAnswer.model_validate(answer("assess", shown)), ITEMS)
    made = Read(text_id(text), shown, found.domain, found.plan, ())
    said = [answer("generate", this_pipeline(Call(made, "generate", item))[1]) or {} for item in range(ITEMS)]
    return replace(made, questions=tuple(written["question"] for written in said))


def require_the_real_calls(tokens: int) -> None:
    """Check that (a) is what ``convert_document`` sends for a document."""
    bodies = islice(recorded(tokens, suitable=True), 1 + ITEMS * 3)
    real = sorted(tuple(message["content"] for message in body["messages"]) for body in bodies)
    if real != sorted(map(this_pipeline, by_stage([synthetic(0, tokens)]))):
        raise SystemExit("convert_document sends other prompts than those that are counted here")


PERSONAS = (
    "A historian who checks dates and the order of events",
    "A nurse educator preparing questions for a licensing examination",
    "An analyst comparing reported figures between years and groups",
    "A software engineer who has to predict what a routine returns",
    "A teacher writing an examination for the last year of school",
    "A reader who wants to know which of several possibilities holds",
)
ASKS = {
    TaskForm.RECALL: "Which one is it? Give the full name as it is commonly written in reference works.",
    TaskForm.DERIVE: "Assume that all of these statements hold. What follows for the last one? Answer in at most "
    "five words.",
    TaskForm.COMPUTE: "By how many percent did the second figure exceed the first? Give the answer as a percentage "
    "rounded to one decimal.",
    TaskForm.COMPARE: "Which of the three named above was the earliest? Give its full name.",
    TaskForm.EXECUTE: "What does the following Python 3 program print?\n\n```python\ndef step(values, limit):\n"
    "    total = 0\n    for value in values:\n        if value % limit:\n            total += value\n"
    "    return total\n\n"
    "print(step([3, 8, 12, 17, 21], 4))\n```",
    TaskForm.CHOICE: "Which of the following is right?\nA. only the first of them\nB. the second and the third "
    "together\nC. all of them, in this order\nD. none of them before the year 1900",
}


def invented(found: Document, number: int) -> Read:
    """Return a real document with a plan and questions made up from its number and its words."""
    forms = [list(TaskForm)[(number + step) % len(TaskForm)] for step in (0, 1, 3)]
    words = found.text.split()
    plan, questions = [], []
    for index, form in enumerate(forms):
        start = (index + 1) * len(words) // (ITEMS + 2)
        target = f"what is said of {' '.join(words[start : start + 8])}"[:300]
        plan.append(PlanItem(persona=PERSONAS[(number + index) % 6], task_form=form, target=target))
        questions.append(f"{' '.join(words[start : start + 30])}. {ASKS[form]}"[:1_200])
    made = Profile(domain=list(Domain)[number % len(Domain)], plan=tuple(plan))
    return Read(found.id, show_document(found.text), made.domain, made.plan, tuple(questions))


def read_documents(corpus: str, limit: int, tokens: int) -> list[Read]:
    """Return the documents to count with."""
    if not corpus:
        require_the_real_calls(tokens)
        return [synthetic(number, tokens) for number in range(limit)]
    fitting = (
        found
        for found in read(find_files(corpus))
        if isinstance(found, Document) and SHORTEST <= count_tokens(found.text) <= LONGEST
    )
    return [invented(found, number) for number, found in enumerate(islice(fitting, limit))]


# What is said of it.


def table(name: str, measured: dict[str, dict[str, Any]], pairs: int) -> Table:
    """Return the table of one fleet; in brackets what (a) computes, divided by what the layout computes."""
    bound = measured[CHOSEN]["bound"]
    made = Table(title=f"{name}: prompt tokens for an accepted pair (a / this)")
    made.add_column("layout", no_wrap=True)
    for heading in ("sent", *(f"computed, cache of {room}" for room in ROOMS)):
        made.add_column(heading, justify="right")
    chosen = measured[CHOSEN]["computed"][name]
    for layout, found in measured.items():
        computed = found["computed"][name]
        cells = [f"{computed[room] / pairs:,.0f} ({chosen[room] / computed[room]:.2f})" for room in ROOMS]
        made.add_row(layout, f"{found['sent'] / pairs:,.0f}", *cells)
    made.add_section()
    cells = [f"{bound / pairs:,.0f} ({chosen[room] / bound:.2f})" for room in ROOMS]
    made.add_row("lower bound of a", "", *cells)
    return made


def main() -> None:
    """Read the command line and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="", help="file, folder or glob; synthetic without")
    parser.add_argument("--documents", type=int, default=200, help="number of documents at most")
    parser.add_argument("--in-flight", type=int, default=32, help="documents in flight")
    parser.add_argument("--tokens", type=int, default=1_600, help="tokens of a synthetic document, about")
    parser.add_argument(
        "--models", type=int, choices=(1, 2), default=1, help="2: the checker is another model"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all totals")
    given = parser.parse_args()
    documents = read_documents(given.corpus, given.documents, given.tokens)
    if not documents:
        parser.error(f"{given.corpus} has no document of {SHORTEST} to {LONGEST} tokens")
    pairs = ITEMS * len(documents)
    measured: dict[str, dict[str, Any]] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("calls", total=len(documents) * (1 + 3 * ITEMS) * len(BY_DOCUMENT | BY_STAGE))
        for name, layout in (BY_DOCUMENT | BY_STAGE).items():
            calls = by_document(documents, given.in_flight) if name in BY_DOCUMENT else by_stage(documents)
            measured[name] = measure(layout, calls, given.models, lambda: progress.advance(bar))
    lengths = [count_tokens(found.shown) for found in documents]
    console = Console(width=160)
    corpus = Path(given.corpus).name or "synthetic"
    console.print(
        f"{corpus}: {len(documents)} documents of {min(lengths):,} to {max(lengths):,} tokens, "
        f"{sum(lengths) / len(lengths):,.0f} on average; {given.in_flight} in flight; {given.models} model(s)"
    )
    for name in FLEETS:
        console.print(table(name, measured, pairs))
    if given.json:
        settings = {"corpus": corpus, "documents": len(documents), "pairs": pairs, "tokens": sum(lengths)}
        settings |= {"in_flight": given.in_flight, "models": given.models}
        given.json.write_bytes(
            orjson.dumps({**settings, "layouts": measured}, option=orjson.OPT_INDENT_2) + b"\n"
        )


if __name__ == "__main__":
    main()
