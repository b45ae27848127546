"""A release, made of what a real road has accepted: what a trainer downloads tonight, and can trust tomorrow."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.fixtures.pipeline import Pipeline
from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.release.publish import MANIFEST, checksums, is_published, publish, write_manifest
from webscale_rl.release.report.write import write_report
from webscale_rl.release.review import import_review
from webscale_rl.release.run import prepare, publish_release, settings_of
from webscale_rl.release.settings import ReleaseSettings
from webscale_rl.release.staging import clear_others
from webscale_rl.release_form import FORMATS, RELEASE_FORM

Start = Callable[..., Endpoint]
SAMPLE = Path(__file__).parents[2] / "include" / "sample_corpus"

PARAMS = {name: field["default"] for name, field in RELEASE_FORM.items()}


def settings(**given: Any) -> ReleaseSettings:
    return settings_of(PARAMS | {"test_share": 0.2} | given)


@pytest.fixture
async def converted(pipeline: Pipeline, offline_endpoint: Start) -> Pipeline:
    documents = [json.loads(line) for line in (SAMPLE / "medicine.jsonl").read_text().splitlines()]
    documents += [json.loads(line) for line in (SAMPLE / "commerce.jsonl").read_text().splitlines()]
    await pipeline.run(pipeline.corpus(documents), offline_endpoint(), run_id="night")
    finish(pipeline, "night")
    return pipeline


def finish(pipeline: Pipeline, run_id: str) -> None:
    from webscale_rl.store.runs import close_run

    close_run(pipeline.engine, run_id, "success")


def released(pipeline: Pipeline, chosen: ReleaseSettings, store: Path, run_id: str = "r") -> Path:
    staged = str(store / "staging" / run_id)
    found = prepare(pipeline.engine, chosen, None, staged)
    release = {"release_id": found.release_id, "run_id": run_id}
    return Path(publish_release(pipeline.engine, chosen, staged, str(store), **release))


def ids(folder: Path) -> list[str]:
    return [
        row
        for file in sorted(folder.glob("huggingface/data/*.parquet"))
        for row in pq.read_table(file, columns=["id"])["id"].to_pylist()
    ]


def test_every_candidate_is_released_or_left_out_for_a_reason(converted: Pipeline, tmp_path: Path) -> None:
    folder = released(converted, settings(), tmp_path / "store")
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["candidates"] == manifest["rows"] + sum(manifest["excluded"].values())
    ((accepted,),) = converted.rows("SELECT count(DISTINCT pair_id) FROM questions WHERE state = 'accepted'")
    assert manifest["candidates"] == accepted > 10
    assert sorted(ids(folder)) == [
        row[0]
        for row in converted.rows("SELECT pair_id FROM release_members WHERE split <> '' ORDER BY pair_id")
    ]
    assert converted.rows("SELECT count(*) FROM release_members") == [(accepted,)]
    assert converted.rows("SELECT count(*) FROM release_members WHERE (split = '') = (excluded = '')") == [
        (0,)
    ]
    assert {path.name for path in folder.iterdir()} >= {*FORMATS, "report.html", MANIFEST}


def test_no_document_stands_on_both_sides(converted: Pipeline, tmp_path: Path) -> None:
    folder = released(converted, settings(test_share=0.4), tmp_path / "store")
    sides = {}
    for split in ("train", "test"):
        tables = [pq.read_table(file) for file in folder.glob(f"huggingface/data/{split}-*.parquet")]
        sides[split] = {document for table in tables for document in table["document_id"].to_pylist()}
    assert sides["train"]
    assert sides["test"]
    assert not sides["train"] & sides["test"]


def test_filters_move_no_document_to_the_other_side(converted: Pipeline, tmp_path: Path) -> None:
    """A policy trained on the one must not have seen the test set of the other."""
    sides: list[dict[str, str]] = []
    for chosen in (
        settings(test_share=0.5),
        settings(test_share=0.5, max_per_document=1, answer_types=["date"]),
    ):
        folder = released(converted, chosen, tmp_path / "store")
        tables = [pq.read_table(file) for file in folder.glob("huggingface/data/*.parquet")]
        rows = [row for table in tables for row in table.select(["document_id", "split"]).to_pylist()]
        sides.append({row["document_id"]: row["split"] for row in rows})
    assert 2 < len(sides[1]) < len(sides[0])
    assert sides[1].items() <= sides[0].items()


def test_a_release_made_again_is_the_same_to_the_byte(converted: Pipeline, tmp_path: Path) -> None:
    first = released(converted, settings(), tmp_path / "one")
    second = released(converted, settings(), tmp_path / "two", run_id="another")
    assert first.name == second.name
    assert checksums(first) == checksums(second)
    assert released(converted, settings(seed="1"), tmp_path / "one").name != first.name


def test_the_checksums_are_those_of_the_files(converted: Pipeline, tmp_path: Path) -> None:
    folder = released(converted, settings(formats=["huggingface", "trl"]), tmp_path / "store")
    files = json.loads((folder / MANIFEST).read_text())["files"]
    assert set(files) == {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {
        MANIFEST
    }
    for name, digest in files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_what_overlaps_with_a_benchmark_is_left_out_with_the_evidence(
    converted: Pipeline, tmp_path: Path
) -> None:
    ((pair, question, answer),) = converted.rows(
        "SELECT pair_id, question, answer FROM questions WHERE state = 'accepted' "
        "ORDER BY length(question) DESC LIMIT 1"
    )
    benchmark = tmp_path / "exam.jsonl"
    benchmark.write_text(json.dumps({"id": "7", "question": question, "answer": answer}) + "\n")
    folder = released(converted, settings(benchmarks=[str(benchmark)]), tmp_path / "store")
    assert pair not in ids(folder)
    ((excluded, detail),) = converted.rows(
        f"SELECT excluded, detail FROM release_members WHERE pair_id = '{pair}'"
    )
    assert excluded.startswith("contaminated/")
    assert question.split()[3] in detail


async def test_a_question_of_two_runs_is_released_once(
    converted: Pipeline, offline_endpoint: Start, tmp_path: Path
) -> None:
    other = Endpoint(offline_endpoint().base_url, offline_endpoint().model, "other weights")
    await converted.run(str(tmp_path / "corpus.jsonl"), other, run_id="again")
    finish(converted, "again")
    folder = released(converted, settings(), tmp_path / "store")
    assert len(ids(folder)) == len(set(ids(folder)))


def test_wrong_runs_and_empty_selections_say_what_to_change(converted: Pipeline, tmp_path: Path) -> None:
    staged = str(tmp_path / "staging")
    with pytest.raises(ConfigurationError, match="no run 'nobody'"):
        prepare(converted.engine, settings(), ["nobody"], staged)
    with pytest.raises(ConfigurationError, match=r"nothing remains .* filtered/domain"):
        prepare(converted.engine, settings(domains=["Coding"]), None, staged)
    with pytest.raises(ConfigurationError, match=r"domain 'Astrology' is none of Math"):
        settings(domains=["Astrology"])
    with pytest.raises(ConfigurationError, match=r"answer_type 'bolean' is none of .*boolean"):
        settings(shares={"answer_type": {"bolean": 0.1}})


@pytest.mark.parametrize("place", ["before_publish", "after_publish", "after_clear"])
def test_killed_at_any_place_it_goes_on_and_nothing_half_is_seen(
    converted: Pipeline, tmp_path: Path, place: str
) -> None:
    store, staged = tmp_path / "store", str(tmp_path / "store" / "staging" / "r")
    chosen = settings(formats=["trl"])
    found = prepare(converted.engine, chosen, None, staged)
    code = (
        "import sys; from webscale_rl.release.run import publish_release, settings_of; "
        "from webscale_rl.store.engine import open_engine; import json; "
        "publish_release(open_engine(sys.argv[1]), settings_of(json.loads(sys.argv[2])), sys.argv[3], sys.argv[4], "
        "release_id=sys.argv[5], run_id='r')"
    )
    params = json.dumps(PARAMS | {"test_share": 0.2, "formats": ["trl"]})
    command = [sys.executable, "-c", code, converted.url, params, staged, str(store), found.release_id]
    include = str(Path(__file__).parents[2] / "include")
    killed = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": include, "WEBSCALE_RL_KILL_AT": place}, capture_output=True
    )
    assert killed.returncode == -9, killed.stderr
    uri = store / "releases" / chosen.name / found.release_id
    assert is_published(str(uri)) == (place != "before_publish")
    assert uri.exists() == (place != "before_publish"), "what is there is whole"
    assert converted.rows("SELECT count(*) FROM releases") == [(int(place == "after_clear"),)]
    release = {"release_id": found.release_id, "run_id": "r"}
    assert publish_release(converted.engine, chosen, staged, str(store), **release) == str(uri)
    assert not Path(staged).exists()
    assert is_published(str(uri))
    assert converted.rows("SELECT count(*) FROM releases") == [(1,)]
    assert converted.rows("SELECT count(*) FROM release_members") == [(found.candidates,)]


def test_two_tries_at_once_publish_one_whole_release(
    converted: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that was taken for dead goes on after the next one has begun, and has published."""
    store, staged, chosen = str(tmp_path / "store"), str(tmp_path / "store" / "staging" / "r"), settings()
    found = prepare(converted.engine, chosen, None, staged)
    release = {"release_id": found.release_id, "run_id": "r"}
    began: list[str] = []

    def meanwhile(data: Any, path: Path) -> None:
        began.append(str(path))
        if len(began) == 1:
            publish_release(converted.engine, chosen, staged, store, **release)
        write_report(data, path)

    monkeypatch.setattr("webscale_rl.release.run.write_report", meanwhile)
    with pytest.raises(FileNotFoundError):  # its own folder went with the work that is done
        publish_release(converted.engine, chosen, staged, store, **release)
    assert len(set(began)) == 2, "each has a folder of its own"
    uri = Path(publish_release(converted.engine, chosen, staged, store, **release))
    listed = json.loads((uri / MANIFEST).read_text())["files"]
    assert listed == {name: digest for name, digest in checksums(uri).items() if name != MANIFEST}
    assert {name.split("/")[0] for name in listed} == {*FORMATS, "report.html"}


def test_what_is_not_prepared_any_more_is_not_published(converted: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="clear the task prepare, too"):
        publish_release(
            converted.engine, settings(), str(tmp_path / "gone"), str(tmp_path), release_id="x", run_id="r"
        )


def test_what_rejected_releases_staged_goes(tmp_path: Path) -> None:
    for name in ("release-one", "release-two", "shards"):
        (tmp_path / "staging" / name).mkdir(parents=True)
    clear_others(str(tmp_path / "staging" / "release-two"), "release-")
    assert sorted(path.name for path in (tmp_path / "staging").iterdir()) == ["release-two", "shards"]
    clear_others(str(tmp_path / "nowhere" / "release-two"), "release-")


def test_a_release_is_never_changed(tmp_path: Path) -> None:
    def made(name: str, text: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file.txt").write_text(text)
        write_manifest(folder, {"name": "x"})
        return folder

    uri = str(tmp_path / "releases" / "x")
    publish(made("one", "a"), uri)
    publish(made("two", "a"), uri)
    with pytest.raises(ConfigurationError, match="holds a release of this id with other files"):
        publish(made("three", "b"), uri)
    assert (Path(uri) / "file.txt").read_text() == "a"


def test_verdicts_of_people_keep_pairs_out_and_bad_lines_cost_nothing(
    converted: Pipeline, tmp_path: Path
) -> None:
    ((one,), (two,)) = converted.rows(
        "SELECT pair_id FROM questions WHERE state = 'accepted' ORDER BY pair_id LIMIT 2"
    )
    file = tmp_path / "verdicts.jsonl"
    lines = [
        {"id": one, "verdict": "rejected", "note": "the unit is missing"},
        {"id": two, "verdict": "accepted"},
        {"id": two, "verdict": "perhaps"},
        {"id": "nobody", "verdict": "rejected"},
        {"verdict": "rejected"},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "no JSON\n")
    for _ in range(2):
        found = import_review(converted.engine, str(file), "ada")
        assert found.verdicts == {"review_accepted": 1, "review_rejected": 1}
        assert found.bad_lines == 4
    assert converted.rows("SELECT count(*) FROM pair_marks") == [(2,)]
    folder = released(converted, settings(formats=["huggingface"]), tmp_path / "store")
    assert one not in ids(folder)
    ((excluded,),) = converted.rows(f"SELECT excluded FROM release_members WHERE pair_id = '{one}'")
    assert excluded == "filtered/review_rejected"
    file.write_text(json.dumps({"id": one, "verdict": "accepted"}) + "\n")
    import_review(converted.engine, str(file), "ada")
    assert converted.rows(f"SELECT mark FROM pair_marks WHERE pair_id = '{one}'") == [("review_accepted",)]


def test_settings_and_form_agree() -> None:
    assert replace(settings_of(PARAMS), recorded={}).name == "webscale-rl"
    assert set(settings_of(PARAMS).recorded) == set(RELEASE_FORM) - {"approval", "runs"}


def test_object_storage_holds_the_same_release_and_shows_it_last(
    converted: Pipeline, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lay there from a killed try of other code goes; the manifest, by which a release exists, comes last."""
    local = released(converted, settings(), tmp_path / "store", run_id="local")
    store, chosen = "s3://corpus/store", settings()
    found = prepare(converted.engine, chosen, None, f"{store}/staging/r")
    uri = f"{store}/releases/{chosen.name}/{found.release_id}"
    bucket.pipe(f"{uri}/trl/left.jsonl", b"{}")
    order: list[str] = []
    put, pipe = bucket.put_file, bucket.pipe_file
    monkeypatch.setattr(bucket, "put_file", lambda local, path: (order.append(path), put(local, path)))
    monkeypatch.setattr(bucket, "pipe_file", lambda path, data: (order.append(path), pipe(path, data)))
    release = {"release_id": found.release_id, "run_id": "r"}
    publish_release(converted.engine, chosen, f"{store}/staging/r", store, **release)
    assert [path.endswith(f"/{MANIFEST}") for path in order].index(True) == len(order) - 1 > 10
    root = uri.removeprefix("s3://")
    there = {path.removeprefix(f"{root}/"): bucket.cat_file(path) for path in bucket.find(root)}
    assert there == {
        str(path.relative_to(local)): path.read_bytes() for path in local.rglob("*") if path.is_file()
    }
    assert not bucket.find(f"{store}/staging".removeprefix("s3://"))
    assert converted.rows("SELECT id, uri FROM releases") == [(found.release_id, str(local))], (
        "the first place"
    )
