"""The line of results that every client prints, taken the same way for all.

Standard library only: a peer that runs in an environment of its own finds this module by ``PYTHONPATH=bench``.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

TIMEOUT_SECONDS = 30.0


@contextmanager
def measured(
    base_url: str, system: str, concurrency: int | None, children: Callable[[], float] = lambda: 0.0
) -> Iterator[None]:
    """Count what a simulated endpoint serves while the body runs, and print it as one JSON line.

    ``share``: seconds of slots used of those there were between the first start and the last end of a request.
    ``rps``: requests per second in the same time. ``cpu_ms_per_request``: of this process with
    all its threads, and of ``children``.
    """
    root = base_url.removesuffix("/v1")
    _call(f"{root}/control", {"reset": True})
    cpu = time.process_time()
    yield
    used = time.process_time() - cpu + children()
    stats = _call(f"{root}/stats")
    requests = stats["requests_finished"]
    if not requests:
        raise RuntimeError(f"{system} sent no request")
    line = {
        "system": system,
        "concurrency": concurrency,
        "requests": requests,
        "share": round(stats["share"], 3),
        "rps": round(requests / (stats["last_end"] - stats["first_start"]), 1),
        "cpu_ms_per_request": round(1000 * used / requests, 2),
    }
    print(json.dumps(line), flush=True)


def _call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    # Without the proxies of the environment: the endpoint is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data), timeout=TIMEOUT_SECONDS) as response:
        answered: dict[str, Any] = json.loads(response.read())
    return answered
