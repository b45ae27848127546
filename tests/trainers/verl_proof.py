"""verl: ``python verl_proof.py FOLDER`` in its environment, FOLDER being a written release.

Its data set class, its configuration, its loader of reward functions and its reward manager. Rollouts need vLLM or
SGLang on a GPU, so no step of training is taken.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from tiny import require_copy, say, tokenizer_of


def configuration(folder: Path) -> Any:
    """Return verl's own configuration with the options of the README's command; an option that verl lacks raises.

    Those of ``verl.yaml`` say the same.
    """
    import verl
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf, open_dict

    with initialize_config_dir(str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        command = (folder / "README.md").read_text().split("```")[1].replace("\\\n", " ")
        python, _, module, *overrides = shlex.split(command.replace("$FOLDER", str(folder)))
        assert (python, module) == ("python", "verl.trainer.main_ppo")
        default, config = compose("ppo_trainer"), compose("ppo_trainer", overrides)
    OmegaConf.set_struct(default, True)
    options = OmegaConf.merge(default, OmegaConf.load(folder / "verl.yaml"))
    for key in ("train_files", "val_files"):
        options.data[key] = str(folder / options.data[key])
    options.reward.custom_reward_function.path = str(folder / "reward.py")
    assert (options.data, options.reward) == (config.data, config.reward)
    with open_dict(config):
        config.data.cache_dir = str(folder / "cache")
    say(
        "verl",
        f"ppo_trainer.yaml takes the {len(overrides)} options of the README's command; verl.yaml says the same",
    )
    return config


def load(config: Any, tokenizer: Any) -> Any:
    """Load the file with the class that the trainer uses, with and without room for its prompts."""
    import pyarrow.parquet as pq
    from torch.utils.data import DataLoader
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    rows = pq.read_metadata(config.data.train_files).num_rows
    dataset = RLHFDataset(config.data.train_files, tokenizer, config.data)
    assert len(dataset) == rows
    assert len(RLHFDataset(config.data.val_files, tokenizer, config.data)) > 0
    batch = next(iter(DataLoader(dataset, batch_size=8, collate_fn=collate_fn)))
    assert all(isinstance(tokens, int) for tokens in batch["prompt_tokens"])
    assert list(batch["index"]) == list(range(8))
    assert batch["raw_prompt"][0][0]["role"] == "user"
    say(
        "verl",
        f"RLHFDataset: all {rows} rows of train.parquet within max_prompt_length={config.data.max_prompt_length}",
    )
    default = config.data.copy()
    default.max_prompt_length, default.filter_overlong_prompts = 512, False
    assert len(RLHFDataset(config.data.train_files, tokenizer, default)) == rows
    say("verl", f"RLHFDataset with verl's default limit of 512 and no filter: all {rows} rows")
    lengths = sorted(len(tokenizer.apply_chat_template(row["raw_prompt"])["input_ids"]) for row in dataset)
    tight = config.data.copy()
    tight.max_prompt_length = lengths[rows // 2]
    kept = len(RLHFDataset(config.data.train_files, tokenizer, tight))
    assert 0 < kept < rows
    say("verl", f"RLHFDataset drops what is over a tighter limit: {kept} of {rows} rows left, nothing stops")
    return dataset


def reward(config: Any, tokenizer: Any, dataset: Any) -> None:
    """Judge right, wrong and missing answers with verl's loader and reward manager."""
    import torch
    from verl import DataProto
    from verl.trainer.ppo.reward import load_reward_manager
    from verl.utils.dataset.rl_dataset import collate_fn

    manager = load_reward_manager(config, tokenizer)
    require_copy(Path(config.reward.custom_reward_function.path).parent)
    from webscale_rl.rewards import AnswerSpec, judge

    kinds = right = 0
    for row in (dataset[index] for index in range(len(dataset))):
        spec = AnswerSpec.from_json(row["reward_model"]["ground_truth"])
        form = "<answer>{}</answer>" if spec.type == "string" else r"\boxed{{{}}}"
        for response in (form.format(spec.answer), form.format("zzz"), "I do not know."):
            ids = torch.tensor(tokenizer(response)["input_ids"])
            batch = collate_fn([row | {"responses": ids, "attention_mask": torch.ones_like(ids)}])
            found = manager.loop.run_until_complete(manager.run_single(DataProto.from_single_dict(batch)))
            ours = judge(spec, response, row["extra_info"]["question"])
            assert found["reward_score"] == ours.value, (spec, response, found)
            extra = found["reward_extra_info"]
            assert set(extra) == {"score", "acc", "unsure", "unanswered", "unreadable"}
            assert extra["unsure"] == (ours.outcome == "unsure")
            assert not extra["unreadable"]
            kinds += 1
            right += int(ours.value)
    assert right >= len(dataset)
    say(
        "verl",
        f"load_reward_manager and {type(manager).__name__}: {kinds} responses judged in its threads as by us, "
        f"{right} right",
    )
    assert json.loads(dataset[0]["reward_model"]["ground_truth"])["version"] == 1


if __name__ == "__main__":
    release = Path(sys.argv[1]) / "verl"
    options = configuration(release)
    import pyarrow.parquet as parquet

    prompts = [
        row[0]["content"] for row in parquet.read_table(release / "train.parquet")["prompt"].to_pylist()
    ]
    made = tokenizer_of(prompts)
    reward(options, made, load(options, made))
