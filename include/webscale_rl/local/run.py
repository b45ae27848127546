"""``make run``: one corpus in, one data set out, nothing left running."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from webscale_rl.errors import ConfigurationError, WebscaleError
from webscale_rl.local import services
from webscale_rl.local.connections import DATABASE
from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres import Server, free_port
from webscale_rl.local.progress import Display, funnel_table
from webscale_rl.local.rest import Airflow
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import Stack, locked
from webscale_rl.release.dataset import FILES
from webscale_rl.store.engine import open_engine
from webscale_rl.store.queries import funnel, progress, usage

POLL_SECONDS = 0.5


class RunFailed(WebscaleError):
    """Airflow ran the DAG and it failed; the message is the failing task's own."""


def preflight(settings: Settings) -> None:
    """Check what can be checked before anything is started.

    Raises:
        ConfigurationError: with one line that says what to change.
    """
    from webscale_rl.corpus.readers import require_records
    from webscale_rl.corpus.tokens import count as count_tokens

    require_records(settings.corpus)
    count_tokens("")  # reads the tokenizer
    for name, folder in (("OUT", settings.out), ("WORK", settings.work)):
        _check_writable(name, folder)
    if settings.endpoint:
        from webscale_rl.llm.probe import probe_sync

        probe_sync(settings.endpoint)


def run(settings: Settings, watch: Interrupts, console: Console) -> None:
    """Convert the corpus and leave the data set in ``settings.out``.

    Raises:
        ConfigurationError: a setting is wrong; nothing was done.
        StackBroken: a component died.
        RunFailed: the DAG failed.
        Interrupted: a signal ended the run.
    """
    preflight(settings)
    started = time.monotonic()
    with locked(settings.work), watch.only_between_steps(), Stack(settings.work.resolve(), watch) as stack:
        console.print("starting PostgreSQL and Airflow ...")
        endpoint = services.start_endpoint(stack, settings.endpoint)
        server = services.start_database(stack)
        with services.start_airflow(
            stack, server, free_port(), corpus=settings.corpus, for_one_run=True
        ) as api:
            services.set_up_airflow(stack, api, server, endpoint())
            console.print(f"started after {time.monotonic() - started:.0f} s")
            run_id = f"make-run-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            parameters = {"corpus": settings.corpus, "limit": settings.limit}
            stack.attempt("Airflow", lambda: api.unpause(services.DAG))
            stack.attempt("Airflow", lambda: api.trigger(services.DAG, run_id, parameters))
            _follow(stack, api, server, run_id, console)
            asked = _asked(server, run_id)
        take_results(stack.store / "datasets" / run_id, settings.out)
        console.print("stopping ...")
    console.print(funnel_table(json.loads((settings.out / "funnel.json").read_text())))
    console.print(asked, highlight=False)
    for name in FILES:
        console.print(str(settings.out / name), soft_wrap=True, highlight=False)


def take_results(source: Path, out: Path) -> None:
    """Copy a run's files to ``out``; each appears there whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        temporary = out / f".{name}.{os.getpid()}"
        shutil.copyfile(source / name, temporary)
        temporary.replace(out / name)


def _check_writable(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{name}={str(folder)!r} cannot be written to ({error.strerror}): set it to another folder"
        ) from None


def _follow(stack: Stack, api: Airflow, server: Server, run_id: str, console: Console) -> None:
    """Show the progress of a run until it has ended.

    Raises:
        RunFailed: it failed.
    """
    engine = open_engine(server.url(DATABASE))
    try:
        with Display(console) as display:

            def ended() -> str | None:
                state = api.run_state(services.DAG, run_id)
                display.show(progress(engine, run_id))
                return state if state in ("success", "failed") else None

            state = stack.wait("the run", ended, seconds=math.inf, poll_seconds=POLL_SECONDS)
    finally:
        engine.dispose()
    if state == "failed":
        raise RunFailed(_first_failure(api.failures(services.DAG, run_id), stack.work / "airflow" / "logs"))


def _asked(server: Server, run_id: str) -> str:
    engine = open_engine(server.url(DATABASE))
    try:
        return usage(engine, run_id).words(funnel(engine, run_id).pairs)
    finally:
        engine.dispose()


def _first_failure(failures: Sequence[str], logs: Path) -> str:
    """Return the message of the task that failed first: the others fail because of it, or like it."""
    if not failures:
        return f"the run failed without a failed task, see {logs}"
    others = [failure for failure in failures[1:] if not failure.startswith("summarise:")]  # which repeats it
    more = f" ({len(others)} more failed: {others[0]})" if others else ""
    return f"the run failed in {failures[0]}{more}"
