"""The connections that the DAG uses, as Airflow's REST API and ``airflow connections import`` take them."""

from __future__ import annotations

import json
from typing import Any

from webscale_rl.llm.endpoint import Endpoint

DATABASE = "webscale_rl"  # the service's own

Fields = dict[str, Any]


def connections(endpoint: Endpoint, database: Fields) -> dict[str, Fields]:
    """Return the connections by id: one endpoint generates and checks."""
    model = {"model": endpoint.model, "model_revision": endpoint.revision}
    served = {
        "conn_type": "openai",
        "host": endpoint.base_url,
        "password": endpoint.api_key or None,
        "extra": json.dumps(model),
    }
    return {"webscale_generator": served, "webscale_checker": served, "webscale_db": database}


def database_connection(*, host: str, port: int, login: str, password: str) -> Fields:
    """Return the connection to the service's database."""
    return {
        "conn_type": "postgres",
        "host": host,
        "port": port,
        "login": login,
        "password": password,
        "schema": DATABASE,
    }
