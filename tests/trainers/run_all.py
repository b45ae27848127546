"""Loads every format of a release with the trainer's own code, each in its environment: ``make test-trainers``.

The environments are made once, below ``.bench/trainers-<name>/``, from ``requirements-<name>.txt``; 6 GB in all, more
where torch brings CUDA. NeMo-RL is in no package registry: its proof runs where NEMO_RL names a checkout of it, else
it is said that it did not.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / ".bench"
SHOWN = ("PROVEN", "  warning")


@dataclass(frozen=True)
class Proof:
    """A script in the environment of its name. ``source`` is the variable that names a checkout it needs."""

    name: str
    left_out: str  # what it does not run, and why
    source: str = ""


PROOFS = (
    Proof("trl", "vLLM, several processes (GPUs); the Hub's own check of the card (network)"),
    Proof("verl", "training: its rollouts need vLLM or SGLang on a GPU"),
    Proof(
        "openrlhf", "training: it needs vLLM, DeepSpeed and flash-attn on GPUs; a stand-in gave the responses"
    ),
    Proof("nemo_rl", "run_grpo.py: it needs GPUs; a server of NeMo-Gym: it needs another Python", "NEMO_RL"),
)


def registry() -> Mapping[str, str]:
    """Return the environment for uv: it reads settings of its own, not those of pip."""
    found = dict(os.environ)
    for pip, uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_FIND_LINKS", "UV_FIND_LINKS")):
        if pip in found:
            found.setdefault(uv, found[pip])
    return found


def make_environment(name: str) -> Path:
    """Make the environment of a trainer, unless it is there with the same requirements; return its interpreter."""
    folder = ENVIRONMENTS / f"trainers-{name}"
    python = folder / "bin" / "python"
    wanted = [HERE / f"requirements-{name}.txt", HERE / f"requirements-{name}-without-dependencies.txt"]
    text = "".join(path.read_text() for path in wanted if path.exists())
    made = folder / "requirements.txt"
    if made.exists() and made.read_text() == text:
        return python
    print(f"making {folder.relative_to(ROOT)} ...", flush=True)
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
    for path, options in zip(wanted, ([], ["--no-deps"]), strict=True):
        if path.exists():
            words = [uv, "pip", "install", "--quiet", "--python", str(python), *options, "-r", str(path)]
            subprocess.run(words, check=True, env=registry())
    made.write_text(text)
    return python


def run(proof: Proof, release: Path, log: Path) -> bool:
    """Run a proof, print its lines, and say whether it held."""
    environment = os.environ | {
        "PYTHONPATH": os.environ[proof.source] if proof.source else "",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(log.with_suffix(".cache")),
        "CUDA_VISIBLE_DEVICES": "",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONWARNINGS": "ignore",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_AUTH_MODE": "disabled",  # one process on one machine; else a token is left in the home folder
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    words = [str(make_environment(proof.name)), str(HERE / f"{proof.name}_proof.py"), str(release)]
    with log.open("w") as file:
        code = subprocess.run(words, env=environment, stdout=file, stderr=subprocess.STDOUT).returncode
    lines = log.read_text(errors="replace").splitlines()
    print("\n".join(line for line in lines if line.startswith(SHOWN)), flush=True)
    print(f"NOT RUN {proof.name}: {proof.left_out}", flush=True)
    if code:
        print(f"FAILED {proof.name}:\n" + "\n".join(lines[-30:]), flush=True)
    return not code


def main() -> None:
    """Write the sample release and run all proofs, or those that are named."""
    named = set(sys.argv[1:]) or {proof.name for proof in PROOFS}
    chosen = [proof for proof in PROOFS if proof.name in named]
    if unknown := named - {proof.name for proof in chosen}:
        sys.exit(f"no such trainer: {', '.join(sorted(unknown))}")
    print(f"Python {platform.python_version()}", flush=True)
    held = []
    with tempfile.TemporaryDirectory(prefix="webscale-rl-trainers-") as name:
        release = Path(name) / "release"
        words = [sys.executable, "-m", "tests.trainers.sample_release", str(release)]
        subprocess.run(words, check=True, cwd=ROOT)
        for proof in chosen:
            if proof.source and not os.environ.get(proof.source):
                print(
                    f"NOT RUN {proof.name}: nothing of it; set {proof.source} to a checkout of it", flush=True
                )
                continue
            held.append(run(proof, release, Path(name) / f"{proof.name}.log"))
    print(f"{sum(held)} trainers passed, {len(held) - sum(held)} failed, {len(chosen) - len(held)} not run")
    sys.exit(0 if held and all(held) else 1)


if __name__ == "__main__":
    main()
