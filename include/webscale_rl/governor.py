"""Keeps a worker's share of an endpoint's budget up to date, and changes the budget where it is the one to do so."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiohttp
import psycopg
from psycopg import AsyncConnection

from webscale_rl.llm.admission import Admission
from webscale_rl.llm.capacity import QueueControl, ThroughputControl
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.vllm_metrics import read_load
from webscale_rl.store.endpoints import Budget, Use, leave, refresh, set_limit

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5  # between two looks at the budget, for up to eight workers
WORKERS_AT_INTERVAL = 8  # more of them look less often: the database sees no more than so many looks a time
UNBOUNDED = 1_000_000  # wanted by a worker that still has documents to open


class Governor:
    """Sets the limit of an admission to this worker's share, about twice a second.

    Where the database cannot be reached the last share stays.

    Args:
        database_url: as libpq reads it.
        endpoint: whose budget is shared.
        worker: a name that no other worker has.
        admission: of this worker's calls.
        ceiling: of the calls of all workers; None leaves it to the endpoint.
        has_more: whether the worker could open more documents.
    """

    def __init__(
        self,
        database_url: str,
        endpoint: Endpoint,
        worker: str,
        admission: Admission,
        ceiling: int | None,
        has_more: Callable[[], bool],
    ) -> None:
        self._url = database_url
        self._endpoint = endpoint
        self._worker = worker
        self._admission = admission
        self._ceiling = ceiling
        self._has_more = has_more
        self._by_queue = QueueControl()
        self._by_throughput = ThroughputControl()
        self._connection: AsyncConnection[Any] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        with suppress(psycopg.Error):  # the first share, before the first call
            await self._look()
        self._task = asyncio.create_task(self._run(), name=f"governor {self._endpoint.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(psycopg.Error):
            await leave(await self._connected(), self._endpoint.name, self._worker)
        await self._disconnect()
        if self._http is not None:
            await self._http.close()

    async def _run(self) -> None:
        pause = INTERVAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                budget = await self._look()
                pause = INTERVAL_SECONDS * max(1.0, budget.workers / WORKERS_AT_INTERVAL)
            except psycopg.Error as error:
                logger.warning(
                    "the budget of %s cannot be read: %s", self._endpoint.name, type(error).__name__
                )
                await self._disconnect()

    async def _look(self) -> Budget:
        connection = await self._connected()
        admission = self._admission
        wanted = UNBOUNDED if self._has_more() else admission.in_flight + admission.waiting
        use = Use(admission.in_flight, wanted, admission.totals)
        budget = await refresh(connection, self._endpoint.name, self._worker, use, self._ceiling)
        admission.limit = budget.share
        if budget.is_updater:
            limit = await self._next_limit(budget)
            if limit != budget.limit:
                await set_limit(connection, self._endpoint.name, self._worker, limit)
        return budget

    async def _next_limit(self, budget: Budget) -> float:
        assert self._http is not None
        load = await read_load(self._http, self._endpoint.replicas)
        if load is not None:
            return self._by_queue.next_limit(budget.limit, load)
        return self._by_throughput.next_limit(budget.limit, time.monotonic(), budget.totals, budget.in_flight)

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=5,
                application_name="webscale_rl governor",
                options="-c statement_timeout=5s",
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()
