"""The funnel of every run as a page in Airflow's web UI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from webscale_rl.store.engine import sqlalchemy_url
from webscale_rl.store.queries import Funnel, funnel, usage

STATEMENT_TIMEOUT = "5s"  # the api-server also serves the heartbeats of tasks
RUNS_SHOWN = 50
MEASURING = "difficulty:"  # how ids of runs begin that have no funnel; see store/measurements.py

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def make_app(database_url: Callable[[], str], dependencies: Sequence[Any]) -> FastAPI:
    """Return the app behind the plugin.

    Args:
        database_url: gives the URL of the service's database, asked once, at the first request.
        dependencies: FastAPI dependencies that let only those in who may see the DAG: Airflow mounts an app of
            a plugin without any authentication.
    """

    @cache
    def engine() -> Engine:
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT}"
        url = sqlalchemy_url(database_url())
        return create_engine(url, pool_size=2, pool_pre_ping=True, connect_args={"options": options})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        if engine.cache_info().currsize:
            engine().dispose()

    app = FastAPI(
        dependencies=list(dependencies),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.engine = engine

    @app.get("/", response_class=HTMLResponse)
    def runs_page(run: str | None = None) -> str:
        """Show the runs and the funnel of one of them, by default the last."""
        try:
            return _page(engine(), run)
        except SQLAlchemyError as error:
            raise HTTPException(
                503, "the service's database does not answer; see the api-server's log"
            ) from error

    return app


def _page(engine: Engine, run_id: str | None) -> str:
    with engine.connect() as connection:
        runs = connection.execute(
            text(
                "SELECT id, state, started_at, ended_at, error, "
                "coalesce(parameters->>'corpus', 'ingested shards') AS corpus "
                "FROM runs WHERE NOT starts_with(id, :measuring) "
                "ORDER BY started_at DESC LIMIT :shown"
            ),
            {"shown": RUNS_SHOWN, "measuring": MEASURING},
        ).all()
        nights = connection.execute(
            text("SELECT * FROM partitions ORDER BY date DESC, corpus LIMIT :shown"), {"shown": RUNS_SHOWN}
        ).all()
        shown = run_id or (runs[0].id if runs else None)
        state = connection.execute(text("SELECT state FROM runs WHERE id = :id"), {"id": shown}).scalar()
    if run_id and not state:
        raise HTTPException(404, "there is no such run")
    counts = funnel(engine, shown) if shown else None
    return _pages.get_template("funnel.html").render(
        runs=runs,
        nights=nights,
        shown=shown,
        running=state == "running",
        counts=counts,
        bars=_bars(counts) if counts else [],
        asked=usage(engine, shown).words(counts.pairs) if shown and counts else "",
    )


def _bars(counts: Funnel) -> list[tuple[str, list[tuple[str, str, int, float, int]]]]:
    """Return, for each level, rows of (state, reason, count, percent of the level, depth)."""
    bars = []
    levels = {
        "Documents read": counts.documents,
        "Parts of long documents": counts.parts,
        "Planned questions": counts.items,
        "Questions to be repaired, by what came of it": counts.repairs,
    }
    for title, level in levels.items():
        rows: list[tuple[str, str, int, float, int]] = []
        for state, count in level.states.items():
            rows.append((state, "", count, 100 * count / level.total, 0))
            rows.extend(
                (state, reason, n, 100 * n / level.total, 1)
                for reason, n in sorted(level.reasons.get(state, {}).items(), key=lambda pair: -pair[1])
            )
        if rows:
            bars.append((f"{title}: {level.total}", rows))
    return bars
