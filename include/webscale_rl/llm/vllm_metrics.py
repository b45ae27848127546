"""Reading vLLM's ``/metrics``: how many requests run and wait."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from contextlib import suppress

import aiohttp

from webscale_rl.llm.capacity import Load

TIMEOUT_SECONDS = 2.0
_SAMPLE = re.compile(
    r"^vllm:(num_requests_running|num_requests_waiting|num_preemptions_total)(\{[^}]*\})? (\S+)", re.M
)


def parse_load(text: str) -> Load | None:
    """Return the load that a page of metrics reports, summed over engines; None where it reports none."""
    sums: dict[str, float] = {}
    for name, _, value in _SAMPLE.findall(text):
        with suppress(ValueError):
            number = float(value)
            if math.isfinite(number):
                sums[name] = sums.get(name, 0.0) + number
    if not {"num_requests_running", "num_requests_waiting"} <= set(sums):
        return None
    return Load(
        sums["num_requests_running"], sums["num_requests_waiting"], sums.get("num_preemptions_total", 0.0)
    )


async def read_load(session: aiohttp.ClientSession, base_urls: Sequence[str]) -> Load | None:
    """Return the load summed over replicas; None where not one of them reports any."""
    found = await asyncio.gather(*(_read(session, url) for url in base_urls))
    loads = [load for load in found if load is not None]
    if not loads:
        return None
    return Load(
        *(sum(getattr(load, name) for load in loads) for name in ("running", "waiting", "preemptions"))
    )


async def _read(session: aiohttp.ClientSession, base_url: str) -> Load | None:
    url = f"{base_url.rstrip('/').removesuffix('/v1')}/metrics"
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as answer:
            if answer.status != 200:
                return None
            return parse_load(await answer.text(errors="replace"))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
