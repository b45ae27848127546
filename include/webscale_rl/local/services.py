"""What the stack consists of, and how each part gets ready for the next."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.local import airflow
from webscale_rl.local.connections import DATABASE, connections, database_connection
from webscale_rl.local.postgres import Server
from webscale_rl.local.postgres_home import SUPERUSER
from webscale_rl.local.rest import Airflow
from webscale_rl.local.stack import Stack, StackBroken
from webscale_rl.store.engine import expire_leases, migrate

DAG = "convert_corpus"


def start_database(stack: Stack) -> Server:
    """Start PostgreSQL with both databases at the schema of the code."""
    server = stack.start_postgres()
    for name in (airflow.DATABASE, DATABASE):
        server.create_database(name)
    site = airflow.prepare_site(stack.work, 0, server.url(airflow.DATABASE, "postgresql+psycopg2"))
    environment = airflow.component_environment(site, os.environ, stack.store)
    with server.connect(airflow.DATABASE) as connection:
        needed = airflow.needs_migration(connection, site.home)
    if needed:
        name = "airflow-migration"
        migration = stack.start({name: airflow.command("db", "migrate")}, environment)[name]
        migrate(server.url(DATABASE))  # meanwhile
        stack.finish(migration)
        airflow.remember_migration(site.home)
    else:
        migrate(server.url(DATABASE))
    expire_leases(server.url(DATABASE))
    return server


def start_endpoint(stack: Stack, given: Endpoint | None) -> Callable[[], Endpoint]:
    """Start the stand-in for a model unless an endpoint is given; return what waits for it."""
    if given is not None:
        return lambda: given
    from webscale_rl import offline

    name = "offline-endpoint"
    child = stack.start({name: [sys.executable, "-m", "webscale_rl.offline", "--port", "0"]})[name]

    def listening() -> Endpoint:
        address = stack.wait("the offline endpoint", lambda: _listening_on(child.log))
        return Endpoint(base_url=address, model=offline.MODEL, revision=offline.REVISION)

    return listening


def start_airflow(stack: Stack, server: Server, port: int, *, corpus: str, for_one_run: bool) -> Airflow:
    """Start Airflow's components and return its API once scheduler and DAG are ready.

    ``corpus`` is what the form of the DAG proposes.

    ``for_one_run`` ends what a killed stack has left unfinished, so that it does not run beside the new run, and
    leaves out the triggerer and the hourly sweep; else Airflow takes it up again.
    """
    with server.connect(airflow.DATABASE) as connection:
        airflow.bury_dead_components(connection)
        if for_one_run:
            airflow.fail_leftover_runs(connection)
    site = airflow.prepare_site(stack.work, port, server.url(airflow.DATABASE, "postgresql+psycopg2"))
    environment = airflow.component_environment(site, os.environ, stack.store)
    environment["WEBSCALE_RL_CORPUS"] = corpus
    environment["WEBSCALE_RL_SWEEP"] = "off" if for_one_run else "on"
    started = datetime.now(UTC)
    commands = {
        f"airflow-{name}": airflow.command(*arguments)
        for name, arguments in airflow.COMPONENTS.items()
        if name != "triggerer" or not for_one_run
    }
    components = stack.start(commands, environment)
    api = Airflow(site.url, airflow.USER, airflow.admin_password(stack.work))
    stack.wait("Airflow", api.is_healthy)
    stack.watch_executor(components["airflow-scheduler"])
    stack.wait(f"the DAG {DAG}", lambda: _is_parsed(api, started))
    return api


def set_up_airflow(stack: Stack, api: Airflow, server: Server, endpoint: Endpoint) -> None:
    """Set the pool and the connections that the DAG uses."""
    database = database_connection(
        host="127.0.0.1", port=server.port, login=SUPERUSER, password=server.password
    )

    def set_all() -> None:
        api.set_pool("llm", airflow.PARALLELISM, "tasks that call the endpoint")
        for connection_id, fields in connections(endpoint, database).items():
            api.set_connection(connection_id, fields)

    stack.attempt("Airflow's API", set_all)


def _is_parsed(api: Airflow, started: datetime) -> bool:
    """Say whether this stack has parsed the DAG.

    Raises:
        StackBroken: its file cannot be imported.
    """
    parsed = api.parsed_at(DAG)
    if parsed is not None and parsed >= started:
        return True
    errors = [error for error in api.import_errors(started) if DAG in error]
    if errors:
        raise StackBroken(f"Airflow cannot import the DAG: {errors[0]}")
    return False


def _listening_on(log: Path) -> str | None:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip()
    return None
