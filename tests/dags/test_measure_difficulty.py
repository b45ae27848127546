"""The DAG that measures as Airflow reads it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from webscale_rl.difficulty_form import DIFFICULTY_FORM
from webscale_rl.store.engine import REPOSITORY, open_engine


@pytest.fixture
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["measure_difficulty"])


def test_it_is_read_without_errors_and_waits_for_a_trigger(dag: dict[str, Any]) -> None:
    assert dag["errors"] == {}
    assert not dag["paused"], "a triggered run would wait for ever"
    assert "NullTimetable" in dag["schedule"], (
        "it costs as many calls as somebody asks for, so somebody must ask"
    )
    assert "webscale_solver" in dag["doc"]


def test_every_parameter_has_title_description_section_and_bounds(dag: dict[str, Any]) -> None:
    assert len(dag["params"]) == 14
    sections = ("Pairs", "Attempts", "Guessing", "Summary", "Rollouts", "Endpoint", "Budget")
    for name, param in dag["params"].items():
        schema = param["schema"]
        assert schema["title"], name
        assert schema["section"] in sections, name
        assert len(param["description"]) > 20, name
        if {"integer", "number"} & {*schema["type"]} or schema["type"] in ("integer", "number"):
            assert "minimum" in schema, name
        elif schema["type"] != "boolean":
            assert schema["minLength"] == 1, name


def test_one_mapped_asynchronous_task_a_shard_in_the_pool(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert [name for name, task in tasks.items() if task["mapped"]] == ["measure_shard"]
    assert tasks["measure_shard"]["pool"] == "llm"
    assert all(task["retries"] == 10 for task in tasks.values()), "losing a worker costs a try"


def test_no_failure_is_hidden(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert tasks["open_measurement"]["setup"]
    assert tasks["open_measurement"]["upstream"] == ["probe_solvers"], (
        "nothing begins before the solvers answer"
    )
    assert tasks["close_measurement"]["teardown"]
    assert tasks["summarise"]["trigger_rule"] == "all_done", "it fails the run where a shard has failed"
    assert {"import_rollouts", "measure_shard"} <= set(tasks["summarise"]["upstream"])
    leaves = set(tasks) - {upstream for task in tasks.values() for upstream in task["upstream"]}
    assert leaves == {"close_measurement"}, "a teardown does not decide the state of a run, summarise does"


def test_form_and_library_have_the_same_defaults(dag: dict[str, Any]) -> None:
    from webscale_rl.config import ModelName
    from webscale_rl.difficulty.config import DEFAULT_ATTEMPTS, DifficultyConfig
    from webscale_rl.difficulty.run import config_of
    from webscale_rl.llm.endpoint import Endpoint

    defaults = {name: param["value"] for name, param in dag["params"].items()}
    found = config_of({"webscale_solver": Endpoint("http://h/v1", "m")}, defaults)
    assert found == DifficultyConfig(solvers={"m": ModelName(model="m")})
    assert defaults["attempts"] == DEFAULT_ATTEMPTS
    assert defaults["converted_run"] is None, "pairs accepted long ago are measured, too"


OPEN = """
import json, sys
from webscale_rl.airflow_adapter.difficulty import open_measurement
from webscale_rl.errors import ConfigurationError

try:
    open_measurement("run", json.loads(sys.argv[1]))
except ConfigurationError as error:
    print(error)
"""


def test_a_secret_in_the_uri_of_rollouts_is_refused_before_it_is_stored(
    database: str, tmp_path: Path
) -> None:
    """Whoever may read the table of runs would read it."""
    params = {name: field["default"] for name, field in DIFFICULTY_FORM.items()}
    params |= {"rollouts": "s3://user:hunter2@bucket/rollouts.jsonl", "rollouts_solver": "policy"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW_CONN_WEBSCALE_DB": database.replace("postgresql+psycopg", "postgres"),
        "PYTHONPATH": str(REPOSITORY / "include"),
    }

    def opened(**changed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", OPEN, json.dumps(params | changed)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().rpartition("\n")[2]

    def stored() -> list[Any]:
        engine = open_engine(database)
        with engine.connect() as connection:
            found = list(connection.exec_driver_sql("SELECT parameters->>'rollouts' FROM runs").scalars())
        engine.dispose()
        return found

    said = opened()
    assert "must hold no user, password or query" in said
    assert "hunter2" not in said
    assert stored() == []
    assert opened(rollouts="s3://bucket/rollouts.jsonl") == ""
    assert stored() == ["s3://bucket/rollouts.jsonl"]
