"""A database that does not come back after a kill, or that others can read, costs a user everything."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from webscale_rl.errors import ConfigurationError
from webscale_rl.local.postgres import free_port, postgres, require_free
from webscale_rl.local.postgres_home import existing_refuge

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")


def test_data_survive_a_clean_restart(open_folder: Path) -> None:
    with postgres(open_folder) as server:
        server.create_database("kept")
        server.create_database("kept")  # safe to repeat
        with server.connect("kept") as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    assert not (open_folder / "postgres" / "postmaster.pid").exists()
    with postgres(open_folder) as server, server.connect("kept") as connection:
        assert connection.execute("SELECT x FROM t").fetchone() == (1,)
        assert connection.execute("SHOW max_connections").fetchone() == ("250",)


def test_data_survive_a_kill(open_folder: Path) -> None:
    with postgres(open_folder) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        server.child.process.kill()
        server.child.process.wait()
    with postgres(open_folder) as server, server.connect() as connection:
        assert connection.execute("SELECT x FROM t").fetchone() == (1,)


def test_a_server_that_a_dead_runner_left_is_ended(open_folder: Path) -> None:
    with postgres(open_folder) as left:
        with postgres(open_folder) as server, server.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert left.child.process.wait(5) is not None


def test_a_pid_file_whose_number_belongs_to_somebody_else_harms_nobody(open_folder: Path) -> None:
    with postgres(open_folder):
        pass
    pid_file = open_folder / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{open_folder / 'postgres'}\n")
    with postgres(open_folder) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_initialisation_that_was_cut_short_is_done_again(open_folder: Path) -> None:
    (open_folder / "postgres.new").mkdir()
    (open_folder / "postgres.new" / "PG_VERSION").write_text("18")
    with postgres(open_folder) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_only_this_machine_with_the_password_gets_in(open_folder: Path) -> None:
    with postgres(open_folder) as server:
        listening = [
            connection.laddr
            for process in (psutil.Process(server.child.process.pid),)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert [(address.ip, address.port) for address in listening] == [("127.0.0.1", server.port)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://webscale:wrong@127.0.0.1:{server.port}/postgres")
        assert server.password not in repr(server)
        assert server.password not in " ".join(psutil.Process(server.child.process.pid).cmdline())
    secret = open_folder / "secrets" / "postgres"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE((open_folder / "postgres").stat().st_mode) == 0o700


@needs_root
def test_root_may_work_in_a_folder_that_is_closed_to_others(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with postgres(closed) as server, server.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    refuge = existing_refuge(closed)
    assert refuge is not None
    try:
        assert stat.S_IMODE(refuge.stat().st_mode) == 0o700
        with postgres(closed) as server, server.connect() as connection:
            assert connection.execute("SELECT x FROM t").fetchone() == (1,)
        os.chown(refuge, 0, 0)
        with pytest.raises(ConfigurationError, match="belongs to somebody else"), postgres(closed):
            pass
    finally:
        shutil.rmtree(refuge)


def test_what_raises_while_waiting_ends_the_server(
    open_folder: Path, left_running: Callable[[Path, float], list[str]]
) -> None:
    def interrupted() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), postgres(open_folder, check=interrupted):
        pass
    assert left_running(open_folder, 0) == []


def test_a_server_that_cannot_start_says_why_in_its_log(open_folder: Path) -> None:
    with postgres(open_folder):
        pass
    (open_folder / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ConfigurationError, match="no_such_setting"), postgres(open_folder):
        pass


def test_a_port_that_is_taken_is_named() -> None:
    require_free(free_port())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match=f"port {taken.getsockname()[1]}"):
            require_free(taken.getsockname()[1])
