"""The client of an embedding endpoint, against a real server over HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from webscale_rl.errors import EndpointError, EndpointRefusal, RequestRejected
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.release.duplicates import Asked, find_duplicates
from webscale_rl.release.embeddings import Embedder


class Server(ThreadingHTTPServer):
    """Gives a vector of letter counts for every text, in reverse order; says first what ``script`` holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, dict[str, str], Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.longest = 10_000  # signs of a text

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({"path": self.path, **body})
        self.server.keys.append(self.headers["Authorization"])
        if self.server.script:
            status, headers, answer = self.server.script.pop(0)
        elif any(len(text) > self.server.longest for text in body["input"]):
            status, headers, answer = 400, {}, {"error": {"message": "maximum context length"}}
        else:
            rows = [{"index": number, "embedding": vector(text)} for number, text in enumerate(body["input"])]
            status, headers, answer = 200, {}, {"object": "list", "data": rows[::-1]}
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def vector(text: str) -> list[float]:
    return [float(text.lower().count(sign)) for sign in "abcdefghijklmnopqrstuvwxyz"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("webscale_rl.llm.endpoint.FIRST_WAIT_SECONDS", 0.01)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_vectors_come_in_the_order_of_the_questions_in_batches(server: Server) -> None:
    embed = Embedder(Endpoint(server.url, "bge-small", api_key="secret"))
    questions = [f"question {'x' * number}" for number in range(300)]
    vectors = embed(questions)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [vector(question) for question in questions]
    assert [len(request["input"]) for request in server.requests] == [128, 128, 44]
    assert {request["path"] for request in server.requests} == {"/v1/embeddings"}
    assert {request["model"] for request in server.requests} == {"bge-small"}
    assert set(server.keys) == {"Bearer secret"}
    assert embed([]).shape == (0, 0)


def test_faults_of_the_server_are_tried_again(server: Server) -> None:
    server.script = [
        (503, {}, {}),
        (429, {"Retry-After": "0"}, {}),
        (200, {}, b"<html>"),
        (200, {}, {"data": []}),
    ]
    assert Embedder(Endpoint(server.url, "m"))(["abc"]).shape == (1, 26)
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, EndpointRefusal),
        (404, {"error": {"message": "no model m"}}, EndpointRefusal),
        (400, {"error": {"message": "input is too long"}}, RequestRejected),
    ],
)
def test_what_trying_again_cannot_mend_is_raised_at_once(
    server: Server, status: int, body: dict[str, Any], error: type[Exception]
) -> None:
    server.script = [(status, {}, body)]
    with pytest.raises(error):
        Embedder(Endpoint(server.url, "m"))(["abc"])
    assert len(server.requests) == 1


def test_a_question_that_is_too_long_costs_only_itself(server: Server) -> None:
    server.longest = 100
    embed = Embedder(Endpoint(server.url, "m"))
    questions = [f"question {number}" for number in range(200)]
    questions[7] = questions[150] = "x" * 101
    vectors = embed(questions)
    expected = [vector(question) if len(question) <= 100 else [0.0] * 26 for question in questions]
    assert vectors.tolist() == expected
    assert embed.rejected == 2
    assert len(server.requests) < 40
    with pytest.raises(RequestRejected):
        embed(["x" * 101])
    pairs = [Asked(str(number), f"{'x' * 101} {number}?", "one") for number in range(3)]
    pairs += [Asked("a", "Who of the two?", "one"), Asked("b", "of the two who?", "one")]
    assert set(find_duplicates(pairs, similarity=1.0, embed=embed)) == {"b"}


def test_a_server_that_keeps_failing_is_an_endpoint_error(server: Server) -> None:
    server.script = [(500, {}, {"error": "out of memory"})] * 3
    with pytest.raises(EndpointError, match="500"):
        Embedder(Endpoint(server.url, "m"), max_attempts=3)(["abc"])
    with pytest.raises(EndpointError, match="cannot reach"):
        Embedder(Endpoint("http://127.0.0.1:9", "m"), max_attempts=1)(["abc"])


def test_vectors_that_cannot_be_used_are_an_endpoint_error(server: Server) -> None:
    server.script = [(200, {}, b'{"data": [{"index": 0, "embedding": [1, null]}]}')]
    with pytest.raises(EndpointError, match=r"finite|no list"):
        Embedder(Endpoint(server.url, "m"), max_attempts=1)(["abc"])


def test_replicas_take_turns_and_extra_fields_are_sent(server: Server) -> None:
    endpoint = Endpoint(f"{server.url},{server.url}/", "m", extra_body={"dimensions": 26})
    Embedder(endpoint)(["a"] * 129)
    assert [request["dimensions"] for request in server.requests] == [26, 26]


def test_the_same_question_in_other_words_is_found(server: Server) -> None:
    pairs = [
        Asked("1", "Who painted the ceiling of the Sistine Chapel?", "Michelangelo"),
        Asked("2", "The ceiling of the Sistine Chapel: painted by who?", "michelangelo"),
        Asked("3", "Of the Sistine Chapel: by who the ceiling painted?", "Raphael"),
    ]
    found = find_duplicates(pairs, similarity=1.0, embed=Embedder(Endpoint(server.url, "m")))
    assert {name: (duplicate.of, duplicate.kind) for name, duplicate in found.items()} == {
        "2": ("1", "semantic")
    }
