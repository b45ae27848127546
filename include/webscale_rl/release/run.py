"""A run that releases, step by step, as the DAG `release_dataset` calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine

from webscale_rl.faultpoints import reach
from webscale_rl.release.formats import FORMATS
from webscale_rl.release.publish import is_published, publish, write_manifest
from webscale_rl.release.release import Embed, Examined, describe, examine, gather, members, rows_of
from webscale_rl.release.report.data import gather as gather_report
from webscale_rl.release.report.write import write_report
from webscale_rl.release.selection import Selection
from webscale_rl.release.settings import ReleaseSettings
from webscale_rl.release.staging import clear, staging
from webscale_rl.rewards import PROMPT_VERSION
from webscale_rl.store import releases

EXAMINED, FILES = "examined.json", "files"


def prepare(
    engine: Engine, settings: ReleaseSettings, runs: list[str] | None, staged: str, embed: Embed | None = None
) -> Examined:
    """Gather the candidates of runs (None: of all that ended well) and decide which are released.

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
        wanted = releases.successful_runs(engine, runs)
        gather(engine, wanted, folder)
        found = examine(folder, settings, embed)
        (folder / EXAMINED).write_bytes(orjson.dumps({**asdict(found), "runs": wanted}))
    return found


def publish_release(
    engine: Engine, settings: ReleaseSettings, staged: str, store: str, *, run_id: str, approved_by: str = ""
) -> str:
    """Write the files of a prepared release, publish them whole, record every candidate's end; return the URI.

    Safe to repeat at any point; a release that stands already is left as it is.
    """
    with staging(staged, put_back=False) as folder:
        content = orjson.loads((folder / EXAMINED).read_bytes())
        runs = content.pop("runs")
        found = Examined(**content)
        uri = f"{store.rstrip('/')}/releases/{settings.name}/{found.release_id}"
        if not is_published(uri):
            _write(engine, folder, settings, found, runs)
            reach("before_publish")
            publish(folder / FILES, uri)
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
    clear(staged)
    return uri


def _write(
    engine: Engine, folder: Path, settings: ReleaseSettings, found: Examined, runs: Sequence[str]
) -> None:
    files = folder / FILES
    clear(str(files))  # half written by an earlier try
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
    write_report(
        gather_report(engine, about, rows, runs, settings.seed, settings.gpus), files / "report.html"
    )
    write_manifest(files, asdict(about))


def settings_of(params: Mapping[str, Any], embedder: str = "") -> ReleaseSettings:
    """Return the settings that the form amounts to; ``embedder`` names the model of embeddings, if any."""
    columns = ("domain", "source", "licence", "task_form", "answer_type", "claim_scope")
    return ReleaseSettings(
        name=params["name"],
        selection=Selection(
            allowed={column: tuple(params[f"{column}s"]) for column in columns},
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
