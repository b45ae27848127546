"""Asking ``math-verify``, which runs in a process of its own (``math_process.py``) with limits on time and memory."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

START_SECONDS = 60.0  # importing sympy on a busy machine
ANSWER_SECONDS = 8.0


class MathProcess:
    """The process, started when it is first asked; one for all threads, another after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._missing = False

    def ask(self, golds: list[str], candidate: str, *, strict: bool = False) -> bool | None:
        """Return whether the candidate equals one of the golds; None where that cannot be told in time."""
        if self._owner not in (0, os.getpid()):  # a fork: the lock may be held by a thread that is not here
            self._lock, self._child, self._owner = threading.Lock(), None, 0
        with self._lock:
            try:
                if self._missing or not self._started():
                    return None
                answer = self._exchange(json.dumps([golds, candidate, strict]), ANSWER_SECONDS)
            except (
                OSError,
                EOFError,
                ValueError,
            ):  # too slow, out of memory, gone: the next expression gets another
                self.stop()
                return None
            return answer if isinstance(answer, bool) else None

    def stop(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None and self._owner == os.getpid():
            with suppress(OSError):
                child.kill()
            with suppress(OSError, subprocess.TimeoutExpired):
                child.communicate(timeout=5)

    def _started(self) -> bool:
        if self._child is not None and self._child.poll() is None:
            return True
        self._owner = os.getpid()
        script = Path(__file__).with_name("math_process.py")
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is the trainer's
        )
        ready = self._exchange("", START_SECONDS)
        self._missing = ready == "missing"
        return ready == "ready"

    def _exchange(self, line: str, seconds: float) -> object:
        """Send a line, if any, and return the JSON of the next one.

        Raises:
            TimeoutError: none came in so many seconds.
            EOFError: the process has ended.
        """
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        if line:
            child.stdin.write(line.encode() + b"\n")
            child.stdin.flush()
        deadline = time.monotonic() + seconds
        read = b""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while not read.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                part = os.read(child.stdout.fileno(), 65_536)
                if not part:
                    raise EOFError
                read += part
        return json.loads(read)


PROCESS = MathProcess()
atexit.register(PROCESS.stop)
