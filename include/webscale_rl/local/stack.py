"""The running components: watched over together, ended together."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psutil
from sqlalchemy.exc import OperationalError

from webscale_rl.errors import ConfigurationError, WebscaleError
from webscale_rl.local.interrupts import Interrupted, Interrupts
from webscale_rl.local.postgres import Server, postgres
from webscale_rl.local.processes import Child, start, stop
from webscale_rl.local.rest import Unreachable

READY_SECONDS = 240.0  # of a slow machine with a cold disk
POLL_SECONDS = 0.2
GRACE_SECONDS = 2.0  # a scheduler waits for its tasks, whatever they take: it is not waited for
TRANSIENT = (Unreachable, OperationalError)  # a component may be starting, or gone, which check() tells
WORKER_TITLE = "airflow worker -- LocalExecutor"

Answer = TypeVar("Answer")


class StackBroken(WebscaleError):
    """A component died or did not get ready; the message names it and its log."""


class Locked(ConfigurationError):
    """Another process holds the working folder."""


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Hold ``work`` for this process.

    Raises:
        Locked: another one holds it.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"another make run or make up works in {str(work)!r}: wait for it, end it, or set WORK to "
                "another folder"
            ) from None
        yield


class Stack:
    """The running components. Left as a context, it ends them, the last one started first.

    Args:
        work: where their state lives, absolute; the caller holds its lock.
        watch: tells when to end.
    """

    def __init__(self, work: Path, watch: Interrupts) -> None:
        self.work = work
        self.store = work / "store"
        self._watch = watch
        self._exit = ExitStack()
        self._children: list[Child] = []
        self._executor_workers: list[psutil.Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything. An error that the death of a component explains is replaced by one that names it."""
        try:
            if isinstance(error, Exception) and not isinstance(error, (Interrupted, StackBroken)):
                time.sleep(POLL_SECONDS)  # who is killed drops its connections a moment before it is gone
                self.check()
        finally:
            self._exit.close()

    def start(
        self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str] | None = None
    ) -> dict[str, Child]:
        """Start components, given by name, that also end together; from now on the end of one is an error."""
        group: dict[str, Child] = {}
        self._exit.callback(lambda: stop(list(group.values()), grace=GRACE_SECONDS))
        for name, command in commands.items():
            log = self.work / "logs" / f"{name}.log"
            group[name] = start(name, command, log=log, environment=environment)
            self._children.append(group[name])
        return group

    def start_postgres(self) -> Server:
        """Start the database server."""
        server = self._exit.enter_context(postgres(self.work, check=self.check))
        self._children.append(server.child)
        return server

    def watch_executor(self, scheduler: Child) -> None:
        """Watch the LocalExecutor's workers, too: one that is killed may hold the lock of their queue."""
        with suppress(psutil.NoSuchProcess):  # a scheduler that is gone is noticed by check()
            for child in psutil.Process(scheduler.process.pid).children():
                if WORKER_TITLE in " ".join(child.cmdline()):
                    self._executor_workers.append(child)

    def finish(self, child: Child) -> None:
        """Wait for a component that ends by itself.

        Raises:
            StackBroken: it failed.
        """
        self._children.remove(child)
        self.wait(child.name, lambda: child.process.poll() is not None)
        if child.process.returncode != 0:
            raise _broken(child)

    def check(self) -> None:
        """Raise when this process shall end or when a component is gone.

        Raises:
            Interrupted: by a signal.
            StackBroken: a component has died.
        """
        self._watch.check()
        for child in self._children:
            if child.process.poll() is not None:
                raise _broken(child)
        if not all(_lives(worker) for worker in self._executor_workers):
            raise StackBroken(f"a worker of Airflow's executor was killed; logs are in {self.work / 'logs'}")

    def wait(
        self,
        what: str,
        ready: Callable[[], Answer | None],
        *,
        seconds: float = READY_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> Answer:
        """Call ``ready`` until it returns something true, and return that.

        Raises:
            StackBroken: it takes longer than ``seconds``, or a component has died meanwhile.
        """
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            with suppress(*TRANSIENT):
                if answer := ready():
                    return answer
            if time.monotonic() > deadline:
                raise StackBroken(f"{what} is not ready after {seconds:.0f} s; see {self.work / 'logs'}")
            time.sleep(poll_seconds)

    def attempt(self, what: str, call: Callable[[], None]) -> None:
        """Call until there is an answer; ``call`` must be safe to repeat.

        Raises:
            StackBroken: as :meth:`wait`.
        """

        def done() -> bool:
            call()
            return True

        self.wait(what, done)


def _broken(child: Child) -> StackBroken:
    status = child.process.returncode
    how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
    return StackBroken(f"{child.name} {how}; its log is {child.log}, the end of it:\n{child.tail()}")


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
