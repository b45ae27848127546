"""Airflow's side of the local stack: its environment, its components, its metadata database."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from secrets import token_urlsafe

import psycopg

from webscale_rl.local.processes import DIE_WITH_PARENT
from webscale_rl.local.secret import kept_secret, write_private
from webscale_rl.store.engine import REPOSITORY

DATABASE = "airflow"
MIGRATED = "migrated"  # a file that holds the release whose schema the metadata database has
USER = "admin"
PARALLELISM = 4  # each LocalExecutor worker takes about 150 MB
# Beginnings of variables of the caller that components must not see; make's may repeat the endpoint's key.
WITHHELD = ("AIRFLOW", "LLM_", "MAKE", "MFLAGS")


Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Site:
    """Where an Airflow lives and what it is reached with."""

    home: Path
    port: int
    database_url: str = field(repr=False)  # with the driver psycopg2
    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    passwords_file: Path

    @property
    def url(self) -> str:
        """Where the web UI and the REST API answer."""
        return f"http://127.0.0.1:{self.port}"


def airflow_settings(site: Site) -> dict[str, str]:
    """Return Airflow's configuration as environment variables."""
    sections = {
        "core": {
            "dags_folder": str(REPOSITORY / "dags"),
            "plugins_folder": str(REPOSITORY / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": str(PARALLELISM),
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(site.passwords_file),
            "fernet_key": site.fernet_key,
            "execution_api_server_url": f"{site.url}/execution/",
            "hostname_callable": "socket.gethostname",  # the default asks the network for a name
        },
        "database": {"sql_alchemy_conn": site.database_url},
        "api": {
            "host": "127.0.0.1",
            "port": str(site.port),
            "base_url": site.url,
            "workers": "1",
            "secret_key": site.jwt_secret,
            "expose_config": "False",
        },
        "api_auth": {"jwt_secret": site.jwt_secret, "jwt_issuer": "webscale-rl"},
        "logging": {
            "base_log_folder": str(site.home / "logs"),
            "dag_processor_child_process_log_directory": str(site.home / "logs" / "dag_processor"),
            "colored_console_log": "False",
        },
        # A killed component is noticed within seconds, not within the five minutes of the defaults.
        "scheduler": {
            "job_heartbeat_sec": "2",
            "scheduler_heartbeat_sec": "2",
            "scheduler_health_check_threshold": "10",
            "orphaned_tasks_check_interval": "15",
            "task_instance_heartbeat_timeout": "30",
            "task_instance_heartbeat_timeout_detection_interval": "5",
            "enable_health_check": "False",
        },
        "workers": {
            "max_failed_heartbeats": "20",  # tasks outlive a database that is away for a minute
            "execution_api_timeout": "30",  # the default of 5 s trips on a busy machine
        },
        "dag_processor": {
            "parsing_processes": "1",
            "refresh_interval": "30",
            "min_file_process_interval": "30",
        },
        "triggerer": {"job_heartbeat_sec": "2", "triggerer_health_check_threshold": "10"},
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": value
        for section, settings in sections.items()
        for key, value in settings.items()
    }
    return {"AIRFLOW_HOME": str(site.home), "SCARF_ANALYTICS": "false", **variables}


def component_environment(site: Site, caller: Mapping[str, str], store: Path) -> dict[str, str]:
    """Return the whole environment of a component: the caller's without what is not for it, and ours.

    The endpoint's key is not in it: tasks get it from the connection, which is encrypted.
    """
    inherited = {name: value for name, value in caller.items() if not name.startswith(WITHHELD)}
    others = caller.get("NO_PROXY") or caller.get("no_proxy")
    direct = ",".join(filter(None, (others, "127.0.0.1", "localhost")))
    return {
        **inherited,
        **airflow_settings(site),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "include"), str(DIE_WITH_PARENT)]),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": direct,
        "no_proxy": direct,
        "WEBSCALE_RL_STORE": str(store),
    }


def prepare_site(work: Path, port: int, database_url: str) -> Site:
    """Return the site below ``work``, with the secrets that are made on first use and kept."""
    from cryptography.fernet import Fernet

    folder = work / "secrets"
    passwords_file = folder / "airflow_users.json"
    if not passwords_file.exists():
        write_private(passwords_file, json.dumps({USER: admin_password(work)}) + "\n")
    return Site(
        home=work / "airflow",
        port=port,
        database_url=database_url,
        fernet_key=kept_secret(folder / "airflow_fernet", lambda: Fernet.generate_key().decode()),
        jwt_secret=kept_secret(folder / "airflow_jwt"),
        passwords_file=passwords_file,
    )


def admin_password(work: Path) -> str:
    """Return the password of the web UI's user."""
    return kept_secret(work / "secrets" / "airflow_admin", lambda: token_urlsafe(12))


def command(*arguments: str) -> list[str]:
    """Return a command line of Airflow's."""
    return [sys.executable, "-m", "airflow", *arguments]


# Logs of tasks are read from the disk: the servers that offer them to other machines stay off.
COMPONENTS = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


def needs_migration(connection: Connection, home: Path) -> bool:
    """Say whether the metadata database is empty or was migrated by another release of Airflow."""
    table = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    marker = home / MIGRATED
    return table is None or table[0] is None or not marker.exists() or marker.read_text() != _release()


def remember_migration(home: Path) -> None:
    """Record that the metadata database fits this release."""
    (home / MIGRATED).write_text(_release())


def _release() -> str:
    return version("apache-airflow")


def bury_dead_components(connection: Connection) -> None:
    """Mark the jobs of a stack that was killed as failed: else they look alive and new ones wait for them."""
    connection.execute("UPDATE job SET state = 'failed', end_date = now() WHERE state = 'running'")


def fail_leftover_runs(connection: Connection) -> None:
    """End the runs that a killed stack has left unfinished, so that they do not start beside a new one."""
    with connection.transaction():
        connection.execute(
            """
            UPDATE task_instance t SET state = 'failed', end_date = now()
            FROM dag_run r
            WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id AND r.state IN ('queued', 'running')
              AND t.state IN ('scheduled', 'queued', 'running', 'restarting', 'up_for_retry',
                              'up_for_reschedule', 'deferred')
            """
        )
        connection.execute(
            "UPDATE dag_run SET state = 'failed', end_date = now() WHERE state IN ('queued', 'running')"
        )
