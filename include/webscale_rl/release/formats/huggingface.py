"""For the Hugging Face Hub and ``datasets``: Parquet by split, a data card and Croissant metadata."""

from __future__ import annotations

from pathlib import Path

import orjson

from webscale_rl.release.about import About
from webscale_rl.release.formats.card import card
from webscale_rl.release.formats.croissant import croissant
from webscale_rl.release.formats.files import ship_rewards, write_parquet, write_text
from webscale_rl.release.rows import RELEASE_SCHEMA, SPLITS, Rows


def write(rows: Rows, folder: Path, about: About) -> None:
    """Write ``huggingface/``: ``data/<split>-00000-of-00001.parquet``, ``README.md``, ``croissant.json``."""
    target = folder / "huggingface"
    files = {split: target / "data" / f"{split}-00000-of-00001.parquet" for split in SPLITS}
    for split, path in files.items():
        write_parquet(path, RELEASE_SCHEMA, rows(split))
    write_text(target / "README.md", card(about))
    described = croissant(about, files, target)
    (target / "croissant.json").write_bytes(
        orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    )
    ship_rewards(target)
