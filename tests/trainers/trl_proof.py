"""TRL, ``datasets`` and Croissant: ``python trl_proof.py FOLDER`` in their environment, FOLDER being a release."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tiny import model_of, require_copy, say, tokenizer_of

STEPS = 5
TRAINED = ("boolean", "choice", "integer")  # whose answers a model of random weights hits now and then


def load_with_datasets(folder: Path) -> None:
    """Load the folder as the Hub would, and rows as a user does."""
    from datasets import load_dataset

    found = load_dataset(str(folder))
    assert set(found) == {"train", "test"}
    assert found["train"].features == load_dataset("parquet", data_dir=str(folder / "data"))["train"].features
    streamed = load_dataset(str(folder), streaming=True)
    assert [row["id"] for row in streamed["test"]] == found["test"]["id"][:]
    row = found["train"][0]
    assert row["evidence"][0]["text"] == row["pretrain_text"][: row["evidence"][0]["end"]]
    assert json.loads(row["answer_spec"])["answer"] == row["answer"]
    say(
        "datasets",
        f"load_dataset(folder), also streaming: {found['train'].num_rows} rows in train, {found['test'].num_rows} in "
        "test; the card's features are those of the files",
    )


def read_card(folder: Path) -> None:
    """Read the metadata of the card as the Hub's client does."""
    from huggingface_hub import DatasetCard

    data = DatasetCard.load(folder / "README.md").data
    assert data.license == ["cc0-1.0"]
    assert [each["split"] for each in data.configs[0]["data_files"]] == ["train", "test"]
    say("huggingface_hub", "DatasetCard reads the metadata of README.md")


def read_with_croissant(folder: Path) -> None:
    """Validate the metadata and read records through it."""
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    warnings = sorted(described.metadata.ctx.issues.warnings)
    records = list(described.records("test"))
    expected = len(read_parquet(folder / "data" / "test-00000-of-00001.parquet"))
    assert len(records) == expected
    assert (
        records[0]["test/id"].decode()
        == read_parquet(folder / "data" / "test-00000-of-00001.parquet")[0]["id"]
    )
    say(
        "mlcroissant",
        f"croissant.json is valid (warnings: {len(warnings)}); {len(records)} records read, checksums met",
    )
    for warning in warnings:
        print(f"  warning: {warning}")


def train(folder: Path) -> None:
    """Take steps of GRPO on the exported file with the exported reward, and compare what it logs with our scores."""
    import torch
    from datasets import load_dataset
    from transformers import set_seed
    from trl import GRPOConfig, GRPOTrainer

    sys.path.insert(0, str(folder))
    from reward import webscale_reward

    from webscale_rl.rewards import AnswerSpec, score

    require_copy(folder)
    files = {"train": str(folder / "train.parquet"), "test": str(folder / "test.parquet")}
    rows = load_dataset("parquet", data_files=files)["train"]
    chosen = rows.filter(lambda row: row["answer_type"] in TRAINED)
    answers = [
        rf"\boxed{{{text}}}" for text in ("yes", "no", "A", "B", "C", "D", "14", "21", "35", "yes or no")
    ]
    tokenizer = tokenizer_of((row["prompt"][0]["content"] for row in rows), answers)
    allowed = {tokenizer.convert_tokens_to_ids(text) for text in answers} | {tokenizer.eos_token_id}
    model = model_of(tokenizer)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    calls: list[dict[str, Any]] = []

    def recorded(prompts: list[Any], completions: list[Any], **columns: Any) -> list[float | None]:
        rewards = webscale_reward(prompts, completions, **columns)
        calls.append({"completions": completions, "rewards": rewards, **columns})
        return rewards

    set_seed(0)
    with tempfile.TemporaryDirectory() as out:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=recorded,
            args=GRPOConfig(
                output_dir=out,
                max_steps=STEPS,
                per_device_train_batch_size=32,
                num_generations=8,
                max_completion_length=2,
                learning_rate=1e-3,
                logging_steps=1,
                use_cpu=True,
                bf16=False,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                # Random weights would write noise: let them choose between final answers.
                generation_kwargs={"suppress_tokens": sorted(set(range(len(tokenizer))) - allowed)},
            ),
            train_dataset=chosen,
            processing_class=tokenizer,
        )
        trainer.train()
    history = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(history) == len(calls) == STEPS
    for entry, call in zip(history, calls, strict=True):
        ours = [
            score(AnswerSpec.from_json(spec), completion[-1]["content"], question)
            for completion, spec, question in zip(
                call["completions"], call["answer_spec"], call["question"], strict=True
            )
        ]
        assert ours == call["rewards"]
        assert abs(entry["reward"] - sum(ours) / len(ours)) < 1e-6, (entry, ours)
        assert "webscale_rl/unsure" in entry, sorted(entry)
        assert entry["webscale_rl/unreadable"] == 0
    changed = sum(not torch.equal(before[name], value) for name, value in trainer.model.named_parameters())
    assert changed == len(before), f"{changed} of {len(before)} parameters have changed"
    assert any(entry["reward"] > 0 for entry in history)
    rewards = ", ".join(f"{entry['reward']:.4f}" for entry in history)
    unsure = ", ".join(f"{entry['webscale_rl/unsure']:.3f}" for entry in history)
    say("trl", f"GRPOTrainer took {STEPS} steps on train.parquet; all {changed} parameters have changed")
    say("trl", f"reward it logged = mean of our scores in every step: {rewards}; unsure {unsure}")


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


if __name__ == "__main__":
    release = Path(sys.argv[1])
    load_with_datasets(release / "huggingface")
    read_card(release / "huggingface")
    read_with_croissant(release / "huggingface")
    train(release / "trl")
