"""Licences as corpora name them, in the words of the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable

# https://huggingface.co/docs/hub/repositories-licenses: those that texts come under.
_KNOWN = frozenset(
    [
        "apache-2.0",
        "mit",
        "openrail",
        "bigscience-openrail-m",
        "cc",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cdla-sharing-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "wtfpl",
        "epl-1.0",
        "epl-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "agpl-3.0",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "isc",
        "mpl-2.0",
        "odc-by",
        "odbl",
        "pddl",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "unlicense",
        "zlib",
        "artistic-2.0",
        "ms-pl",
    ]
)
_NAMES = {
    "cc0": "cc0-1.0",
    "odc-by-1.0": "odc-by",
    "odbl-1.0": "odbl",
    "pddl-1.0": "pddl",
    "gfdl-1.3": "gfdl",
}
_ADDRESS = re.compile(
    r"^https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)(?:/.*)?$"
)


def identifiers(licences: Iterable[str]) -> list[str]:
    """Return the Hub's identifiers of licences, sorted; ``unknown`` for none stated, ``other`` for any other name.

    "Public domain" is no licence and has no identifier there: it is ``other``.
    """
    return sorted({_identifier(licence or "") for licence in licences}) or ["unknown"]


def _identifier(licence: str) -> str:
    name = re.sub(r"[\s_]+", "-", licence.strip().casefold())
    if found := _ADDRESS.match(name):
        name = f"cc0-{found[2]}" if found[1] == "zero" else f"cc-{found[1]}-{found[2]}"
    name = re.sub(r"-(?:only|or-later|deed(?:\.en)?)$", "", name)
    name = _NAMES.get(name, name)
    return name if name in _KNOWN else "other" if name else "unknown"
