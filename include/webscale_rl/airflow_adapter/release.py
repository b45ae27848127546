"""The tasks of `release_dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webscale_rl.airflow_adapter.surroundings import database, endpoint_of, plain_name, store_uri
from webscale_rl.release import run as release
from webscale_rl.release.acceptance import as_markdown
from webscale_rl.release.embeddings import embedder
from webscale_rl.release.settings import ReleaseSettings

EMBEDDER = "webscale_embedder"


def prepare(run_id: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Gather the candidates, decide which are released, and return the numbers, small enough for an XCom.

    Raises:
        ConfigurationError: there are no candidates, nothing remains of them, or a setting is wrong.
    """
    endpoint = endpoint_of(EMBEDDER)
    embed = embedder(endpoint) if endpoint else None
    with database() as engine:
        found = release.prepare(engine, _settings(params), params["runs"], _staging(run_id), embed)
    return {"release_id": found.release_id, "rows": found.rows, "body": as_markdown(found)}


def publish(run_id: str, params: Mapping[str, Any], approval: Mapping[str, Any] | None) -> str:
    """Publish what was prepared and return where it stands.

    ``approval`` is what Airflow's ``ApprovalOperator`` returns; None where nobody was asked.
    """
    who = str(((approval or {}).get("responded_by_user") or {}).get("name", ""))
    with database() as engine:
        return release.publish_release(
            engine, _settings(params), _staging(run_id), store_uri(), run_id=run_id, approved_by=who
        )


def _settings(params: Mapping[str, Any]) -> ReleaseSettings:
    endpoint = endpoint_of(EMBEDDER)
    return release.settings_of(params, f"{endpoint.model}@{endpoint.revision}" if endpoint else "")


def _staging(run_id: str) -> str:
    return f"{store_uri().rstrip('/')}/staging/release-{plain_name(run_id)}"
