"""The rows of a release: those of a run's data set, and what a trainer needs beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from webscale_rl.release.dataset import SCHEMA

SPLITS = ("train", "test")
# How a reference answer was confirmed, weakest first.
LABEL_CONFIDENCES = (
    "split",  # the solvers disagreed, and the second one sided with the reference
    "solved",  # one solver with the document agreed
    "judged",  # and a judge with the document in view found it sound, or a solver without the document agreed
)

RELEASE_SCHEMA = pa.schema(
    [
        *SCHEMA,
        ("prompt", pa.string()),  # the one user message, as `rewards.solver_prompt` makes it
        ("prompt_tokens", pa.int64()),  # of it, as `corpus.tokens.count` counts; chat templates add a few
        ("label_confidence", pa.string()),
        ("source_cluster", pa.string()),  # near-identical documents and questions share one
        ("split", pa.string()),
    ]
)

# The rows of a split, in the release's order, a batch of the release's schema at a time; may be called again.
Rows = Callable[[str], Iterator[pa.RecordBatch]]
