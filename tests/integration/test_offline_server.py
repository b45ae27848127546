"""The stand-in endpoint as its own process, called as any OpenAI-compatible server is."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from webscale_rl.errors import ConfigurationError, EndpointRefusal, RequestRejected
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.probe import probe
from webscale_rl.offline import MODEL, REVISION

Start = Callable[..., Endpoint]

ASK = {"messages": [{"role": "user", "content": "Hello. " * 40}]}
WORD = {"type": "object", "properties": {"word": {"type": "string", "enum": ["yes"]}}, "required": ["word"]}


def formatted(name: str, **body: Any) -> dict[str, Any]:
    return {
        **ASK,
        "response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": WORD}},
        **body,
    }


def launch(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "webscale_rl.offline", *options]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "include")}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    words = server.stdout.readline()
    assert words.startswith("listening on http://127.0.0.1:")
    return words.split()[-1]


def end(server: subprocess.Popen[str]) -> None:
    """End a server by SIGTERM; it must end well and without a word."""
    server.send_signal(signal.SIGTERM)
    _, errors = server.communicate(timeout=10)
    assert (server.returncode, errors) == (0, "")


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server with the given options."""
    running: list[subprocess.Popen[str]] = []

    def serve(*options: str, api_key: str = "") -> Endpoint:
        server = launch(*options)
        running.append(server)
        return Endpoint(address_of(server), MODEL, REVISION, api_key=api_key)

    yield serve
    for server in running:
        end(server)


@pytest.fixture(scope="module")
def shared() -> Iterator[Endpoint]:
    """One server without options, for tests that leave no trace in it."""
    server = launch()
    yield Endpoint(address_of(server), MODEL, REVISION)
    end(server)


async def chat(endpoint: Endpoint, *bodies: dict[str, Any], **settings: Any) -> list[Any]:
    async with EndpointClient(endpoint, max_in_flight=64, max_attempts=1, **settings) as client:
        return list(await asyncio.gather(*(client.chat(body) for body in bodies)))


async def metrics(endpoint: Endpoint) -> dict[str, float]:
    address = endpoint.base_url.removesuffix("/v1") + "/metrics"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        lines = (await response.text()).splitlines()
    return {line.split("{")[0]: float(line.split()[-1]) for line in lines if not line.startswith("#")}


async def post(endpoint: Endpoint, data: bytes) -> tuple[int, dict[str, Any]]:
    address = f"{endpoint.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(address, data=data) as response:
        return response.status, (await response.json())["error"]


async def test_it_passes_the_probe_of_the_pipeline(shared: Endpoint) -> None:
    await probe(shared)


async def test_a_repeated_prompt_is_mostly_cached(start: Start) -> None:
    endpoint = start()
    (first,) = await chat(endpoint, formatted("any"))
    (second,) = await chat(endpoint, formatted("any"))
    assert json.loads(first.text) == {"word": "yes"}
    assert first.cached_tokens == 0
    assert first.prompt_tokens - 17 <= second.cached_tokens < first.prompt_tokens
    seen = await metrics(endpoint)
    assert seen["vllm:prefix_cache_hits_total"] == second.cached_tokens
    assert seen["vllm:prompt_tokens_total"] == 2 * first.prompt_tokens


async def test_an_answer_beyond_max_tokens_is_cut_off(shared: Endpoint) -> None:
    (found,) = await chat(shared, formatted("any", max_tokens=2))
    assert found.finish_reason == "length"


async def test_requests_beyond_the_slots_wait_in_line(start: Start) -> None:
    endpoint = start("--slots", "2", "--service-time", "0.3")
    started = time.monotonic()
    calls = asyncio.create_task(chat(endpoint, *[formatted("any")] * 6))
    await asyncio.sleep(0.2)
    seen = await metrics(endpoint)
    await calls
    assert time.monotonic() - started >= 0.9
    assert (seen["vllm:num_requests_running"], seen["vllm:num_requests_waiting"]) == (2, 4)
    assert (await metrics(endpoint))["vllm:num_requests_running"] == 0


async def test_a_client_that_goes_away_gives_its_slot_back(start: Start) -> None:
    endpoint = start("--slots", "1", "--service-time", "30")
    calls = asyncio.create_task(chat(endpoint, *[formatted("any")] * 3))
    await asyncio.sleep(0.3)
    calls.cancel()
    await asyncio.gather(calls, return_exceptions=True)
    for _ in range(50):
        seen = await metrics(endpoint)
        if seen["vllm:num_requests_running"] == seen["vllm:num_requests_waiting"] == 0:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the requests of a client that has gone still hold the server")


async def test_the_key_is_asked_for(start: Start) -> None:
    endpoint = start("--api-key", "right", api_key="wrong")
    with pytest.raises(EndpointRefusal, match="refuses the API key"):
        await chat(endpoint, formatted("any"))
    assert await chat(Endpoint(endpoint.base_url, MODEL, api_key="right"), formatted("any"))


async def test_another_model_is_not_found(shared: Endpoint) -> None:
    with pytest.raises(EndpointRefusal, match="gpt-9"):
        await chat(Endpoint(shared.base_url, "gpt-9"), formatted("any"))


async def test_a_prompt_over_the_context_length_is_rejected_by_name(start: Start) -> None:
    endpoint = start("--max-model-len", "100")
    for content in ("word " * 200, " " * 900_000):
        with pytest.raises(RequestRejected, match="input_tokens"):
            await chat(endpoint, {"messages": [{"role": "user", "content": content}]})


@pytest.mark.parametrize(
    ("data", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"messages": []}', "model"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": [{"role": "user", "content": 7}]}', "messages"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": true}', "stream"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "n": 2}', "n"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "max_tokens": -1}', "max_tokens"),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "response_format": 1}',
            "response_format",
        ),
    ],
)
async def test_a_malformed_request_says_what_is_wrong(
    shared: Endpoint, data: bytes, param: str | None
) -> None:
    status, error = await post(shared, data)
    assert (status, error["code"], error["param"]) == (400, 400, param)
    assert error["message"]


async def test_an_unknown_route_is_an_error_in_the_same_form(shared: Endpoint) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{shared.base_url}/nothing") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, 404)


async def test_a_server_told_to_ignore_the_schema_fails_the_probe(start: Start) -> None:
    with pytest.raises(ConfigurationError, match="ignores the JSON schema"):
        await probe(start("--ignore-schema"))


async def test_scripted_answers_come_first_and_run_out(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    entries = [
        {"stage": "assess", "contains": ["Hello", "absent"], "answer": "never"},
        {"stage": "assess", "contains": ["Hello"], "status": 429, "times": 1},
        {"stage": "assess", "answer": {"word": "scripted"}, "finish_reason": "length", "times": 1},
        {"stage": "generate", "answer": "raw {"},
    ]
    script.write_text(json.dumps(entries))
    endpoint = start("--script", str(script))
    with pytest.raises(Exception, match="429"):
        await chat(endpoint, formatted("assess"))
    (cut,), (raw,) = await chat(endpoint, formatted("assess")), await chat(endpoint, formatted("generate"))
    assert (json.loads(cut.text), cut.finish_reason) == ({"word": "scripted"}, "length")
    assert raw.text == "raw {"
    (ruled,) = await chat(endpoint, formatted("other"))
    assert json.loads(ruled.text) == {"word": "yes"}


@pytest.mark.parametrize("content", [None, "{", '[{"stage": 7}]', '[{"unknown": 1}]'])
def test_a_wrong_script_is_one_line(tmp_path: Path, content: str | None) -> None:
    script = tmp_path / "script.json"
    if content is not None:
        script.write_text(content)
    server = launch("--script", str(script))
    _, errors = server.communicate(timeout=20)
    assert server.returncode == 2
    assert errors.count("\n") == 1
    assert "script.json" in errors
