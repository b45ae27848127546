"""The DAG as Airflow reads it: what a user meets in the trigger form, and what happens when something fails."""

from typing import Any

import pytest


@pytest.fixture
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["convert_corpus"])


def test_it_is_read_without_errors_and_explains_itself(dag: dict[str, Any]) -> None:
    assert dag["errors"] == {}
    assert dag["id"] == "convert_corpus"
    assert "webscale_generator" in dag["doc"]


def test_every_parameter_has_title_description_section_and_bounds(dag: dict[str, Any]) -> None:
    assert len(dag["params"]) == 19
    for name, param in dag["params"].items():
        schema = param["schema"]
        assert schema["title"], name
        assert schema["section"] in ("Corpus", "Quality", "Canary", "Endpoint", "Budget", "Dead letters"), (
            name
        )
        assert len(param["description"]) > 20, name
        if {"integer", "number"} & {*schema["type"]} or schema["type"] in ("integer", "number"):
            assert "minimum" in schema, name
        elif "items" in schema:
            assert schema["items"]["minLength"] == 1, name
        elif "enum" not in schema and schema["type"] != "boolean":
            assert schema["minLength"] == 1, name


def test_one_mapped_asynchronous_task_a_shard_in_the_pool(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert [name for name, task in tasks.items() if task["mapped"]] == ["convert_shard"]
    assert tasks["convert_shard"]["pool"] == "llm"
    assert all(task["retries"] == 10 for task in tasks.values()), "losing a worker costs a try"


def test_no_failure_is_hidden(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert tasks["open_run"]["setup"]
    assert tasks["close_run"]["teardown"]
    assert tasks["open_run"]["upstream"] == ["probe_endpoints"], "nothing begins before the endpoints answer"
    assert tasks["summarise"]["trigger_rule"] == "all_done", "it fails the run where a shard has failed"
    assert tasks["write_dataset"]["outlets"] == ["webscale_rl_pairs"]
    leaves = set(tasks) - {upstream for task in tasks.values() for upstream in task["upstream"]}
    assert leaves == {"close_run"}, "a teardown does not decide the state of a run, summarise does"


def test_a_calibration_comes_before_any_document(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert tasks["calibrate"]["pool"] == "llm"
    assert tasks["calibrate"]["upstream"] == ["open_run"]
    assert "calibrate" in tasks["run_canary"]["upstream"], (
        "an endpoint that fails ends the run before it is paid"
    )
    assert dag["params"]["calibrate"]["value"] is False


def test_every_default_is_one_that_the_library_takes(dag: dict[str, Any]) -> None:
    from webscale_rl.config import ConversionConfig, ModelName

    defaults = {name: param["value"] for name, param in dag["params"].items()}
    assert defaults["corpus"] is None, "a scheduled run converts what was ingested"
    model = ModelName(model="m")
    taken = ("check_depth", "items_per_document", "min_tokens", "max_tokens", "part_tokens", "repair")
    config = ConversionConfig(
        generator=model, checker=model, **{name: value for name, value in defaults.items() if name in taken}
    )
    assert config == ConversionConfig(generator=model, checker=model), (
        "form and library have the same defaults"
    )
