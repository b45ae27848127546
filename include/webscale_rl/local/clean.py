"""``make clean``: what the stack keeps on this machine goes away."""

from __future__ import annotations

import shutil

from rich.console import Console

from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres_home import existing_refuge
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import locked


def clean(settings: Settings, watch: Interrupts, console: Console) -> None:
    """Remove ``WORK`` and the database folder outside of it, if there is one.

    Raises:
        ConfigurationError: a stack works there.
    """
    if not settings.work.exists():
        return
    with locked(settings.work):
        for folder in (existing_refuge(settings.work), settings.work):
            if folder:
                shutil.rmtree(folder)
                console.print(f"removed {folder}", soft_wrap=True, highlight=False)
