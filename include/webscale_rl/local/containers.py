"""What the init job of ``docker-compose.yaml`` writes: the users of the web UI, the connections of the DAG.

    python -m webscale_rl.local.containers users FILE
    python -m webscale_rl.local.containers connections FILE     for ``airflow connections import``

Secrets come from the environment and go to files of mode 0600, never into a command line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.local.airflow import USER
from webscale_rl.local.connections import connections, database_connection
from webscale_rl.local.secret import write_private
from webscale_rl.store.engine import migrate


def users(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the passwords file of Airflow's simple auth manager."""
    return {USER: _required(environment, "AIRFLOW_ADMIN_PASSWORD")}


def all_connections(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return every connection of the DAG, as the native stack sets them."""
    endpoint = Endpoint(
        base_url=_required(environment, "LLM_BASE_URL"),
        model=_required(environment, "LLM_MODEL"),
        revision=environment.get("LLM_REVISION", ""),
        api_key=environment.get("LLM_API_KEY", ""),
    )
    database = database_connection(
        host=_required(environment, "POSTGRES_HOST"),
        port=5432,
        login="postgres",
        password=_required(environment, "POSTGRES_PASSWORD"),
    )
    return connections(endpoint, database)


def main(arguments: list[str]) -> None:
    """Write the file that is asked for; ``connections`` also brings the service's database to its schema."""
    what, path = arguments
    if what == "connections":
        found = all_connections(os.environ)
        database = found["webscale_db"]
        url = URL.create(
            "postgresql",
            database["login"],
            database["password"],
            database["host"],
            database["port"],
            database["schema"],
        )
        migrate(url.render_as_string(hide_password=False))
        write_private(Path(path), json.dumps(found))
    else:
        write_private(Path(path), json.dumps(users(os.environ)))


def _required(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name, "").strip():
        return value
    raise ConfigurationError(f"{name} is missing: set it in .env")


if __name__ == "__main__":
    main(sys.argv[1:])
