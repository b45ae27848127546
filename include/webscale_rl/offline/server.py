"""The HTTP server: OpenAI's routes, vLLM's metrics, a bounded number of slots with a queue before them."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from webscale_rl.ids import content_id
from webscale_rl.llm.prefix_cache import PrefixCache
from webscale_rl.offline import MODEL, tokens
from webscale_rl.offline.planted import MODELS, PlantedModel
from webscale_rl.offline.request import ChatRequest, RequestError, read_request, read_text
from webscale_rl.offline.rules.answer import answer
from webscale_rl.offline.rules.closed_book import closed_book, is_closed_book
from webscale_rl.offline.script import Script

MAX_BODY_BYTES = 256 * 1024 * 1024
PROSE = "I am a set of rules, not a language model, and I was told to ignore the schema."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Settings:
    """What the server stands in for.

    ``slots`` requests are worked on at a time, each for at least ``service_time`` seconds; the rest wait in
    the order of their arrival. ``cache_blocks`` is the size of the prefix cache in blocks of 16 tokens. ``planted``
    answers the stages of the road in place of the rules, under names of its own.
    """

    slots: int = 256
    service_time: float = 0.0
    max_model_len: int = 32_768  # tokens
    cache_blocks: int = 65_536
    api_key: str = field(default="", repr=False)
    ignore_schema: bool = False
    planted: PlantedModel | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """The names that requests may ask for; the first is the server's own."""
        return MODELS if self.planted else (MODEL,)


@dataclass(frozen=True)
class _Reply:
    text: str
    finish_reason: str = "stop"


class Server:
    """The state behind the routes."""

    def __init__(self, settings: Settings, script: Script) -> None:
        self._settings = settings
        self._script = script
        self._cache = PrefixCache(settings.cache_blocks)
        self._slots = asyncio.Semaphore(settings.slots)
        self._running = 0
        self._waiting = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0

    def app(self) -> web.Application:
        """Return the application with all routes."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guard])
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/tokenize", self._tokenize)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Ask for the key below /v1, as vLLM does, and put every error into OpenAI's form."""
        try:
            if request.path.startswith("/v1/") and not self._authorised(request):
                raise RequestError(401, "incorrect API key provided", kind="AuthenticationError")
            return await handler(request)
        except RequestError as error:
            return _json(error.body, error.status)
        except web.HTTPException as error:
            refusal = RequestError(error.status, f"{request.method} {request.path}: {error.reason}")
            return _json(refusal.body, error.status)

    def _authorised(self, request: web.Request) -> bool:
        expected = f"Bearer {self._settings.api_key}".encode()
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return not self._settings.api_key or hmac.compare_digest(given, expected)

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        models = [
            {
                "id": name,
                "object": "model",
                "owned_by": "webscale_rl",
                "max_model_len": self._settings.max_model_len,
            }
            for name in self._settings.models
        ]
        return _json({"object": "list", "data": models})

    async def _metrics(self, _: web.Request) -> web.Response:
        used = min(1.0, len(self._cache) / self._settings.cache_blocks)
        values: list[tuple[str, str, float]] = [
            ("num_requests_running", "gauge", self._running),
            ("num_requests_waiting", "gauge", self._waiting),
            ("kv_cache_usage_perc", "gauge", used),
            ("num_preemptions_total", "counter", 0),
            ("prompt_tokens_total", "counter", self._prompt_tokens),
            ("generation_tokens_total", "counter", self._completion_tokens),
            ("prefix_cache_queries_total", "counter", self._cache.queried_tokens),
            ("prefix_cache_hits_total", "counter", self._cache.hit_tokens),
        ]
        served = self._settings.models[0]
        lines = [
            f'# TYPE vllm:{name} {kind}\nvllm:{name}{{model_name="{served}"}} {float(value)}\n'
            for name, kind, value in values
        ]
        return web.Response(text="".join(lines))

    async def _chat(self, http: web.Request) -> web.Response:
        request = read_request(await http.read())
        if request.model not in self._settings.models:
            served = " and ".join(map(repr, self._settings.models))
            message = f"the model {request.model!r} does not exist; this server has {served}"
            raise RequestError(404, message, kind="NotFoundError", param="model")
        prompt = request.prompt
        prompt_tokens = self._tokens(prompt)
        async with self._slot():
            cached = self._cache.take(prompt_tokens)
            reply = self._reply(request, prompt)
        return _json(self._completion(request, reply, len(prompt_tokens), cached))

    async def _tokenize(self, http: web.Request) -> web.Response:
        """Count the tokens of a text as vLLM's route of this name does."""
        found = tokens.encode(read_text(await http.read()))
        return _json({"count": len(found), "max_model_len": self._settings.max_model_len, "tokens": found})

    def _tokens(self, prompt: str) -> list[int]:
        limit = self._settings.max_model_len
        counted = tokens.encode(prompt) if tokens.at_least(prompt) <= limit else None
        if counted is None or len(counted) > limit:
            length = f"{len(counted)}" if counted else f"more than {limit}"
            message = f"this model's context length is {limit} tokens; the prompt has {length}: shorten it"
            raise RequestError(400, message, param="input_tokens")
        return counted

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Wait for a slot, first come first served, and hold it for the service time."""
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        self._running += 1
        ends = time.monotonic() + self._settings.service_time
        try:
            yield
            await asyncio.sleep(max(0.0, ends - time.monotonic()))
        finally:
            self._running -= 1
            self._slots.release()

    def _reply(self, request: ChatRequest, prompt: str) -> _Reply:
        scripted = self._script.answer(request.stage, prompt)
        if scripted is not None:
            if scripted.status != 200:
                raise RequestError(scripted.status, scripted.text or "scripted error", kind="ScriptedError")
            return _Reply(scripted.text, scripted.finish_reason)
        if not request.wants_json and is_closed_book(request.user_text):
            return _Reply(closed_book(request.user_text))
        if self._settings.ignore_schema or not request.wants_json:
            return _Reply(PROSE)
        planted = self._settings.planted
        if planted and planted.answers(request.stage):
            found = planted.answer(request.model, request.stage, request.user_text)
        else:
            found = answer(request.stage, request.user_text, request.schema)
        return _Reply(orjson.dumps(found).decode())

    def _completion(
        self, request: ChatRequest, reply: _Reply, prompt_tokens: int, cached: int
    ) -> dict[str, object]:
        """Return the body of the response; an answer beyond the limits on its length is cut as a model's is."""
        text, finish_reason = reply.text, reply.finish_reason
        written = tokens.encode(text)
        room = self._settings.max_model_len - prompt_tokens
        if len(written) > (limit := min(request.max_tokens or room, room)):
            written = written[: max(limit, 0)]
            text, finish_reason = tokens.decode(written), "length"
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += len(written)
        return {
            "id": f"chatcmpl-{content_id([request.prompt, text])}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": request.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "logprobs": None,
                    "finish_reason": finish_reason,
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": len(written),
                "total_tokens": prompt_tokens + len(written),
                "prompt_tokens_details": {"cached_tokens": cached},
            },
        }


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
