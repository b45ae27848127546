"""``python -m webscale_rl.local airflow ...``: Airflow's own command line, on the stack of a running ``make up``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from webscale_rl.errors import ConfigurationError
from webscale_rl.local import airflow
from webscale_rl.local.postgres import running_url
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import Locked, locked


def airflow_command(settings: Settings, arguments: Sequence[str]) -> int:
    """Run ``airflow ARGUMENTS`` with the environment of the stack's components; return its exit status.

    Raises:
        ConfigurationError: no stack runs in ``WORK``.
    """
    if not _is_running(settings.work):
        raise ConfigurationError(f"nothing runs in WORK={str(settings.work)!r}: start make up first")
    work = settings.work.resolve()
    url = running_url(work, airflow.DATABASE, "postgresql+psycopg2")
    site = airflow.prepare_site(work, settings.ui_port, url)
    environment = airflow.component_environment(site, os.environ, work / "store")
    environment["WEBSCALE_RL_CORPUS"] = settings.corpus
    return subprocess.run(airflow.command(*arguments), env=environment, check=False).returncode


def _is_running(work: Path) -> bool:
    if not work.exists():
        return False
    try:
        with locked(work):
            return False
    except Locked:
        return True
