"""The nightly DAG as Airflow reads it."""

from typing import Any

import pytest

from webscale_rl.corpus.quality import QualityRules
from webscale_rl.ingest import IngestSettings


@pytest.fixture
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["ingest_corpus"])


def test_it_is_read_without_errors_and_waits_for_somebody_to_say_where_partitions_are(
    dag: dict[str, Any],
) -> None:
    assert dag["errors"] == {}
    assert dag["paused"]
    assert "0 0 * * *" in dag["schedule"], "with a later hour a date-only --to-date drops the last day"


def test_it_wakes_the_conversion_which_also_looks_every_hour(dags: dict[str, Any]) -> None:
    assert dags["ingest_corpus"]["tasks"]["write_shards"]["outlets"] == ["webscale_rl_shards"]
    assert "30 * * * *" in dags["convert_corpus"]["schedule"]
    assert "webscale_rl_shards" in dags["convert_corpus"]["schedule"], "the very asset that is rung"
    assert not dags["convert_corpus"]["paused"]


def test_one_mapped_task_a_group_of_files_and_every_failure_is_seen(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    assert [name for name, task in tasks.items() if task["mapped"]] == ["read_files"]
    assert tasks["close_partition"]["teardown"]
    assert tasks["open_partition"]["setup"]
    assert tasks["write_shards"]["trigger_rule"] == "none_failed", "an empty partition has nothing to read"
    leaves = set(tasks) - {upstream for task in tasks.values() for upstream in task["upstream"]}
    assert leaves == {"close_partition"}, "a teardown does not decide the state of a run, write_shards does"


def test_every_parameter_has_title_section_and_words(dag: dict[str, Any]) -> None:
    assert len(dag["params"]) == 12
    for name, param in dag["params"].items():
        assert param["schema"]["title"], name
        assert param["schema"]["section"] in ("Corpus", "Arrival", "Cleaning", "Shards"), name
        assert len(param["description"]) > 20, name


def test_form_and_library_have_the_same_defaults(dag: dict[str, Any]) -> None:
    defaults = {name: param["value"] for name, param in dag["params"].items()}
    rules, settings = QualityRules(), IngestSettings()
    assert tuple(defaults["languages"]) == rules.languages
    for name in ("min_tokens", "max_tokens"):
        assert defaults[name] == getattr(rules, name)
    for name in ("fields", "mask_personal_data", "documents_per_shard", "files_per_task", "allow_empty"):
        assert defaults[name] == getattr(settings, name)
