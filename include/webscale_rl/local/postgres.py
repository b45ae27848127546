"""An embedded PostgreSQL server: the binaries of a wheel, a folder, a free port on 127.0.0.1."""

from __future__ import annotations

import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from webscale_rl.errors import ConfigurationError
from webscale_rl.local.postgres_home import ENVIRONMENT, PASSWORD, SUPERUSER, Home, find_home, initialise
from webscale_rl.local.processes import Child, start, stop
from webscale_rl.local.secret import kept_secret

CONNECTIONS = 250
START_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    child: Child
    password: str = field(repr=False)

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """Return the URL of a database as SQLAlchemy reads it."""
        return f"{driver}://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection that commits every statement."""
        return psycopg.connect(self.url(database, "postgresql"), autocommit=True, connect_timeout=5)

    def create_database(self, name: str) -> None:
        """Create a database unless it exists."""
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@contextmanager
def postgres(work: Path, *, check: Callable[[], None] = lambda: None) -> Iterator[Server]:
    """Run a server whose data lives below ``work`` (made on first use), and end it cleanly.

    The caller sees to it that no other process does the same with this folder. A server left over from one
    that was killed is ended first. ``check`` is called while waiting; what it raises ends the server.

    Raises:
        ConfigurationError: it cannot run here; one line that says what to change.
    """
    password = kept_secret(work / PASSWORD)
    home = find_home(work, password)
    if not home.data.exists():
        initialise(home, password)
    _end_leftover(home.data)
    port = free_port()
    server = Server(port, _launch(home, port, work / "logs" / "postgres.log"), password)
    try:
        _wait(server, check)
        yield server
    finally:
        stop([server.child], grace=STOP_SECONDS, stop_signal=signal.SIGINT)  # ends sessions, checkpoints


def running_url(work: Path, database: str, driver: str = "postgresql+psycopg") -> str:
    """Return the URL of a database of the server that another process runs for ``work``.

    Raises:
        ConfigurationError: it does not run, or not yet.
    """
    password = kept_secret(work / PASSWORD)
    try:  # the fourth line of the pid file is the port
        port = int((find_home(work, password).data / "postmaster.pid").read_text().splitlines()[3])
    except (OSError, IndexError, ValueError):
        raise ConfigurationError(
            f"the stack in {str(work)!r} is just starting or ending: try again"
        ) from None
    return f"{driver}://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on.

    It lies below those that outgoing connections take, so that it is still free when a slow component wants it.
    """
    while True:
        port = random.randrange(15_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def require_free(port: int) -> None:
    """Check that nobody listens on a port of 127.0.0.1.

    Raises:
        ConfigurationError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(f"port {port} cannot be used ({error.strerror}): set UI_PORT") from None


def _end_leftover(data: Path) -> None:
    """End a server that still works on ``data``, and drop the pid file of one that is gone.

    The pid in it may belong to somebody else by now, above all in containers, where numbers begin anew. A
    server stands in its data folder: that tells.
    """
    pid_file = data / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        ours = Path(process.cwd()) == data.resolve()
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess, psutil.AccessDenied):
        ours = False
    if ours:
        process.send_signal(signal.SIGQUIT)
        _, alive = psutil.wait_procs([process], timeout=5)
        for survivor in alive:
            survivor.kill()
        psutil.wait_procs(alive, timeout=5)
    pid_file.unlink(missing_ok=True)


def _launch(home: Home, port: int, log: Path) -> Child:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": str(CONNECTIONS),
        "shared_buffers": "128MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return start(
        "PostgreSQL",
        [home.binaries / "postgres", "-D", home.data, *options],
        log=log,
        environment=ENVIRONMENT,
        user=home.user,
        death_signal=signal.SIGQUIT,  # its backends end with it, the next start recovers
    )


def _wait(server: Server, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        check()
        try:
            server.connect().close()
            return
        except psycopg.OperationalError as error:
            if server.child.process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"PostgreSQL does not start, see {server.child.log}:\n{server.child.tail()}"
                ) from error
        time.sleep(0.05)
