"""A PostgreSQL that a test kills and starts again on its port."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from psycopg.sql import SQL, Identifier

from webscale_rl.errors import ConfigurationError
from webscale_rl.local import postgres
from webscale_rl.local.postgres import Server
from webscale_rl.local.postgres_home import PASSWORD, find_home, initialise
from webscale_rl.local.processes import stop
from webscale_rl.local.secret import kept_secret
from webscale_rl.store.engine import migrate

TEMPLATE = "template_faults"
START_SECONDS = 30.0


class MortalPostgres:
    """The embedded server of ``local/postgres.py``, with one port for all its lives."""

    def __init__(self, work: Path) -> None:
        self._password = kept_secret(work / PASSWORD)
        self._home = find_home(work, self._password)
        self._log = work / "logs" / "postgres.log"
        self._port = postgres.free_port()
        self._numbers = count()
        initialise(self._home, self._password)
        self.server: Server = self._launched()
        with self.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # a process dies here, not the machine
            connection.execute("SELECT pg_reload_conf()")
        self.server.create_database(TEMPLATE)
        migrate(self.server.url(TEMPLATE))

    def kill(self) -> None:
        """End the postmaster by SIGKILL; its sessions end when they notice."""
        self.server.child.process.kill()
        self.server.child.process.wait()

    def start(self) -> None:
        """Start it again, once the sessions of its last life have let go of the data."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.server = self._launched()
                return
            except ConfigurationError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def end(self) -> None:
        """End it for good."""
        stop([self.server.child], grace=10, stop_signal=signal.SIGQUIT)  # its data go, too

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of a fresh database at the newest schema, dropped afterwards."""
        if self.server.child.process.poll() is not None:  # a test that failed has left it dead
            self.start()
        name = f"faults_{next(self._numbers)}"
        with self.server.connect() as connection:
            copied = SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(copied.format(Identifier(name), Identifier(TEMPLATE)))
        yield self.server.url(name)
        if self.server.child.process.poll() is not None:
            self.start()
        with self.server.connect() as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def _launched(self) -> Server:
        postgres._end_leftover(self._home.data)
        server = Server(self._port, postgres._launch(self._home, self._port, self._log), self._password)
        postgres._wait(server, lambda: None)
        return server
