"""The data card of a release: YAML metadata of the Hugging Face Hub, then what a reader must know before training.

Names of sources, models and benchmarks come from data and parameters: each is shown as code, on one line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import yaml

from webscale_rl.release.about import About
from webscale_rl.release.formats.columns import MEANING
from webscale_rl.release.formats.licences import identifiers
from webscale_rl.release.formats.markdown import code, counts, fenced, flat, prose, table
from webscale_rl.release.rows import RELEASE_SCHEMA, SPLITS

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_COUNTED = (
    ("Split", "split"),
    ("Domain", "domain"),
    ("Task form", "task_form"),
    ("Answer type", "answer_type"),
    ("Source", "source"),
    ("Licence", "licence"),
    ("Label confidence", "label_confidence"),
    ("Claim scope", "claim_scope"),
)
_LEVELS = ("documents", "parts", "items", "repairs")
_ROWS_OF_FUNNEL = 60


def card(about: About) -> str:
    """Return ``README.md`` of a released folder."""
    sections = (
        f"# {code(about.name)}",
        _what(about),
        "## How it was made\n\n" + _making(about),
        "## Funnel\n\n" + _funnel(about.funnel),
        "## Counts\n\n" + "\n\n".join(counts(head, about.counts.get(name, {})) for head, name in _COUNTED),
        "## What was left out\n\n" + _excluded(about),
        "## Decontamination\n\n" + _decontamination(about),
        "## Difficulty\n\n" + _DIFFICULTY,
        "## Known limits\n\n" + _limits(about),
        "## Columns\n\n" + _columns(),
        "## How to use it\n\n" + _USE,
        "## How to reproduce it\n\n" + _reproduction(about),
        "## Citation\n\n" + _CITATION,
    )
    return f"---\n{_metadata(about)}---\n\n" + "\n\n".join(sections) + "\n"


def features() -> list[dict[str, Any]]:
    """Return the columns as ``dataset_info`` has them."""
    return [{"name": column.name} | _feature(column.type) for column in RELEASE_SCHEMA]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        inner = kind.value_type
        if pa.types.is_struct(inner):
            return {"list": [{"name": each.name} | _feature(each.type) for each in inner]}
        return {"list": _feature(inner)["dtype"]}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}


def _metadata(about: About) -> str:
    licences = identifiers(about.counts.get("licence", {}))
    # `datasets` fails on a split without rows: it is not named.
    splits = [split for split in SPLITS if about.counts.get("split", {}).get(split)]
    data: dict[str, Any] = {
        "pretty_name": flat(about.name),
        "license": licences,
        "language": ["en"],
        "task_categories": ["question-answering", "text-generation"],
        "size_categories": [next((name for size, name in _SIZES if about.rows < size), "n>100M")],
        "tags": ["reinforcement-learning", "verifiable-rewards", "synthetic", "webscale-rl"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits],
            }
        ],
        "dataset_info": {"features": features()},
    }
    if "other" in licences:
        data["license_name"] = "as-stated-by-each-source"
    return yaml.safe_dump(data, sort_keys=True, allow_unicode=True, width=120)


def _what(about: About) -> str:
    return f"""\
{about.rows:,} question-answer pairs whose short answers can be checked by rules, for reinforcement learning of
language models. Every pair was made from one document of a pre-training corpus, in the way of *Webscale-RL*
([arXiv 2510.06499](https://arxiv.org/abs/2510.06499)), and checked. The question is asked without the document:
`prompt` is the message that a policy gets, `answer_spec` what its answer is compared with."""


def _making(about: About) -> str:
    models = ((code(role), code(model)) for role, model in sorted(about.models.items()))
    return f"""\
{table(("role", "model"), models, numbers=False)}

A generator wrote question, answer and evidence for a persona; rules found the evidence in the document; a checker
answered the question from the document without seeing the answer, and rules or a matcher compared. `label_confidence`
says how far a reference answer was confirmed. The prompts of a row are those of `prompt_versions`; all that decided
outcomes stands behind `config_hash`.

Solver prompt: version {code(about.rewards_prompt_version)}. Code: version {code(about.code_version)}.
Release: {code(about.version)}."""


def _funnel(funnel: Mapping[str, Any]) -> str:
    rows = []
    for level in _LEVELS:
        found = funnel.get(level)
        if not isinstance(found, Mapping) or not found.get("total"):
            continue
        rows.append((code(level), "all", "", f"{found['total']:,}"))
        for state, count in sorted(found.get("states", {}).items()):
            rows.append((code(level), code(state), "", f"{count:,}"))
            reasons = found.get("reasons", {}).get(state, {})
            rows += [
                (code(level), code(state), code(reason), f"{number:,}")
                for reason, number in sorted(reasons.items())
            ]
    if not rows:
        return "No run has recorded one."
    shown = rows[:_ROWS_OF_FUNNEL]
    note = "" if len(shown) == len(rows) else f"\n\n{len(rows) - len(shown)} more rows are not shown."
    return table(("level", "state", "reason", "count"), shown) + note


def _excluded(about: About) -> str:
    said = f"{about.candidates:,} accepted pairs were looked at, {about.rows:,} released."
    return f"{said}\n\n{counts('Reason', about.excluded)}" if about.excluded else f"{said} None was left out."


def _decontamination(about: About) -> str:
    if not about.benchmarks:
        return "The questions were compared with **no benchmark**: expect overlap with what you evaluate on."
    return (
        "The questions were compared with the items of these benchmarks; what overlapped was left out "
        f"(`contaminated/...` above).\n\n{counts('Benchmark', about.benchmarks, of='items')}"
    )


def _limits(about: About) -> str:
    return "\n".join([_LIMITS, *(f"- {prose(each)}" for each in about.limits)])


def _columns() -> str:
    rows = ((f"`{each.name}`", MEANING[each.name], f"`{each.type}`") for each in RELEASE_SCHEMA)
    return table(("column", "meaning", "type"), rows, numbers=False)


def _reproduction(about: About) -> str:
    parameters = json.dumps(about.parameters, indent=2, sort_keys=True, default=str)
    return f"""\
Equal candidates and parameters give equal bytes. The DAG `release_dataset` of the project made this folder with these
parameters:

{fenced(parameters, "json")}"""


_DIFFICULTY = """\
`pass_rate` is the share of closed-book attempts by solvers that the rewards found right, with the prompt of this data
set; it is null, and `solver_attempts` 0, where a pair was not measured. `marks` lists what can be guessed without
knowing (`guessable_options`, `guessable_without_givens`, `answer_in_question`), and what is suspect
(`suspect_label`)."""
_LIMITS = """\
- Questions and answers were written by the models named above. A reference answer may be wrong where generator and
  checker err alike, and a document may be wrong.
- Rewards are rules for English: what they cannot decide counts as wrong, and each reward function reports how often.
- Licences are those that the corpus states for its documents; nobody has verified them.
- Rows hold the text of their document (`pretrain_text`): whatever it says, also about people, is in the data set."""
_USE = """\
```python
from datasets import load_dataset
row = load_dataset("FOLDER", split="train")[0]  # this folder, or its name on the Hub
print(row["prompt"], row["answer_spec"])
```

`webscale_rl/rewards` beside this file needs Python 3.11 and nothing else:

```python
from webscale_rl.rewards import AnswerSpec, score
score(AnswerSpec.from_json(row["answer_spec"]), response, row["question"])  # 1.0 or 0.0
```"""
_CITATION = """\
```bibtex
@article{cen2025webscale,
  title={Webscale-RL: Automated Data Pipeline for Scaling RL Data to Pretraining Levels},
  author={Cen, Zhepeng and others},
  journal={arXiv preprint arXiv:2510.06499},
  year={2025}
}
```"""
