"""What a task finds around it: connections, the service's database, the store, the signal to stop."""

from __future__ import annotations

import asyncio
import math
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy import Engine

from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.purse import Amount, Price
from webscale_rl.store.engine import open_engine

DATABASE = "webscale_db"
GENERATOR = "webscale_generator"
MAX_SHARDS = 1024  # Airflow's max_map_length


def owner_name() -> str:
    """Return the name under which this process owns shards."""
    return f"{socket.gethostname()}:{os.getpid()}"


def stop_at_sigterm() -> asyncio.Event:
    """Return what SIGTERM sets: an asynchronous task ignores it otherwise, and SIGKILL follows in five seconds."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


def plain_name(run_id: str) -> str:
    """Return a run id as the name of a folder: it is a user's text, so only plain characters remain."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", run_id)


def generator_endpoint() -> Endpoint:
    """Return the endpoint that writes questions.

    Raises:
        ConfigurationError: its connection is missing.
    """
    found = endpoint_of(GENERATOR)
    if found is None:
        raise ConfigurationError(
            f"connection {GENERATOR!r} is missing: create it with type openai, host = base URL ending in /v1, "
            'password = API key, extra = {"model": "..."}'
        )
    return found


def endpoint_of(connection_id: str) -> Endpoint | None:
    """Return the endpoint that a connection of type openai describes, or None where there is none of this name."""
    connection = find_connection(connection_id)
    if connection is None:
        return None
    extra = connection.extra_dejson
    return Endpoint(
        base_url=connection.host or "",
        model=extra.get("model", ""),
        revision=extra.get("model_revision", ""),
        api_key=connection.password or "",
        extra_body=extra.get("extra_body", {}),
        timeout=float(extra.get("timeout", Endpoint.timeout)),
        price=Price.read(extra.get("price", {})),
    )


def find_connection(connection_id: str) -> Any:
    """Return a connection of Airflow, or None."""
    try:
        return Connection.get(connection_id)
    except AirflowNotFoundException:
        return None


def database_url() -> str:
    """Return the URL of the service's own database.

    Raises:
        ConfigurationError: its connection is missing.
    """
    connection = find_connection(DATABASE)
    if connection is None:
        raise ConfigurationError(
            f"connection {DATABASE!r} is missing: create it with type postgres for the service's own database"
        )
    return str(connection.get_uri())


@contextmanager
def database() -> Iterator[Engine]:
    """Open the service's own database for a task."""
    engine = open_engine(database_url())
    try:
        yield engine
    finally:
        engine.dispose()


def store_uri() -> str:
    """Return where shards and data sets stand: a folder or fsspec URI.

    Raises:
        ConfigurationError: the environment does not say it.
    """
    try:
        return os.environ["WEBSCALE_RL_STORE"]
    except KeyError:
        raise ConfigurationError(
            "the environment variable WEBSCALE_RL_STORE is missing: set it to the folder or fsspec URI that "
            "holds shards and data sets"
        ) from None


def budget_of(params: Mapping[str, Any]) -> Amount | None:
    """Return the ceiling of the run, or None where the form sets none."""
    given = [params[name] for name in ("budget_calls", "budget_tokens", "budget_price")]
    if given == [None] * len(given):
        return None
    return Amount(*(math.inf if value is None else value for value in given))
