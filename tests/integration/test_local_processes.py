"""What a stack leaves running goes on calling the user's endpoint."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from webscale_rl.errors import ConfigurationError
from webscale_rl.local.processes import DIE_WITH_PARENT, start, stop
from webscale_rl.local.stack import locked
from webscale_rl.store.engine import REPOSITORY

LeftRunning = Callable[[Path, float], list[str]]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends orphans")

# A component that ignores SIGTERM, with a child in another session and a grandchild.
STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for level in range(2):
    if os.fork():
        break
    os.setsid()
pathlib.Path(sys.argv[1], f"up-{os.getpid()}").touch()
time.sleep(120)
"""

# The runner of a stack: PostgreSQL and a component.
RUNNER = """
import sys, time
from pathlib import Path
from webscale_rl.local.interrupts import interrupts
from webscale_rl.local.stack import Stack
folder, environment = Path(sys.argv[1]), {"PYTHONPATH": sys.argv[2]}
with interrupts() as watch, watch.only_between_steps(), Stack(folder, watch) as stack:
    stack.start({"stubborn": [sys.executable, "-c", sys.argv[3], str(folder)]}, environment)
    server = stack.start_postgres()
    (folder / "started").touch()
    while True:
        stack.check()
        server.connect().close()
        time.sleep(0.1)
"""


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ups(folder: Path) -> list[Path]:
    return list(folder.glob("up-*"))


def start_runner(folder: Path) -> subprocess.Popen[str]:
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder), str(DIE_WITH_PARENT), STUBBORN],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "include")},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGHUP, signal.SIG_DFL
        ),  # under nohup it is inherited as ignored
    )
    wait_for(lambda: (folder / "started").exists() and len(ups(folder)) == 3)
    return runner


def environment() -> Mapping[str, str]:
    return {"PYTHONPATH": str(DIE_WITH_PARENT)}


def test_a_stubborn_tree_is_ended_whole(open_folder: Path, left_running: LeftRunning) -> None:
    command = [sys.executable, "-c", STUBBORN, str(open_folder)]
    child = start("stubborn", command, log=open_folder / "log", environment=environment())
    wait_for(lambda: len(ups(open_folder)) == 3)
    stop([child], grace=0.3)
    assert left_running(open_folder, 2) == []
    stop([child], grace=0.3)  # safe to repeat


@linux_only
def test_nothing_is_left_when_a_component_is_killed(open_folder: Path, left_running: LeftRunning) -> None:
    command = [sys.executable, "-c", STUBBORN, str(open_folder)]
    child = start("stubborn", command, log=open_folder / "log", environment=environment())
    wait_for(lambda: len(ups(open_folder)) == 3)
    child.process.kill()
    child.process.wait()
    assert left_running(open_folder, 5) == []


@linux_only
def test_nothing_is_left_when_the_runner_is_killed(open_folder: Path, left_running: LeftRunning) -> None:
    runner = start_runner(open_folder)
    assert len(left_running(open_folder, 0)) >= 4
    runner.kill()
    runner.communicate()
    assert left_running(open_folder, 5) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_after_a_signal(
    open_folder: Path, left_running: LeftRunning, number: signal.Signals
) -> None:
    runner = start_runner(open_folder)
    runner.send_signal(number)
    assert f"received {number.name}" in runner.communicate()[1]
    assert left_running(open_folder, 0) == []


@pytest.mark.parametrize("victim", ["stubborn", "PostgreSQL"])
def test_the_death_of_a_part_is_named_and_ends_the_rest(
    open_folder: Path, left_running: LeftRunning, victim: str
) -> None:
    runner = start_runner(open_folder)
    marks = {"stubborn": "SIG_IGN", "PostgreSQL": "postgres"}
    children = psutil.Process(runner.pid).children()
    next(child for child in children if marks[victim] in " ".join(child.cmdline())).kill()
    errors = runner.communicate()[1]
    assert f"{victim} was killed by signal 9; its log is {open_folder}" in errors
    assert left_running(open_folder, 0) == []


def test_a_log_of_the_last_start_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "echo.log"
    for word in ("first", "second"):
        start("echo", ["echo", word], log=log).process.wait()
    assert log.read_text() == "second\n"
    assert log.with_name("echo.log.1").read_text() == "first\n"


def test_a_folder_is_worked_in_by_one_stack_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(ConfigurationError, match="another make run or make up"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass
