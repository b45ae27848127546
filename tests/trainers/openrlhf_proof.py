"""OpenRLHF: ``python openrlhf_proof.py FOLDER`` in its environment, FOLDER being a written release.

Its loader of files, its data set class, and its executor of one turn, which loads the reward function. The engine is
a stand-in: vLLM needs a GPU. DeepSpeed and flash-attn are not installed, so no step of training is taken.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tiny import require_copy, say, tokenizer_of


class Engine:
    """Answers with a text, as vLLM's outputs look."""

    def __init__(self, tokenizer: Any, text: str) -> None:
        self.tokens = tokenizer(text)["input_ids"]
        self.text = text

    async def generate(self, prompt: Any, parameters: Any, **rest: Any) -> Any:
        """Return one output."""
        return SimpleNamespace(
            outputs=[
                SimpleNamespace(token_ids=self.tokens, text=self.text, finish_reason="stop", logprobs=None)
            ]
        )


def load(folder: Path, tokenizer: Any) -> Any:
    """Load the file as the trainer does, with its chat template."""
    from openrlhf.datasets.prompts_dataset import PromptDataset
    from openrlhf.datasets.utils import blending_datasets

    data = SimpleNamespace(input_key="input", label_key="label", apply_chat_template=True)
    strategy = SimpleNamespace(
        args=SimpleNamespace(data=data, use_ms=False), is_rank_0=lambda: True, print=print
    )
    rows = blending_datasets(
        str(folder / "train.jsonl"), None, strategy, 42, max_count=10**8, dataset_split="train"
    )
    dataset = PromptDataset(rows, tokenizer, strategy)
    assert len(dataset) == sum(1 for _ in (folder / "train.jsonl").open())
    say(
        "openrlhf",
        f"blending_datasets and PromptDataset: {len(dataset)} prompts with labels, chat template applied",
    )
    return dataset


def options(folder: Path) -> None:
    """Check that the trainer declares every option of the README's command; to parse them it needs GPU packages."""
    import openrlhf

    source = (Path(openrlhf.__file__).parent / "cli" / "train_ppo_ray.py").read_text()
    declared = set(re.findall(r'add_argument\(\s*"(--[\w.]+)"', source))
    command = (folder / "README.md").read_text().split("```")[1].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "openrlhf.cli.train_ppo_ray"]
    used = {word for word in words if word.startswith("--")}
    assert used <= declared, used - declared
    say("openrlhf", f"train_ppo_ray.py declares the {len(used)} options of the README's command")


async def reward(folder: Path, tokenizer: Any, dataset: Any) -> None:
    """Judge right, wrong and missing answers through the executor that loads ``--reward.remote_url``."""
    from openrlhf.utils.agent import SingleTurnAgentExecutor

    executor = SingleTurnAgentExecutor([str(folder / "reward.py")])
    require_copy(folder)
    from webscale_rl.rewards import AnswerSpec, judge

    judged = right = 0
    for _, prompt, label, _ in (dataset[index] for index in range(len(dataset))):
        data = json.loads(label)
        spec = AnswerSpec.from_json(json.dumps(data["answer_spec"]))
        form = "<answer>{}</answer>" if spec.type == "string" else r"\boxed{{{}}}"
        for response in (form.format(spec.answer), form.format("zzz"), "I do not know."):
            # A short length cuts the prompt in front, as it does in training.
            for length in (1024, 40):
                parameters = SimpleNamespace(max_tokens=16, logprobs=None)
                engine = Engine(tokenizer, response + "<|im_end|>")
                found = await executor.execute(prompt, label, parameters, length, tokenizer, engine)
                ours = judge(spec, response, data["question"])
                logs = {name: value.item() for name, value in found["extra_logs"].items()}
                if logs["prompt_lost"]:
                    assert length == 40
                    continue
                assert found["reward"].item() == ours.value, (spec, response, length, found)
                assert not logs["unreadable"]
                assert logs["unsure"] == (ours.outcome == "unsure")
                judged += 1
                right += int(ours.value)
    say(
        "openrlhf",
        f"SingleTurnAgentExecutor loads reward.py: {judged} responses judged as by us, {right} right",
    )


if __name__ == "__main__":
    release = Path(sys.argv[1]) / "openrlhf"
    options(release)
    made = tokenizer_of(json.loads(line)["input"] for line in (release / "train.jsonl").open())
    asyncio.run(reward(release, made, load(release, made)))
