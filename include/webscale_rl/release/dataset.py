"""The data set of a run: its accepted pairs as Parquet and JSONL, and its funnel as JSON.

Rows stand in the order of the corpus and hold nothing of the run itself, so that equal inputs and answers give
equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import fsspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, text

from webscale_rl.config import ConversionConfig
from webscale_rl.corpus.shards import read_shard
from webscale_rl.records import Document, Domain
from webscale_rl.rewards.prompt import PROMPT_VERSION
from webscale_rl.rewards.spec import AnswerSpec
from webscale_rl.store.measurements import attempts_and_marks
from webscale_rl.store.queries import bad_records, funnel
from webscale_rl.store.runs import config_of

FILES = ("dataset.parquet", "dataset.jsonl", "bad_records.jsonl", "funnel.json")  # in the order they appear
SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())])
SCHEMA = pa.schema(
    [
        # the columns of the published data set
        ("pretrain_text", pa.string()),
        ("domain", pa.string()),
        ("persona", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        # what is checked and how
        ("id", pa.string()),
        ("document_id", pa.string()),
        ("part_start", pa.int64()),
        ("parent_id", pa.string()),
        ("task_form", pa.string()),
        ("answer_type", pa.string()),
        ("answer_spec", pa.string()),
        ("evidence", pa.list_(SPAN)),
        ("derivation", pa.string()),
        ("expression", pa.string()),
        ("claim_scope", pa.string()),
        ("scope_anchor", pa.string()),
        # how hard it is
        ("pass_rate", pa.float64()),
        ("solver_attempts", pa.int64()),
        ("marks", pa.list_(pa.string())),
        # where it comes from
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("source_uri", pa.string()),
        ("source_row", pa.int64()),
        ("url", pa.string()),
        ("licence", pa.string()),
        # what made it
        ("generator_model", pa.string()),
        ("generator_revision", pa.string()),
        ("checker_model", pa.string()),
        ("checker_revision", pa.string()),
        ("check_depth", pa.string()),
        ("prompt_versions", pa.string()),
        ("config_hash", pa.string()),
    ]
)

_ACCEPTED = text(
    """
    SELECT q.document_id, pair_id, parent_id, p.start_char, p.end_char, q.domain, persona, task_form, question,
           answer, answer_type, answer_spec, evidence, derivation, expression, claim_scope, scope_anchor
    FROM questions q LEFT JOIN part_results p USING (config_hash, document_id, part)
    WHERE config_hash = :config AND document_id = ANY(:documents) AND q.state = 'accepted'
    ORDER BY document_id, part, item_index, parent_id
    """
)


def write_dataset(engine: Engine, run_id: str, folder: str) -> dict[str, int]:
    """Write ``dataset.parquet``, ``dataset.jsonl``, ``bad_records.jsonl`` and ``funnel.json`` of a run.

    Args:
        engine: of the service's database.
        run_id: whose shards' accepted pairs are written, whichever run made them.
        folder: a folder or fsspec URI; files appear in it whole or not at all, ``funnel.json`` last.

    Returns:
        The number of documents read and of pairs written.
    """
    counts = funnel(engine, run_id)
    files, path = fsspec.url_to_fs(folder)
    files.makedirs(path, exist_ok=True)
    with suppress(FileNotFoundError):  # of an earlier try: it says that the files are complete
        files.rm(f"{path}/{FILES[-1]}")
    # A try that was taken for dead may still be writing: each has names of its own.
    parts = {name: f"{path}/{name}.{uuid4().hex}.part" for name in FILES}
    pairs = 0
    with ExitStack() as stack:
        parquet_file, jsonl_file = (stack.enter_context(files.open(parts[name], "wb")) for name in FILES[:2])
        parquet = stack.enter_context(pq.ParquetWriter(parquet_file, SCHEMA, compression="zstd"))
        for rows in rows_of_run(engine, run_id, set()):
            parquet.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
            jsonl_file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
            pairs += len(rows)
    with files.open(parts["bad_records.jsonl"], "wb") as file:
        for record in bad_records(engine, run_id):
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    with files.open(parts["funnel.json"], "wb") as file:
        file.write(orjson.dumps(counts.as_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    for name, part in parts.items():
        files.mv(part, f"{path}/{name}")
    return {"documents": counts.documents.total, "pairs": pairs}


def is_written(folder: str) -> bool:
    """Say whether the files of a run stand in ``folder``."""
    files, path = fsspec.url_to_fs(folder)
    return bool(files.exists(f"{path}/{FILES[-1]}"))


def rows_of_run(engine: Engine, run_id: str, written: set[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield the accepted pairs of a run's shards as rows, those of one row group of documents at a time.

    Args:
        engine: of the service's database.
        run_id: whose shards' accepted pairs are read, whichever run made them.
        written: ids of pairs that are left out; those that are yielded are added to it.
    """
    config_hash, config = config_of(engine, run_id)
    with engine.connect() as connection:
        shards = connection.execute(
            text(
                "SELECT s.uri FROM run_shards r JOIN shards s ON s.id = r.shard_id "
                "WHERE r.run_id = :run ORDER BY r.position"
            ),
            {"run": run_id},
        ).scalars()
        for uri in shards.all():
            for documents in read_shard(uri):
                found: dict[str, list[dict[str, Any]]] = {}
                ids = [document.id for document in documents]
                query = {"config": config_hash, "documents": ids}
                for pair in connection.execute(_ACCEPTED, query).mappings():
                    if pair["pair_id"] not in written:
                        written.add(pair["pair_id"])
                        found.setdefault(pair["document_id"], []).append(dict(pair))
                measured = _measured(
                    connection, [pair["pair_id"] for pairs in found.values() for pair in pairs]
                )
                rows = [
                    _row(document, pair, config, measured) | {"config_hash": config_hash}
                    for document in documents
                    for pair in found.pop(document.id, [])
                ]
                if rows:
                    yield rows


@dataclass(frozen=True)
class _Measured:
    """What is known of pairs by their id: attempts and successes with today's prompt, and marks."""

    attempts: Mapping[str, tuple[int, int]]
    marks: Mapping[str, list[str]]

    def columns(self, pair_id: str) -> dict[str, Any]:
        """Return the columns of a pair."""
        attempts, successes = self.attempts.get(pair_id, (0, 0))
        return {
            "pass_rate": successes / attempts if attempts else None,
            "solver_attempts": attempts,
            "marks": self.marks.get(pair_id, []),
        }


def _measured(connection: Connection, pair_ids: list[str]) -> _Measured:
    return _Measured(*attempts_and_marks(connection, pair_ids, PROMPT_VERSION))


def _row(
    document: Document, pair: Mapping[str, Any], config: ConversionConfig, measured: _Measured
) -> dict[str, Any]:
    spec = AnswerSpec.from_json(json.dumps(pair["answer_spec"]))
    start = pair["start_char"] or 0  # of the part of a long document that the generator saw
    evidence = [
        {**span, "start": span["start"] - start, "end": span["end"] - start} for span in pair["evidence"]
    ]
    return {
        "pretrain_text": document.text[start : pair["end_char"]],
        "domain": pair["domain"],
        "persona": pair["persona"],
        "question": pair["question"],
        "answer": pair["answer"],
        "id": pair["pair_id"],
        "document_id": document.id,
        "part_start": start,
        "parent_id": pair["parent_id"],
        "task_form": pair["task_form"],
        "answer_type": pair["answer_type"],
        "answer_spec": spec.to_json(),
        "evidence": evidence,
        "derivation": pair["derivation"],
        "expression": pair["expression"],
        "claim_scope": pair["claim_scope"],
        "scope_anchor": pair["scope_anchor"],
        **measured.columns(pair["pair_id"]),
        "source": document.source,
        "source_id": document.source_id,
        "source_uri": document.source_uri,
        "source_row": document.source_row,
        "url": document.url,
        "licence": document.licence,
        "generator_model": config.generator.model,
        "generator_revision": config.generator.revision,
        "checker_model": config.checker.model,
        "checker_revision": config.checker.revision,
        "check_depth": config.check_depth,
        "prompt_versions": orjson.dumps(
            config.prompts_of(Domain(pair["domain"])),
            option=orjson.OPT_SORT_KEYS,
        ).decode(),
    }
