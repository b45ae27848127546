"""The page in Airflow's menu, on a real database; that it is closed to strangers is tested with the whole stack."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.fixtures.forms import DOCUMENTS, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.store import runs
from webscale_rl.ui.app import make_app

Start = Callable[..., Endpoint]


@pytest.fixture
def page(database: str) -> Iterator[TestClient]:
    with TestClient(make_app(lambda: database, [])) as client:
        yield client


def test_without_runs_it_says_what_to_do(page: TestClient) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert "No run yet" in answer.text


async def test_it_shows_the_funnel_of_a_run_and_escapes_what_users_wrote(
    page: TestClient, pipeline: Pipeline, offline_endpoint: Start
) -> None:
    hostile = "<script>alert(1)</script>"
    await pipeline.run(
        pipeline.corpus([*DOCUMENTS, {"text": 7}]), offline_endpoint(script=script()), run_id=hostile
    )
    for shown in (page.get("/"), page.get("/", params={"run": hostile})):
        assert shown.status_code == 200
        assert "<strong>6</strong> pairs" in shown.text
        assert "read/text_not_string" in shown.text
        assert "http-equiv" in shown.text, "it follows a run that is not closed"
        assert hostile not in shown.text
        assert "&lt;script&gt;" in shown.text
    runs.close_run(pipeline.engine, hostile, "success")
    assert "http-equiv" not in page.get("/").text
    assert page.get("/", params={"run": "no such"}).status_code == 404


def test_its_connection_cannot_write_and_gives_up_early(page: TestClient) -> None:
    """The api-server that serves the page also serves the heartbeats of tasks."""
    assert isinstance(page.app, FastAPI)
    with page.app.state.engine().connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "5s"
        assert connection.execute(text("SHOW default_transaction_read_only")).scalar() == "on"


def test_a_database_that_is_away_is_said_in_one_line() -> None:
    with TestClient(make_app(lambda: "postgresql://nobody:secret@127.0.0.1:1/none", [])) as client:
        answer = client.get("/")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/", "/?run=x", "/docs", "/openapi.json"])
def test_nothing_answers_before_the_dependency_has_let_the_caller_in(path: str) -> None:
    def refuse() -> None:
        raise HTTPException(401)

    app = make_app(lambda: "postgresql://nobody@127.0.0.1:1/none", [Depends(refuse)])
    assert TestClient(app).get(path).status_code in (401, 404)
    assert TestClient(app).get("/").status_code == 401
