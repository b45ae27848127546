"""For TRL: Parquet with conversational prompts, and a reward function.

Read in TRL 1.16: ``trainer/grpo_trainer.py``. Other columns reach the reward function as lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from webscale_rl.release.about import About
from webscale_rl.release.formats.files import batched, dicts, ship, ship_rewards, write_parquet, write_text
from webscale_rl.release.formats.markdown import code
from webscale_rl.release.formats.prompts import PromptLengths
from webscale_rl.release.rows import SPLITS, Rows

PASSED = (
    "answer_spec",
    "question",
    "id",
    "domain",
    "task_form",
    "answer_type",
    "source",
    "pass_rate",
    "prompt_tokens",
)
SCHEMA = pa.schema(
    [
        ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("answer_spec", pa.string()),
        ("question", pa.string()),
        ("id", pa.string()),
        ("domain", pa.string()),
        ("task_form", pa.string()),
        ("answer_type", pa.string()),
        ("source", pa.string()),
        ("pass_rate", pa.float64()),
        ("prompt_tokens", pa.int64()),
    ]
)


def write(rows: Rows, folder: Path, about: About) -> None:
    """Write ``trl/``: ``train.parquet``, ``test.parquet``, ``reward.py``, ``README.md``."""
    target = folder / "trl"
    lengths = PromptLengths()
    for split in SPLITS:
        found = lengths.watched(split, dicts(rows, split, ("prompt", *PASSED)))
        write_parquet(target / f"{split}.parquet", SCHEMA, batched(_lines(found), SCHEMA))
    ship("trl_reward.py", target / "reward.py")
    ship_rewards(target)
    write_text(target / "README.md", _readme(about, lengths))


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row | {"prompt": [{"role": "user", "content": row["prompt"]}]}


def _readme(about: About, lengths: PromptLengths) -> str:
    return f"""# {code(about.name)} for TRL

{lengths.said} TRL does not cut prompts; with vLLM,
`vllm_max_model_length` must hold prompt and response: {lengths.limit} and `max_completion_length`.

```python
import sys
from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

sys.path.insert(0, FOLDER)  # this one
from reward import webscale_reward

train = load_dataset("parquet", data_files=f"{{FOLDER}}/train.parquet", split="train")
GRPOTrainer(
    model=MODEL,
    reward_funcs=webscale_reward,
    args=GRPOConfig(output_dir=OUT, max_completion_length=4096),
    train_dataset=train,
).train()
```

`webscale_reward` logs `webscale_rl/unsure` (the rules cannot say; it counts 0) and `webscale_rl/unanswered`
(no single final answer). `webscale_rl/unreadable` says how often there
was no answer specification that can be read; that counts 0. A row whose `answer_spec` is null gets None, so
that the file can be mixed with other data sets. Keep the folder together: `reward.py` imports
`webscale_rl.rewards` beside it, unless one is installed.
"""
