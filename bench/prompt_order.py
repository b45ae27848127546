"""Prompt tokens that a server computes, for several orders of a prompt's parts.

    .venv/bin/python bench/prompt_order.py [CORPUS] [DOCUMENTS]

Counts with vLLM's rule: blocks of 16 tokens, a hash over all that stands before, the least recently used forgotten
first. The calls are those of the lean check without a matcher: assess, then three items of different forms, each
generated, solved and judged blind; 32 documents are in flight, their calls taken in turn. No model is asked.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest

import bpe_openai
from rich.console import Console
from rich.progress import track
from rich.table import Table

from webscale_rl.corpus.readers import find_files, read
from webscale_rl.form import SAMPLE_CORPUS
from webscale_rl.llm.fence import fence
from webscale_rl.llm.prefix_cache import PrefixCache
from webscale_rl.llm.prompts import SYSTEM, load_template
from webscale_rl.records import Document, Domain, PlanItem, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.check import BLIND, SOLVE
from webscale_rl.stages.demonstrations import DOMAIN_FILES, demonstrations
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.stage import Stage

IN_FLIGHT = 32
FORMS = (TaskForm.RECALL, TaskForm.COMPUTE, TaskForm.CHOICE)
ROOM = {"2 M tokens": 125_000, "64 k tokens": 4_000}  # of the cache, in blocks
INSTRUCTIONS = "\n\n".join(
    load_template(name) for name in ("assess", "generate", "solve", "blind", "match", "judge")
)

Order = Callable[[Stage, str, dict[str, str], Domain], str]


def fenced(fields: dict[str, str]) -> list[str]:
    return [fence(name, text) for name, text in fields.items()]


def shown(stage: Stage) -> list[str]:
    return [fence("demonstration", text) for text in stage.demonstrations]


def as_it_is(stage: Stage, document: str, fields: dict[str, str], domain: Domain) -> str:
    return "\n\n".join(filter(None, [SYSTEM, document, stage.template, *shown(stage), *fenced(fields)]))


def by_domain_only(stage: Stage, document: str, fields: dict[str, str], domain: Domain) -> str:
    shared = shown(stage)
    if stage.name == "generate":
        shared = [fence("demonstration", text) for text in demonstrations(DOMAIN_FILES[domain])]
    return "\n\n".join(filter(None, [SYSTEM, document, stage.template, *shared, *fenced(fields)]))


def instructions_in_the_system_message(
    stage: Stage, document: str, fields: dict[str, str], domain: Domain
) -> str:
    task = f"Task: {stage.name}"
    return "\n\n".join(
        filter(None, [SYSTEM, INSTRUCTIONS, document, task, stage.card, *shown(stage), *fenced(fields)])
    )


def document_behind(stage: Stage, document: str, fields: dict[str, str], domain: Domain) -> str:
    return "\n\n".join(filter(None, [SYSTEM, stage.template, *shown(stage), document, *fenced(fields)]))


ORDERS: dict[str, Order] = {
    "document, instructions, demonstrations (as it is)": as_it_is,
    "the same, demonstrations by domain only": by_domain_only,
    "all instructions in the system message": instructions_in_the_system_message,
    "instructions, demonstrations, document": document_behind,
}


def calls(document: Document, number: int, order: Order) -> Iterator[str]:
    """Yield the prompts of one document, in the order in which they are sent."""
    domain = list(Domain)[number % len(Domain)]
    data = fence("document", document.text)
    yield order(ASSESS, data, {}, domain)
    for form in FORMS:
        item = PlanItem(persona=f"A reader who looks for {form}", task_form=form, target=f"a fact for {form}")
        yield order(generate_stage(domain, form), data, generate_fields(item, domain), domain)
    for form in FORMS:
        question = f"A question of the form {form} about {document.text[:80]}?"
        yield order(SOLVE, data, {"question": question}, domain)
        yield order(BLIND, "", {"question": question}, domain)


def main(corpus: str, limit: int) -> None:
    encode = bpe_openai.get_encoding("o200k_base").encode
    documents = [found for found in read(find_files(corpus), limit=limit) if isinstance(found, Document)]
    table = Table(title=f"Prompt tokens per document, {len(documents)} documents of {corpus}")
    for heading in ("order", "sent", *(f"computed, cache of {room}" for room in ROOM)):
        table.add_column(heading, justify="left" if heading == "order" else "right")
    for name, order in track(ORDERS.items(), description="orders", transient=True):
        caches = {room: PrefixCache(blocks) for room, blocks in ROOM.items()}
        numbered = iter(enumerate(documents))
        while flight := list(islice(numbered, IN_FLIGHT)):
            for turn in zip_longest(*(calls(document, number, order) for number, document in flight)):
                for prompt in filter(None, turn):
                    tokens = encode(prompt)
                    for cache in caches.values():
                        cache.take(tokens)
        sent = next(iter(caches.values())).queried_tokens
        computed = [cache.queried_tokens - cache.hit_tokens for cache in caches.values()]
        table.add_row(name, *(f"{tokens / len(documents):,.0f}" for tokens in (sent, *computed)))
    Console(width=130).print(table)


if __name__ == "__main__":
    main(
        sys.argv[1] if len(sys.argv) > 1 else SAMPLE_CORPUS,
        int(sys.argv[2]) if len(sys.argv) > 2 else 200,
    )
