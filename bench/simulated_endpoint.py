"""An endpoint that costs next to nothing, to measure what drives it: slots, a service time, a queue before them.

    .venv/bin/python bench/simulated_endpoint.py --slots 64 --service-time 0.2

Stands in for a vLLM: OpenAI's chat completions, vLLM's metrics, a queue without an end (so never 429, unless
``--max-queue`` says so). It answers for the documents of ``synthetic_corpus.py``; any other schema gets the smallest
value that fits. A slot whose timer came late, because this process was busy, is taken to have been free at the time
it should have been: the capacity is exact, and ``/stats`` counts no delay of this process as work.

The first line it prints is its base URL. Beside vLLM's routes, outside ``/v1``:

- ``POST /control``: any of ``{"slots": 8, "service_time": 0.5, "reset": true}``, while it runs; a reset starts the
  counts of ``/stats`` anew.
- ``GET /stats``: requests, seconds of slots that were used and available between the first start and the last end,
  peaks, and requests by client (header ``x-client``, else ``User-Agent``).
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter, deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import orjson
from aiohttp import web
from synthetic_corpus import answer

from webscale_rl.llm.prefix_cache import PrefixCache
from webscale_rl.offline.rules.minimal import minimal

MODEL = "simulated"
MODEL_OF_ONE_STAGE = "simulated-unsuitable"  # finds no document worth a question: nothing follows assess
BACKLOG = 4096  # connections that arrive at once must not be refused
CACHE_BLOCKS = 125_000  # of 16 tokens: 2 M tokens
CHARACTERS_A_TOKEN = 4


class Job:
    """One request on its way through the queue and a slot. Times are those of the event loop."""

    __slots__ = ("counted_from", "done", "ends", "received", "started", "tokens")

    def __init__(self, received: float, tokens: int, done: asyncio.Future[None]) -> None:
        self.received = received
        self.tokens = tokens  # that its answer will have
        self.done = done
        self.started = self.counted_from = self.ends = 0.0


class Slots:
    """A number of slots and an endless queue, first come first served, and what became of them."""

    def __init__(self, slots: int, service_time: float) -> None:
        self.slots = slots
        self.service_time = service_time
        self.running: set[Job] = set()
        self.queue: deque[Job] = deque()
        self._loop = asyncio.get_running_loop()
        self._tokens = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin to count anew; what runs is counted from now."""
        now = self._loop.time()
        self.begun = self.finished = self.aborted = self.refused = 0
        self.peak_running, self.peak_waiting = len(self.running), len(self.queue)
        self.first_start: float | None = now if self.running else None
        self.last_end: float | None = None
        self._used = 0.0
        self._capacities = [(now, self.slots)]
        self._cpu = time.process_time()
        for job in self.running:
            job.counted_from = now

    def resize(self, slots: int, service_time: float) -> None:
        """Change the capacity; what runs already is not touched."""
        self.slots, self.service_time = slots, service_time
        now = self._loop.time()
        self._capacities.append((now, slots))
        self._fill(now)

    async def hold(self, tokens: int) -> Job:
        """Wait for a slot and hold it for the service time."""
        now = self._loop.time()
        job = Job(now, tokens, self._loop.create_future())
        self.queue.append(job)
        self._fill(now)
        self.peak_waiting = max(self.peak_waiting, len(self.queue))
        try:
            await job.done
        except asyncio.CancelledError:  # the client hung up: an inference server drops the request as well
            self._abandon(job)
            raise
        return job

    def generated(self) -> float:
        """Return the tokens written so far, those of unfinished answers included."""
        now = self._loop.time()
        return self._tokens + sum(_written(job, now) for job in self.running)

    def stats(self) -> dict[str, Any]:
        """Return the counts since the last reset."""
        now = self._loop.time()
        until = now if self.running or self.last_end is None else self.last_end
        used = self._used + sum(max(0.0, min(now, job.ends) - job.counted_from) for job in self.running)
        available = 0.0 if self.first_start is None else self._available(self.first_start, until)
        return {
            "requests_begun": self.begun,
            "requests_finished": self.finished,
            "requests_aborted": self.aborted,
            "requests_refused": self.refused,
            "slot_seconds_used": used,
            "slot_seconds_available": available,
            "share": used / available if available else 0.0,
            "first_start": self.first_start,
            "last_end": self.last_end,
            "running": len(self.running),
            "waiting": len(self.queue),
            "peak_running": self.peak_running,
            "peak_waiting": self.peak_waiting,
            "endpoint_cpu_seconds": time.process_time() - self._cpu,
        }

    def _fill(self, free_since: float) -> None:
        while self.queue and len(self.running) < self.slots:
            job = self.queue.popleft()
            job.started = job.counted_from = max(job.received, free_since)
            job.ends = job.started + self.service_time
            self.running.add(job)
            self.begun += 1
            if self.first_start is None:
                self.first_start = job.started
            self._loop.call_at(job.ends, self._finish, job)
        self.peak_running = max(self.peak_running, len(self.running))

    def _finish(self, job: Job) -> None:
        if job not in self.running:
            return  # abandoned
        self._release(job, job.ends)
        self.finished += 1
        job.done.set_result(None)
        self._fill(job.ends)

    def _abandon(self, job: Job) -> None:
        self.aborted += 1
        if job in self.running:
            now = self._loop.time()
            self._release(job, min(now, job.ends))
            self._fill(now)
        elif not job.ends:
            self.queue.remove(job)

    def _release(self, job: Job, at: float) -> None:
        self.running.discard(job)
        self._used += at - job.counted_from
        self._tokens += _written(job, at)
        self.last_end = max(self.last_end or at, at)

    def _available(self, start: float, end: float) -> float:
        """Return the seconds of slots that there were between two times."""
        changes = [*self._capacities, (float("inf"), 0)]
        return sum(
            slots * max(0.0, min(end, following) - max(start, since))
            for (since, slots), (following, _) in pairwise(changes)
        )


def _written(job: Job, now: float) -> float:
    whole = job.ends - job.started
    return job.tokens * min(1.0, (now - job.started) / whole) if whole > 0 else job.tokens


@dataclass(frozen=True)
class Settings:
    """What a server is asked to be on the command line."""

    slots: int
    service_time: float
    max_queue: int | None
    metrics: bool
    count_prefix: bool
    log: Path | None


class Endpoint:
    """The routes. Below aiohttp's application, whose router and middlewares cost half of the time of a request."""

    def __init__(self, settings: Settings, slots: Slots, log: IO[bytes] | None) -> None:
        self._settings = settings
        self._slots = slots
        self._log = log
        self._cache = PrefixCache(CACHE_BLOCKS) if settings.count_prefix else None
        self._clients: Counter[str] = Counter()
        self._epoch = (
            time.time() - asyncio.get_running_loop().time()
        )  # from loop time to the clock on the wall

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        route = request.path
        if route == "/v1/chat/completions" and request.method == "POST":
            return await self._chat(request)
        if route == "/metrics" and self._settings.metrics:
            return web.Response(text=self._metrics())
        if route == "/stats":
            if self._log:
                self._log.flush()  # whoever asks may read the log next
            return _json(self._slots.stats() | {"clients": dict(self._clients)})
        if route == "/control" and request.method == "POST":
            return self._control(orjson.loads(await request.content.read()))
        if route == "/health":
            return web.Response()
        if route == "/v1/models":
            return _json(
                {
                    "object": "list",
                    "data": [{"id": name, "object": "model"} for name in (MODEL, MODEL_OF_ONE_STAGE)],
                }
            )
        return _error(404, f"no route {route!r}")

    async def _chat(self, request: web.BaseRequest) -> web.Response:
        raw = await request.content.read()
        limit = self._settings.max_queue
        if limit is not None and len(self._slots.queue) >= limit:
            self._slots.refused += 1
            return _error(429, f"{limit} requests are waiting")
        headers = request.headers
        self._clients[headers.get("x-client") or headers.get("User-Agent") or ""] += 1
        try:
            body = orjson.loads(raw)
            stage, text, prompt_tokens = _read(body)
        except (orjson.JSONDecodeError, KeyError, TypeError, StopIteration) as error:
            return _error(400, f"no chat completion: {type(error).__name__} {error}")
        cached = self._cached(body)
        tokens = len(text) // CHARACTERS_A_TOKEN + 1
        job: Job | None = None
        received = asyncio.get_running_loop().time()
        try:
            job = await self._slots.hold(tokens)
        finally:
            if self._log:
                self._write(self._log, raw, stage, headers.get("x-session-id", ""), received, job)
        return _json(_completion(text, prompt_tokens, tokens, cached))

    def _cached(self, body: dict[str, Any]) -> int:
        """Return how many tokens of a prompt were cached; four bytes are taken for a token."""
        if self._cache is None:
            return 0
        data = "".join(message["content"] for message in body["messages"]).encode()
        words = memoryview(data[: len(data) // 4 * 4]).cast("I")
        return self._cache.take(words)

    def _control(self, wanted: dict[str, Any]) -> web.Response:
        slots = self._slots
        if wanted.get("reset"):
            slots.reset()
            self._clients.clear()
        slots.resize(
            int(wanted.get("slots", slots.slots)), float(wanted.get("service_time", slots.service_time))
        )
        return _json({"slots": slots.slots, "service_time": slots.service_time})

    def _metrics(self) -> str:
        values: list[tuple[str, str, float]] = [
            ("num_requests_running", "gauge", len(self._slots.running)),
            ("num_requests_waiting", "gauge", len(self._slots.queue)),
            ("num_preemptions_total", "counter", 0),
            ("generation_tokens_total", "counter", self._slots.generated()),
        ]
        if self._cache is not None:
            values.append(("prefix_cache_queries_total", "counter", self._cache.queried_tokens))
            values.append(("prefix_cache_hits_total", "counter", self._cache.hit_tokens))
        return "".join(
            f'# TYPE vllm:{name} {kind}\nvllm:{name}{{engine="0",model_name="{MODEL}"}} {float(value)}\n'
            for name, kind, value in values
        )

    def _write(
        self, log: IO[bytes], raw: bytes, stage: str, session: str, received: float, job: Job | None
    ) -> None:
        """Write the line of one request; one whose client hung up has neither start nor end."""
        line = {
            "received": self._epoch + received,
            "started": self._epoch + job.started if job else None,
            "ended": self._epoch + job.ends if job else None,
            "body": blake2b(raw, digest_size=16).hexdigest(),
            "stage": stage,
            "session": session,
        }
        log.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _read(body: dict[str, Any]) -> tuple[str, str, int]:
    """Return the stage of a request, the text of its answer and the estimate of its prompt's tokens."""
    messages = body["messages"]
    if not messages:
        raise KeyError("messages")  # curator sends such a request, to read the headers of the refusal
    length = sum(len(message["content"]) for message in messages)
    wanted = (body.get("response_format") or {}).get("json_schema")
    if wanted is None:
        return "", "This endpoint is simulated and writes JSON only.", length // CHARACTERS_A_TOKEN
    stage = wanted["name"]
    # The first one of the user: a request that quotes an unusable answer goes on behind it.
    prompt = next(message["content"] for message in messages if message["role"] == "user")
    known = answer(stage, prompt)
    value = minimal(wanted["schema"]) if known is None else known
    if stage == "assess" and body["model"] == MODEL_OF_ONE_STAGE:
        value = {**value, "decision": "unsuitable"}
    return stage, orjson.dumps(value).decode(), length // CHARACTERS_A_TOKEN


def _completion(text: str, prompt_tokens: int, tokens: int, cached: int) -> dict[str, Any]:
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": prompt_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _error(status: int, message: str) -> web.Response:
    return _json({"error": {"message": message, "type": "Simulated", "code": status}}, status)


async def serve(settings: Settings, port: int) -> None:
    """Serve until the first signal."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        log = stack.enter_context(settings.log.open("ab")) if settings.log else None
        endpoint = Endpoint(settings, Slots(settings.slots, settings.service_time), log)
        server = web.Server(endpoint.handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG, shutdown_timeout=0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
        await stop.wait()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--service-time", type=float, default=0.2, help="seconds that a request holds a slot")
    parser.add_argument("--max-queue", type=int, help="answer 429 when so many wait (default: never)")
    parser.add_argument("--no-metrics", action="store_true", help="leave /metrics out")
    parser.add_argument("--count-prefix", action="store_true", help="keep a prefix cache (costs CPU time)")
    parser.add_argument("--log", type=Path, help="write one JSON line a request")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    given = parser.parse_args()
    settings = Settings(
        given.slots,
        given.service_time,
        given.max_queue,
        not given.no_metrics,
        given.count_prefix,
        given.log,
    )
    asyncio.run(serve(settings, given.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
