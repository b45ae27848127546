"""This project on the jobs of the benchmarks: real workers on a real PostgreSQL, with everything that a run has.

    .venv/bin/python bench/this_project.py --base-url URL --requests 2048 --corpus CORPUS.jsonl --job road

Structured output, validation, ledger, provenance and limiter are on, as in a DAG run; no concurrency is set. Prints
the line of ``measured.py``. ``--job single`` stops after `assess`, the job of the other systems; ``road`` takes
documents down the whole road (check depth lean). ``--shards`` workers share the endpoint, each a process of its own
that starts ``--apart`` seconds after the one before; their CPU is counted together, their start included. ``--state``
keeps the database for a second run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import measured
from simulated_endpoint import MODEL, MODEL_OF_ONE_STAGE

from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.local.postgres import postgres
from webscale_rl.store import runs
from webscale_rl.store.engine import expire_leases, libpq_url, migrate, open_engine
from webscale_rl.store.ingestions import ingest
from webscale_rl.worker import WorkerSettings, convert_shard

DATABASE = "bench"
RUN = "bench"


def settings(url: str, base_url: str, job: str) -> WorkerSettings:
    """Return what a task of the DAG would hand to a worker."""
    endpoint = Endpoint(base_url, MODEL_OF_ONE_STAGE if job == "single" else MODEL)
    model = ModelName.of(endpoint)
    config = ConversionConfig(generator=model, checker=model)
    return WorkerSettings(libpq_url(url), {"generator": endpoint, "checker": endpoint}, config)


def prepare(url: str, work: Path, given: argparse.Namespace) -> list[str]:
    """Cut the corpus and open the run; return the shards."""
    migrate(url)
    expire_leases(url)
    engine = open_engine(url)
    config = settings(url, given.base_url, given.job).config
    runs.open_run(engine, RUN, config, {"corpus": given.corpus})
    documents = len(Path(given.corpus).read_bytes().splitlines())
    per_shard = -(-documents // given.shards)
    found = ingest(engine, given.corpus, str(work / "store"), limit=None, documents_per_shard=per_shard)
    shard_ids = [shard.id for shard in found.shards]
    runs.assign_shards(engine, RUN, found.id, shard_ids)
    engine.dispose()
    return shard_ids


def work_one(url: str, shard: str, given: argparse.Namespace) -> None:
    """Convert one shard in this process, as a task does."""
    asyncio.run(
        convert_shard(
            shard, RUN, settings(url, given.base_url, given.job), owner=str(os.getpid()), stop=asyncio.Event()
        )
    )
    print(f"shard {shard}: at most {peak_mebibytes():.0f} MiB of memory", flush=True)


def peak_mebibytes() -> float:
    """Return the most memory that this process has had; ``ru_maxrss`` would be that of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def work_all(url: str, shards: list[str], given: argparse.Namespace) -> None:
    """Convert every shard in a process of its own."""
    workers = []
    for number, shard in enumerate(shards):
        if number:
            time.sleep(given.apart)
        command = [sys.executable, __file__, "--worker", url, shard, *sys.argv[1:]]
        workers.append(subprocess.Popen(command))
    if any(status != 0 for status in [worker.wait() for worker in workers]):
        raise RuntimeError("a worker failed")


def children_seconds() -> float:
    """Return the CPU seconds of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--worker", nargs=2, metavar=("DATABASE", "SHARD"), help=argparse.SUPPRESS)
    parser.add_argument("--base-url", required=True)
    parser.add_argument(
        "--requests", type=int, help="taken from the corpus; accepted for the sake of the others"
    )
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--job", choices=("single", "road"), default="road")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--apart", type=float, default=0.0)
    parser.add_argument("--state", type=Path)
    given = parser.parse_args()
    if given.worker:
        work_one(*given.worker, given)
        return 0
    with tempfile.TemporaryDirectory(prefix="webscale-rl-bench-") as temporary:
        work = given.state or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        work.chmod(0o755)
        with postgres(work) as server:
            server.create_database(DATABASE)
            url = server.url(DATABASE)
            shards = prepare(url, work, given)
            before = 0.0
            with measured(given.base_url, "this project", None, lambda: children_seconds() - before):
                before = children_seconds()
                work_all(url, shards, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
