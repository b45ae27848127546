"""What a user reads in a preview must be what the pipeline sends."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.forms import DOCUMENTS, script
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.preview import STAGES, preview
from webscale_rl.records import Document, Domain, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.instructions import SYSTEM
from webscale_rl.store.engine import REPOSITORY

DOCUMENT = Document(id="d", text=DOCUMENTS[1]["text"])


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    return subprocess.run(
        [sys.executable, "-m", "webscale_rl.preview"],
        env={**environment, "PYTHONPATH": str(REPOSITORY / "include"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_without_an_endpoint_every_stage_shows_its_messages() -> None:
    shown = [each async for each in preview(DOCUMENT, None, domain=Domain.CODING, form=TaskForm.EXECUTE)]
    assert [each.stage.name for each in shown] == list(STAGES)
    for each in shown:
        assert each.messages[0]["content"] == SYSTEM
        assert (DOCUMENT.text in each.messages[1]["content"]) is each.stage.sees_document
        assert each.answer == ""
    assert "In Coding an answer" in shown[1].messages[1]["content"]


async def test_with_an_endpoint_each_answer_goes_into_the_next_stage(
    offline_endpoint: Callable[..., Endpoint],
) -> None:
    endpoint = offline_endpoint(script=script())
    shown = [each async for each in preview(DOCUMENT, endpoint, domain=Domain.OTHER, form=TaskForm.RECALL)]
    by_stage = {each.stage.name: each for each in shown}
    assert "target of execute" in by_stage["generate"].messages[1]["content"]
    assert "what does steps(6) return?" in by_stage["blind"].messages[1]["content"]
    assert '"answer": "8"' in by_stage["solve"].answer
    assert all(by_stage[name].answer for name in ("assess", "generate", "solve", "blind", "judge"))


def test_the_command_prints_tokens_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a document.md"
    path.write_text(DOCUMENT.text)
    done = run(DOC=str(path), STAGE="assess")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("=== assess ")
    assert f" prompt tokens, at most {ASSESS.max_tokens:,} to answer" in done.stdout
    assert "Lothar Collatz described" in done.stdout


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "DOC is missing"),
        ({"DOC": "/no/such/file"}, "does not exist"),
        ({"DOC": __file__}, "no file that ends in"),
        ({"STAGE": "solved"}, "must be one of: all, assess"),
        ({"ROW": "0"}, "ROW='0'"),
        ({"ROW": "2"}, "has no record 2"),
        ({"LLM_MODEL": "m"}, "LLM_BASE_URL is not"),
    ],
)
def test_a_wrong_setting_is_one_line(variables: dict[str, str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "document.txt"
    path.write_text(DOCUMENT.text)
    done = run(**({"DOC": str(path)} | variables if variables else {}))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
