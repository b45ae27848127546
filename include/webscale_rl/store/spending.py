"""What a run has spent, and the portions that its workers have set aside."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection

from webscale_rl.llm.purse import Amount, Purse

logger = logging.getLogger(__name__)

AWAY_SECONDS = 15.0  # a database that is away for longer ends the worker anyhow, by its lease
SHARE = 0.25  # of what is left that one portion may take, so that the last of it is not with one worker


@asynccontextmanager
async def run_purse(database_url: str, run_id: str, worker: str, ceiling: Amount) -> AsyncIterator[Purse]:
    """Give a purse of a run to one worker; what it has set aside and not spent goes back at the end.

    Args:
        database_url: as libpq reads it.
        run_id: whose budget it is, over all its tries.
        worker: a name that no other worker or try has.
        ceiling: of the run.
    """

    async def portion(least: Amount, liked: Amount) -> Amount | None:
        deadline = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                async with await _connect(database_url) as connection:  # seldom: a portion is many calls
                    return await set_aside(connection, run_id, worker, ceiling, least, liked)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.5)

    purse = Purse(portion)
    try:
        yield purse
    finally:
        try:
            async with await _connect(database_url) as connection:
                await connection.execute(
                    "UPDATE run_spending SET calls = %s, tokens = %s, price = %s WHERE run_id = %s AND worker = %s",
                    (purse.spent.calls, purse.spent.tokens, purse.spent.price, run_id, worker),
                )
        except psycopg.OperationalError as error:  # as after a kill: it counts as spent
            logger.warning("what run %s has not spent is not given back: %s", run_id, type(error).__name__)


async def set_aside(
    connection: AsyncConnection[Any],
    run_id: str,
    worker: str,
    ceiling: Amount,
    least: Amount,
    liked: Amount,
) -> Amount | None:
    """Set a portion of a run's budget aside for a worker; None where not even ``least`` is left."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8147))", (run_id,))
        cursor = await connection.execute(
            "SELECT coalesce(sum(calls), 0), coalesce(sum(tokens), 0), coalesce(sum(price), 0) "
            "FROM run_spending WHERE run_id = %s",
            (run_id,),
        )
        row = await cursor.fetchone()
        assert row is not None
        left = ceiling - Amount(float(row[0]), float(row[1]), float(row[2]))
        if not least.within(left):
            return None
        got = Amount(
            _portion(least.calls, liked.calls, left.calls),
            _portion(least.tokens, liked.tokens, left.tokens),
            _portion(least.price, liked.price, left.price),
        )
        await connection.execute(
            """
            INSERT INTO run_spending AS s (run_id, worker, calls, tokens, price) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (run_id, worker) DO UPDATE
            SET calls = s.calls + EXCLUDED.calls, tokens = s.tokens + EXCLUDED.tokens,
                price = s.price + EXCLUDED.price
            """,
            (run_id, worker, got.calls, got.tokens, got.price),
        )
        return got


def _portion(least: float, liked: float, left: float) -> float:
    return max(0.0, least, min(liked, left * SHARE))


async def _connect(url: str) -> AsyncConnection[Any]:
    return await AsyncConnection.connect(
        url, autocommit=True, connect_timeout=10, application_name="webscale_rl purse"
    )
