"""Python imports this at start where its folder stands on PYTHONPATH: forked children end with their parent.

Airflow forks workers and tasks that would outlive a killed scheduler and go on calling the endpoint. Linux
only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def _install() -> None:
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def remember_parent() -> None:
        nonlocal parent
        parent = os.getpid()

    def bind_to_parent() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the signal was bound
            os.kill(os.getpid(), signal.SIGKILL)

    os.register_at_fork(before=remember_parent, after_in_child=bind_to_parent)


if sys.platform == "linux":
    _install()
