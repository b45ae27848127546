"""Many documents from a few real ones: each varied so far that no two count as near duplicates, unless they should.

    .venv/bin/python bench/ingestion_corpus.py 5000 /tmp/partition --from ../shared/data/corpus
    .venv/bin/python bench/ingestion_corpus.py 300000 /tmp/partition --characters 2000

Of 100 records, 90 are documents, 5 near duplicates (one word of a hundred is another) and 2 exact duplicates of
documents before them, and 3 are junk, made from ``junk.jsonl`` of the same folder. The id says which:
``doc-00000007``, ``near-00000009-of-00000007``. Record number n is the same on every machine for the same folder and
seed. Written are ``.jsonl.gz`` and ``.jsonl.zst`` in turn and one Parquet file at the end; memory holds the source
documents and one row group.

A variation takes another order of paragraphs and of the sentences in them, puts another word of the same document in
the place of every seventh (drawn as often as it occurs there) and changes numbers. Two variations of the same
document then share about a tenth of their shingles of five words.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data" / "corpus"
SAMPLE = ROOT / "include" / "sample_corpus"
NEAR, EXACT, JUNK = 0.05, 0.02, 0.03  # shares of all records
WORDS_REPLACED, NUMBERS_CHANGED = 0.15, 0.5  # of a variation
WORDS_OF_A_NEAR_ONE = 0.01
RECORDS_OF_A_FILE = 10_000
ROW_GROUP = 1_000
_WORD_OR_NUMBER = re.compile(r"[A-Za-z]{2,}|\d+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SENTENCE_END = re.compile(r"(?<=[.!?]) +(?=[A-Z])")

Row = dict[str, str]


@dataclass(frozen=True)
class Sources:
    """The real texts. ``characters``: how long a document made of them is, about; 0 for as long as they are."""

    documents: Sequence[str]
    junk: Sequence[str]
    characters: int
    seed: int

    def row(self, number: int) -> Row:
        """Return record ``number``."""
        dice = self._dice(number)
        kind = self._kind(number)
        if kind in ("near", "exact"):
            original = dice.randrange(number)
            while self._kind(original) != "doc":
                original = (original or number) - 1
            text = self._document(original)
            if kind == "near":
                text = replaced(text, dice, WORDS_OF_A_NEAR_ONE, 0.0)
            return _row(f"{kind}-{number:08}-of-{original:08}", text)
        if kind == "junk":
            return _row(f"junk-{number:08}", varied(dice.choice(self.junk), dice))
        return _row(f"doc-{number:08}", self._document(number))

    def rows(self, count: int) -> Iterator[Row]:
        """Yield the first ``count`` records."""
        return (self.row(number) for number in range(count))

    def _dice(self, number: int) -> random.Random:
        return random.Random(f"{self.seed}/{number}")

    def _kind(self, number: int) -> str:
        if number == 0:
            return "doc"  # so that every duplicate has something before it
        place = random.Random(f"{self.seed}/kind/{number}").random()
        for kind, share in (("near", NEAR), ("exact", EXACT), ("junk", JUNK)):
            if place < share:
                return kind
            place -= share
        return "doc"

    def _document(self, number: int) -> str:
        dice = self._dice(number)
        text = self.documents[number % len(self.documents)]
        if self.characters:
            text = passage(text, self.characters, dice)
        return varied(text, dice)


def passage(text: str, characters: int, dice: random.Random) -> str:
    """Return paragraphs that follow each other, ``characters`` long or a little more; all of a shorter text."""
    paragraphs = text.split("\n\n")
    behind, last = 0, len(paragraphs)  # the last start from which enough is left
    while last > 0 and behind < characters:
        last -= 1
        behind += len(paragraphs[last])
    first = dice.randint(0, last)
    taken, length = [], 0
    for paragraph in paragraphs[first:]:
        taken.append(paragraph)
        length += len(paragraph)
        if length >= characters:
            break
    return "\n\n".join(taken)


def varied(text: str, dice: random.Random) -> str:
    """Return a document like this one that shares few shingles with it."""
    title, *paragraphs = text.split("\n\n")
    dice.shuffle(paragraphs)
    return replaced(
        "\n\n".join([title, *(_mixed(one, dice) for one in paragraphs)]),
        dice,
        WORDS_REPLACED,
        NUMBERS_CHANGED,
    )


def replaced(text: str, dice: random.Random, words: float, numbers: float) -> str:
    """Return the text with a share of its words replaced by others of its own, and of its numbers by new ones."""
    vocabulary = _WORD.findall(text)

    def other(found: re.Match[str]) -> str:
        old = found[0]
        if old.isdigit():
            return str(dice.randrange(10 ** min(len(old), 9))) if dice.random() < numbers else old
        if dice.random() >= words:
            return old
        new: str = dice.choice(vocabulary)
        return new.capitalize() if old.istitle() else new.lower() if old.islower() else new

    return _WORD_OR_NUMBER.sub(other, text)


def _mixed(paragraph: str, dice: random.Random) -> str:
    if "\n" in paragraph:  # a list, table or program: its lines stay in their order
        return paragraph
    sentences = _SENTENCE_END.split(paragraph)
    dice.shuffle(sentences)
    return " ".join(sentences)


def _row(identifier: str, text: str) -> Row:
    return {"id": identifier, "text": text}


def default_folder() -> Path:
    """Return the folder of real documents that is there."""
    return SHARED if SHARED.is_dir() else SAMPLE


def read_sources(folder: Path, characters: int, seed: int) -> Sources:
    """Read the JSONL files of a folder."""
    documents: list[str] = []
    junk: list[str] = []
    for path in sorted(folder.glob("*.jsonl")):
        texts = [orjson.loads(line)["text"] for line in path.read_bytes().splitlines() if line.strip()]
        (junk if path.name == "junk.jsonl" else documents).extend(texts)
    random.Random(seed).shuffle(documents)
    return Sources(documents, junk, characters, seed)


def write(folder: Path, count: int, sources: Sources) -> None:
    """Write a partition of ``count`` records, in three files or more."""
    folder.mkdir(parents=True, exist_ok=True)
    size = min(RECORDS_OF_A_FILE, -(-count // 3))
    rows, files = sources.rows(count), -(-count // size)
    for number in range(files - 1):
        _write_jsonl(folder / f"part-{number:05}.jsonl.{('gz', 'zst')[number % 2]}", islice(rows, size))
    _write_parquet(folder / f"part-{files - 1:05}.parquet", rows)


def _write_jsonl(path: Path, rows: Iterator[Row]) -> None:
    with path.open("wb") as raw, _packer(path.suffix, raw) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _packer(suffix: str, raw: BinaryIO) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)  # the same bytes at any time
    return zstandard.ZstdCompressor(level=3).stream_writer(raw)


def _write_parquet(path: Path, rows: Iterator[Row]) -> None:
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        while group := list(islice(rows, ROW_GROUP)):
            file.write_table(pa.Table.from_pylist(group, schema))


def main() -> None:
    """Write a partition from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", type=int, help="number of records")
    parser.add_argument("output", type=Path, help="folder of the partition")
    parser.add_argument(
        "--from", dest="source", type=Path, default=default_folder(), help="folder of JSONL files"
    )
    parser.add_argument(
        "--characters", type=int, default=0, help="of a document, about (default: whole documents)"
    )
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    write(given.output, given.count, read_sources(given.source, given.characters, given.seed))


if __name__ == "__main__":
    main()
