"""Admission of calls to one endpoint: so many at a time, those of the oldest document first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

from webscale_rl.llm.capacity import Totals


class Admission:
    """A semaphore whose limit may change, with a queue by priority.

    Calls of documents that were opened first go first, so that a document is finished while a server still holds its
    prefix, and few are open at a time.

    Args:
        limit: calls at a time.
        on_change: called when a call has ended or the limit has changed.
    """

    def __init__(self, limit: int, on_change: Callable[[], object] | None = None) -> None:
        self._limit = limit
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._on_change = on_change
        self._closed: Exception | None = None
        self.in_flight = 0
        self.totals = Totals()  # of the calls that came back

    @property
    def limit(self) -> int:
        """Calls at a time."""
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        self._limit = value
        self._admit()

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return len(self._queue)

    @property
    def room(self) -> int:
        """Calls that could be sent now beside those that wait; negative when more wait than there is room for."""
        return 0 if self._closed is not None else self._limit - self.in_flight - len(self._queue)

    def close(self, why: Exception) -> None:
        """Let nobody in any more; those who wait get ``why``, what is in flight goes on."""
        self._closed = why
        while self._queue:
            turn = heappop(self._queue)[2]
            if not turn.done():
                turn.set_exception(why)

    @asynccontextmanager
    async def turn(self, priority: int) -> AsyncIterator[None]:
        """Wait for a turn and hold it; the lowest priority goes first."""
        await self._enter(priority)
        try:
            yield
        finally:
            self.in_flight -= 1
            self._admit()

    async def _enter(self, priority: int) -> None:
        if self._closed is not None:
            raise self._closed
        if self.in_flight < self._limit and not self._queue:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._queue, (priority, next(self._tickets), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if (
                turn.done() and not turn.cancelled() and turn.exception() is None
            ):  # admitted at the same moment
                self.in_flight -= 1
            else:
                self._queue = [waiting for waiting in self._queue if waiting[2] is not turn]
                self._queue.sort()
            self._admit()
            raise

    def _admit(self) -> None:
        while self._queue and self.in_flight < self._limit:
            turn = heappop(self._queue)[2]
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        if self._on_change is not None:
            self._on_change()
