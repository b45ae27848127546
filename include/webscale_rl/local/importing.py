"""What commands share that import a file into the service's database: where it is, interrupts, errors, the report."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from webscale_rl.errors import ConfigurationError, WebscaleError
from webscale_rl.local.database import service_database
from webscale_rl.local.interrupts import Interrupted, interrupts
from webscale_rl.local.settings import read_settings
from webscale_rl.store.engine import open_engine


def run_import(action: Callable[[Engine], Any], database: str) -> int:
    """Run an import and print what it returns, a dataclass, as JSON; return the status of the command.

    Args:
        action: of the database.
        database: its URL; empty for that of the local stack in ``WORK``, which is started where it does not run.
    """

    def imported(url: str) -> Any:
        engine = open_engine(url)
        try:
            return action(engine)
        finally:
            engine.dispose()

    with interrupts() as watch:
        try:
            if database:
                found = imported(database)
            else:
                with service_database(read_settings(os.environ), watch) as url:
                    found = imported(url)
        except Interrupted as interrupted:
            print(f"webscale-rl: ended: {interrupted}", file=sys.stderr)
            return interrupted.status
        except WebscaleError as error:
            print(f"webscale-rl: {error}", file=sys.stderr)
            return 2 if isinstance(error, ConfigurationError) else 1
    print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    return 0
