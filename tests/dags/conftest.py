"""The DAGs as Airflow reads them, in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from webscale_rl.store.engine import REPOSITORY

READ = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
print(json.dumps({dag.dag_id: {
    "errors": dict(bag.import_errors),
    "id": dag.dag_id,
    "doc": dag.doc_md,
    "params": {name: dag.params.get_param(name).dump() for name in dag.params},
    "tasks": {task.task_id: {
        "mapped": task.is_mapped,
        "pool": task.pool,
        "trigger_rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "upstream": sorted(task.upstream_task_ids),
        "setup": task.is_setup,
        "teardown": task.is_teardown,
        "retries": task.retries,
        "outlets": [outlet.name for outlet in task.outlets],
        "asynchronous": task.is_async if hasattr(task, "is_async") else None,
    } for task in dag.tasks},
    "schedule": str(dag.timetable),
    "paused": dag.is_paused_upon_creation,
} for dag in bag.dags.values()}, default=str))
"""


@pytest.fixture(scope="session")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Read in a process of its own: Airflow makes files where its home is and changes the process that imports it."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(REPOSITORY / "include"),
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, str(REPOSITORY / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return read
