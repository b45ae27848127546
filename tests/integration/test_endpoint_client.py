"""The client against a real HTTP server that misbehaves in each way: what is retried, refused, rejected."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from webscale_rl.errors import ConfigurationError, EndpointError, EndpointRefusal, RequestRejected
from webscale_rl.llm.endpoint import Completion, Endpoint, EndpointClient
from webscale_rl.llm.probe import WORD, probe

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[Endpoint]]


def completion(text: str) -> web.Response:
    return web.json_response(
        {
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": 12,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
        }
    )


def refused(status: int, message: str = "no", code: str = "", **headers: str) -> web.Response:
    body = {"error": {"message": message, "code": code}}
    return web.json_response(body, status=status, headers=headers)


async def list_models(_: web.Request) -> web.StreamResponse:
    return web.json_response({"data": [{"id": "served"}]})


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> Endpoint:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handler)
        app.router.add_get("/v1/models", list_models)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        port = runner.addresses[0][1]
        return Endpoint(f"http://127.0.0.1:{port}/v1", "served", api_key="secret-key")

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def closed() -> Endpoint:
    """An endpoint at a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return Endpoint(f"http://127.0.0.1:{port}/v1", "m")


async def ask(endpoint: Endpoint, **settings: float) -> Completion:
    async with EndpointClient(endpoint, max_in_flight=4, **settings) as client:  # type: ignore[arg-type]
        return await client.chat({"messages": [{"role": "user", "content": "?"}]})


def failing_first(times: int, fault: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
    seen = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal seen
        seen += 1
        return await fault(request) if seen <= times else completion("fine")

    return handler


async def drop(request: web.Request) -> web.StreamResponse:
    """Reset the connection in the middle of the body."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


def answering(response: Callable[[], web.Response]) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return response()

    return handler


async def test_a_completion_carries_text_and_usage(serve: Serve) -> None:
    found = await ask(await serve(answering(lambda: completion("fine"))))
    assert (found.text, found.finish_reason, found.attempts) == ("fine", "stop", 1)
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens) == (12, 8, 3)


@pytest.mark.parametrize(
    "fault",
    [
        answering(lambda: refused(429, **{"Retry-After": "0"})),
        answering(lambda: refused(500, **{"Retry-After": "0"})),
        answering(lambda: refused(503, **{"Retry-After": "0"})),
        drop,
    ],
    ids=["429", "500", "503", "reset"],
)
async def test_transport_faults_are_retried(serve: Serve, fault: Handler) -> None:
    found = await ask(await serve(failing_first(1, fault)))
    assert (found.text, found.attempts) == ("fine", 2)


async def test_a_hanging_request_times_out(serve: Serve) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return completion("late")

    with pytest.raises(EndpointError, match="did not answer in time"):
        await ask(await serve(hang), timeout=0.3, max_attempts=1)


async def test_a_closed_port_says_what_to_look_at(closed: Endpoint) -> None:
    with pytest.raises(EndpointError, match=rf"cannot reach {closed.base_url}: is the server running"):
        await ask(closed, max_attempts=1)


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (lambda: refused(401), EndpointRefusal, "refuses the API key"),
        (lambda: refused(403), EndpointRefusal, "refuses the API key"),
        (lambda: refused(404, "model `x` does not exist"), EndpointRefusal, "no model 'served'"),
        (lambda: refused(429, code="insufficient_quota"), EndpointRefusal, "quota"),
        (lambda: refused(400, "too long"), RequestRejected, "too long"),
        (lambda: refused(422), RequestRejected, "422"),
        (lambda: refused(422, "1 error:\n  at body\n"), RequestRejected, "1 error: at body$"),
    ],
)
async def test_what_retrying_cannot_mend_is_final(
    serve: Serve, response: Callable[[], web.Response], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        await ask(await serve(answering(response)))
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "null",
        '{"choices": []}',
        '{"choices": [{}]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": 7}}], "usage": {"prompt_tokens": "many"}}',
    ],
)
async def test_a_body_without_an_answer_is_an_empty_completion(serve: Serve, body: str) -> None:
    endpoint = await serve(answering(lambda: web.Response(text=body, content_type="application/json")))
    found = await ask(endpoint)
    assert (found.text, found.prompt_tokens) == ("", 0)


async def test_a_body_that_is_no_json_is_a_transport_fault(serve: Serve) -> None:
    endpoint = await serve(
        answering(lambda: web.Response(text="<html>busy</html>", content_type="application/json"))
    )
    with pytest.raises(EndpointError):
        await ask(endpoint, max_attempts=1)


async def test_no_more_requests_are_in_flight_than_allowed(serve: Serve) -> None:
    running = most = 0

    async def count(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return completion("fine")

    async with EndpointClient(await serve(count), max_in_flight=3) as client:
        await asyncio.gather(*(client.chat({"messages": []}) for _ in range(12)))
    assert most == 3


def test_the_key_is_in_no_representation() -> None:
    assert "secret-key" not in repr(Endpoint("http://h/v1", "m", api_key="secret-key"))


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host/v1"])
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must start with http"):
        Endpoint(url, "m")


@pytest.mark.parametrize(
    "url", ["http://user:s3cret@host/v1", "http://s3cret@host/v1", "https://host/v1?key=s3cret"]
)
def test_a_url_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="give the key by itself") as caught:
        Endpoint(url, "m")
    assert "s3cret" not in str(caught.value)


async def test_probe_accepts_an_endpoint_that_obeys_the_schema(serve: Serve) -> None:
    await probe(await serve(answering(lambda: completion(f'{{"word": "{WORD}"}}'))))


@pytest.mark.parametrize("text", ["Hello there!", '{"greeting": "hi"}', ""])
async def test_probe_refuses_an_endpoint_that_ignores_the_schema(serve: Serve, text: str) -> None:
    with pytest.raises(ConfigurationError, match="ignores the JSON schema"):
        await probe(await serve(answering(lambda: completion(text))))


async def test_probe_names_the_models_that_are_served(serve: Serve) -> None:
    endpoint = await serve(answering(lambda: completion("")))
    other = Endpoint(endpoint.base_url, "another")
    with pytest.raises(ConfigurationError, match="does not serve 'another'; it serves served"):
        await probe(other)


async def test_probe_of_a_dead_endpoint_is_one_line(closed: Endpoint) -> None:
    with pytest.raises(ConfigurationError, match="cannot reach") as caught:
        await probe(closed)
    assert "\n" not in str(caught.value)
