"""A run of one corpus on one database against one endpoint, and what must hold whatever happens to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from synthetic_corpus import write

from tests.faults.endpoint_process import EndpointProcess
from tests.faults.worker_process import Ended, Job, Worker
from webscale_rl.release.dataset import write_dataset
from webscale_rl.store import runs
from webscale_rl.store.engine import expire_leases, libpq_url, open_engine
from webscale_rl.store.ingestions import ingest

DOCUMENTS = 30
TOKENS = 100  # of a document
CALLS = (
    10 * DOCUMENTS
)  # one to assess a document; to write, solve and read blindly each of its three questions
PAIRS = 3 * DOCUMENTS
FILES = ("dataset.parquet", "dataset.jsonl", "funnel.json")
QUICK_RETRIES = {"llm.endpoint.FIRST_WAIT_SECONDS": 0.02}


def write_corpus(path: Path, documents: int = DOCUMENTS) -> None:
    """Write the corpus of all tests here."""
    write(path, documents, TOKENS)


class Scene:
    """What a DAG run has."""

    def __init__(self, url: str, folder: Path, corpus: Path, endpoint: EndpointProcess) -> None:
        self.url = url
        self.endpoint = endpoint
        self._folder = folder
        self._corpus = corpus
        self._engine: Engine = open_engine(url)
        self._numbers = count()
        self._workers: list[Worker] = []

    def prepare(self, run_id: str = "run", shards: int = 1) -> list[str]:
        """Open a run and cut its corpus; return its shards."""
        job = self._job("", run_id)
        documents = len(self._corpus.read_bytes().splitlines())
        runs.open_run(self._engine, run_id, job.config, {"corpus": str(self._corpus)})
        found = ingest(
            self._engine,
            str(self._corpus),
            str(self._folder / "store"),
            limit=None,
            documents_per_shard=-(-documents // shards),
        )
        shard_ids = [shard.id for shard in found.shards]
        runs.assign_shards(self._engine, run_id, found.id, shard_ids)
        return shard_ids

    def start(self, shard_id: str, run_id: str = "run", **told: Any) -> Worker:
        """Start a worker; fields of ``Job`` by name."""
        worker = Worker(self._job(shard_id, run_id, **told))
        self._workers.append(worker)
        return worker

    def finish(self, shard_id: str, run_id: str = "run", **told: Any) -> Ended:
        """Run a worker to its end, as after a restart of the stack."""
        self.expire_leases()
        return self.start(shard_id, run_id, **told).wait()

    def _job(self, shard_id: str, run_id: str, **told: Any) -> Job:
        report = self._folder / f"worker-{next(self._numbers)}.json"
        return Job(libpq_url(self.url), self.endpoint.base_url, shard_id, run_id, report, **told)

    def dataset(self, run_id: str = "run") -> dict[str, bytes]:
        """Write the data set and return the files that must be equal to those of an undisturbed run."""
        out = self._folder / f"out-{run_id}"
        write_dataset(self._engine, run_id, str(out))
        return {name: (out / name).read_bytes() for name in FILES}

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Return the rows of a query."""
        with self._engine.connect() as connection:
            return list(connection.execute(text(query), parameters).all())

    def number(self, query: str) -> int:
        """Return the one number that a query gives."""
        return int(self.rows(query)[0][0])

    def execute(self, query: str, **parameters: Any) -> None:
        """Run a statement."""
        with self._engine.begin() as connection:
            connection.execute(text(query), parameters)

    def expire_leases(self) -> None:
        """End all leases, as the start of a stack does."""
        expire_leases(self.url)

    def answers_known(self) -> int:
        """Return the valid answers in the ledger."""
        return self.number("SELECT count(*) FROM llm_calls WHERE valid")

    def answers_twice(self) -> int:
        """Return valid answers that stand in the ledger although the call had one."""
        return self.number(
            "SELECT count(*) - count(DISTINCT (document_id, call_key)) FROM llm_calls WHERE valid"
        )

    def pairs_twice(self) -> int:
        """Return accepted questions that stand twice."""
        return self.number(
            "SELECT count(*) - count(DISTINCT pair_id) FROM questions WHERE state = 'accepted'"
        )

    def documents_lost(self) -> int:
        """Return documents that have no result."""
        return self.number(
            "SELECT count(*) FROM documents d WHERE NOT EXISTS "
            "(SELECT FROM document_results r WHERE r.document_id = d.document_id)"
        )

    def wait_for(self, condition: Callable[[], bool], seconds: float = 90.0) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not, for so long.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what the test waits for does not happen")
            time.sleep(0.02)

    def wait_for_answers(self, number: int) -> None:
        """Wait until the ledger holds so many answers."""
        self.wait_for(lambda: self.answers_known() >= number)

    def close(self) -> None:
        """End what still runs."""
        for worker in self._workers:
            worker.kill()
        self._engine.dispose()


def nothing_is_lost(stage: Scene, undisturbed: dict[str, bytes], run_id: str = "run") -> None:
    """Check what must hold after any disturbance, once a run is done."""
    assert stage.documents_lost() == 0
    assert stage.answers_twice() == 0
    assert stage.pairs_twice() == 0
    assert stage.dataset(run_id) == undisturbed
    assert len({call.body for call in stage.endpoint.right()}) == CALLS


@contextmanager
def scene(url: str, folder: Path, corpus: Path, endpoint: EndpointProcess) -> Iterator[Scene]:
    """Give a scene whose endpoint is free of faults, and end its workers afterwards."""
    endpoint.reset()
    made = Scene(url, folder, corpus, endpoint)
    try:
        yield made
    finally:
        made.close()
