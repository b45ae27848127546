"""For NeMo-RL: JSON lines with ``messages``, an environment, and a file in the form of NeMo-Gym.

Read in the sources of NeMo-RL (``data/datasets/response_datasets/response_dataset.py``,
``data/processors.py``, ``environments/interfaces.py``, ``environments/utils.py``) and NeMo-Gym
(``nemo_gym/base_resources_server.py``), August 2026. ``math_hf_data_processor`` makes the second message the
ground truth, so it is JSON of all that the reward needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orjson import loads

from webscale_rl.release.about import About
from webscale_rl.release.formats.files import dicts, ship, ship_rewards, write_lines, write_text
from webscale_rl.release.formats.labels import label_of
from webscale_rl.release.formats.markdown import code
from webscale_rl.release.formats.prompts import PromptLengths
from webscale_rl.release.rows import SPLITS, Rows

COLUMNS = ("prompt", "prompt_tokens", "answer_spec", "question", "id", "domain", "task_form", "answer_type")
PASSED = ("id", "domain", "task_form", "answer_type", "prompt_tokens")
RESPONSE = 4_096  # tokens


def write(rows: Rows, folder: Path, about: About) -> None:
    """Write ``nemo_rl/``: ``<split>.jsonl``, ``gym_<split>.jsonl``, the environment, its launcher, options."""
    target = folder / "nemo_rl"
    lengths = PromptLengths()
    for split in SPLITS:
        write_lines(target / f"{split}.jsonl", _lines(lengths.watched(split, dicts(rows, split, COLUMNS))))
        write_lines(target / f"gym_{split}.jsonl", _gym_lines(dicts(rows, split, COLUMNS)))
    ship("nemo_rl_environment.py.in", target / "environment.py")
    ship("nemo_rl_launch.py", target / "launch.py")
    ship_rewards(target)
    write_text(target / "README.md", _readme(about, lengths))


def overrides(lengths: PromptLengths) -> list[str]:
    """Return what differs from NeMo-RL's ``examples/configs/grpo_math_1B.yaml``, as words of a shell."""
    test = "{dataset_name:ResponseDataset,data_path:$FOLDER/test.jsonl}" if lengths.rows["test"] else "null"
    return [
        f"policy.max_total_sequence_length={lengths.limit + RESPONSE}",
        "data.train.dataset_name=ResponseDataset",
        "++data.train.data_path=$FOLDER/train.jsonl",
        "data.train.split_validation_size=0",
        f'"++data.validation={test}"',  # an empty file cannot be loaded
        "data.default.prompt_file=null",  # the rows are prompts already
        "data.default.processor=math_hf_data_processor",
        "data.default.env_name=webscale_rl",
        '"++env.webscale_rl={}"',
    ]


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        messages = [
            {"role": "user", "content": row["prompt"]},
            {"role": "assistant", "content": label_of(row)},  # never shown to a model: the ground truth
        ]
        yield {"messages": messages} | {name: row[name] for name in PASSED}


def _gym_lines(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            "responses_create_params": {"input": [{"role": "user", "content": row["prompt"]}]},
            "agent_ref": {"type": "responses_api_agents", "name": "webscale_rl_simple_agent"},
            "answer_spec": loads(row["answer_spec"]),
            "question": row["question"],
        } | {name: row[name] for name in PASSED}


def _readme(about: About, lengths: PromptLengths) -> str:
    words = " \\\n    ".join(overrides(lengths))
    return f"""# {code(about.name)} for NeMo-RL

{lengths.said}
NeMo-RL takes a prompt of `policy.max_total_sequence_length` (512 in its examples) or more out of the loss; the value
below leaves {RESPONSE:,} tokens for the response.

```
python $FOLDER/launch.py examples/run_grpo.py --config examples/configs/grpo_math_1B.yaml \\
    {words}
```

`launch.py` registers the environment of `environment.py` and runs the script. The second message of a row is the
ground truth, JSON of `answer_spec`, `id` and `question`; it is never shown to a model.

`gym_train.jsonl` and `gym_test.jsonl` have the form of NeMo-Gym. Its resources server is not part of this
folder: in `verify` it has to return
`webscale_rl.rewards.score(AnswerSpec.from_json(json.dumps(answer_spec)), text, question)`.
"""
