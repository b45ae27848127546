"""The questions that a worker has for the database while it works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection

from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.ledger import ATTEMPT_STAGE, KnownCalls
from webscale_rl.store import conversions


class Reader:
    """A connection for questions that is opened again when it is dropped, as long as the lease may last."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection[Any] | None = None

    async def __aenter__(self) -> Self:
        await self.connection()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def connection(self) -> AsyncConnection[Any]:
        """Return the open connection."""
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=10, application_name="webscale_rl reader"
            )
        return self._connection

    async def rows(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a query, asking again while the database is away.

        Raises:
            psycopg.OperationalError: it was away for longer than a lease.
        """
        deadline = time.monotonic() + conversions.LEASE_SECONDS
        while True:
            try:
                cursor = await (await self.connection()).execute(query.encode(), parameters)
                return await cursor.fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)


_CALLS = (
    "SELECT document_id, call_key, attempt, valid, CASE WHEN valid THEN response END, finish_reason = 'length' "
    "FROM llm_calls WHERE document_id = ANY(%s) AND {wanted} ORDER BY document_id, call_key, attempt"
)


async def known_calls(reader: Reader, document_ids: list[str]) -> dict[str, KnownCalls]:
    """Return what the ledger holds of these documents; solvers' attempts, many and long, are left out."""
    wanted = "NOT starts_with(stage, %s)"
    return await _known(reader, wanted, document_ids, ATTEMPT_STAGE)


async def known_attempts(reader: Reader, document_ids: list[str], solver: Endpoint) -> dict[str, KnownCalls]:
    """Return the attempts of one solver at questions of these documents."""
    wanted = "starts_with(stage, %s) AND model = %s AND model_revision = %s"
    return await _known(reader, wanted, document_ids, ATTEMPT_STAGE, solver.model, solver.revision)


async def _known(reader: Reader, wanted: str, document_ids: list[str], *values: str) -> dict[str, KnownCalls]:
    if not document_ids:
        return {}
    known: dict[str, KnownCalls] = {}
    rows = await reader.rows(_CALLS.format(wanted=wanted), (document_ids, *values))
    for document_id, key, attempt, valid, response, was_cut in rows:
        calls = known.setdefault(document_id, KnownCalls())
        calls.attempts[key] = attempt
        if valid:
            calls.valid[key] = response
            calls.cut.discard(key)
            if was_cut:
                calls.cut.add(key)
    return known
