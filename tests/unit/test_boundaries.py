"""What must stay apart: the library from Airflow, DAG files from everything heavy, modules from each other."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "include" / "webscale_rl"
FILES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = ("__main__.py", "sitecustomize.py")  # what they do, they do at their import
ADAPTER = PACKAGE / "airflow_adapter"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, *, inside_functions: bool = True) -> set[str]:
    """Return the dotted names that a file imports; of ``from a import b`` both ``a`` and ``a.b``."""
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree)) if inside_functions else top_level(tree)
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def top_level(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes that run when the module is imported."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def run(code: str) -> str:
    """Run code in a fresh interpreter in which a warning is an error, and return what it prints."""
    found = subprocess.run(
        [sys.executable, "-W", "error", *IGNORED, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    return found.stdout


# Of the tokenizer's wheel, at its import.
IGNORED = ["-W", "ignore:open_binary is deprecated:DeprecationWarning"]


def test_every_file_is_looked_at() -> None:
    assert {path.parent for path in FILES} >= {ADAPTER, PACKAGE}
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_the_adapter_imports_airflow(path: Path) -> None:
    names = {name for name in imported(path) if name == "airflow" or name.startswith("airflow.")}
    assert not names or path.parent == ADAPTER


def test_no_module_but_the_adapter_loads_airflow_by_a_detour() -> None:
    modules = [module_name(path) for path in FILES if path.parent != ADAPTER and path.name not in SCRIPTS]
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print([name for name in sys.modules if name.split(".")[0] == "airflow"])
"""
    assert run(code) == "[]\n"


def test_importing_the_library_loads_no_third_party_package() -> None:
    code = "import sys; import webscale_rl, webscale_rl.errors; print('pydantic' in sys.modules)"
    assert run(code) == "False\n"


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {module_name(path) for path in FILES}
    graph = {
        module_name(path): (imported(path, inside_functions=False) & modules) - {module_name(path)}
        for path in FILES
    }
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_rewards_stand_alone() -> None:
    outside = {
        name
        for path in FILES
        if path.is_relative_to(PACKAGE / "rewards") and path.name != "math_process.py"  # a process of its own
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("webscale_rl.rewards")
    }
    assert outside == set()


DAGS = sorted((ROOT / "dags").glob("*.py"))
PLUGINS = sorted((ROOT / "plugins").glob("*.py"))


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_file_is_parsed_without_anything_heavy_and_without_a_warning(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    code = f"""
import importlib.util, sys, warnings
import airflow.sdk  # its own warnings are not ours
warnings.simplefilter("error")
spec = importlib.util.spec_from_file_location("dag_file", {str(path)!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
heavy = {{"pandas", "numpy", "openai", "pyarrow", "torch", "tokenizers", "bpe_openai"}}
print(sorted(heavy & {{name.split(".")[0] for name in sys.modules}}))
print(sorted(name for name in sys.modules if name.startswith("webscale_rl")))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "Warning" not in found.stderr
    heavy, ours = found.stdout.splitlines()[-2:]
    assert heavy == "[]"
    forms = {f"webscale_rl.{name}" for name in ("form", "ingest_form", "difficulty_form", "release_form")}
    light = {"webscale_rl", "webscale_rl.errors"} | forms
    assert set(ast.literal_eval(ours)) <= light


@pytest.mark.parametrize("path", [*DAGS, *PLUGINS], ids=lambda path: path.name)
def test_dag_and_plugin_files_import_no_more_than_airflow_and_the_library(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert roots <= {"airflow", "fastapi", "webscale_rl"}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_is_thin(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(source.splitlines()) <= 50
    assert all(len(node.body) <= 3 for node in functions)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.If | ast.For | ast.While | ast.Try)]
