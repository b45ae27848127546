"""The command behind ``make run``, ``up``, ``calibrate``, ``provenance``, ``clean``, and Airflow's own."""

from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console

from webscale_rl.errors import ConfigurationError, WebscaleError
from webscale_rl.local.calibrate import calibrate
from webscale_rl.local.clean import clean
from webscale_rl.local.cli import airflow_command
from webscale_rl.local.database import psql, show_provenance
from webscale_rl.local.interrupts import Interrupted, interrupts
from webscale_rl.local.processes import adopt_orphans, end_descendants
from webscale_rl.local.run import run
from webscale_rl.local.settings import read_settings
from webscale_rl.local.up import up

COMMANDS = {"run": run, "up": up, "calibrate": calibrate, "provenance": show_provenance, "clean": clean}


def main() -> int:
    """Run a command; return 1 after a failure, 2 for a wrong setting, 128 + n after signal n."""
    parser = argparse.ArgumentParser(prog="python -m webscale_rl.local", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, "airflow", "psql"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of airflow or psql")
    arguments = parser.parse_args()
    if arguments.arguments and arguments.command in COMMANDS:
        parser.error(f"{arguments.command} takes no arguments: set variables, see make help")
    console = Console()
    adopt_orphans()
    with interrupts() as watch:
        try:
            settings = read_settings(os.environ)
            if arguments.command == "airflow":
                return airflow_command(settings, arguments.arguments)
            if arguments.command == "psql":
                return psql(settings, watch, arguments.arguments)
            COMMANDS[arguments.command](settings, watch, console)
        except ConfigurationError as error:
            return _say(error, 2)
        except Interrupted as interrupted:
            return _say(f"ended: {interrupted}", interrupted.status)
        except WebscaleError as error:
            return _say(error, 1)
        finally:
            end_descendants()
    return 0


def _say(message: object, status: int) -> int:
    print(f"webscale-rl: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
