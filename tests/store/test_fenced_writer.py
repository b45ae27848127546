"""Two workers must never write the same shard; what one has answered must be committed at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import UndefinedColumn

from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.difficulty.attempts import Attempt
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.marks import marks_of
from webscale_rl.difficulty.pairs import Pair
from webscale_rl.errors import LeaseLost, ShardBusy, Stopping
from webscale_rl.rewards import AnswerSpec
from webscale_rl.store import conversions
from webscale_rl.store.bulk import KEYS
from webscale_rl.store.conversions import Claim, FencedWriter, claim
from webscale_rl.store.engine import libpq_url, open_engine
from webscale_rl.store.models import Base
from webscale_rl.store.runs import open_run

CONFIG = ConversionConfig(generator=ModelName(model="m"), checker=ModelName(model="m"))


def call(document_id: str, attempt: int = 1, response: str = "{}") -> dict[str, Any]:
    return {
        "run_id": "run",
        "shard_id": "shard",
        "document_id": document_id,
        "call_key": "key",
        "attempt": attempt,
        "stage": "assess",
        "prompt_version": "v",
        "model": "m",
        "model_revision": "",
        "sampling": {"temperature": 0.0},
        "valid": True,
        "invalid_reason": "",
        "response": response,
        "repaired_escapes": 0,
        "finish_reason": "stop",
        "prompt_tokens": 1,
        "cached_tokens": 0,
        "completion_tokens": 1,
        "latency_ms": 1,
        "transport_attempts": 1,
    }


@pytest.fixture
async def connection(database: str) -> AsyncIterator[AsyncConnection]:
    engine = open_engine(database)
    open_run(engine, "run", CONFIG, {})
    engine.dispose()
    async with await AsyncConnection.connect(libpq_url(database), autocommit=True) as opened:
        await opened.execute("INSERT INTO shards (id, uri, n_documents, n_tokens) VALUES ('shard', '', 1, 1)")
        yield opened


async def take(connection: AsyncConnection, owner: str) -> Claim:
    return await claim(connection, "shard", CONFIG.hash, "run", owner)


async def documents(connection: AsyncConnection) -> list[str]:
    cursor = await connection.execute("SELECT document_id FROM llm_calls ORDER BY document_id")
    return [row[0] for row in await cursor.fetchall()]


async def end_lease(connection: AsyncConnection) -> None:
    await connection.execute("UPDATE conversions SET lease_until = now() - interval '1 s'")


async def test_a_claimed_shard_is_busy_until_its_lease_ends(connection: AsyncConnection) -> None:
    first = await take(connection, "one")
    with pytest.raises(ShardBusy, match="shard is being worked"):
        await take(connection, "two")
    await end_lease(connection)
    assert (await take(connection, "two")).epoch == first.epoch + 1


async def test_an_answer_is_committed_within_a_fraction_of_a_second(
    connection: AsyncConnection, database: str
) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as writer:
        writer.add("llm_calls", call("d1"))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if await documents(connection):
                break
        assert await documents(connection) == ["d1"]


async def test_a_worker_whose_lease_was_taken_writes_nothing_more(
    connection: AsyncConnection, database: str
) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as old:
        await end_lease(connection)
        async with FencedWriter(libpq_url(database), await take(connection, "two")) as new:
            old.add("llm_calls", call("of the old one"))
            new.add("llm_calls", call("of the new one"))
            with pytest.raises(LeaseLost, match="taken over"):
                await old.flush()
            await new.flush()
            await asyncio.sleep(0.3)
            with pytest.raises(LeaseLost):
                old.check()
            new.check()
    assert await documents(connection) == ["of the new one"]


async def test_a_worker_stops_by_its_own_clock_when_the_database_is_gone(
    connection: AsyncConnection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversions, "LEASE_SECONDS", 0.2)
    monkeypatch.setattr(conversions, "IDLE_SECONDS", 60.0)
    writer = FencedWriter(libpq_url(database), await take(connection, "one"))
    writer.check()
    await asyncio.sleep(0.3)
    with pytest.raises(LeaseLost, match="did not answer in time"):
        writer.check()


async def test_rows_written_twice_stand_once(connection: AsyncConnection, database: str) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as writer:
        writer.add("llm_calls", call("d1"))
        await writer.flush()
        writer.add("llm_calls", call("d1"))
        writer.add("llm_calls", call("d2"))
        await writer.flush()
    assert await documents(connection) == ["d1", "d2"]


async def test_a_dropped_connection_loses_nothing(connection: AsyncConnection, database: str) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as writer:
        writer.add("llm_calls", call("before"))
        await writer.flush()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webscale_rl writer'"
        )
        writer.add("llm_calls", call("after"))
        await asyncio.sleep(1.5)
        assert await documents(connection) == ["after", "before"]


async def test_what_postgresql_refuses_in_texts_is_replaced(
    connection: AsyncConnection, database: str
) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as writer:
        writer.add("llm_calls", call("d1", response="a\x00b \ud800 é"))
    cursor = await connection.execute("SELECT response FROM llm_calls")
    assert await cursor.fetchone() == ("a\ufffdb ? é",)


async def test_a_stopped_writer_admits_nothing_and_keeps_what_is_answered(
    connection: AsyncConnection, database: str
) -> None:
    async with FencedWriter(libpq_url(database), await take(connection, "one")) as writer:
        writer.add("llm_calls", call("d1"))
        writer.stop()
        with pytest.raises(Stopping):
            writer.check()
        await writer.flush(closing="open")
    assert await documents(connection) == ["d1"]
    assert (await take(connection, "two")).epoch == 2  # at once: closing gives the lease back


async def test_a_closed_conversion_takes_no_more_rows(connection: AsyncConnection, database: str) -> None:
    writer = FencedWriter(libpq_url(database), await take(connection, "one"))
    await writer.flush(closing="done")
    writer.add("llm_calls", call("late"))
    with pytest.raises(LeaseLost):
        await writer.flush()
    await writer._disconnect()


async def test_unknown_columns_are_a_fault_of_the_code(connection: AsyncConnection, database: str) -> None:
    writer = FencedWriter(libpq_url(database), await take(connection, "one"))
    writer.add("llm_calls", {"no_such_column": 1})
    with pytest.raises(UndefinedColumn, match="no_such_column"):
        await writer.flush()
    await writer._disconnect()


def test_bulk_writes_know_the_keys_of_the_tables() -> None:
    """A key that is missing there would let a repeated write fail, or write a row twice."""
    for table, key in KEYS.items():
        assert key == tuple(column.name for column in Base.metadata.tables[table].primary_key), table
    assert set(conversions.TABLES) <= set(KEYS)


def test_every_condition_replaces_the_mark_that_follows_from_it() -> None:
    """Another name there would let marks stay whose reason has gone."""
    spec = AnswerSpec("choice", "A pond", options=("A pond", "A lake", "A sea", "A bay"))
    pair = Pair("pair", "document", "choice", "What is it?", spec)
    right, wrong = Attempt(True, "same", "A pond"), Attempt(False, "different", "A lake")
    for condition in Condition:
        attempts = {condition: [wrong if condition is Condition.QUESTION else right] * 8}
        (found,) = marks_of(pair, attempts)
        assert conversions.MARK_OF[condition.value] == found.mark.value
    assert len(conversions.MARK_OF) == len(Condition)


async def test_the_lease_is_extended_while_nothing_is_written(
    connection: AsyncConnection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversions, "IDLE_SECONDS", 0.1)
    async with FencedWriter(libpq_url(database), await take(connection, "one")):
        cursor = await connection.execute("SELECT lease_until FROM conversions")
        before = await cursor.fetchone()
        await asyncio.sleep(0.6)
        cursor = await connection.execute("SELECT lease_until > %s FROM conversions", before)
        assert await cursor.fetchone() == (True,)
