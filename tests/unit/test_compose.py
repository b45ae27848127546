"""The containers run what the native stack runs. No Docker engine is needed: files are compared."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.local.airflow import COMPONENTS, PARALLELISM, Site, airflow_settings
from webscale_rl.local.connections import connections, database_connection
from webscale_rl.local.containers import all_connections, users
from webscale_rl.offline import MODEL
from webscale_rl.store.engine import REPOSITORY

COMPOSE = REPOSITORY / "docker-compose.yaml"
# What depends on where a stack lives; everything else must be the same.
OF_THE_PLACE = {
    "AIRFLOW_HOME",  # the Dockerfile sets it
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",
    "WEBSCALE_RL_STORE",
    "WEBSCALE_RL_CORPUS",
    "WEBSCALE_RL_PARTITIONS",
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return read


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What .env.example asks for, filled in."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    return {name: value or f"a-{name.lower()}" for name, value in given.items()}


def test_it_obeys_the_schema_of_compose_files() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_are_the_components_of_the_native_stack(services: dict[str, Any]) -> None:
    for name, arguments in COMPONENTS.items():
        assert services[name]["command"] == ["airflow", *arguments]
    assert set(services) == {*COMPONENTS, "postgres", "init", "offline", "vllm"}
    assert services["offline"]["command"][:3] == ["python", "-m", "webscale_rl.offline"]
    assert services["vllm"]["profiles"] == ["gpu"]
    assert [name for name, service in services.items() if "profiles" in service] == ["vllm"]


def test_airflow_is_set_up_alike(services: dict[str, Any]) -> None:
    site = Site(Path("/opt/airflow"), 8080, "", "", "", Path("/opt/airflow/secrets/users.json"))
    native = airflow_settings(site)
    for name in COMPONENTS:
        contained = services[name]["environment"]
        assert set(contained) - OF_THE_PLACE == set(native) - OF_THE_PLACE
        for variable in set(native) - OF_THE_PLACE:
            assert contained[variable] == native[variable], variable


def test_the_init_job_sets_what_the_native_stack_sets(
    services: dict[str, Any], variables: dict[str, str]
) -> None:
    script = services["init"]["command"][-1]
    order = [
        "airflow db migrate",
        "containers users",
        "containers connections",
        "connections import",
        "pools set",
    ]
    assert sorted(order, key=script.index) == order
    assert f"airflow pools set llm {PARALLELISM} " in script
    environment = {
        name: variables.get(match[1], "") if (match := re.match(r"\$\{(\w+)", value)) else value
        for name, value in services["init"]["environment"].items()
    }
    endpoint = Endpoint("http://offline:8000/v1", MODEL, variables["LLM_REVISION"], variables["LLM_API_KEY"])
    database = database_connection(
        host="postgres", port=5432, login="postgres", password=variables["POSTGRES_PASSWORD"]
    )
    assert all_connections(environment) == connections(endpoint, database)
    assert users(environment) == {"admin": variables["AIRFLOW_ADMIN_PASSWORD"]}
    with pytest.raises(ConfigurationError, match="LLM_MODEL is missing"):
        all_connections(environment | {"LLM_MODEL": " "})


def test_secrets_have_no_defaults_and_stand_in_the_example(variables: dict[str, str]) -> None:
    used = dict(re.findall(r"\$\{(\w+)(:[?-][^}]*)", COMPOSE.read_text()))
    for name, default in used.items():
        if re.search(r"PASSWORD|SECRET|FERNET", name):
            assert default.startswith(":?"), f"{name} has a default"
    assert set(used) - {"CORPUS_FOLDER"} == set(variables)


def test_ports_are_published_on_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_vllm_gets_the_flags_that_structured_output_needs(services: dict[str, Any]) -> None:
    command = services["vllm"]["command"]
    for flag in (
        "--enable-prompt-tokens-details",
        "--structured-outputs-config.backend=xgrammar",
        "--structured-outputs-config.disable_any_whitespace=true",
    ):
        assert flag in command


def test_the_image_holds_what_the_services_use(services: dict[str, Any]) -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    for folder in ("dags", "plugins", "include", "migrations"):
        assert f"COPY {folder}/ {folder}/" in dockerfile
    environment = services["scheduler"]["environment"]
    root = re.search(r"^WORKDIR (\S+)", dockerfile, re.M)
    assert root is not None
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == f"{root[1]}/dags"
    assert environment["AIRFLOW__CORE__PLUGINS_FOLDER"] == f"{root[1]}/plugins"
    assert f"PYTHONPATH={root[1]}/include" in dockerfile
