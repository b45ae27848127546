"""The promise of ``make run``: a data set or a clear message, and in any case nothing left running.

Each test starts all of Airflow. They share one working folder, as a user's runs do, and build on each other.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from webscale_rl.local.postgres import free_port
from webscale_rl.store.engine import REPOSITORY

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

SAMPLE = REPOSITORY / "include" / "sample_corpus"
KEY = "sk-only-for-this-test-5f1c"
LeftRunning = Callable[[Path, float], list[str]]


@pytest.fixture(scope="module")
def work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="webscale-rl-tests-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "work"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("a corpus") / "lakes.jsonl"
    lakes = [
        f"# Lake {name}\n\nLake {name} lies in the north of the country. The lake has a depth of {depth} metres. "
        f"Lake {name} was first surveyed in {year}. Its shore is {depth * 3} kilometres long, and a road follows it "
        "from the village in the south to the mill in the north, which has stood there for a long time."
        for name, depth, year in [("Alder", 41, 1871), ("Birch", 67, 1902), ("Cedar", 118, 1888)]
    ]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in lakes))
    return file


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """The URL of an endpoint that asks for a key, started by somebody else."""
    log = tmp_path / "endpoint.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "webscale_rl.offline", "--port", "0", "--api-key", KEY]
        process = subprocess.Popen(command, stdout=output, env=environment())
    try:
        wait_for(lambda: "listening on" in log.read_text(), process, 30)
        yield log.read_text().split("listening on ")[1].split()[0]
    finally:
        process.terminate()
        process.wait()


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    return {**inherited, "PYTHONPATH": str(REPOSITORY / "include"), **variables}


@contextmanager
def running(
    work: Path, corpus: Path, *, command: str = "run", **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run in the background; a test that fails half-way leaves nothing, either."""
    out = work.with_name("out")
    variables = {"WORK": str(work), "OUT": str(out), "CORPUS": str(corpus), **variables}
    with subprocess.Popen(
        [sys.executable, "-m", "webscale_rl.local", command],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            yield run
        finally:
            run.terminate()


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def scheduler_of(run: subprocess.Popen[str]) -> psutil.Process | None:
    for child in psutil.Process(run.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "scheduler" in child.cmdline():
                return child
    return None


def test_a_killed_scheduler_ends_the_run_with_a_message(
    work: Path, corpus: Path, left_running: LeftRunning
) -> None:
    with running(work, corpus) as run:
        wait_for(lambda: scheduler_of(run), run, 120)
        wait_for(lambda: "Worker starting" in (work / "logs" / "airflow-scheduler.log").read_text(), run, 120)
        scheduler = scheduler_of(run)
        assert scheduler is not None
        scheduler.kill()
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert errors.startswith("webscale-rl: airflow-scheduler was killed by signal 9; its log is ")
    assert "Traceback" not in errors
    assert left_running(work, 5) == []


def test_the_next_run_goes_on_and_tells_nobody_the_key(
    work: Path, corpus: Path, endpoint: str, left_running: LeftRunning
) -> None:
    from webscale_rl.offline import MODEL

    started = time.monotonic()
    with running(work, corpus, LLM_BASE_URL=endpoint, LLM_MODEL=MODEL, LLM_API_KEY=KEY) as run:
        wait_for(lambda: scheduler_of(run), run, 120)
        for process in psutil.Process(run.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                assert KEY not in " ".join([*process.cmdline(), *process.environ().values()])
        output, errors = run.communicate(timeout=300)
    assert run.returncode == 0, errors
    assert time.monotonic() - started < 240, "it waits for the jobs of the dead scheduler"
    assert "Funnel" in output
    out = work.with_name("out")
    for name in ("dataset.parquet", "dataset.jsonl", "funnel.json"):
        assert str(out / name) in output.splitlines()
        assert (out / name).exists()
    documents = json.loads((out / "funnel.json").read_text())["documents"]
    assert documents["total"] == 3 == sum(documents["states"].values())
    assert left_running(work, 0) == []
    assert KEY not in output + errors
    for path in [*work.rglob("*"), *out.rglob("*")]:
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_everything(
    work: Path, corpus: Path, left_running: LeftRunning, number: signal.Signals, status: int
) -> None:
    """Once while Airflow starts, once while the DAG runs."""
    with running(work, corpus) as run:
        wait_for(lambda: scheduler_of(run), run, 120)
        if number == signal.SIGTERM:
            read_until(run, "started after")
        sent = time.monotonic()
        run.send_signal(number)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == status
    assert errors == f"webscale-rl: ended: received {number.name}\n"
    assert time.monotonic() - sent < 15
    assert left_running(work, 0) == []


def test_the_open_stack_takes_triggers_and_ends_with_its_runner(
    work: Path, corpus: Path, tmp_path: Path, left_running: LeftRunning
) -> None:
    """REST, Airflow's command line, a backfill, the page in the menu; at last the runner is killed with -9."""
    port = free_port()
    partitions = {"WEBSCALE_RL_PARTITIONS": f"{tmp_path}/{{ds}}"}
    variables = {"UI_PORT": str(port), "WORK": str(work), "CORPUS": str(corpus), **partitions}

    def airflow(*arguments: str) -> str:
        command = [sys.executable, "-m", "webscale_rl.local", "airflow", *arguments]
        done = subprocess.run(
            command, env=environment(**variables), check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with running(work, corpus, command="up", UI_PORT=str(port), **partitions) as up:
        said = read_until(up, "Ctrl-C ends everything")
        password = said.split("password:")[1].split()[0]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as api:
            assert api.get("/webscale-rl/").status_code == 401, "the page is closed to strangers"
            token = api.post("/auth/token", json={"username": "admin", "password": password}).json()
            api.headers["Authorization"] = f"Bearer {token['access_token']}"
            runs = "/api/v2/dags/convert_corpus/dagRuns"

            def triggered(**parameters: Any) -> httpx.Response:
                return api.post(runs, json={"logical_date": None, "conf": parameters})

            refused = triggered(limit=-5)
            assert (refused.status_code, "minimum" in refused.text) == (400, True)
            missing = triggered(corpus="/no/such/corpus").json()["dag_run_id"]
            conf = json.dumps({"corpus": str(corpus)})
            airflow("dags", "trigger", "convert_corpus", "--run-id", "by-command", "--conf", conf)
            states: dict[str, str] = {}

            def ended() -> bool:
                for run_id in (missing, "by-command"):
                    states[run_id] = api.get(f"{runs}/{run_id}").json()["state"]
                return set(states.values()) <= {"success", "failed"}

            wait_for(ended, up, 120)
            assert states == {missing: "failed", "by-command": "success"}
            page = api.get("/webscale-rl/", params={"run": "by-command"})
            assert page.status_code == 200
            assert "Documents read: 3" in page.text
            backfill_nights(up, api, airflow, tmp_path)
        assert (work / "store" / "datasets" / "by-command" / "dataset.parquet").exists()
        up.kill()
        up.wait(10)
    assert left_running(work, 10) == []


def backfill_nights(
    up: subprocess.Popen[str], api: httpx.Client, airflow: Callable[..., str], folder: Path
) -> None:
    """Two nights that share a document, and one that is missing; the conversion wakes by itself."""
    sample = [json.loads(line) for line in (SAMPLE / "medicine.jsonl").read_text().splitlines()]
    for date, records in (("2026-01-05", sample[:3]), ("2026-01-06", [sample[0], *sample[3:5]])):
        (folder / date).mkdir()
        lines = [json.dumps(record) + "\n" for record in records]
        (folder / date / "a.jsonl").write_text("".join(lines) + "no json\n")
    airflow("dags", "unpause", "ingest_corpus")
    asked = ["backfill", "create", "--dag-id", "ingest_corpus", "--from-date", "2026-01-05"]
    dry = airflow(*asked, "--to-date", "2026-01-07", "--dry-run")
    assert all(f"2026-01-0{day}" in dry for day in (5, 6, 7)), dry
    airflow(*asked, "--to-date", "2026-01-07", "--max-active-runs", "3")
    found: dict[str, str] = {}

    def ended(dag: str, run_type: str, at_least: int) -> bool:
        answer = api.get(f"/api/v2/dags/{dag}/dagRuns", params={"limit": 50}).json()["dag_runs"]
        runs = [run for run in answer if run["run_type"] == run_type]
        found.clear()
        found.update({(run["logical_date"] or run["dag_run_id"])[:10]: run["state"] for run in runs})
        return len(runs) >= at_least and set(found.values()) <= {"success", "failed"}

    wait_for(lambda: ended("ingest_corpus", "backfill", 3), up, 240)
    assert found == {"2026-01-05": "success", "2026-01-06": "success", "2026-01-07": "failed"}
    wait_for(lambda: ended("convert_corpus", "asset_triggered", 1), up, 240)
    assert set(found.values()) == {"success"}
    page = api.get("/webscale-rl/").text
    nights = [
        re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row)) for row in page.split("<tr>") if "2026-01-0" in row
    ]
    assert [row.split()[0] for row in nights if "missing" in row] == ["2026-01-07"]
    assert sum(" done " in row for row in nights) == 2, nights
    counts = [[int(n) for n in row.split(" done ")[1].split()[:5]] for row in nights if " done " in row]
    assert [count[0] for count in counts] == [4, 4]
    assert sum(count[1] for count in counts) == 5, "three and three documents, one of them the same"
    assert sum(count[3] for count in counts) == 1
    assert [count[4] for count in counts] == [1, 1]


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Return what a process has printed up to a line."""
    assert process.stdout is not None
    said = ""
    while wanted not in said:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        said += line
    return said
