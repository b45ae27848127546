"""Embeddings of questions from an OpenAI-compatible endpoint (``POST /v1/embeddings``; vLLM serves it too)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import httpx
import numpy as np
import orjson
from numpy.typing import NDArray
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from webscale_rl.errors import EndpointError, RequestRejected
from webscale_rl.llm.endpoint import Endpoint, seconds_to_wait
from webscale_rl.llm.transport import CONNECT_SECONDS, refused

BATCH = 128  # questions a request
MAX_ATTEMPTS = 8

Vectors = NDArray[np.float32]


class Embedder:
    """Turns questions into vectors of shape (questions, dimensions), in the order of the questions.

    It sends :data:`BATCH` questions a request, to the endpoint's replicas in turn, and repeats a request that failed
    in transport or for a fault of the server. A question that the endpoint rejects, such as one over its context
    length, gets a vector of zeros, which is near to none, and counts in ``rejected``.
    """

    def __init__(self, endpoint: Endpoint, *, max_attempts: int = MAX_ATTEMPTS) -> None:
        self.rejected = 0
        self._endpoint = endpoint
        self._max_attempts = max_attempts
        self._replicas = cycle(endpoint.replicas)

    def __call__(self, questions: Sequence[str]) -> Vectors:
        """Return the vectors.

        Raises:
            EndpointError: the endpoint could not be reached, kept failing, or answered something else than vectors.
            EndpointRefusal: wrong key, unknown model, no such route.
            RequestRejected: it rejects every single one.
        """
        key = self._endpoint.api_key or "none"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        timeout = httpx.Timeout(self._endpoint.timeout, connect=CONNECT_SECONDS)
        parts: list[Vectors | RequestRejected] = []
        with httpx.Client(headers=headers, timeout=timeout) as client:  # none is left open between calls
            for start in range(0, len(questions), BATCH):
                parts += self._embedded(client, list(questions[start : start + BATCH]))
        if not parts:
            return np.empty((0, 0), dtype=np.float32)
        sizes = {part.shape[1] for part in parts if not isinstance(part, RequestRejected)}
        if len(sizes) > 1:
            raise EndpointError(f"{self._endpoint.name} sent vectors of different dimensions")
        found: list[Vectors] = []
        for part in parts:
            if not isinstance(part, RequestRejected):
                found.append(part)
            elif not sizes:
                raise part
            else:
                found.append(np.zeros((1, *sizes), dtype=np.float32))
                self.rejected += 1
        return np.concatenate(found)

    def _embedded(self, client: httpx.Client, questions: list[str]) -> list[Vectors | RequestRejected]:
        """Return the vectors of a request; of one that is rejected, those of its halves."""
        try:
            for attempt in _attempts(self._max_attempts):
                with attempt:
                    return [_asked(client, self._endpoint, next(self._replicas), questions)]
        except RequestRejected as rejection:
            if len(questions) == 1:
                return [rejection]
        half = len(questions) // 2
        return [*self._embedded(client, questions[:half]), *self._embedded(client, questions[half:])]


def _attempts(most: int) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(EndpointError),
        stop=stop_after_attempt(most),
        wait=seconds_to_wait,
        reraise=True,
    )


def _asked(client: httpx.Client, endpoint: Endpoint, base: str, questions: list[str]) -> Vectors:
    body = {
        "model": endpoint.model,
        "input": questions,
        "encoding_format": "float",
        **endpoint.extra_body,
    }
    url = f"{base}/embeddings"
    try:
        answer = client.post(url, content=orjson.dumps(body))
    except httpx.TimeoutException as error:
        raise EndpointError(f"{url} did not answer in time ({type(error).__name__})") from error
    except httpx.HTTPError as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise EndpointError(f"cannot reach {url}: is the server running there? ({words})") from error
    if answer.status_code != 200:
        wait = answer.headers.get("Retry-After", "")
        raise refused(answer.status_code, answer.content, wait, base, endpoint.model)
    return _vectors(answer.content, len(questions), url)


def _vectors(raw: bytes, count: int, url: str) -> Vectors:
    """Read the vectors of an answer, which may come in any order."""
    try:
        rows = sorted(orjson.loads(raw)["data"], key=lambda row: int(row["index"]))
        vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
    except (ValueError, TypeError, KeyError) as error:
        raise EndpointError(f"{url} sent no list of embeddings ({type(error).__name__})") from error
    if [row["index"] for row in rows] != list(range(count)) or vectors.ndim != 2 or not vectors.size:
        raise EndpointError(f"{url} sent {len(rows)} embeddings for {count} questions")
    if not np.isfinite(vectors).all():
        raise EndpointError(f"{url} sent embeddings that are not finite")
    return vectors
