"""A run that releases, step by step, as the DAG `release_dataset` calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Engine

from webscale_rl.errors import ConfigurationError
from webscale_rl.faultpoints import reach
from webscale_rl.records import ClaimScope, Domain, TaskForm
from webscale_rl.release.formats import FORMATS
from webscale_rl.release.publish import is_published, publish, write_manifest
from webscale_rl.release.release import Embed, Examined, describe, examine, gather, members, rows_of
from webscale_rl.release.report.data import gather as gather_report
from webscale_rl.release.report.write import write_report
from webscale_rl.release.selection import BALANCED, Selection
from webscale_rl.release.settings import ReleaseSettings
from webscale_rl.release.staging import clear, staging
from webscale_rl.rewards import ANSWER_TYPES, PROMPT_VERSION
from webscale_rl.store import releases

EXAMINED = "examined.json"
VALUES = {  # of the columns that can have no others
    "domain": [*Domain],
    "task_form": [*TaskForm],
    "answer_type": ANSWER_TYPES,
    "claim_scope": [*ClaimScope],
}


def prepare(
    engine: Engine, settings: ReleaseSettings, runs: list[str] | None, staged: str, embed: Embed | None = None
) -> Examined:
    """Gather the candidates of runs (none named: of all that ended well) and decide which are released.

    Args:
        engine: of the service's database.
        settings: what decides the release.
        runs: ids of runs of `convert_corpus`.
        staged: a folder or fsspec URI, where :func:`publish_release` finds the work.
        embed: returns embeddings of questions, one row each, of length 1.

    Raises:
        ConfigurationError: there are no candidates, nothing remains of them, or a setting is wrong.
    """
    clear(staged)  # of an earlier try
    with staging(staged) as folder:
        wanted = releases.successful_runs(engine, runs or None)
        gather(engine, wanted, folder)
        found = examine(folder, settings, embed)
        prepared = {**asdict(found), "runs": wanted, "embedder": settings.embedder}
        (folder / EXAMINED).write_bytes(orjson.dumps(prepared))
    return found


def publish_release(
    engine: Engine,
    settings: ReleaseSettings,
    staged: str,
    store: str,
    *,
    release_id: str,
    run_id: str,
    approved_by: str = "",
) -> str:
    """Write the files of a prepared release, publish them whole, record every candidate's end; return the URI.

    Safe to repeat at any point and beside another try; a release that stands already is left as it is.

    Raises:
        ConfigurationError: the work of :func:`prepare` is gone, and the release does not stand.
    """
    uri = f"{store.rstrip('/')}/releases/{settings.name}/{release_id}"
    with staging(staged, put_back=False) as folder:
        prepared = folder / EXAMINED
        if prepared.exists():
            _publish(engine, settings, folder, uri, run_id, approved_by)
        elif not (releases.is_recorded(engine, release_id) and is_published(uri)):
            raise ConfigurationError(
                f"nothing is prepared at {staged!r} any more: clear the task prepare, too"
            )
    clear(staged)
    reach("after_clear")
    return uri


def _publish(
    engine: Engine, settings: ReleaseSettings, folder: Path, uri: str, run_id: str, approved_by: str
) -> None:
    content = orjson.loads((folder / EXAMINED).read_bytes())
    runs = content.pop("runs")
    # The connection may have come or gone while somebody thought about the approval.
    settings = replace(settings, embedder=content.pop("embedder"))
    found = Examined(**content)
    if not is_published(uri):
        # A try that was taken for dead may still be writing: each has a folder of its own.
        files = folder / f"files-{uuid4().hex}"
        _write(engine, folder, files, settings, found, runs)
        reach("before_publish")
        publish(files, uri)
    reach("after_publish")
    row = {
        "id": found.release_id,
        "name": settings.name,
        "uri": uri,
        "parameters": settings.recorded,
        "counts": content,
        "approved_by": approved_by,
        "run_id": run_id,
    }
    releases.record(engine, row, members(folder))


def _write(
    engine: Engine,
    folder: Path,
    files: Path,
    settings: ReleaseSettings,
    found: Examined,
    runs: Sequence[str],
) -> None:
    files.mkdir()
    rows = rows_of(folder)
    about = describe(
        folder,
        settings,
        found,
        funnel=releases.funnel_of_runs(engine, runs),
        models=releases.models_of_runs(engine, runs),
        prompt_version=PROMPT_VERSION,
    )
    for name in settings.formats:
        FORMATS[name](rows, files, about)
    report = gather_report(engine, about, rows, runs, settings.seed, settings.gpus)
    write_report(report, files / "report.html")
    write_manifest(files, asdict(about))


def settings_of(params: Mapping[str, Any], embedder: str = "") -> ReleaseSettings:
    """Return the settings that the form amounts to; ``embedder`` names the model of embeddings, if any.

    Raises:
        ConfigurationError: a value is named that no pair can have.
    """
    for column, known in VALUES.items():
        named = [*params[f"{column}s"], *params["shares"].get(column, ())]
        if unknown := sorted(set(named) - set(known)):
            raise ConfigurationError(f"{column} {unknown[0]!r} is none of {', '.join(known)}")
    return ReleaseSettings(
        name=params["name"],
        selection=Selection(
            allowed={column: tuple(params[f"{column}s"]) for column in BALANCED},
            min_label_confidence=params["min_label_confidence"],
            pass_rates=(params["min_pass_rate"], params["max_pass_rate"]),
            unmeasured=params["unmeasured"],
            excluded_marks=tuple(params["excluded_marks"]),
            max_prompt_tokens=params["max_prompt_tokens"],
            max_per_document=params["max_per_document"],
            max_per_source=params["max_per_source"],
            shares=params["shares"],
        ),
        benchmarks=tuple(params["benchmarks"]),
        similarity=params["similarity"],
        semantic_similarity=params["semantic_similarity"],
        test_share=params["test_share"],
        formats=tuple(sorted(params["formats"])),
        seed=params["seed"],
        gpus=params["gpus"],
        embedder=embedder,
        recorded={name: value for name, value in sorted(params.items()) if name not in ("approval", "runs")},
    )
