"""NeMo-RL: ``python nemo_rl_proof.py FOLDER`` in its environment, with a checkout of NeMo-RL on ``PYTHONPATH``.

Its data set class, its processor, its registry of environments, an actor of Ray made of ours, and the function of
its rollouts that asks for rewards. Training needs GPUs.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nemo_rl
from tiny import require_copy, say, tokenizer_of

NAME = f"NeMo-RL {nemo_rl.__version__}"


def configuration(folder: Path) -> dict[str, Any]:
    """Return NeMo-RL's example configuration with the overrides of the README."""
    from nemo_rl.utils.config import load_config, parse_hydra_overrides, register_omegaconf_resolvers
    from omegaconf import OmegaConf

    register_omegaconf_resolvers()
    source = Path(nemo_rl.__file__).parents[1]
    command = (folder / "README.md").read_text().split("```")[1].replace("\\\n", " ")
    _, _, script, _, config, *overrides = shlex.split(command.replace("$FOLDER", str(folder)))
    found = parse_hydra_overrides(load_config(source / config), overrides)
    resolved: dict[str, Any] = OmegaConf.to_container(found, resolve=True)
    say(NAME, f"{config} takes the {len(overrides)} overrides of the README ({script} was not run)")
    return resolved


def load(folder: Path, config: dict[str, Any], tokenizer: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Set up data and environments as the trainer does, and process every row."""
    import ray
    from environment import register
    from nemo_rl.data.utils import setup_response_data

    register()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    train, test, environments, _ = setup_response_data(tokenizer, config["data"], config["env"])
    samples = [train[index] for index in range(len(train))]
    for dataset, name in ((train, "train"), (test, "test")):
        assert len(dataset) == sum(1 for _ in (folder / f"{name}.jsonl").open())
    assert all(sample["loss_multiplier"] == 1.0 for sample in samples)
    assert not any(
        "answer_spec" in message["content"] for sample in samples for message in sample["message_log"]
    )
    say(
        NAME,
        f"setup_response_data: {len(samples)} samples and our environment as an actor of Ray; none is too long",
    )
    return samples, environments


def reward(samples: list[dict[str, Any]], environments: dict[str, Any]) -> None:
    """Judge right, wrong and missing answers as a rollout does."""
    from nemo_rl.experience.rollouts import calculate_rewards

    from webscale_rl.rewards import AnswerSpec, judge

    logs, metadata, ours = [], [], []
    for sample in samples:
        data = json.loads(sample["extra_env_info"]["ground_truth"])
        spec = AnswerSpec.from_json(json.dumps(data["answer_spec"]))
        form = "<answer>{}</answer>" if spec.type == "string" else r"\boxed{{{}}}"
        responses = [form.format(spec.answer), form.format("zzz"), "I do not know."]
        if spec.type == "expression":  # equal by value only: math-verify compares, in a process of the actor
            responses.append(form.format("0 + " + spec.answer.strip("$")))
        for response in responses:
            logs.append([*sample["message_log"], {"role": "assistant", "content": response}])
            metadata.append(sample["extra_env_info"])
            ours.append(judge(spec, response, data["question"]).value)
        assert len(responses) == 3 or ours[-1] == 1.0, spec
    names = [samples[0]["task_name"]] * len(logs)
    batch = {"message_log": logs, "extra_env_info": metadata, "task_name": names}
    found = calculate_rewards(batch, environments)
    assert found.rewards.tolist() == ours
    assert found.terminateds.bool().all()
    say(
        NAME,
        f"calculate_rewards of its rollouts: {len(ours)} responses judged as by us, {int(sum(ours))} right",
    )


def launch(folder: Path) -> None:
    """Run a script by ``launch.py``: it must find the environment, and its own arguments."""
    script = folder / "script.py"
    script.write_text(
        "import sys\nfrom nemo_rl.environments.utils import ENV_REGISTRY\n"
        "assert 'webscale_rl' in ENV_REGISTRY\nassert sys.argv[1:] == ['--config', 'x']\n"
    )
    words = [sys.executable, str(folder / "launch.py"), str(script), "--config", "x"]
    subprocess.run(words, check=True)
    say(NAME, "launch.py runs a script that finds our environment")


def gym(folder: Path) -> None:
    """Load the file for NeMo-Gym with the class and processor of NeMo-RL."""
    from nemo_rl.data.datasets.response_datasets.nemogym_dataset import NemoGymDataset
    from nemo_rl.data.processors import nemo_gym_data_processor

    dataset = NemoGymDataset(str(folder / "gym_train.jsonl")).dataset
    samples = [nemo_gym_data_processor(row, None, None, None, index) for index, row in enumerate(dataset)]
    first = SimpleNamespace(**samples[0]["extra_env_info"])
    assert first.responses_create_params["input"][0]["role"] == "user"
    say(NAME, f"NemoGymDataset: {len(samples)} rows with responses_create_params; no server was started")


if __name__ == "__main__":
    release = Path(sys.argv[1]) / "nemo_rl"
    sys.path.insert(0, str(release))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(release), os.environ.get("PYTHONPATH", "")])
    lines = [json.loads(line) for line in (release / "train.jsonl").open()]
    made = tokenizer_of(line["messages"][0]["content"] for line in lines)
    reward(*load(release, configuration(release), made))
    require_copy(release)
    launch(release)
    gym(release)
