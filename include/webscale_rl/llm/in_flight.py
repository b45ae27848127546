"""Calls that have been sent are seen through to the ledger, whatever becomes of who asked: they are paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class InFlight:
    """The calls of one worker."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def see_through(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call; where the caller is cancelled, the call goes on."""
        task = asyncio.ensure_future(call)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def settle(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait for what is in flight: until it has ended, or for so long after ``stop``. The rest is given up."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while self._tasks and not stopping.done():
                await asyncio.wait({*self._tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=seconds)
        finally:
            stopping.cancel()
            left = set(self._tasks)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            with suppress(Exception):
                task.exception()  # who asked may be gone, and nobody else wants it
