"""What was released: releases, and what became of every candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Engine, text

from webscale_rl.errors import ConfigurationError
from webscale_rl.store.bulk import insert_rows
from webscale_rl.store.queries import funnel

CHUNK = 5_000  # rows a statement


def successful_runs(engine: Engine, wanted: list[str] | None) -> list[str]:
    """Return the runs of `convert_corpus` whose pairs are candidates: those wanted, or all that ended well.

    Raises:
        ConfigurationError: a run that is wanted does not exist.
    """
    query = (
        "SELECT id FROM runs WHERE id NOT LIKE 'difficulty:%' AND {} AND EXISTS "
        "(SELECT FROM run_shards s WHERE s.run_id = runs.id) ORDER BY started_at, id"
    )
    with engine.connect() as connection:
        if wanted is None:
            return list(connection.execute(text(query.format("state = 'success'"))).scalars())
        found = list(connection.execute(text(query.format("id = ANY(:runs)")), {"runs": wanted}).scalars())
    if missing := sorted(set(wanted) - set(found)):
        raise ConfigurationError(f"there is no run {missing[0]!r} of convert_corpus with shards")
    return found


def funnel_of_runs(engine: Engine, run_ids: Sequence[str]) -> dict[str, Any]:
    """Return documents and items by state and reason, summed over runs; a document of two runs counts in each."""
    total: dict[str, Any] = {}
    for run_id in run_ids:
        levels = funnel(engine, run_id).as_dict()
        for name in ("documents", "items"):
            level = total.setdefault(name, {"total": 0, "states": Counter(), "reasons": {}})
            level["total"] += levels[name]["total"]
            level["states"].update(levels[name]["states"])
            for state, reasons in levels[name]["reasons"].items():
                level["reasons"].setdefault(state, Counter()).update(reasons)
    for level in total.values():
        level["states"] = dict(sorted(level["states"].items()))
        level["reasons"] = {
            state: dict(sorted(reasons.items())) for state, reasons in sorted(level["reasons"].items())
        }
    return total


def models_of_runs(engine: Engine, run_ids: Sequence[str]) -> dict[str, str]:
    """Return the models of runs by role, as ``model@revision``; several of a role are joined by a comma."""
    roles: dict[str, set[str]] = {}
    query = text(
        "SELECT DISTINCT c.content FROM runs r JOIN configurations c USING (config_hash) WHERE r.id = ANY(:runs)"
    )
    with engine.connect() as connection:
        for (content,) in connection.execute(query, {"runs": list(run_ids)}):
            for role in ("generator", "checker", "second_solver"):
                if model := content.get(role):
                    named = f"{model['model']}@{model['revision']}" if model["revision"] else model["model"]
                    roles.setdefault(role, set()).add(named)
    return {role: ", ".join(sorted(named)) for role, named in roles.items()}


def is_recorded(engine: Engine, release_id: str) -> bool:
    """Say whether a release stands in the database, with what became of its candidates."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT 1 FROM releases WHERE id = :id"), {"id": release_id})
        return found.first() is not None


def record(engine: Engine, release: Mapping[str, Any], members: Iterable[Mapping[str, str]]) -> None:
    """Record a release with what became of its candidates, in one transaction; safe to repeat.

    Args:
        engine: of the service's database.
        release: the columns of ``releases``.
        members: the columns of ``release_members`` without the release's id.
    """
    values = dict(release)
    for name in ("parameters", "counts"):
        values[name] = orjson.dumps(values[name]).decode()
    with engine.begin() as connection:
        done = connection.execute(
            text(
                "INSERT INTO releases (id, name, uri, parameters, counts, approved_by, run_id) VALUES "
                "(:id, :name, :uri, CAST(:parameters AS jsonb), CAST(:counts AS jsonb), :approved_by, :run_id) "
                "ON CONFLICT (id) DO NOTHING"
            ),
            values,
        ).rowcount
        if not done:
            return
        rows: list[dict[str, Any]] = []
        for member in members:
            rows.append({**member, "release_id": values["id"]})
            if len(rows) == CHUNK:
                insert_rows(connection, "release_members", rows)
                rows = []
        if rows:
            insert_rows(connection, "release_members", rows)
