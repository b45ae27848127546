"""The DAG that releases as Airflow reads it."""

from typing import Any

import pytest


@pytest.fixture
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["release_dataset"])


def test_it_is_read_without_errors_and_waits_for_a_trigger(dag: dict[str, Any]) -> None:
    assert dag["errors"] == {}
    assert not dag["paused"], "a triggered run would wait for ever"
    assert "NullTimetable" in dag["schedule"], "a release is somebody's decision"


def test_every_parameter_has_title_description_section_and_bounds(dag: dict[str, Any]) -> None:
    sections = ("Release", "Duplicates and contamination", "Selection", "Balance")
    for name, param in dag["params"].items():
        schema = param["schema"]
        assert schema["title"], name
        assert schema["section"] in sections, name
        assert len(param["description"]) >= 12, name
        if schema["type"] in ("integer", "number"):
            assert {"minimum", "maximum"} <= set(schema), name


def test_nothing_is_published_before_it_is_approved(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert tasks["needs_approval"]["upstream"] == ["prepare"]
    assert tasks["approve"]["upstream"] == ["needs_approval"]
    assert tasks["publish"]["upstream"] == ["approve", "needs_approval"]
    assert tasks["publish"]["trigger_rule"] == "none_failed_min_one_success"
    assert tasks["publish"]["outlets"] == ["webscale_rl_releases"]


def test_form_and_library_agree(dag: dict[str, Any]) -> None:
    from webscale_rl.release.formats import FORMATS
    from webscale_rl.release.rows import LABEL_CONFIDENCES
    from webscale_rl.release.run import settings_of

    params = dag["params"]
    assert set(params["formats"]["value"]) == set(FORMATS)
    assert params["min_label_confidence"]["schema"]["enum"] == list(LABEL_CONFIDENCES)
    settings_of({name: param["value"] for name, param in params.items()})
