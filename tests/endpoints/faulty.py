"""An endpoint that fails on purpose: right answers for the synthetic corpus, and faults by seed at a share of calls.

python -m tests.endpoints.faulty PORT LOG        serves until it is killed; prints its base URL when it listens

The same prompt gets the same answer. Whether a call fails, and how, is decided by the seed, the body and how often
that body has come: independent of the order in which calls arrive. Every call leaves a line in the log, also when its
client is gone, since a real endpoint would charge for it. ``POST /control`` changes the faults while it runs.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from synthetic_corpus import answer

MODEL = "faulty"
TRANSPORT = (
    "429",
    "429_retry_after",
    "500",
    "502",
    "503",
    "refused",
    "reset_before_answer",
    "reset_in_body",
    "hang",
)
CONTENT = ("cut_off_json", "prose_around_json", "empty_text", "no_choice", "length", "wrong_schema")
STATUS = {"429": 429, "429_retry_after": 429, "500": 500, "502": 502, "503": 503}
RETRY_AFTER = "0.1"
CHARACTERS_A_TOKEN = 4
DEAF_SECONDS = 0.1  # for which nobody listens
HANG_SECONDS = 120.0
BACKLOG = 1024


@dataclass(frozen=True)
class Faults:
    """What goes wrong, and how long a call takes. The only field without a use in a real server is ``seed``."""

    seed: int = 0
    share: float = 0.0
    kinds: tuple[str, ...] = ()
    service_time: float = 0.0

    def of(self, body: bytes, times: int) -> str:
        """Return the fault of a call, or an empty string."""
        chance = random.Random(f"{self.seed} {blake2b(body).hexdigest()} {times}")
        if not self.kinds or chance.random() >= self.share:
            return ""
        return chance.choice(self.kinds)


class FaultyEndpoint:
    """The routes; the listening socket is its own, since it is closed now and then."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._faults = Faults()
        self._came: Counter[bytes] = Counter()
        self._handler = web.Server(self._handle, access_log=None)
        self._listening: asyncio.Server | None = None
        self._deaf: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Listen, perhaps again."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._handler, "127.0.0.1", self._port, backlog=BACKLOG)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.content.read()
        if request.path == "/v1/chat/completions" and request.method == "POST":
            return await self._chat(request, raw)
        if request.path == "/control" and request.method == "POST":
            given = orjson.loads(raw)
            self._faults = replace(self._faults, **given)
            if "seed" in given:
                self._came.clear()
            return web.Response()
        return web.Response(status=404)

    async def _chat(self, request: web.BaseRequest, raw: bytes) -> web.StreamResponse:
        key = blake2b(raw, digest_size=16).digest()
        fault = self._faults.of(raw, self._came[key])
        self._came[key] += 1
        received = time.time()
        body = orjson.loads(raw)
        stage, value = right_answer(body)
        text = orjson.dumps(value).decode()
        answered = False
        try:
            if fault == "hang":
                await self._hang(request)
            else:
                await asyncio.sleep(self._faults.service_time)
            answered = fault not in TRANSPORT
        finally:
            line = {
                "received": received,
                "ended": time.time(),
                "body": key.hex(),
                "stage": stage,
                "fault": fault,
                "answered": answered,
                "tokens": 0 if fault in STATUS or fault == "refused" else tokens_of(body, text),
            }
            os.write(self._log, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        whole = completion(text) | {"usage": usage(body, text)}
        if fault in TRANSPORT:
            return await self._transport_fault(request, fault, orjson.dumps(whole))
        return _json(whole | faulty_completion(fault, text))

    async def _hang(self, request: web.BaseRequest) -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while request.transport is not None and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    async def _transport_fault(
        self, request: web.BaseRequest, fault: str, whole: bytes
    ) -> web.StreamResponse:
        if fault in STATUS:
            response = _error(STATUS[fault], f"injected {fault}")
            if fault == "429_retry_after":
                response.headers["Retry-After"] = RETRY_AFTER
            return response
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if fault == "reset_in_body":
            response.content_length = len(whole)
            await response.prepare(request)
            with suppress(ConnectionError):  # the client has gone by itself
                await response.write(whole[: len(whole) // 2])
            await asyncio.sleep(0)
        elif fault == "refused" and self._deaf is None:
            self._deaf = asyncio.create_task(self._be_deaf())
        _reset(request.transport)
        return response

    async def _be_deaf(self) -> None:
        assert self._listening is not None
        self._listening.close()
        await asyncio.sleep(DEAF_SECONDS)
        await self.listen()
        self._deaf = None


def right_answer(body: dict[str, Any]) -> tuple[str, Any]:
    """Return the stage of a request and what a model that makes no mistake answers to it."""
    stage = body["response_format"]["json_schema"]["name"]
    # The first one of the user: a request that quotes an unusable answer goes on behind it.
    prompt = next(message["content"] for message in body["messages"] if message["role"] == "user")
    value = answer(stage, prompt)
    if value is None:
        raise ValueError(f"no answer is known for the stage {stage!r}")
    return stage, value


def faulty_completion(fault: str, text: str) -> dict[str, Any]:
    """Return a response whose content has a fault, or none."""
    half = text[: len(text) // 2]
    if fault == "no_choice":
        return completion("") | {"choices": []}
    if fault == "length":
        return completion(half, finish_reason="length")
    texts = {
        "cut_off_json": half,
        "prose_around_json": f"Certainly! Here is the answer:\n```json\n{text}\n```\nAsk me for more.",
        "empty_text": "",
        "wrong_schema": orjson.dumps({"answer_to_everything": 42}).decode(),
    }
    return completion(texts.get(fault, text))


def completion(text: str, finish_reason: str = "stop") -> dict[str, Any]:
    """Return a response as OpenAI defines it."""
    message = {"role": "assistant", "content": text}
    return {
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }


def usage(body: dict[str, Any], text: str) -> dict[str, int]:
    """Return what an answer is charged with."""
    prompt = sum(len(message["content"]) for message in body["messages"]) // CHARACTERS_A_TOKEN
    return {"prompt_tokens": prompt, "completion_tokens": len(text) // CHARACTERS_A_TOKEN}


def tokens_of(body: dict[str, Any], text: str) -> int:
    """Return the tokens that were read and written for a call, whether or not its answer arrived."""
    return sum(usage(body, text).values())


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection by RST, as a server that dies does."""
    if not isinstance(transport, asyncio.Transport):
        return
    connection = transport.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _error(status: int, message: str) -> web.Response:
    if status == 502:  # as a proxy in front of a dead server says it
        return web.Response(text="<html>Bad Gateway</html>", status=status, content_type="text/html")
    return _json({"error": {"message": message, "code": status}}, status)


async def serve(port: int, log: Path) -> None:
    """Serve until the process is ended."""
    await FaultyEndpoint(port, log).listen()
    print(f"http://127.0.0.1:{port}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
