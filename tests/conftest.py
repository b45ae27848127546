"""What tests of several folders share: one embedded PostgreSQL, and a database of its own for each test."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest
from psycopg.sql import SQL, Identifier

from webscale_rl.local.postgres import Server, postgres
from webscale_rl.store.engine import migrate

TEMPLATE = "template_webscale_rl"
numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server that ends with the session."""
    with tempfile.TemporaryDirectory(prefix="webscale-rl-tests-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        with postgres(work) as server, server.connect() as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here must survive the machine
            connection.execute("SELECT pg_reload_conf()")
            yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Server) -> str:
    """A database at the newest schema, to be copied: migrating anew for each test takes much longer."""
    postgres_server.create_database(TEMPLATE)
    migrate(postgres_server.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter: as root, the embedded server runs as another one."""
    with tempfile.TemporaryDirectory(prefix="webscale-rl-tests-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.fixture
def left_running() -> Callable[[Path, float], list[str]]:
    """A function that waits for all processes to end that name a folder, and returns those that do not."""

    def wait(folder: Path, seconds: float) -> list[str]:
        deadline = time.monotonic() + seconds
        while (left := processes_naming(str(folder))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    return wait


def processes_naming(folder: str) -> list[str]:
    """Return the command lines of live processes with ``folder`` in their arguments or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            alive = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            if alive and (folder in command or any(folder in value for value in process.environ().values())):
                found.append(command)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def database(postgres_server: Server, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database at the newest schema, as SQLAlchemy reads it."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture
def empty_database(postgres_server: Server) -> Iterator[str]:
    """The URL of a fresh database without tables."""
    with fresh_database(postgres_server, "template0") as url:
        yield url


@contextmanager
def fresh_database(server: Server, template: str) -> Iterator[str]:
    """Copy a database for one test and drop it afterwards."""
    name = f"test_{next(numbers)}"
    with server.connect() as connection:
        copied = SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copied.format(Identifier(name), Identifier(template)))
        yield server.url(name)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
