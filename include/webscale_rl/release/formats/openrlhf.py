"""For OpenRLHF: JSON lines with ``input`` and ``label``, and a reward function.

Read in OpenRLHF 0.11.2: ``datasets/prompts_dataset.py``, ``utils/agent.py``. It carries one label for a
prompt, so the label is JSON of all that the reward needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from webscale_rl.release.about import About
from webscale_rl.release.formats.files import dicts, ship, ship_rewards, write_lines, write_text
from webscale_rl.release.formats.labels import data_source_of, label_of
from webscale_rl.release.formats.markdown import code
from webscale_rl.release.formats.prompts import PromptLengths
from webscale_rl.release.rows import SPLITS, Rows

COLUMNS = ("prompt", "prompt_tokens", "answer_spec", "question", "id", "domain", "task_form", "answer_type")
RESPONSE = 4_096  # tokens


def write(rows: Rows, folder: Path, about: About) -> None:
    """Write ``openrlhf/``: ``train.jsonl``, ``test.jsonl``, ``reward.py``, ``README.md``."""
    target = folder / "openrlhf"
    lengths = PromptLengths()
    for split in SPLITS:
        write_lines(target / f"{split}.jsonl", _lines(lengths.watched(split, dicts(rows, split, COLUMNS))))
    ship("openrlhf_reward.py", target / "reward.py")
    ship_rewards(target)
    write_text(target / "README.md", _readme(about, lengths))


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    passed = ("id", "domain", "task_form", "answer_type", "prompt_tokens")
    for row in rows:
        yield {
            "input": row["prompt"],
            "label": label_of(row),
            "datasource": data_source_of(row),
        } | {name: row[name] for name in passed}


def _readme(about: About, lengths: PromptLengths) -> str:
    # An empty file cannot be loaded.
    test = " --eval.dataset $FOLDER/test.jsonl" if lengths.rows["test"] else ""
    return f"""# {code(about.name)} for OpenRLHF

{lengths.said}
OpenRLHF cuts a prompt in front where `--data.max_len` (default 2,048) does not hold it and the response: the value
below leaves {RESPONSE:,} tokens for the response.

```
python -m openrlhf.cli.train_ppo_ray \\
    --data.prompt_dataset $FOLDER/train.jsonl{test} \\
    --data.input_key input --data.label_key label --data.apply_chat_template \\
    --data.max_len {lengths.limit + RESPONSE} --rollout.max_new_tokens {RESPONSE} \\
    --reward.remote_url $FOLDER/reward.py \\
    --actor.model_name_or_path $MODEL
```

Add the options of your model and machine. `reward_func` logs `unsure` (the rules cannot say; it counts 0),
`unanswered` (no single final answer), `prompt_lost` (the response could not be told from the prompt; nothing was
read) and `unreadable` (the label could not be read). The last two count 0 and should never occur: look at them in
the first steps. Keep the folder together: `reward.py` imports `webscale_rl.rewards` beside it, unless one is
installed.
"""
