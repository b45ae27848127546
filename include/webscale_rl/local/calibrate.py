"""``make calibrate``: every stage on labelled items, with tables, ``calibration.json`` and a row in the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from rich.console import Console

from webscale_rl.calibration.calibrate import calibrate as measure
from webscale_rl.calibration.items import read_items
from webscale_rl.calibration.report import ItemsBar, rendered, write_json
from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.probe import probe_sync
from webscale_rl.local import services
from webscale_rl.local.connections import DATABASE
from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres import running_url
from webscale_rl.local.settings import Settings, read_endpoint
from webscale_rl.local.stack import Locked, Stack, locked
from webscale_rl.store.calibrations import keep_calibration
from webscale_rl.store.engine import migrate, open_engine

CHECK_SECONDS = 0.2

T = TypeVar("T")


def calibrate(settings: Settings, watch: Interrupts, console: Console) -> None:
    """Measure the endpoints of the environment on the shipped items and those at ``ITEMS``.

    Raises:
        ConfigurationError: a setting is wrong; nothing was done.
        WebscaleError: an endpoint refuses or kept failing, or a component died.
        Interrupted: a signal ended it.
    """
    items, bad_lines = read_items(os.environ.get("ITEMS", "").strip())
    for line in bad_lines:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    checker, second = (read_endpoint(os.environ, prefix) for prefix in ("CHECKER", "SECOND_SOLVER"))
    if checker and not settings.endpoint:
        raise ConfigurationError("CHECKER_BASE_URL is set but LLM_BASE_URL is not: name the generator, too")
    for endpoint in filter(None, (settings.endpoint, checker, second)):
        probe_sync(endpoint)
    with _services(settings, watch, console) as (stack, generator, url):
        endpoints = {"generator": generator, "checker": checker or generator}
        if second:
            endpoints["second_solver"] = second
        with ItemsBar(console, len(items)) as bar:
            asked = measure(items, bad_lines, endpoints, on_item=bar.advance)
            found = asyncio.run(_watched(asked, stack))
        engine = open_engine(url)
        try:
            keep_calibration(engine, found)
        finally:
            engine.dispose()
        console.print(rendered(found), highlight=False)
        console.print(str(write_json(found, settings.out)), soft_wrap=True, highlight=False)
        console.print(f"stored as calibration {found.id}", highlight=False)


@contextmanager
def _services(
    settings: Settings, watch: Interrupts, console: Console
) -> Iterator[tuple[Stack, Endpoint, str]]:
    """Give what watches the components, the endpoint, and the URL of the database, which a stack may be running."""
    work = settings.work.resolve()
    with ExitStack() as exits:
        try:
            exits.enter_context(locked(work))
            own = True
        except Locked:
            own = False
        exits.enter_context(watch.only_between_steps())
        # Beside a running stack the logs must not be those of its components.
        stack = exits.enter_context(Stack(work if own else work / "calibrate", watch))
        console.print("starting PostgreSQL ..." if own else "the database of the running stack is used")
        endpoint = services.start_endpoint(stack, settings.endpoint)
        if own:
            server = stack.start_postgres()
            server.create_database(DATABASE)
            url = server.url(DATABASE)
        else:
            url = running_url(work, DATABASE)
        migrate(url)
        yield stack, endpoint(), url


async def _watched(asked: Coroutine[Any, Any, T], stack: Stack) -> T:
    """Await it while the components live and no signal has come."""
    task = asyncio.ensure_future(asked)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=CHECK_SECONDS)
            stack.check()
        return task.result()
    finally:
        task.cancel()
