"""``make provenance ID=...``: everything that a pair came from, as JSON."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack

from rich.console import Console

from webscale_rl.errors import ConfigurationError
from webscale_rl.local.connections import DATABASE
from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres import Server, running_url
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import Locked, Stack, locked
from webscale_rl.store.engine import migrate, open_engine
from webscale_rl.store.queries import provenance


def show_provenance(settings: Settings, watch: Interrupts, console: Console) -> None:
    """Print the provenance of the pair ``ID``, from the running stack or from a database started for it.

    Raises:
        ConfigurationError: there is no such pair.
    """
    pair_id = os.environ.get("ID", "").strip()
    if not pair_id:
        raise ConfigurationError("ID is missing: make provenance ID=<column id of a row of the data set>")
    if not settings.work.exists():
        raise ConfigurationError(f"there is nothing in WORK={str(settings.work)!r} yet: run make run first")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(settings.work))
        except Locked:
            url = running_url(settings.work, DATABASE)
        else:
            stack.enter_context(watch.only_between_steps())
            components = stack.enter_context(Stack(settings.work.resolve(), watch))
            url = _started(components.start_postgres())
        engine = open_engine(url)
        stack.callback(engine.dispose)
        found = provenance(engine, pair_id)
    if not found:
        raise ConfigurationError(
            f"there is no pair {pair_id!r} in the database of WORK={str(settings.work)!r}"
        )
    for row in found:
        console.print_json(json.dumps(row, default=str, ensure_ascii=False))


def _started(server: Server) -> str:
    server.create_database(DATABASE)
    migrate(server.url(DATABASE))
    return server.url(DATABASE)
