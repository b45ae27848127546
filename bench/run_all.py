"""This project and its peers against the same simulated endpoint, in turn.

    .venv/bin/python bench/run_all.py results.json --rounds 3
    .venv/bin/python bench/run_all.py results.json --job road --slots 512 --service-time 4 --requests 5120
    .venv/bin/python bench/run_all.py results.json --kill

Every run gets a fresh endpoint; a round runs every system once, beginning with another one each time, for a machine
is not equally calm all the time: compare systems of one table only. Peers know no chain of stages, so with ``--job
road`` the bare loop and this project run alone. ``--kill`` ends a client with SIGKILL when half of the requests are
answered and starts it again; ``asked again`` counts the requests that were answered and then sent once more.

The environments of the peers are made once, below ``.bench/``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from synthetic_corpus import write

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
ENVIRONMENTS = ROOT / ".bench"
THIS_PROJECT = BENCH / "this_project.py"
CORPUS_TOKENS = 2000  # of a document: what the requests of bare_loop.py are made of as well
CALLS_A_DOCUMENT = {"single": 1, "road": 10}
RUN_SECONDS = 900.0

Line = dict[str, Any]


@dataclass(frozen=True)
class System:
    """A client. ``keeps`` says whether it goes on after a kill, given the same ``--state``."""

    name: str
    script: str
    environment: str = ""  # a folder below .bench; this project's own where it is empty
    arguments: tuple[str, ...] = ()
    concurrency: int | None = None  # None: finds its own
    jobs: tuple[str, ...] = ("single",)
    keeps: bool = False

    @property
    def python(self) -> str:
        """The interpreter that runs it."""
        return str(ENVIRONMENTS / self.environment / "bin" / "python") if self.environment else sys.executable

    @property
    def label(self) -> str:
        """Its name in the table."""
        return f"{self.name}, {self.concurrency}" if self.concurrency else self.name


SYSTEMS = (
    System("bare", "bare_loop.py", jobs=("single", "road")),
    System("datatrove", "peers/datatrove_client.py", "datatrove"),
    System("datatrove-checkpoints", "peers/datatrove_client.py", "datatrove", ("--checkpoints",), keeps=True),
    System("curator", "peers/curator_client.py", "curator", keeps=True),
)
OURS = System("this project", "this_project.py", jobs=("single", "road"), keeps=True)


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    slots: int
    service_time: float
    requests: int
    job: str
    kill: bool
    folder: Path  # of corpus, bodies and whatever the clients keep

    @property
    def bodies(self) -> Path:
        """The requests, as JSON lines."""
        return self.folder / "bodies.jsonl"

    @property
    def corpus(self) -> Path:
        """The documents, as JSON lines."""
        return self.folder / "corpus.jsonl"


def make_environment(name: str) -> None:
    """Make the environment of a peer, unless it is there with the same requirements."""
    folder = ENVIRONMENTS / name
    wanted = BENCH / "peers" / f"requirements-{name}.txt"
    made = folder / "requirements.txt"
    if made.exists() and made.read_bytes() == wanted.read_bytes():
        return
    print(f"making {folder} ...", flush=True)
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", "3.11", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", str(wanted)], check=True)
    made.write_bytes(wanted.read_bytes())


def prepare(plan: Plan) -> None:
    """Write corpus and bodies."""
    write(plan.corpus, plan.requests // CALLS_A_DOCUMENT[plan.job], CORPUS_TOKENS)
    loop = [sys.executable, str(BENCH / "bare_loop.py"), "--write", str(plan.bodies)]
    given = ["--requests", str(plan.requests), "--tokens", str(CORPUS_TOKENS), "--job", plan.job]
    subprocess.run([*loop, *given], check=True)


@contextmanager
def endpoint(plan: Plan, log: Path | None = None) -> Iterator[str]:
    """Run a fresh endpoint and yield its base URL."""
    words = [sys.executable, str(BENCH / "simulated_endpoint.py")]
    words += ["--slots", str(plan.slots), "--service-time", str(plan.service_time)]
    words += ["--log", str(log)] if log else []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError("the simulated endpoint did not start")
            yield url
        finally:
            process.terminate()


def command(system: System, plan: Plan, url: str, state: Path) -> list[str]:
    """Return the command line of a client."""
    words = [system.python, str(BENCH / system.script), "--base-url", url, *system.arguments]
    if system.environment:
        words += ["--bodies", str(plan.bodies)]
    else:
        words += ["--requests", str(plan.requests), "--job", plan.job]
    if system.script == OURS.script:
        words += ["--corpus", str(plan.corpus)]
    if system.keeps and plan.kill:
        words += ["--state", str(state)]
    if system.concurrency:
        words += ["--concurrency", str(system.concurrency)]
    return words


@contextmanager
def client(system: System, plan: Plan, url: str, state: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a client; whatever is left of it ends with the block."""
    environment = os.environ | {
        "PYTHONPATH": str(BENCH) if system.environment else os.environ.get("PYTHONPATH", ""),
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
    }
    with (plan.folder / "client.log").open("w") as log:
        process = subprocess.Popen(
            command(system, plan, url, state),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):  # its whole group: children of a client outlive it
                    os.killpg(process.pid, signal.SIGKILL)


def line_of(process: subprocess.Popen[str], plan: Plan) -> Line:
    """Wait for a client and return its line of results: the last one that is JSON."""
    output, _ = process.communicate(timeout=RUN_SECONDS)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if process.returncode or not lines:
        said = (plan.folder / "client.log").read_text()[-2000:]
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {said}")
    found: Line = json.loads(lines[-1])
    return found


def run(system: System, plan: Plan) -> Line:
    """Run a system once."""
    with (
        tempfile.TemporaryDirectory(dir=plan.folder) as state,
        endpoint(plan) as url,
        client(system, plan, url, Path(state)) as process,
    ):
        return line_of(process, plan)


def run_with_kill(system: System, plan: Plan) -> Line:
    """Run a system, kill it half-way, run it again, and count what it asked twice."""
    log = plan.folder / "requests.jsonl"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=plan.folder) as state, endpoint(plan, log) as url:
        with client(system, plan, url, Path(state)) as process:
            while process.poll() is None and finished(url) < plan.requests // 2:
                time.sleep(0.05)
            if process.poll() is not None:
                raise RuntimeError(f"{system.name} ended before it could be killed")
        answered = finished(url)
        with client(system, plan, url, Path(state)) as process:
            line = line_of(process, plan)
        finished(url)  # the endpoint writes its log to the end
        return line | {"answered_before_kill": answered, "asked_again_after_kill": asked_again(log)}


def finished(url: str) -> int:
    """Return the number of requests that an endpoint has answered."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats") as response:
        return int(json.load(response)["requests_finished"])


def asked_again(log: Path) -> int:
    """Count the requests in the log of an endpoint that it had answered before."""
    answered: set[str] = set()
    again = 0
    with log.open("rb") as file:
        for line in map(json.loads, file):
            again += line["body"] in answered
            if line["ended"]:
                answered.add(line["body"])
    return again


def rounds(systems: list[System], plan: Plan, count: int) -> dict[str, list[Line]]:
    """Run all systems ``count`` times, interleaved, and return their lines by label."""
    lines: dict[str, list[Line]] = {system.label: [] for system in systems}
    for number in range(count):
        shift = number % len(systems)
        for system in systems[shift:] + systems[:shift]:
            line = run_with_kill(system, plan) if plan.kill else run(system, plan)
            lines[system.label].append(line)
            print(f"round {number + 1}: {json.dumps(line)}", flush=True)
    return lines


def show(lines: dict[str, list[Line]], title: str) -> None:
    """Print medians, and the range of the share."""
    table = Table(title=title)
    headings = ("system, requests in flight", "share", "range", "requests/s", "CPU ms/request", "asked again")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right")
    for label, found in lines.items():
        shares = [line["share"] for line in found]
        again = [line["asked_again_after_kill"] for line in found if "asked_again_after_kill" in line]
        table.add_row(
            label,
            f"{median(shares):.3f}",
            f"{min(shares):.3f}-{max(shares):.3f}",
            f"{median(line['rps'] for line in found):.1f}",
            f"{median(line['cpu_ms_per_request'] for line in found):.2f}",
            f"{median(again):.0f}" if again else "",
        )
    Console(width=110).print(table)


def chosen(names: list[str], concurrencies: list[int], job: str, kill: bool) -> list[System]:
    """Return the systems to run, one for each concurrency; one that finds its own once."""
    ours = [OURS] if THIS_PROJECT.exists() else []
    peers = [replace(system, concurrency=number) for number in concurrencies for system in SYSTEMS]
    return [
        system
        for system in (*peers, *ours)
        if job in system.jobs and (system.keeps or not kill) and (not names or system.name in names)
    ]


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=Path, help="path of the results (JSON)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=2048, help="a multiple of the slots")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--service-time", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[96], help="of those that are told one")
    parser.add_argument("--job", choices=CALLS_A_DOCUMENT, default="single")
    parser.add_argument(
        "--systems", nargs="+", default=[], help=", ".join(f"{one.name!r}" for one in (*SYSTEMS, OURS))
    )
    parser.add_argument("--kill", action="store_true", help="kill half-way and count what is asked again")
    given = parser.parse_args()
    systems = chosen(given.systems, given.concurrency, given.job, given.kill)
    if not systems:
        parser.error("no system is left to run")
    for name in sorted({system.environment for system in systems} - {""}):
        make_environment(name)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(given.slots, given.service_time, given.requests, given.job, given.kill, Path(folder))
        prepare(plan)
        lines = rounds(systems, plan, given.rounds)
    settings = {name: value for name, value in vars(given).items() if name != "output"}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps({"settings": settings, "runs": lines}, indent=1) + "\n")
    show(lines, f"{given.requests} requests, {given.slots} slots of {given.service_time:g} s, {given.job}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
