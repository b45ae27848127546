"""Claiming a conversion, and the writer that only writes while the claim holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection

from webscale_rl.errors import LeaseLost, ShardBusy, Stopping
from webscale_rl.faultpoints import reach
from webscale_rl.store.bulk import insert_statement, rows_parameter

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
FLUSH_SECONDS = 0.1  # what a kill may cost; half of it costs a third more CPU for each call
IDLE_SECONDS = 3.0  # between extensions of the lease when there is nothing to write
FULL = 2_000  # rows in the buffer at which a flush no longer waits for its time

# Parents before children; `questions` and results may change when a failed document is driven again.
TABLES = {
    "llm_calls": "nothing",
    "questions": "update",
    "verdicts": "update",
    "part_results": "update",
    "document_results": "update",
    "solver_attempts": "update",
    "pair_marks": "update",
}
# By condition, the mark that a solver's attempts under it can give, as `difficulty.marks` has it (a test compares).
MARK_OF = {
    "question": "suspect_label",
    "options_only": "guessable_options",
    "without_givens": "guessable_without_givens",
}


@dataclass(frozen=True)
class Claim:
    """The right to work a conversion, valid while the database still holds this epoch."""

    shard_id: str
    config_hash: str
    epoch: int
    run_id: str

    @property
    def origin(self) -> dict[str, str]:
        """Columns that every row written under this claim carries."""
        return {"run_id": self.run_id, "shard_id": self.shard_id}


async def claim(
    connection: AsyncConnection[Any], shard_id: str, config_hash: str, run_id: str, owner: str
) -> Claim:
    """Claim a conversion whose lease is free or has run out, raising its epoch.

    Raises:
        ShardBusy: another worker holds the lease.
    """
    cursor = await connection.execute(
        """
        INSERT INTO conversions AS c (shard_id, config_hash, state, owner, epoch, lease_until, run_id)
        VALUES (%(shard)s, %(config)s, 'running', %(owner)s, 1, now() + %(lease)s * interval '1 s', %(run)s)
        ON CONFLICT (shard_id, config_hash) DO UPDATE
        SET state = 'running', owner = EXCLUDED.owner, epoch = c.epoch + 1, error = '',
            lease_until = EXCLUDED.lease_until, run_id = EXCLUDED.run_id
        WHERE c.state <> 'running' OR c.lease_until <= now()
        RETURNING epoch
        """,
        {
            "shard": shard_id,
            "config": config_hash,
            "owner": owner,
            "lease": LEASE_SECONDS,
            "run": run_id,
        },
    )
    row = await cursor.fetchone()
    await connection.commit()
    if row is None:
        raise ShardBusy(f"shard {shard_id} is being worked by another task; it is free when its lease ends")
    return Claim(shard_id, config_hash, row[0], run_id)


class FencedWriter:
    """Gathers rows and commits them within :data:`FLUSH_SECONDS`, each time extending the lease first.

    Lease and rows stand in one transaction: a worker whose claim was taken over writes nothing more. A dropped
    connection is opened again while the lease lasts; writes are safe to repeat.

    Args:
        url: of the database, as libpq reads it.
        held: the claim.
    """

    def __init__(self, url: str, held: Claim) -> None:
        self._url = url
        self._claim = held
        self._rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in TABLES}
        self._buffered = 0
        self._wake = asyncio.Event()
        self._lease_ends = time.monotonic() + LEASE_SECONDS
        self._lost = ""  # why nothing more may be sent
        self._over = False  # nothing more may be written: taken over, or closed
        self._trouble = ""  # the database's last error
        self._stopping = False
        self._closing = False
        self._connection: AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="fenced-writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush what is answered, also after an error of the worker, and close."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        try:
            if not self._over:  # of a lease that ran out meanwhile the epoch tells whether it is still ours
                await self._flush_patiently()
        except LeaseLost:
            logger.warning("rows of shard %s were not written: it was taken over", self._claim.shard_id)
        finally:
            if self._connection is not None:
                await self._connection.close()

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take a row; it is committed soon."""
        self._rows[table].append(row)
        self._buffered += 1
        if self._buffered >= FULL:
            self._wake.set()

    def check(self) -> None:
        """Raise when nothing more may be sent: :class:`LeaseLost`, or :class:`Stopping` after ``stop``."""
        if not self._lost and time.monotonic() > self._lease_ends:
            self._lost = (
                f"the lease of shard {self._claim.shard_id} ran out: the database did not answer in time"
                f"{self._trouble}"
            )
        if self._lost:
            raise LeaseLost(self._lost)
        if self._stopping:
            raise Stopping(f"shard {self._claim.shard_id} was told to stop; what was answered is kept")

    def stop(self) -> None:
        """End admission: from now on :meth:`check` raises :class:`Stopping`."""
        self._stopping = True

    async def flush(self, *, closing: str = "", error: str = "") -> None:
        """Write what is buffered. ``closing`` is the state in which the conversion is left, if it ends here.

        ``error`` says why it ends as failed.

        Raises:
            LeaseLost: the claim was taken over; nothing was written.
            psycopg.OperationalError: the database cannot be reached; the rows stay buffered.
        """
        async with self._lock:
            taken = {table: list(rows) for table, rows in self._rows.items() if rows}
            started = time.monotonic()
            await self._commit(taken, closing, error)
            self._lease_ends = started + LEASE_SECONDS
            reach("after_flush")
            for table, rows in taken.items():
                del self._rows[table][: len(rows)]
                self._buffered -= len(rows)
            self._trouble = ""
            if closing:
                self._over = True
                self._lost = f"the conversion of shard {self._claim.shard_id} is closed"

    async def close(self, state: str, error: str = "") -> None:
        """Write what is buffered and leave the conversion in ``state``, waiting for a database that is away.

        Raises:
            LeaseLost: the claim was taken over; nothing was written.
            psycopg.Error: the database was away for too long, or refuses the rows.
        """
        await self._flush_patiently(state, error)

    async def _flush_patiently(self, closing: str = "", error: str = "") -> None:
        """Flush, trying again for one more lease: rows that are given up were paid for."""
        deadline = time.monotonic() + LEASE_SECONDS
        while True:
            try:
                return await self.flush(closing=closing, error=error)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            await self._disconnect()
            await asyncio.sleep(FLUSH_SECONDS * 5)

    async def _run(self) -> None:
        """Flush every FLUSH_SECONDS while there are rows, and now and then without, for the lease."""
        last = time.monotonic()
        while not (self._lost or self._closing):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), FLUSH_SECONDS)
            self._wake.clear()
            if not self._buffered and time.monotonic() - last < IDLE_SECONDS:
                continue
            try:
                await self.flush()
            except LeaseLost as error:
                self._lost = str(error)
            except psycopg.ProgrammingError as error:  # the code and the tables do not fit together
                self._lost = f"rows of shard {self._claim.shard_id} cannot be written: {type(error).__name__}"
                raise
            except psycopg.Error as error:  # a server may be away, restarting, or read-only for a while
                self._trouble = f" ({type(error).__name__})"
                await self._disconnect()
                await asyncio.sleep(FLUSH_SECONDS * 10)
            except Exception as error:
                self._lost = f"rows of shard {self._claim.shard_id} cannot be written: {type(error).__name__}"
                raise
            else:
                last = time.monotonic()

    async def _commit(self, taken: Mapping[str, list[Mapping[str, Any]]], closing: str, error: str) -> None:
        connection = await self._connected()
        # In a pipeline all statements travel together; the lease is looked at before anything is committed.
        async with connection.pipeline() as pipeline, connection.transaction():
            extended = await connection.execute(
                """
                UPDATE conversions
                SET lease_until = now() + %(lease)s * interval '1 s', state = %(state)s, error = %(error)s
                WHERE shard_id = %(shard)s AND config_hash = %(config)s AND epoch = %(epoch)s
                  AND state IN ('running', %(state)s)
                """,  # closed already: it was this writer, and the database's word was lost on its way
                {
                    "lease": 0.0 if closing else LEASE_SECONDS,
                    "state": closing or "running",
                    "error": error.replace("\x00", ""),
                    "shard": self._claim.shard_id,
                    "config": self._claim.config_hash,
                    "epoch": self._claim.epoch,
                },
            )
            if questions := taken.get("questions"):
                ids = [row["id"] for row in questions]
                await connection.execute("DELETE FROM verdicts WHERE question_id = ANY(%s)", (ids,))
            if attempts := taken.get("solver_attempts"):
                found = (  # marks that no longer follow from them go, and no others
                    [row["pair_id"] for row in attempts],
                    [row["solver"] for row in attempts],
                    [MARK_OF[row["condition"]] for row in attempts],
                )
                await connection.execute(
                    "DELETE FROM pair_marks m "
                    "USING unnest(%s::text[], %s::text[], %s::text[]) AS a (pair_id, solver, mark) "
                    "WHERE m.pair_id = a.pair_id AND m.found_by = a.solver AND m.mark = a.mark",
                    found,
                )
            for table, on_conflict in TABLES.items():
                if rows := taken.get(table):
                    statement = insert_statement(table, tuple(rows[0]), on_conflict)
                    await connection.execute(statement.encode(), rows_parameter(rows))
                    reach("in_flush")
            await pipeline.sync()
            if extended.rowcount != 1:
                self._over = True
                raise LeaseLost(f"shard {self._claim.shard_id} was taken over by another task")

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=5,
                application_name="webscale_rl writer",
                options="-c idle_in_transaction_session_timeout=10s -c statement_timeout=10s",
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()
