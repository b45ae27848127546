"""A document longer than a prompt should be is converted part by part, and still ends in exactly one state."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.endpoints import by_schema
from tests.fixtures.forms import BLIND_CLEAR, assessed, draft
from tests.fixtures.pipeline import Pipeline
from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.measure import TokenMeasure, measure_tokens
from webscale_rl.llm.probe import REQUEST, Probed, probe, require_context

Start = Callable[..., Endpoint]

TOWNS = ("Alder", "Brack", "Corve", "Dunmore")
FILLER = "The river bends twice before it reaches the weir, and the road follows it on the northern bank. "
TEXT = "# Bridges of the Westmark\n\n" + "\n\n".join(
    f"## {town}\n\nThe bridge of {town} was opened in {1860 + number}.\n\n{FILLER * 12}"
    for number, town in enumerate(TOWNS)
)
DOCUMENT = [{"id": "bridges", "text": TEXT, "source": "fixture"}]


def script(unsuitable: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for number, town in enumerate(TOWNS):
        fact = f"The bridge of {town} was opened in {1860 + number}."
        target = f"the year in which the bridge of {town} was opened"
        judged = assessed("Technology & Engineering", ("An engineer", "recall", target))
        if town in unsuitable:
            judged |= {"decision": "unsuitable", "flags": ["no_facts"], "plan": []}
        entries.append({"stage": "assess", "contains": [fact], "answer": judged})
        question = f"In which year was the bridge of {town} in the Westmark opened?"
        written = draft(question, str(1860 + number), "date", [fact], precision="year")
        entries.append({"stage": "generate", "contains": [target], "answer": written})
        solved = {"analysis": "Stated.", "sufficient": True, "answer": str(1860 + number)}
        entries.append({"stage": "solve", "contains": [question], "answer": solved})
    return [*entries, {"stage": "blind", "answer": BLIND_CLEAR}]


async def test_every_part_is_asked_about_and_its_evidence_stands_in_the_row(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    found = await pipeline.run(pipeline.corpus(DOCUMENT), endpoint, part_tokens=300)
    assert found.documents.states == {"done": 1}
    assert found.parts.states == {"done": 4}
    assert found.pairs == 4
    rows = [json.loads(line) for line in (pipeline.dataset() / "dataset.jsonl").read_text().splitlines()]
    for row in rows:
        for span in row["evidence"]:
            assert row["pretrain_text"][span["start"] : span["end"]] == span["text"]
        assert TEXT[row["part_start"] :].startswith(row["pretrain_text"])
    assert "".join(row["pretrain_text"] for row in rows) == TEXT
    spans = pipeline.rows("SELECT evidence FROM questions")
    assert all(
        TEXT[span["start"] : span["end"]] == span["text"] for (evidence,) in spans for span in evidence
    )
    paths = [path for (path,) in pipeline.rows("SELECT title_path FROM part_results ORDER BY part")]
    assert paths[1:] == [["Bridges of the Westmark", town] for town in TOWNS[1:]]


async def test_a_model_learns_where_its_part_stands(pipeline: Pipeline, offline_endpoint: Start) -> None:
    entries = script()
    entries[3]["contains"] = [
        "Part 2 of 4 of a longer document.\nIt stands under: Bridges of the Westmark > Brack\n"
        "The part before it: Alder\nThe part after it: Corve",
        "opened in 1861",
    ]
    entries[3] |= {"stage": "assess", "answer": entries[3]["answer"]}
    endpoint = offline_endpoint(script=entries)
    found = await pipeline.run(pipeline.corpus(DOCUMENT), endpoint, part_tokens=300)
    assert found.pairs == 4


async def test_unsuitable_parts_are_counted_and_the_others_kept(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script(unsuitable=("Alder", "Corve")))
    found = await pipeline.run(pipeline.corpus(DOCUMENT), endpoint, part_tokens=300)
    assert found.documents.states == {"done": 1}
    assert found.parts.states == {"done": 2, "rejected": 2}
    assert found.parts.reasons == {"rejected": {"assess/no_facts": 2}}
    assert found.pairs == 2


async def test_a_document_without_a_suitable_part_is_rejected(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script(unsuitable=TOWNS))
    found = await pipeline.run(pipeline.corpus(DOCUMENT), endpoint, part_tokens=300)
    assert found.documents.reasons == {"rejected": {"assess/no_facts": 1}}


async def test_a_part_that_fails_is_driven_again_and_the_others_are_not_paid_twice(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    broken = {"stage": "assess", "contains": ["opened in 1862"], "answer": "no JSON", "times": 2}
    endpoint = offline_endpoint(script=[broken, *script()])
    corpus = pipeline.corpus(DOCUMENT)
    found = await pipeline.run(corpus, endpoint, run_id="first", part_tokens=300)
    assert found.documents.reasons == {"failed": {"assess/not_json": 1}}
    assert found.pairs == 3
    found = await pipeline.run(corpus, endpoint, run_id="second", part_tokens=300)
    assert found.documents.states == {"done": 1}
    assert found.pairs == 4
    assert pipeline.calls() == {"assess": 6, "generate": 4, "solve": 4, "blind": 4}


async def test_a_server_that_counts_decides_where_a_document_is_split(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    """The measured ratio says 300 tokens at most, the server's own count of this document says more."""
    endpoint = offline_endpoint(script=script())
    measure = TokenMeasure(by="tokenize", scale=0.5)
    found = await pipeline.run(pipeline.corpus(DOCUMENT), endpoint, part_tokens=600, tokens=measure)
    assert found.parts.total == 2


async def test_tokens_are_measured_by_the_route_by_usage_or_not_at_all(offline_endpoint: Start) -> None:
    async with EndpointClient(offline_endpoint(), max_in_flight=1) as client:
        assert await measure_tokens(client, REQUEST) == TokenMeasure(by="tokenize", scale=1.0)
    runner, url = await by_schema.start()  # reports the same usage for every prompt
    try:
        async with EndpointClient(Endpoint(url, "by-schema"), max_in_flight=1) as client:
            assert await measure_tokens(client, REQUEST) == TokenMeasure(by="estimate", scale=1.0)
    finally:
        await runner.cleanup()
    async with counting_words() as url, EndpointClient(Endpoint(url, "m"), max_in_flight=1) as client:
        measured = await measure_tokens(client, REQUEST)
        assert measured.by == "usage"
        assert 0.4 < measured.scale < 0.8, "words are fewer than tokens"


def counting_words() -> Any:
    """Start an endpoint without ``/tokenize`` that reports words as prompt tokens."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def serve() -> Any:
        async def complete(request: web.Request) -> web.Response:
            words = len((await request.json())["messages"][-1]["content"].split())
            choice = {"message": {"content": "x"}, "finish_reason": "length"}
            return web.json_response({"choices": [choice], "usage": {"prompt_tokens": words}})

        app = web.Application()
        app.router.add_post("/v1/chat/completions", complete)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        await runner.cleanup()

    return serve()


async def test_a_context_too_short_for_a_part_is_known_before_the_run(offline_endpoint: Start) -> None:
    endpoint = offline_endpoint("--max-model-len", "16000")
    probed = await probe(endpoint)
    assert probed.context == 16_000
    require_context(probed, "m", 4_000)
    with pytest.raises(ConfigurationError, match="set part_tokens to at most 4,000"):
        require_context(probed, "m", 5_000)
    require_context(
        Probed(0, TokenMeasure()), "m", 100_000
    )  # a server that does not say is asked by the work itself
