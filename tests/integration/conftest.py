"""What the integration tests share: real servers on free ports."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.object_storage import bucket as bucket  # fixtures
from tests.fixtures.object_storage import server as server
from tests.fixtures.pipeline import Pipeline
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.offline import MODEL, REVISION


@pytest.fixture(scope="session")
def offline_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Endpoint]]:
    """Give the URL of an offline endpoint, perhaps with a script; each way of starting it is a process of its own.

    They end with the session. A script whose entries are used up (``times``) serves one test only.
    """
    folder = tmp_path_factory.mktemp("scripts")
    running: dict[str, Endpoint] = {}
    with ExitStack() as stack:

        def start(*arguments: str, script: list[dict[str, Any]] | None = None) -> Endpoint:
            known = json.dumps([arguments, script])
            wears_off = any("times" in entry for entry in script or ())
            if known not in running or wears_off:
                running[known] = launch(arguments, script)
            return running[known]

        def launch(arguments: tuple[str, ...], script: list[dict[str, Any]] | None) -> Endpoint:
            if script is not None:
                path: Path = folder / f"{len(running)}.json"
                path.write_text(json.dumps(script))
                arguments = (*arguments, "--script", str(path))
            command = [sys.executable, "-m", "webscale_rl.offline", "--port", "0", *arguments]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.terminate)
            assert process.stdout is not None
            line = process.stdout.readline()
            return Endpoint(line.removeprefix("listening on ").strip(), MODEL, REVISION)

        yield start


@pytest.fixture
def pipeline(database: str, tmp_path: Path) -> Iterator[Pipeline]:
    """The steps of a run on a database and in a folder of the test's own."""
    made = Pipeline(database, tmp_path)
    yield made
    made.engine.dispose()
