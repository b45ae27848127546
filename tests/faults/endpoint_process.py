"""The faulty endpoint as a process that a test kills and starts again on its port, and what its log says."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson

from webscale_rl.local.postgres import free_port
from webscale_rl.local.processes import Child, start, stop

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Call:
    """One line of the endpoint's log; times by the clock on the wall."""

    received: float
    ended: float
    body: str  # its hash
    stage: str
    fault: str
    answered: bool  # whole, though perhaps not rightly
    tokens: int  # charged


class EndpointProcess:
    """Starts at once; ended by :meth:`end`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "calls.jsonl"
        self._port = free_port()
        self._child: Child | None = None
        self._faults: dict[str, Any] = {}
        self._from = 0
        self.start()

    @property
    def base_url(self) -> str:
        """As a worker is told it."""
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Serve on the same port as before, with the same faults."""
        command = [sys.executable, "-m", "tests.endpoints.faulty", str(self._port), str(self._log)]
        self._child = _started(command, self._folder / "endpoint.log")
        self.change(**self._faults)

    def kill(self) -> None:
        """End it by SIGKILL: connections are reset, nobody listens."""
        assert self._child is not None
        self._child.process.kill()
        self._child.process.wait()

    def end(self) -> None:
        """End it for good."""
        if self._child is not None:
            stop([self._child], grace=1)

    def change(self, **faults: Any) -> None:
        """Change fields of ``Faults``; a seed begins to count the calls of each body anew."""
        self._faults |= faults
        request = Request(
            f"http://127.0.0.1:{self._port}/control", data=orjson.dumps(self._faults), method="POST"
        )
        urlopen(request, timeout=10).close()

    def reset(self) -> None:
        """Fail no more, and forget the calls so far."""
        self.change(seed=0, share=0.0, kinds=(), service_time=0.0)
        self._from = self._log.stat().st_size

    def calls(self) -> list[Call]:
        """Return the calls since the last reset, in the order in which they ended."""
        with self._log.open("rb") as file:
            file.seek(self._from)
            return [Call(**orjson.loads(line)) for line in file]

    def right(self) -> list[Call]:
        """Return those that were answered rightly."""
        return [call for call in self.calls() if call.answered and not call.fault]

    def repeated(self) -> int:
        """Return how many calls were answered rightly although the same had been before."""
        return sum(times - 1 for times in Counter(call.body for call in self.right()).values())


def _started(command: list[str], log: Path) -> Child:
    child = start("endpoint", command, log=log, environment=None)
    while "http" not in log.read_text():
        if child.process.poll() is not None:
            raise RuntimeError(f"the endpoint does not start:\n{child.tail()}")
        try:
            child.process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    return child
