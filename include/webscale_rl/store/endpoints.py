"""The budget of an endpoint: one limit for all workers, each of which looks at it about twice a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from webscale_rl.llm.capacity import FIRST_LIMIT, Totals, shares

LEASE_SECONDS = 5.0  # a worker that has not been seen for so long has no share
UPDATER_SECONDS = 3.0


@dataclass(frozen=True)
class Use:
    """What one worker makes of an endpoint."""

    in_flight: int
    wanted: int
    totals: Totals


@dataclass(frozen=True)
class Budget:
    """What a worker learns: its share, the limit of all, and whether it is the one that changes it.

    ``totals`` and ``in_flight`` are those of all workers.
    """

    share: int
    limit: float
    is_updater: bool
    totals: Totals
    in_flight: int
    workers: int


async def refresh(
    connection: AsyncConnection[Any], endpoint: str, worker: str, use: Use, ceiling: int | None = None
) -> Budget:
    """Report what this worker makes of the endpoint and return its share of the budget.

    Args:
        connection: with autocommit.
        endpoint: its name, the same for all its workers.
        worker: a name that no other worker has.
        use: of this worker.
        ceiling: of the calls of all workers, whatever the endpoint takes.
    """
    cursor = await connection.execute(
        """
        INSERT INTO endpoint_budgets AS b (endpoint, call_limit, updater, updater_until)
        VALUES (%(endpoint)s, %(first)s, %(worker)s, now() + %(term)s * interval '1 s')
        ON CONFLICT (endpoint) DO UPDATE SET updater = EXCLUDED.updater, updater_until = EXCLUDED.updater_until
        WHERE b.updater = EXCLUDED.updater OR b.updater_until < now()
        RETURNING call_limit
        """,
        {"endpoint": endpoint, "worker": worker, "first": float(FIRST_LIMIT), "term": UPDATER_SECONDS},
    )
    elected = await cursor.fetchone()
    cursor = await connection.execute(
        """
        WITH gone AS (
            DELETE FROM endpoint_leases WHERE endpoint = %(endpoint)s AND lease_until < now()
        ), mine AS (
            INSERT INTO endpoint_leases
                (endpoint, worker, lease_until, in_flight, wanted, calls, tokens, busy_seconds, refused)
            VALUES (%(endpoint)s, %(worker)s, now() + %(lease)s * interval '1 s', %(in_flight)s, %(wanted)s,
                    %(calls)s, %(tokens)s, %(busy)s, %(refused)s)
            ON CONFLICT (endpoint, worker) DO UPDATE
            SET lease_until = EXCLUDED.lease_until, in_flight = EXCLUDED.in_flight, wanted = EXCLUDED.wanted,
                calls = EXCLUDED.calls, tokens = EXCLUDED.tokens, busy_seconds = EXCLUDED.busy_seconds,
                refused = EXCLUDED.refused
        )
        SELECT l.worker, l.in_flight, l.wanted, l.calls, l.tokens, l.busy_seconds, l.refused, b.call_limit
        FROM endpoint_budgets b
        LEFT JOIN endpoint_leases l
          ON l.endpoint = b.endpoint AND l.lease_until >= now() AND l.worker <> %(worker)s
        WHERE b.endpoint = %(endpoint)s
        """,
        {
            "endpoint": endpoint,
            "worker": worker,
            "lease": LEASE_SECONDS,
            "in_flight": use.in_flight,
            "wanted": use.wanted,
            "calls": use.totals.calls,
            "tokens": use.totals.tokens,
            "busy": use.totals.busy_seconds,
            "refused": use.totals.refused,
        },
    )
    rows = await cursor.fetchall()
    limit: float = rows[0][-1]
    wanted, in_flight, totals = {worker: use.wanted}, use.in_flight, use.totals
    for name, others_in_flight, others_wanted, calls, tokens, busy, refused, _ in rows:
        if name is not None:
            wanted[name] = others_wanted
            in_flight += others_in_flight
            totals += Totals(calls, tokens, busy, refused)
    allowed = limit if ceiling is None else min(limit, ceiling)
    return Budget(shares(allowed, wanted)[worker], limit, elected is not None, totals, in_flight, len(wanted))


async def set_limit(connection: AsyncConnection[Any], endpoint: str, worker: str, limit: float) -> None:
    """Change the limit, as long as this worker is the one that may."""
    await connection.execute(
        "UPDATE endpoint_budgets SET call_limit = %s WHERE endpoint = %s AND updater = %s",
        (limit, endpoint, worker),
    )


async def leave(connection: AsyncConnection[Any], endpoint: str, worker: str) -> None:
    """Give up the share, so that the others need not wait for the lease to run out."""
    await connection.execute(
        "DELETE FROM endpoint_leases WHERE endpoint = %s AND worker = %s", (endpoint, worker)
    )
    await connection.execute(
        "UPDATE endpoint_budgets SET updater_until = now() WHERE endpoint = %s AND updater = %s",
        (endpoint, worker),
    )
