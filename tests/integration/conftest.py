"""What the integration tests share: real servers on free ports."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.offline import MODEL, REVISION


@pytest.fixture
def offline_endpoint(tmp_path: Path) -> Iterator[Callable[..., Endpoint]]:
    """Start the offline endpoint as a process, perhaps with a script; ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, script: list[dict[str, Any]] | None = None) -> Endpoint:
            if script is not None:
                path = tmp_path / f"script-{uuid4().hex}.json"
                path.write_text(json.dumps(script))
                arguments = (*arguments, "--script", str(path))
            command = [sys.executable, "-m", "webscale_rl.offline", "--port", "0", *arguments]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.terminate)
            assert process.stdout is not None
            line = process.stdout.readline()
            return Endpoint(line.removeprefix("listening on ").strip(), MODEL, REVISION)

        yield start
