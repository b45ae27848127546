"""``make up``: the same stack with its web UI, until Ctrl-C."""

from __future__ import annotations

import time

from rich.console import Console

from webscale_rl.local import airflow, services
from webscale_rl.local.interrupts import Interrupts
from webscale_rl.local.postgres import require_free
from webscale_rl.local.run import preflight
from webscale_rl.local.settings import Settings
from webscale_rl.local.stack import Stack, locked

POLL_SECONDS = 0.5


def up(settings: Settings, watch: Interrupts, console: Console) -> None:
    """Keep the stack running until a signal arrives.

    Raises:
        ConfigurationError: a setting is wrong; nothing was started.
        StackBroken: a component died.
        Interrupted: a signal ended it.
    """
    preflight(settings)
    require_free(settings.ui_port)
    with locked(settings.work), watch.only_between_steps(), Stack(settings.work.resolve(), watch) as stack:
        console.print("starting PostgreSQL and Airflow ...")
        endpoint = services.start_endpoint(stack, settings.endpoint)
        server = services.start_database(stack)
        with services.start_airflow(
            stack, server, settings.ui_port, corpus=settings.corpus, for_one_run=False
        ) as api:
            services.set_up_airflow(stack, api, server, endpoint())
        console.print(f"web UI: http://127.0.0.1:{settings.ui_port}")
        console.print(f"user:     {airflow.USER}", highlight=False)
        console.print(f"password: {airflow.admin_password(stack.work)}", markup=False, highlight=False)
        console.print("Ctrl-C ends everything")
        while True:
            stack.check()
            time.sleep(POLL_SECONDS)
