"""The service's database of a local stack: everything that a pair came from, and a SQL prompt."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console

from webscale_rl.errors import ConfigurationError
from webscale_rl.local.connections import DATABASE
from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres import running_url
from webscale_rl.local.postgres_home import wheel_binaries
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import Locked, Stack, locked
from webscale_rl.store.engine import libpq_url, migrate, open_engine
from webscale_rl.store.queries import provenance


def show_provenance(settings: Settings, watch: Interrupts, console: Console) -> None:
    """``make provenance ID=...``: print the provenance of a pair as JSON.

    Raises:
        ConfigurationError: there is no such pair.
    """
    pair_id = os.environ.get("ID", "").strip()
    if not pair_id:
        raise ConfigurationError("ID is missing: make provenance ID=<column id of a row of the data set>")
    with service_database(settings, watch) as url:
        engine = open_engine(url)
        found = provenance(engine, pair_id)
        engine.dispose()
    if not found:
        raise ConfigurationError(
            f"there is no pair {pair_id!r} in the database of WORK={str(settings.work)!r}"
        )
    for row in found:
        console.print_json(json.dumps(row, default=str, ensure_ascii=False))


def psql(settings: Settings, watch: Interrupts, arguments: Sequence[str]) -> int:
    """``python -m webscale_rl.local psql ...``: PostgreSQL's own prompt; return its exit status."""
    program = wheel_binaries() / "psql"
    with service_database(settings, watch) as url:
        password = libpq_url(url).split(":")[2].split("@")[0]
        plain = libpq_url(url).replace(f":{password}@", "@")  # command lines can be seen by everybody
        environment = {**os.environ, "PGPASSWORD": password}
        return subprocess.run([program, plain, *arguments], env=environment, check=False).returncode


@contextmanager
def service_database(settings: Settings, watch: Interrupts) -> Iterator[str]:
    """Give the URL of the service's database: of the running stack, else of a server started for this."""
    if not settings.work.exists():
        raise ConfigurationError(f"there is nothing in WORK={str(settings.work)!r} yet: run make run first")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(settings.work))
        except Locked:
            yield running_url(settings.work, DATABASE)
            return
        stack.enter_context(watch.only_between_steps())
        server = stack.enter_context(Stack(settings.work.resolve(), watch)).start_postgres()
        server.create_database(DATABASE)
        migrate(server.url(DATABASE))
        yield server.url(DATABASE)
