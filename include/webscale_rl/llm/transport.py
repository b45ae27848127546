"""One HTTP request to an endpoint and what comes of it: a JSON value, or an error that says what to change.

Written on aiohttp itself: the OpenAI SDK costs more than twice the CPU for each call (docs/decisions/0006).
"""

from __future__ import annotations

from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson

from webscale_rl.errors import EndpointError, EndpointRefusal, RequestRejected

CONNECT_SECONDS = 30.0  # a busy event loop is no dead server
KEPT_ALIVE_SECONDS = (
    3.0  # below the 5 s of uvicorn: a connection that the server is about to close is not used
)
TRANSIENT = frozenset({408, 409, 425, 429})


class Transport:
    """Sends JSON to the servers of one model.

    Args:
        model: its name, for messages.
        api_key: sent with every request.
    """

    def __init__(self, model: str, api_key: str) -> None:
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key or 'none'}", "Content-Type": "application/json"}
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def __aenter__(self) -> Self:
        # No limit of its own: admission bounds the calls in flight. trust_env would look proxies up in a thread for
        # every call.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_ALIVE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, url: str, content: bytes | None, *, seconds: float, headers: dict[str, str] | None = None
    ) -> object:
        """Send ``content`` by POST, or nothing by GET, and return the JSON value of the answer.

        Raises:
            EndpointError: the server could not be reached, did not answer in time, or has a fault of its own.
            EndpointRefusal: wrong key, unknown model, no such route.
            RequestRejected: this request cannot be served.
        """
        assert self._session is not None
        method = "GET" if content is None else "POST"
        try:
            async with self._session.request(
                method,
                url,
                data=content,
                headers=headers,
                timeout=self._timeout(seconds),
                proxy=proxy_of(url),
            ) as answer:
                raw = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise unreachable(error, _base(url)) from error
        if answer.status != 200:
            raise refused(answer.status, raw, answer.headers.get("Retry-After", ""), _base(url), self._model)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise EndpointError(f"{url} sent a body that is no JSON") from error

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        rounded = float(round(seconds)) if seconds >= 1 else seconds
        if rounded not in self._timeouts:
            self._timeouts[rounded] = aiohttp.ClientTimeout(total=rounded, sock_connect=CONNECT_SECONDS)
        return self._timeouts[rounded]


@cache
def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, if any."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def unreachable(error: Exception, url: str) -> EndpointError:
    """Return what a failure below HTTP means."""
    if isinstance(error, TimeoutError):
        return EndpointError(f"{url} did not answer in time ({type(error).__name__})")
    words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    connected = not isinstance(error, aiohttp.ClientConnectorError)
    return EndpointError(f"cannot reach {url}: is the server running there? ({words})", sent=connected)


def refused(status: int, raw: bytes, retry_after: str, url: str, model: str) -> Exception:
    """Return what an answer with another status than 200 means."""
    said = _said(raw)
    if status in (401, 403):
        return EndpointRefusal(f"{url} refuses the API key ({status}): set the right one")
    if status == 404:
        return EndpointRefusal(
            f"{url} has no model {model!r} or no such route (404): {said or 'check URL and model name'}"
        )
    if status == 429 and "insufficient_quota" in said:
        return EndpointRefusal(f"{url} says that the account's quota is used up (429)")
    if status in TRANSIENT or status >= 500:
        return EndpointError(
            f"{url} answered {status}: {said}", retry_after=_seconds(retry_after), status=status
        )
    return RequestRejected(f"{url} rejects the request ({status}): {said}")


def _base(url: str) -> str:
    """Return the base URL, which is what a user has set."""
    return url.removesuffix("/chat/completions").removesuffix("/models")


def _said(raw: bytes) -> str:
    """Return the server's own words, shortened, in one line; a body may be anything."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ""
    inner = body.get("error", body) if isinstance(body, dict) else body
    parts = [inner.get(key) for key in ("message", "code", "param")] if isinstance(inner, dict) else [inner]
    return " ".join(" ".join(str(part) for part in parts if part).split())[:300]


def _seconds(retry_after: str) -> float | None:
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
