"""A release in the forms that trainers read. Each writer makes a folder that needs nothing beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from webscale_rl.release.about import About
from webscale_rl.release.formats import huggingface, nemo_rl, openrlhf, trl, verl
from webscale_rl.release.rows import Rows

# Writes below ``folder/<name of the format>/``; equal rows and words give equal bytes.
Writer = Callable[[Rows, Path, About], None]

FORMATS: Mapping[str, Writer] = {
    "huggingface": huggingface.write,
    "verl": verl.write,
    "trl": trl.write,
    "openrlhf": openrlhf.write,
    "nemo_rl": nemo_rl.write,
}

__all__ = ["FORMATS", "Writer"]
