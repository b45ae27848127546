"""Child processes that never outlive this one, and their end."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent")  # a folder for PYTHONPATH
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TAIL_LINES = 8


@dataclass(frozen=True)
class Child:
    """A running component."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """Return the last lines of the log, for a message."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: int = signal.SIGKILL,
) -> Child:
    """Start a component in a session of its own, its output going to ``log`` (the last is kept as ``.1``).

    On Linux the kernel sends it ``death_signal`` when the calling *thread* ends: call from the main thread.
    ``user`` is the account to run as, where this process is root's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            user=user,
            group=None if user is None else _group(user),
            extra_groups=None if user is None else [],
            cwd="/" if user else None,  # which that account may enter
            preexec_fn=_bind_to_parent(death_signal),
        )
    return Child(name, process, log)


def stop(children: Sequence[Child], *, grace: float, stop_signal: int = signal.SIGTERM) -> None:
    """End components together with all that descends from them.

    They get ``stop_signal``; after ``grace`` seconds SIGKILL ends what is left, their orphans included.
    """
    trees = {process for child in children for process in _tree(child)}
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(stop_signal)
    deadline = time.monotonic() + grace
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
    for process in trees.union(*(_tree(child) for child in children)):
        with suppress(psutil.NoSuchProcess):  # psutil tells a reused pid from the process it saw
            process.kill()
    for child in children:
        child.process.wait()


def adopt_orphans() -> None:
    """Become the parent of whatever loses its parent among our descendants, to find it later. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_descendants() -> None:
    """End every process that descends from this one, and take the exit status of those that have ended."""
    descendants = psutil.Process().children(recursive=True)
    for process in descendants:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(descendants, timeout=5)


def _tree(child: Child) -> list[psutil.Process]:
    try:
        root = psutil.Process(child.process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _bind_to_parent(death_signal: int) -> Callable[[], None] | None:
    """Return what the child runs before exec; it comes after the change of user, which would reset it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return bind
