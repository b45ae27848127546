"""Places where a test lets a process die, so that a failure can be repeated: ``WEBSCALE_RL_KILL_AT=after_answer:17``.

Nothing happens anywhere else: without the variable a place is one comparison.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "WEBSCALE_RL_KILL_AT"  # a place and how often it is reached before the process kills itself
PLACES = ("before_call", "after_answer", "in_flush", "after_flush")  # of a conversion
INGESTION = ("before_piece", "after_claim", "before_finish")
RELEASE = ("before_publish", "after_publish", "after_clear")


def _armed() -> tuple[str, int]:
    place, _, times = os.environ.get(VARIABLE, "").partition(":")
    return (place, int(times or 1)) if place in PLACES + INGESTION + RELEASE else ("", 0)


_place, _left = _armed()


def reach(place: str) -> None:
    """Kill this process, as by ``kill -9``, when ``place`` has been reached as often as the variable says."""
    global _left
    if place == _place:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
