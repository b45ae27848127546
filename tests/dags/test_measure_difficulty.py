"""The DAG that measures as Airflow reads it."""

from typing import Any

import pytest


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
