"""Ctrl-C, SIGTERM and the death of the caller, noticed where the stack can be taken down in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):
    """The runner was told to end. ``status`` is the exit status that shells expect: 128 and the signal."""

    def __init__(self, signal_number: int, why: str) -> None:
        super().__init__(why)
        self.status = 128 + signal_number


class Interrupts:
    """What has been received so far. While components run, :meth:`check` raises it, between two steps.

    Raising from the signal handler could lose a component between its start and its entry in the list.
    """

    def __init__(self) -> None:
        self._received: Interrupted | None = None
        self._parent = os.getppid()
        self._at_once = True

    def check(self) -> None:
        """Raise :class:`Interrupted` when a signal has arrived or the caller (make) is gone."""
        if self._received is None and os.getppid() != self._parent:
            self._received = Interrupted(signal.SIGTERM, "the process that started this one is gone")
        if self._received is not None:
            raise self._received

    @contextmanager
    def only_between_steps(self) -> Iterator[None]:
        """From here on signals wait for :meth:`check`; without it they raise at once."""
        self._at_once = False
        try:
            yield
        finally:
            self._at_once = True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = Interrupted(number, f"received {signal.Signals(number).name}")
        if self._at_once:
            raise self._received


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Watch for SIGINT, SIGTERM and, unless nohup has switched it off, SIGHUP."""
    watch = Interrupts()
    before = {
        number: signal.signal(number, watch._receive)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield watch
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
