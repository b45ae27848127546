"""A wrong setting must say what to change; a right one must reach Airflow, and the key nothing else."""

import importlib.util
import io
import json
import re
import stat
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from webscale_rl.errors import ConfigurationError
from webscale_rl.form import SAMPLE_CORPUS
from webscale_rl.local.airflow import airflow_settings, component_environment, prepare_site
from webscale_rl.local.progress import funnel_table
from webscale_rl.local.run import preflight
from webscale_rl.local.settings import read_settings

ENDPOINT = {"LLM_BASE_URL": "http://127.0.0.1:1/v1", "LLM_MODEL": "m", "LLM_API_KEY": "sk-secret-key"}


def test_without_settings_the_sample_corpus_meets_the_offline_endpoint() -> None:
    settings = read_settings({"LLM_BASE_URL": "", "LIMIT": " "})
    assert settings.corpus == SAMPLE_CORPUS
    assert (settings.out, settings.work, settings.ui_port) == (Path("out"), Path(".local"), 8080)
    assert settings.endpoint is None
    assert settings.limit is None


def test_an_endpoint_is_taken_over_and_its_key_not_shown() -> None:
    settings = read_settings({**ENDPOINT, "LLM_REVISION": "r7", "LIMIT": "12"})
    assert settings.endpoint is not None
    assert (settings.endpoint.model, settings.endpoint.revision) == ("m", "r7")
    assert settings.endpoint.api_key == "sk-secret-key"
    assert "sk-secret" not in repr(settings)
    assert settings.limit == 12


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LLM_BASE_URL": "http://host/v1"}, "LLM_MODEL is not"),
        ({"LLM_MODEL": "m"}, "LLM_BASE_URL is not"),
        ({"LLM_API_KEY": "k"}, "LLM_BASE_URL is not"),
        ({"LLM_BASE_URL": "host:8000", "LLM_MODEL": "m"}, "must start with http"),
        ({"LIMIT": "0"}, "LIMIT='0' must be a whole number from 1"),
        ({"LIMIT": "ten"}, "LIMIT='ten'"),
        ({"LIMIT": "-1"}, "LIMIT='-1'"),
        ({"LIMIT": "²"}, "LIMIT="),
        ({"UI_PORT": "70000"}, "UI_PORT='70000'"),
        ({"OUT": __file__}, "OUT="),
        ({"WORK": f"{__file__}/below"}, "WORK="),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(variables: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        read_settings(variables)
    assert "\n" not in str(caught.value)


def test_what_cannot_work_is_found_before_anything_starts(tmp_path: Path) -> None:
    folders = {"OUT": str(tmp_path / "out"), "WORK": str(tmp_path / "work")}
    with pytest.raises(ConfigurationError, match="nowhere"):
        preflight(read_settings({**folders, "CORPUS": str(tmp_path / "nowhere")}))
    corpus = tmp_path / "corpus.jsonl"
    corpus.touch()
    with pytest.raises(ConfigurationError, match="holds no records"):
        preflight(read_settings({**folders, "CORPUS": str(corpus)}))
    corpus.write_text('{"text": "a"}\n')
    with pytest.raises(ConfigurationError, match="cannot reach"):
        preflight(read_settings({**folders, **ENDPOINT, "CORPUS": str(corpus)}))


def test_airflow_listens_on_this_machine_alone_and_keeps_its_secrets(tmp_path: Path) -> None:
    site = prepare_site(tmp_path, 4711, "postgresql+psycopg2://u:p@127.0.0.1:1/airflow")
    settings = airflow_settings(site)
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:4711/execution/"
    assert int(settings["AIRFLOW__CORE__PARALLELISM"]) <= 4
    again = prepare_site(tmp_path, 4711, site.database_url)
    assert airflow_settings(again) == settings, "secrets are made once"
    for file in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert list(json.loads(site.passwords_file.read_text())) == ["admin"]


def test_components_get_neither_the_key_nor_the_callers_airflow(tmp_path: Path) -> None:
    caller = {
        **ENDPOINT,
        "HOME": "/home/user",
        "NO_PROXY": "intra.example",
        "MAKEFLAGS": " -- LLM_API_KEY=sk-secret-key",
        "AIRFLOW_HOME": "/home/user/airflow",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "True",
    }
    site = prepare_site(tmp_path, 4711, "postgresql+psycopg2://u:p@127.0.0.1:1/airflow")
    environment = component_environment(site, caller, tmp_path / "store")
    assert "sk-secret" not in " ".join(environment.values())
    assert environment["HOME"] == "/home/user"
    assert environment["NO_PROXY"] == "intra.example,127.0.0.1,localhost"
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert environment["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"


def test_every_setting_is_one_that_this_airflow_knows(tmp_path: Path) -> None:
    """A misspelt or removed option would be ignored in silence."""
    package = importlib.util.find_spec("airflow")
    assert package is not None
    assert package.origin is not None
    described = Path(package.origin).with_name("config_templates") / "config.yml"
    known = yaml.safe_load(described.read_text())
    site = prepare_site(tmp_path, 4711, "postgresql+psycopg2://u:p@127.0.0.1:1/airflow")
    for name in airflow_settings(site):
        if name.startswith("AIRFLOW__"):
            _, section, key = name.lower().split("__")
            assert key in known[section]["options"], name


def test_the_table_shows_every_state_and_reason() -> None:
    level = {"total": 3, "states": {"done": 1, "rejected": 2}, "reasons": {"rejected": {"assess/stub": 2}}}
    shown = io.StringIO()
    Console(width=80, file=shown).print(funnel_table({"documents": level, "items": level, "pairs": 1234}))
    for part in ("documents", "items", "rejected", "assess/stub", "1,234"):
        assert part in shown.getvalue()
