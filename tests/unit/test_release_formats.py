"""Formats of a release: a trainer that reads a wrong column, or a reward that reads the prompt, trains on nothing."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt

from tests.trainers.sample_release import about, as_rows, row, rows
from webscale_rl.release.formats import FORMATS, columns, files
from webscale_rl.release.formats.card import features
from webscale_rl.release.formats.licences import identifiers
from webscale_rl.release.formats.markdown import code, counts, fenced, prose
from webscale_rl.release.formats.prompts import PromptLengths
from webscale_rl.release.formats.shipped.openrlhf_reward import reward_func
from webscale_rl.release.formats.shipped.trl_reward import webscale_reward
from webscale_rl.release.formats.shipped.verl_reward import compute_score
from webscale_rl.release.rows import RELEASE_SCHEMA
from webscale_rl.rewards import ANSWER_TYPES, AnswerSpec

FOUND = rows()
TRAIN = [each for each in FOUND if each["split"] == "train"]
HOSTILE = (
    "a | b`` <img src=x onerror=alert(1)> [c](http://evil.example)\n---\n# Heading\n"
    '"q": {x: !!python/none}\x00\u202e'
)
TRAINERS = ("verl", "trl", "openrlhf", "nemo_rl")
SPEC = AnswerSpec("integer", "14").to_json()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample in every format."""
    folder = tmp_path_factory.mktemp("release")
    for write in FORMATS.values():
        write(as_rows(FOUND), folder, about(FOUND))
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_format_stands_in_a_folder_of_its_name(release: Path) -> None:
    assert (
        set(FORMATS)
        == {"huggingface", "verl", "trl", "openrlhf", "nemo_rl"}
        == {each.name for each in release.iterdir()}
    )
    assert {each["answer_type"] for each in FOUND} == set(ANSWER_TYPES)  # what the sample is for


def test_bytes_do_not_depend_on_the_run_or_on_how_rows_come(release: Path, tmp_path: Path) -> None:
    for write in FORMATS.values():
        write(as_rows(FOUND, size=7), tmp_path, about(FOUND))
    first = {path.relative_to(release): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first == second


def test_bytes_do_not_depend_on_locale_time_zone_or_hashes(release: Path, tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-m", "tests.trainers.sample_release", str(tmp_path)],
        check=True,
        env=os.environ | ascii_only | {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "77"},
    )
    first = {path.relative_to(release): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first == second


def test_row_groups_have_one_size_however_rows_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ROW_GROUP", 16)
    for size in (1, 5, 16, 40, 200):
        FORMATS["huggingface"](as_rows(FOUND, size), tmp_path / str(size), about(FOUND))
    written = {
        (tmp_path / str(size)).rglob("train-*.parquet").__next__().read_bytes()
        for size in (1, 5, 16, 40, 200)
    }
    assert len(written) == 1
    read = pq.ParquetFile(next((tmp_path / "5").rglob("train-*.parquet"))).metadata
    assert [read.row_group(group).num_rows for group in range(read.num_row_groups)] == [16] * 6 + [4]


def test_hugging_face_has_every_column_and_says_so(release: Path) -> None:
    folder = release / "huggingface"
    table = pq.read_table(folder / "data" / "train-00000-of-00001.parquet")
    assert table.schema == RELEASE_SCHEMA
    assert table.to_pylist() == TRAIN
    card = (folder / "README.md").read_text()
    metadata = yaml.safe_load(card.split("---\n")[1])
    assert metadata["license"] == ["cc0-1.0"]
    assert metadata["size_categories"] == ["n<1K"]
    assert metadata["dataset_info"]["features"] == features()
    assert [each["name"] for each in features()] == RELEASE_SCHEMA.names == list(columns.MEANING)
    sections = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert sections == (
        [
            "How it was made",
            "Funnel",
            "Counts",
            "What was left out",
            "Decontamination",
            "Difficulty",
            "Known limits",
        ]
        + ["Columns", "How to use it", "How to reproduce it", "Citation"]
    )
    assert "| `duplicate/near` | 2 |" in card
    assert "| `sample benchmark` | 12 |" in card


def test_croissant_names_every_file_by_its_hash(release: Path) -> None:
    import hashlib

    described = json.loads((release / "huggingface" / "croissant.json").read_text())
    for file in described["distribution"]:
        content = (release / "huggingface" / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    fields = {field["@id"] for records in described["recordSet"] for field in records["field"]}
    assert fields == {f"{split}/{name}" for split in ("train", "test") for name in RELEASE_SCHEMA.names}


def test_verl_gets_what_its_data_set_class_reads(release: Path) -> None:
    found = pq.read_table(release / "verl" / "train.parquet").to_pylist()
    assert [each["extra_info"]["id"] for each in found] == [each["id"] for each in TRAIN]
    first = found[0]
    assert [each["prompt_tokens"] for each in found] == [each["prompt_tokens"] for each in TRAIN]
    assert first["prompt"] == [{"role": "user", "content": TRAIN[0]["prompt"]}]
    assert first["reward_model"] == {"style": "rule", "ground_truth": TRAIN[0]["answer_spec"]}
    assert first["data_source"] == "webscale_rl/math"
    assert found[1]["data_source"] == "webscale_rl/technology_engineering"
    assert first["extra_info"] == {
        "index": 0,
        "split": "train",
        "id": TRAIN[0]["id"],
        "question": TRAIN[0]["question"],
        "domain": "Math",
        "task_form": "compute",
        "answer_type": "integer",
    }


def test_a_trainer_is_told_a_limit_that_no_prompt_is_over(tmp_path: Path) -> None:
    long = row("Why? " * 900, AnswerSpec("integer", "1"), 0)
    for name in TRAINERS:
        FORMATS[name](as_rows([*TRAIN, long]), tmp_path, about(FOUND))
        assert f"{long['prompt_tokens']:,} tokens" in (tmp_path / name / "README.md").read_text()
    limit = yaml.safe_load((tmp_path / "verl" / "verl.yaml").read_text())["data"]["max_prompt_length"]
    assert limit > long["prompt_tokens"] * 1.25 > 512
    assert f"data.max_prompt_length={limit} " in (tmp_path / "verl" / "README.md").read_text()
    assert f"must hold prompt and response: {limit} " in (tmp_path / "trl" / "README.md").read_text()
    for name in ("openrlhf", "nemo_rl"):
        assert str(limit + 4096) in (tmp_path / name / "README.md").read_text()
    assert PromptLengths().limit == 64


def words(folder: Path) -> list[str]:
    """Return the command of a README, as a shell reads it."""
    command = (folder / "README.md").read_text().split("```")[1]
    return shlex.split(command.replace("\\\n", " ").replace("$FOLDER", str(folder)))


def test_commands_of_the_readmes_can_be_pasted(release: Path) -> None:
    verl, openrlhf, nemo_rl = (words(release / name) for name in ("verl", "openrlhf", "nemo_rl"))
    assert verl[:3] == ["python", "-m", "verl.trainer.main_ppo"]
    assert all(re.fullmatch(r"[a-z_.]+=\S+", option) for option in verl[3:])
    assert f"reward.custom_reward_function.path={release}/verl/reward.py" in verl
    assert openrlhf[openrlhf.index("--eval.dataset") + 1] == f"{release}/openrlhf/test.jsonl"
    assert nemo_rl[1] == f"{release}/nemo_rl/launch.py"
    named = [word.rpartition("=")[2] for word in (*verl, *openrlhf) if str(release) in word]
    assert len(named) == 6
    assert all(Path(name).is_file() for name in named)


def test_trl_gets_a_conversation_and_what_the_reward_reads(release: Path) -> None:
    found = pq.read_table(release / "trl" / "train.parquet").to_pylist()
    assert found[0]["prompt"] == [{"role": "user", "content": TRAIN[0]["prompt"]}]
    assert [each["answer_spec"] for each in found] == [each["answer_spec"] for each in TRAIN]
    assert {"question", "id", "prompt_tokens", "pass_rate"} <= set(found[0])


def test_openrlhf_gets_one_label_with_all_that_the_reward_reads(release: Path) -> None:
    found = lines(release / "openrlhf" / "train.jsonl")
    assert [each["input"] for each in found] == [each["prompt"] for each in TRAIN]
    label = json.loads(found[0]["label"])
    assert AnswerSpec.from_json(json.dumps(label["answer_spec"])).answer == TRAIN[0]["answer"]
    assert (label["id"], label["question"]) == (TRAIN[0]["id"], TRAIN[0]["question"])


def test_nemo_rl_gets_messages_and_nemo_gym_its_parameters(release: Path) -> None:
    first, gym = (lines(release / "nemo_rl" / name)[0] for name in ("train.jsonl", "gym_train.jsonl"))
    user, truth = first["messages"]
    assert user == {"role": "user", "content": TRAIN[0]["prompt"]}
    assert json.loads(truth["content"])["question"] == TRAIN[0]["question"]
    assert gym["responses_create_params"] == {"input": [user]}
    assert gym["answer_spec"] == json.loads(TRAIN[0]["answer_spec"])


def test_an_empty_split_is_a_file_without_rows(tmp_path: Path) -> None:
    for write in FORMATS.values():
        write(as_rows(TRAIN), tmp_path, about(TRAIN))
    empty = pq.read_table(tmp_path / "huggingface" / "data" / "test-00000-of-00001.parquet")
    assert (empty.num_rows, empty.schema) == (0, RELEASE_SCHEMA)
    card = yaml.safe_load((tmp_path / "huggingface" / "README.md").read_text().split("---\n")[1])
    assert [each["split"] for each in card["configs"][0]["data_files"]] == [
        "train"
    ]  # `datasets` fails on the other
    assert pq.read_table(tmp_path / "verl" / "test.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "trl" / "test.parquet").num_rows == 0
    assert (tmp_path / "openrlhf" / "test.jsonl").read_bytes() == b""
    assert (tmp_path / "nemo_rl" / "test.jsonl").read_bytes() == b""
    # Trainers stop at an empty file: no command names one.
    assert f"data.val_files={tmp_path}/verl/train.parquet" in words(tmp_path / "verl")
    assert "--eval.dataset" not in words(tmp_path / "openrlhf")
    assert "++data.validation=null" in words(tmp_path / "nemo_rl")
    assert "val_files: train.parquet" in (tmp_path / "verl" / "verl.yaml").read_text()


def test_a_row_may_lack_a_licence(tmp_path: Path) -> None:
    bare = [FOUND[0] | {"licence": None}]
    for write in FORMATS.values():
        write(as_rows(bare), tmp_path, about(bare))
    card = (tmp_path / "huggingface" / "README.md").read_text()
    assert yaml.safe_load(card.split("---\n")[1])["license"] == ["unknown"]
    assert "| (none) | 1 |" in card


def test_names_from_data_are_no_markup(tmp_path: Path) -> None:
    bad = [each | {"source": HOSTILE, "licence": HOSTILE} for each in FOUND]
    said = about(
        bad,
        name=HOSTILE,
        models={"generator": HOSTILE},
        limits=(HOSTILE,),
        parameters={"x": f"```\n{HOSTILE}"},
    )
    for write in FORMATS.values():
        write(as_rows(bad), tmp_path, said)
    card = (tmp_path / "huggingface" / "README.md").read_text()
    start, front, body = card.split("---\n", 2)
    assert start == ""
    metadata = yaml.safe_load(front)
    assert set(metadata) >= {"license", "configs", "pretty_name"}
    assert metadata["license"] == ["other"]
    assert "\n" not in metadata["pretty_name"]
    for text in (body, *((tmp_path / name / "README.md").read_text() for name in TRAINERS)):
        assert "\x00" not in text
        assert "\u202e" not in text
        tokens = tokens_of(text)
        inline = [each for token in tokens for each in token.children or []]
        assert not [
            token for token in (*tokens, *inline) if token.type in ("html_block", "html_inline", "image")
        ]
        links = {token.attrs["href"] for token in inline if token.type == "link_open"}
        assert links <= {"https://arxiv.org/abs/2510.06499"}
        heads = [
            tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"
        ]
        assert "Heading" not in heads
    shown = [
        token.content for token in tokens_of(body) if token.type == "inline" and "onerror" in token.content
    ]
    assert len(shown) == 5  # title, model, source, licence, limit
    assert set(FORMATS) == {"huggingface", *TRAINERS}


def tokens_of(text: str) -> list[Any]:
    return list(MarkdownIt("commonmark").enable("table").parse(text))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a|b", "`a¦b`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("", "(none)"),
        ("two\nlines", "`two lines`"),
        ("x" * 300, "`" + "x" * 199 + "…`"),
    ],
)
def test_a_value_is_one_span_of_code(text: str, span: str) -> None:
    assert code(text) == span


def test_sentences_and_blocks_cannot_be_left() -> None:
    assert prose("1. <b>*x*</b> www.a.b") == r"1\. \<b\>\*x\*\</b\> www\.a.b"
    assert fenced("a\n````\nb").startswith("`````\n")
    assert counts("Source", {str(number): 1 for number in range(60)}).endswith("| 10 more | 10 |")


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        (["CC BY-SA 4.0", "cc_by_sa_4.0"], ["cc-by-sa-4.0"]),
        (["https://creativecommons.org/licenses/by/4.0/", "CC0"], ["cc-by-4.0", "cc0-1.0"]),
        (["GPL-3.0-only", "ODC-By 1.0"], ["gpl-3.0", "odc-by"]),
        (["", "terms of the publisher"], ["other", "unknown"]),
        (["https://creativecommons.org/publicdomain/zero/1.0/"], ["cc0-1.0"]),
        (["Public Domain", "https://creativecommons.org/publicdomain/mark/1.0/"], ["other"]),
        ([], ["unknown"]),
    ],
)
def test_licences_have_the_names_of_the_hub(stated: list[str], known: list[str]) -> None:
    assert identifiers(stated) == known


@pytest.mark.parametrize(
    ("response", "scores"),
    [
        (r"\boxed{14}", (1.0, 0.0, 0.0)),
        (r"\boxed{15}", (0.0, 0.0, 0.0)),
        (r"\boxed{14 or so}", (0.0, 1.0, 0.0)),
        ("fourteen", (0.0, 0.0, 1.0)),
    ],
)
def test_every_trainer_gets_the_same_reward(response: str, scores: tuple[float, float, float]) -> None:
    value, unsure, unanswered = scores
    found = compute_score(
        "webscale_rl/math", response, SPEC, {"question": "How many?", "num_turns": None}, other=1
    )
    logs = {"unsure": unsure, "unanswered": unanswered, "unreadable": 0.0}
    assert found == {"score": value, "acc": value} | logs
    logged: dict[str, float] = {}
    chat = [{"role": "assistant", "content": response}]
    for completion in (
        response,
        chat,
        [{"role": "assistant", "content": [{"type": "text", "text": response}]}],
    ):
        given: dict[str, Any] = {"answer_spec": [SPEC], "question": ["How many?"], "trainer_state": None}
        assert webscale_reward(["q"], [completion], log_metric=logged.__setitem__, **given) == [value]
    assert logged == {f"webscale_rl/{name}": share for name, share in logs.items()}
    prompt = "<|im_start|>user\nHow many? \\boxed{...}<|im_end|>\n<|im_start|>assistant\n"
    label = json.dumps({"answer_spec": json.loads(SPEC), "id": "1", "question": "How many?"})
    for query in (prompt + response, (prompt + response + "<|im_end|>\n")[12:]):  # the latter cut in front
        answered = reward_func([query], [prompt], [label])
        assert [*answered["rewards"]] == [*answered["scores"]] == [value]
        extra = {name: float(each[0]) for name, each in answered["extra_logs"].items()}
        assert extra == logs | {"prompt_lost": 0.0}


def test_a_response_is_never_read_from_the_prompt() -> None:
    label = json.dumps({"answer_spec": json.loads(SPEC), "id": "1", "question": "How many?"})
    lost = reward_func([r"\boxed{14}"], [r"Say \boxed{14} at the end of it"], [label])
    assert [*lost["rewards"]] == [0.0]
    assert [*lost["extra_logs"]["prompt_lost"]] == [1.0]
    assert [*reward_func([r"Say \boxed{14} now: no"], [r"Say \boxed{14} now:"], [label])["rewards"]] == [0.0]


def test_the_environment_of_nemo_rl_judges_the_last_answer(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against stand-ins of what it imports; ``make test-trainers`` runs the real thing."""
    interfaces = SimpleNamespace(EnvironmentInterface=object, EnvironmentReturn=SimpleNamespace)
    tensors = SimpleNamespace(tensor=lambda values, dtype: values, ones_like=list, float32=None)
    for name, stand_in in {
        "ray": SimpleNamespace(remote=lambda **options: lambda actor: actor),
        "torch": tensors,
        "nemo_rl": SimpleNamespace(),
        "nemo_rl.environments": SimpleNamespace(),
        "nemo_rl.environments.interfaces": interfaces,
    }.items():
        monkeypatch.setitem(sys.modules, name, stand_in)
    module: dict[str, Any] = {
        "__file__": str(release / "nemo_rl" / "environment.py"),
        "__name__": "environment",
    }
    exec((release / "nemo_rl" / "environment.py").read_text(), module)
    messages = lines(release / "nemo_rl" / "train.jsonl")[0]["messages"]
    truth = {"ground_truth": messages[1]["content"]}
    logs = [
        [messages[0], {"role": "assistant", "content": text}] for text in (r"\boxed{14}", r"\boxed{15}", "14")
    ]
    broken = [[messages[0], {"role": "assistant", "content": None}], logs[0]]
    truths = [truth] * 5 + [{"ground_truth": "72"}]
    found = module["WebscaleEnvironment"]({}).step([*logs, [messages[0]], *broken], truths)
    assert found.rewards == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert found.answers == ["14", "15", None, None, None, None]
    assert found.observations[-1]["content"] == "Environment: unreadable"


def test_trl_leaves_rows_of_other_data_sets_out() -> None:
    assert webscale_reward(["a", "b"], ["x", r"\boxed{14}"], [None, SPEC]) == [None, 1.0]


@pytest.mark.parametrize("response", [None, math.nan, 14, [], [r"\boxed{14}"], [None], {}, "\ud800", "\x00"])
def test_what_is_no_text_is_worth_nothing_and_stops_no_run(response: Any) -> None:
    label = json.dumps({"answer_spec": json.loads(SPEC), "id": "1", "question": "How many?"})
    assert compute_score("", response, SPEC, {"question": response})["score"] == 0.0
    for completion in (response, [{"role": "assistant", "content": response}], [{"role": "assistant"}]):
        assert webscale_reward(["q"], [completion], [SPEC], [response]) == [0.0]
    assert [*reward_func([response], ["How many?"], [label])["rewards"]] == [0.0]
    assert [*reward_func(["How many?"], [response], [label])["rewards"]] == [0.0]


@pytest.mark.parametrize("spec", [math.nan, "72", "{", "[" * 100_000, '{"type": "integer"}', [], {}])
def test_a_row_without_a_readable_specification_is_counted_and_stops_no_run(spec: Any) -> None:
    found = compute_score("gsm8k", r"\boxed{72}", spec)
    assert (found["score"], found["unreadable"]) == (0.0, 1.0)
    logged: dict[str, float] = {}
    assert webscale_reward(["q"], ["72"], [spec], log_metric=logged.__setitem__) == [0.0]
    assert logged["webscale_rl/unreadable"] == 1.0
    answered = reward_func([r"How? \boxed{72}"], ["How?"], [spec])
    assert ([*answered["rewards"]], [*answered["extra_logs"]["unreadable"]]) == ([0.0], [1.0])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("verl", "assert f('', BOXED, SPEC)['score'] == 1.0"),
        ("trl", "assert f([''], [BOXED], answer_spec=[SPEC]) == [1.0]"),
        ("openrlhf", "assert [*f(['Q' * 40 + BOXED], ['Q' * 40], [LABEL])['rewards']] == [1.0]"),
    ],
)
def test_a_trainer_needs_nothing_but_the_folder(release: Path, name: str, code: str) -> None:
    function = {"verl": "compute_score", "trl": "webscale_reward", "openrlhf": "reward_func"}[name]
    script = (  # loaded by its path, as trainers do, from a folder elsewhere, and called off the main thread
        "import importlib.util, json, sys\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "spec = importlib.util.spec_from_file_location('custom', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        f"f = module.{function}\n"
        f"BOXED = {chr(92)!r} + 'boxed{{14}}'; SPEC = {SPEC!r}\n"
        "LABEL = json.dumps({'answer_spec': json.loads(SPEC), 'id': '', 'question': ''})\n"
        f"def held():\n    {code}\nThreadPoolExecutor(1).submit(held).result()\n"
        "import webscale_rl; assert webscale_rl.__file__.startswith(sys.argv[2]), webscale_rl.__file__"
    )
    plain = getattr(sys, "_base_executable", sys.executable)  # outside of the virtual environment
    words = [plain, "-I", "-S", "-c", script, str(release / name / "reward.py"), str(release / name)]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
