"""A worker in a process of its own, to be killed, stopped and told to end: what a task of the DAG does, no Airflow.

Processes come from a server that has imported everything and forks: each starts in milliseconds.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import orjson

from webscale_rl import faultpoints
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.purse import Amount
from webscale_rl.local.processes import PR_SET_PDEATHSIG
from webscale_rl.worker import WorkerSettings, convert_shard

MODEL = "faulty"
WAIT_SECONDS = 60.0
_context = get_context("forkserver")
_context.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Job:
    """What a worker is told. ``patches`` are names of the library's constants with other values."""

    database_url: str  # as libpq reads it
    base_url: str
    shard_id: str
    run_id: str
    report: Path
    timeout: float = 30.0
    max_in_flight: int | None = 8
    budget: float | None = None  # calls
    token_budget: float | None = None
    only_failed: tuple[str, ...] | None = None
    kill_at: str = ""
    patches: Mapping[str, float] = field(default_factory=dict)

    @property
    def config(self) -> ConversionConfig:
        """The configuration of all tests here."""
        model = ModelName(model=MODEL)
        return ConversionConfig(generator=model, checker=model)


@dataclass(frozen=True)
class Ended:
    """How a worker ended: by a signal (negative exit code), by an error, or with counts."""

    exit_code: int
    error: str = ""  # the name of its class
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class Worker:
    """A running worker."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._begun = time.monotonic()
        job.report.unlink(missing_ok=True)
        self._process: BaseProcess = _context.Process(target=work, args=(job,), daemon=True)
        self._process.start()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL, whatever it does."""
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float = WAIT_SECONDS) -> Ended:
        """Wait for its end.

        Raises:
            TimeoutError: it goes on; it is killed.
        """
        self._process.join(seconds)
        exit_code = self._process.exitcode
        if exit_code is None:
            self.kill()
            raise TimeoutError(f"the worker of shard {self._job.shard_id} did not end in {seconds} s")
        said = orjson.loads(self._job.report.read_bytes()) if self._job.report.exists() else {}
        return Ended(exit_code, seconds=time.monotonic() - self._begun, **said)


def work(job: Job) -> None:
    """Convert the shard and write down how that ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(job.report.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ[faultpoints.VARIABLE] = job.kill_at
    faultpoints._place, faultpoints._left = faultpoints._armed()  # they were read when this was imported
    for name, value in job.patches.items():
        module, _, constant = name.rpartition(".")
        known = importlib.import_module(f"webscale_rl.{module}")
        setattr(known, constant, type(getattr(known, constant))(value))
    said: dict[str, Any]
    try:
        said = {"counts": asyncio.run(_convert(job))}
    except Exception as error:
        said = {"error": type(error).__name__, "message": str(error)}
        sys.excepthook(type(error), error, error.__traceback__)
    job.report.write_bytes(orjson.dumps(said))
    sys.exit(1 if "error" in said else 0)


def _budget(job: Job) -> Amount | None:
    if job.budget is None and job.token_budget is None:
        return None
    unbounded = float("inf")
    return Amount(job.budget or unbounded, job.token_budget or unbounded, unbounded)


async def _convert(job: Job) -> dict[str, int]:
    endpoint = Endpoint(job.base_url, MODEL, timeout=job.timeout)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = WorkerSettings(
        database_url=job.database_url,
        endpoints={"generator": endpoint, "checker": endpoint},
        config=job.config,
        max_in_flight=job.max_in_flight,
        budget=_budget(job),
        only_failed=None if job.only_failed is None else frozenset(job.only_failed),
    )
    return await convert_shard(job.shard_id, job.run_id, settings, owner=f"test:{os.getpid()}", stop=stop)
