"""datatrove's n-gram decontamination of rows against benchmark items.

    .bench/datatrove-ingestion/bin/python bench/peers/datatrove_decontamination.py FOLDER

Reads ``items.jsonl`` (question, answer, benchmark) and ``rows.jsonl`` (question, answer) and writes
``found.json``: by setting, whether each row was taken out. The hashes are those of
``NGramsDecontIndexer.compute_hashes`` and the decision that of ``NGramsDecontFilter.filter``, called without
their pipeline, since the indexer's ``run`` wants lighteval, which downloads tasks. Words are those of spaCy's
blank English pipeline, datatrove's choice for English. A row's text is its question, a space and its answer,
as it would stand in a document.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path

from datatrove.data import Document
from datatrove.io import get_datafolder
from datatrove.pipeline.decont import n_grams
from datatrove.utils.hashing import create_hash_func
from datatrove.utils.word_tokenizers import WordTokenizer, load_word_tokenizer

SETTINGS = {
    "as it comes": n_grams.NGramsDecontConfig(),
    "12-grams of questions too": n_grams.NGramsDecontConfig(find_query_ngrams=True),
}


def made(kind: type, config: n_grams.NGramsDecontConfig, tokenizer: WordTokenizer, folder: Path) -> object:
    """Return a step of datatrove without what it only needs in a pipeline."""
    step = object.__new__(kind)  # the indexer's own constructor asks for lighteval
    super(kind, step).__init__()
    step.config, step.tokenizer = config, tokenizer
    step.hash_func = create_hash_func(config.hash_config)
    step.output_folder = step.index_folder = get_datafolder(str(folder))
    step._index_hashes = None
    return step


def main() -> None:
    """Index the items and filter the rows, once a setting."""
    folder = Path(sys.argv[1])
    items = [json.loads(line) for line in (folder / "items.jsonl").open()]
    rows = [json.loads(line) for line in (folder / "rows.jsonl").open()]
    tokenizer = load_word_tokenizer("eng")
    tokenizer.word_tokenize = lru_cache(maxsize=None)(
        tokenizer.word_tokenize
    )  # both settings see the same texts
    found = {}
    for name, config in SETTINGS.items():
        indexer = made(n_grams.NGramsDecontIndexer, config, tokenizer, folder)
        filtering = made(n_grams.NGramsDecontFilter, config, tokenizer, folder)
        filtering._index_hashes = {
            value: item["benchmark"]
            for item in items
            for value in indexer.compute_hashes(item["answer"], item["question"])
        }
        found[name] = [
            filtering.filter(Document(text=f"{row['question']} {row['answer']}", id=str(number))) is not True
            for number, row in enumerate(rows)
        ]
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
