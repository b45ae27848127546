"""The tasks of `release_dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webscale_rl.airflow_adapter.surroundings import database, endpoint_of, plain_name, store_uri
from webscale_rl.release import run as release
from webscale_rl.release.acceptance import as_markdown
from webscale_rl.release.embeddings import Embedder
from webscale_rl.release.settings import ReleaseSettings
from webscale_rl.release.staging import clear_others

EMBEDDER = "webscale_embedder"
STAGED = "release-"  # what the names of staging folders begin with


def prepare(run_id: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Gather the candidates, decide which are released, and return the numbers, small enough for an XCom.

    Raises:
        ConfigurationError: there are no candidates, nothing remains of them, or a setting is wrong.
    """
    endpoint = endpoint_of(EMBEDDER)
    embed = Embedder(endpoint) if endpoint else None
    staged = _staging(run_id)
    clear_others(staged, STAGED)  # rejected or failed: one release is made at a time
    with database() as engine:
        found = release.prepare(engine, _settings(params), params["runs"], staged, embed)
    return {"release_id": found.release_id, "rows": found.rows, "body": as_markdown(found)}


def publish(
    run_id: str, params: Mapping[str, Any], prepared: Mapping[str, Any], approval: Mapping[str, Any] | None
) -> str:
    """Publish what was prepared and return where it stands.

    Args:
        run_id: of the DAG run.
        params: of its form.
        prepared: what :func:`prepare` returned.
        approval: what Airflow's ``ApprovalOperator`` returned; None where nobody was asked.
    """
    who = str(((approval or {}).get("responded_by_user") or {}).get("name", ""))
    with database() as engine:
        return release.publish_release(
            engine,
            _settings(params),
            _staging(run_id),
            store_uri(),
            release_id=prepared["release_id"],
            run_id=run_id,
            approved_by=who,
        )


def _settings(params: Mapping[str, Any]) -> ReleaseSettings:
    endpoint = endpoint_of(EMBEDDER)
    return release.settings_of(params, f"{endpoint.model}@{endpoint.revision}" if endpoint else "")


def _staging(run_id: str) -> str:
    return f"{store_uri().rstrip('/')}/staging/{STAGED}{plain_name(run_id)}"
