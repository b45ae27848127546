"""For verl: Parquet in the form of its ``RLHFDataset``, a reward function, and the options to set.

Read in verl 0.9.1: ``utils/dataset/rl_dataset.py``, ``experimental/reward_loop/reward_manager/naive.py``,
``trainer/config/data/legacy_data.yaml``, ``experimental/agent_loop/agent_loop.py``. By default a prompt of more
than 512 tokens is cut in front, where the question stands; older versions stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from webscale_rl.release.about import About
from webscale_rl.release.formats.files import batched, dicts, ship, ship_rewards, write_parquet, write_text
from webscale_rl.release.formats.labels import data_source_of
from webscale_rl.release.formats.markdown import code
from webscale_rl.release.formats.prompts import PromptLengths
from webscale_rl.release.rows import SPLITS, Rows

COLUMNS = ("prompt", "prompt_tokens", "answer_spec", "question", "id", "domain", "task_form", "answer_type")
SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("prompt_tokens", pa.int64()),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct(
                [
                    ("index", pa.int64()),
                    ("split", pa.string()),
                    ("id", pa.string()),
                    ("question", pa.string()),
                    ("domain", pa.string()),
                    ("task_form", pa.string()),
                    ("answer_type", pa.string()),
                ]
            ),
        ),
    ]
)
RESPONSE = 4_096  # tokens; the default of 512 cuts most thinking off


def write(rows: Rows, folder: Path, about: About) -> None:
    """Write ``verl/``: ``train.parquet``, ``test.parquet``, ``reward.py``, ``verl.yaml``, ``README.md``."""
    target = folder / "verl"
    lengths = PromptLengths()
    for split in SPLITS:
        found = lengths.watched(split, dicts(rows, split, COLUMNS))
        write_parquet(target / f"{split}.parquet", SCHEMA, batched(_lines(found, split), SCHEMA))
    ship("verl_reward.py", target / "reward.py")
    ship_rewards(target)
    write_text(target / "verl.yaml", yaml.safe_dump(options(lengths), sort_keys=True))
    write_text(target / "README.md", _readme(about, lengths))


def options(lengths: PromptLengths) -> dict[str, Any]:
    """Return the options of verl that differ from its defaults, as its configuration has them.

    verl does not start without rows to validate with: where there is no test split, those are of train.
    """
    return {
        "data": {
            "train_files": "train.parquet",
            "val_files": f"{_validation(lengths)}.parquet",
            "prompt_key": "prompt",
            "max_prompt_length": lengths.limit,
            "max_response_length": RESPONSE,
            "filter_overlong_prompts": True,
        },
        "reward": {"custom_reward_function": {"path": "reward.py", "name": "compute_score"}},
    }


def _validation(lengths: PromptLengths) -> str:
    return "test" if lengths.rows["test"] else "train"


def _lines(rows: Iterable[dict[str, Any]], split: str) -> Iterator[dict[str, Any]]:
    extra = ("id", "question", "domain", "task_form", "answer_type")
    for index, row in enumerate(rows):
        yield {
            "data_source": data_source_of(row),
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "prompt_tokens": row["prompt_tokens"],
            "ability": row["domain"],
            "reward_model": {"style": "rule", "ground_truth": row["answer_spec"]},
            "extra_info": {"index": index, "split": split} | {name: row[name] for name in extra},
        }


def _readme(about: About, lengths: PromptLengths) -> str:
    empty = (
        "" if lengths.rows["test"] else " There is no test split, so verl validates on training rows here."
    )
    return f"""# {code(about.name)} for verl

{lengths.said}
`max_prompt_length` below leaves room for another tokenizer.{empty}

```
python -m verl.trainer.main_ppo \\
    algorithm.adv_estimator=grpo \\
    data.train_files=$FOLDER/train.parquet \\
    data.val_files=$FOLDER/{_validation(lengths)}.parquet \\
    data.max_prompt_length={lengths.limit} \\
    data.max_response_length={RESPONSE} \\
    data.filter_overlong_prompts=True \\
    reward.custom_reward_function.path=$FOLDER/reward.py \\
    reward.custom_reward_function.name=compute_score \\
    actor_rollout_ref.model.path=$MODEL
```

Add the options of your model and machine. `verl.yaml` holds the options above for data and reward; file names in it
are relative to this folder. `compute_score` returns `score`, `acc`, `unsure` (the rules cannot say; it counts 0),
`unanswered` (no single final answer) and `unreadable` (the row has no answer specification that can be read; it
counts 0) for every response. Keep the folder together: `reward.py` imports `webscale_rl.rewards` beside it, unless
one is installed.
"""
