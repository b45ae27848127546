"""The sample corpus is what it claims to be: complete records, code that prints what it says, whole tables."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "include" / "sample_corpus"
DOMAINS = (
    "math",
    "technology",
    "coding",
    "social_science",
    "natural_science",
    "travel",
    "commerce",
    "medicine",
    "education",
    "other",
)
FIELDS = ["id", "text", "source", "licence", "url"]
CODE = re.compile(r"^```python\n(.*?)^```\n\nOutput:\n\n```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(name: str) -> list[dict[str, str]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


DOCUMENTS = [record for name in DOMAINS for record in read(name)]
RECORDS = [*DOCUMENTS, *read("junk")]
PROGRAMS = [
    pytest.param(code, output, id=f"{record['id']}-{number}")
    for record in DOCUMENTS
    for number, (code, output) in enumerate(CODE.findall(record["text"]), start=1)
]


def tables(text: str) -> list[list[str]]:
    blocks = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    return [block.splitlines() for block in blocks]


def test_the_folder_holds_the_domains_and_the_junk_alone() -> None:
    names = {path.name for path in FOLDER.iterdir() if not path.name.startswith(".")}
    assert names == {f"{name}.jsonl" for name in (*DOMAINS, "junk")}


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_has_five_titled_documents(name: str) -> None:
    records = read(name)
    assert len(records) >= 5
    assert all(record["id"].startswith(f"{name}-") for record in records)
    assert all(re.match(r"# \S.*\n\n\S", record["text"]) for record in records)


def test_every_record_has_all_fields() -> None:
    for record in RECORDS:
        assert list(record) == FIELDS, record["id"]
        assert all(isinstance(value, str) for value in record.values()), record["id"]
        assert record["text"].strip(), record["id"]
        assert record["source"] == "webscale-rl sample corpus"
        assert record["licence"] == "CC0-1.0"


def test_ids_are_unique() -> None:
    assert len({record["id"] for record in RECORDS}) == len(RECORDS)


def test_one_text_alone_stands_twice() -> None:
    counts = Counter(record["text"] for record in RECORDS)
    repeated = {record["id"] for record in RECORDS if counts[record["text"]] > 1}
    assert repeated == {"math-01", "junk-10"}


def test_documents_are_neither_stubs_nor_books() -> None:
    words = {record["id"]: len(record["text"].split()) for record in DOCUMENTS}
    assert {name: count for name, count in words.items() if not 100 <= count <= 2500} == {}


def test_no_python_block_lacks_its_output() -> None:
    blocks = sum(record["text"].count("```python\n") for record in DOCUMENTS)
    assert blocks == len(PROGRAMS) >= 1


@pytest.mark.parametrize(("code", "output"), PROGRAMS)
def test_code_prints_what_the_document_says(code: str, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    assert done.stdout == output
    assert not done.stderr


def test_tables_have_the_same_columns_in_every_row() -> None:
    assert sum(bool(tables(record["text"])) for record in DOCUMENTS) >= 12
    for record in DOCUMENTS:
        for rows in tables(record["text"]):
            assert all(row.endswith("|") for row in rows), record["id"]
            assert len({row.count("|") for row in rows}) == 1, (record["id"], rows)
            assert re.fullmatch(r"\|(?:---\|)+", rows[1]), (record["id"], rows[1])
