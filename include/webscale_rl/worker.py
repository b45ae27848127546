"""One worker: takes the documents of one shard down the road, many at a time, and records what comes of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from webscale_rl.config import ConversionConfig
from webscale_rl.convert import convert_document
from webscale_rl.corpus.shards import read_shard
from webscale_rl.errors import ShardFailed, WebscaleError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.purse import Amount
from webscale_rl.records import Document, DocumentOutcome, DocumentState
from webscale_rl.shard_work import Desk, Turn, work_shard
from webscale_rl.store.conversions import LEASE_SECONDS
from webscale_rl.store.reader import known_calls
from webscale_rl.store.rows import outcome_rows

logger = logging.getLogger(__name__)

WINDOW = 64  # documents whose known calls are looked up at once
FAULTS = ("endpoint", "internal")  # reasons that are no matter of the document
CLAIM_WAIT_SECONDS = LEASE_SECONDS + 5  # the lease of a worker that died runs out within this


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs beside the shard.

    ``endpoints`` by role: generator, checker, maybe second_solver. ``max_in_flight`` bounds the calls of all
    workers to one endpoint; None leaves it to the endpoint. ``max_failed_share`` of a shard's documents may fail by
    faults of endpoint or code before the shard fails. ``budget`` bounds what the run may spend. ``only_failed``
    drives nothing but documents that failed for one of these reasons.
    """

    database_url: str  # as libpq reads it
    endpoints: Mapping[str, Endpoint]
    config: ConversionConfig
    max_in_flight: int | None = None
    max_failed_share: float = 0.05
    budget: Amount | None = None
    only_failed: frozenset[str] | None = None


async def convert_shard(
    shard_id: str,
    run_id: str,
    settings: WorkerSettings,
    *,
    owner: str,
    stop: asyncio.Event,
    first: int | None = None,
) -> dict[str, int]:
    """Convert what is left to do of a shard and return the number of its documents by state, and of pairs.

    ``first`` stops after so many documents and leaves the conversion open. Where the run's budget is spent, the
    documents that were not reached are missing in the counts.

    Raises:
        ShardBusy: another worker holds the shard.
        EndpointRefusal: a setting of an endpoint is wrong.
        ShardFailed: too many calls failed in transport. What was answered is kept.
        LeaseLost, Stopping: this worker must not go on; another try will.
    """
    return await work_shard(
        shard_id,
        run_id,
        settings.config.hash,
        settings,
        lambda desk: _Conversion(desk, settings, first),
        owner=owner,
        stop=stop,
        claim_seconds=CLAIM_WAIT_SECONDS,
    )


class _Conversion:
    """The documents of a shard on their way down the road."""

    def __init__(self, desk: Desk, settings: WorkerSettings, first: int | None) -> None:
        self._desk = desk
        self._settings = settings
        self._first = first
        self._counts: Counter[DocumentState] = Counter()
        self._pairs = 0

    async def run(self) -> None:
        """Send every document of the shard that is not final yet."""
        desk = self._desk
        async with asyncio.TaskGroup() as group:
            async for documents in self._windows():
                results = await self._results(documents)
                due = [document for document in documents if self._is_due(results.get(document.id))]
                known = await known_calls(desk.reader, [document.id for document in due])
                for document in due:
                    await desk.room("generator", *desk.clients)
                    desk.writer.check()
                    turn = Turn(desk, "generator")
                    group.create_task(self._convert(document, known.get(document.id, KnownCalls()), turn))
                    await asyncio.sleep(0)  # it may have nothing to ask, and be done
            desk.exhaust(*desk.clients)

    def total(self) -> tuple[int, str]:
        """Return the number of documents that have a result."""
        return self._counts.total(), "documents"

    def is_complete(self) -> bool:
        """Say whether every document of the shard is final."""
        chosen = self._first is not None or self._settings.only_failed is not None
        return not chosen and not self._counts[DocumentState.FAILED]

    def summary(self) -> dict[str, int]:
        """Return the counts, as an XCom may hold them."""
        return {state.value: self._counts[state] for state in DocumentState} | {"pairs": self._pairs}

    def _is_due(self, before: tuple[str, str, int] | None) -> bool:
        """Say whether a document is to be driven; one that is final is counted."""
        only = self._settings.only_failed
        if before is None:
            return only is None
        state, reason, accepted = before
        if state == DocumentState.FAILED and (only is None or reason in only):
            return True
        self._count(DocumentState(state), accepted)
        return False

    async def _convert(self, document: Document, known: KnownCalls, turn: Turn) -> None:
        desk = self._desk
        try:
            outcome = await self._outcome(document, desk.asker(document.id, known, turn))
            for table, row in outcome_rows(outcome, desk.claim.config_hash, desk.claim.origin):
                desk.writer.add(table, row)
            self._count(outcome.state, outcome.accepted)
            if outcome.reason in FAULTS:
                desk.note_fault(outcome.detail)
        finally:
            turn.end()

    async def _outcome(self, document: Document, asker: Asker) -> DocumentOutcome:
        """Take a document down the road; a defect of ours that it brings to light costs no other document."""
        try:
            return await convert_document(document, self._settings.config, asker)
        except* WebscaleError:
            raise
        except* Exception as errors:
            logger.exception("document %s", document.id)
            first = _first(errors)
            outcome = DocumentOutcome(
                document_id=document.id,
                state=DocumentState.FAILED,
                stage="road",
                reason="internal",
                detail=f"{type(first).__name__}: {first}"[:300],
            )
        return outcome

    def _count(self, state: DocumentState, pairs: int) -> None:
        self._counts[state] += 1
        self._pairs += pairs

    async def _windows(self) -> AsyncIterator[list[Document]]:
        shard_id = self._desk.claim.shard_id
        rows = await self._desk.reader.rows("SELECT uri FROM shards WHERE id = %s", (shard_id,))
        if not rows:
            raise ShardFailed(f"shard {shard_id} is not in the database: cut the corpus again")
        groups = read_shard(rows[0][0])
        left = self._first
        while left != 0 and (group := await asyncio.to_thread(_next, groups)) is not None:
            group = group[:left]
            left = None if left is None else left - len(group)
            for start in range(0, len(group), WINDOW):
                yield group[start : start + WINDOW]

    async def _results(self, documents: list[Document]) -> dict[str, tuple[str, str, int]]:
        rows = await self._desk.reader.rows(
            "SELECT document_id, state, reason, n_accepted FROM document_results "
            "WHERE config_hash = %s AND document_id = ANY(%s)",
            (self._desk.claim.config_hash, [document.id for document in documents]),
        )
        return {document_id: (state, reason, accepted) for document_id, state, reason, accepted in rows}


def _next(groups: Iterator[list[Document]]) -> list[Document] | None:
    return next(groups, None)


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
