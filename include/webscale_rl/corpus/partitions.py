"""Where a night's part of a corpus lies: a template of a URI, a date, and what may be read below it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import date as Date
from pathlib import PurePosixPath
from typing import Any

import fsspec

from webscale_rl.corpus.files import CorpusFile, find_files, require_no_secret
from webscale_rl.errors import ConfigurationError, CorpusError

ROOTS = "WEBSCALE_RL_ROOTS"  # folders and URI prefixes that partitions may lie in, separated by commas
_FIELD = re.compile(r"\{([^{}]*)\}")


def resolve(template: str, date: str) -> str:
    """Return the URI of a date's partition: ``{ds}`` is 2026-01-31, ``{ds_nodash}`` 20260131.

    Also ``{year}``, ``{month}``, ``{day}``, with leading zeros.

    Raises:
        ConfigurationError: no template is given, it has another field or none, leads upwards, or holds a secret;
            the date is none.
    """
    if not template or not template.strip():
        raise ConfigurationError(
            "no partitions are given: set the parameter 'partitions' (or the variable WEBSCALE_RL_PARTITIONS of "
            "the scheduler) to a URI with {ds}, such as s3://bucket/corpus/{ds}"
        )
    require_no_secret(template)
    try:
        day = Date.fromisoformat(date)
    except ValueError:
        raise ConfigurationError(f"date {date!r} must be a day such as 2026-01-31") from None
    fields = {
        "ds": day.isoformat(),
        "ds_nodash": f"{day:%Y%m%d}",
        "year": f"{day:%Y}",
        "month": f"{day:%m}",
        "day": f"{day:%d}",
    }
    asked = set(_FIELD.findall(template))
    if not asked or not asked <= set(fields):
        raise ConfigurationError(
            f"partitions {template!r} must have a field of the date, and no other field: "
            + ", ".join(f"{{{name}}}" for name in fields)
        )
    if ".." in PurePosixPath(template).parts:
        raise ConfigurationError(f"partitions {template!r} must not lead upwards by '..'")
    return _FIELD.sub(lambda found: fields[found[1]], template)


def roots_of(template: str) -> list[str]:
    """Return what a partition's files must lie in, links followed: the roots set, else the template's fixed part.

    Raises:
        ConfigurationError: roots are set and the template lies in none of them.
    """
    fixed = template.split("{", 1)[0]
    fixed = fixed if fixed.endswith("/") else fixed.rpartition("/")[0]
    allowed = [root.strip() for root in os.environ.get(ROOTS, "").split(",") if root.strip()]
    if not allowed:
        return [fixed or "."]
    if not any((fixed + "/").startswith(root.rstrip("/") + "/") for root in allowed):
        raise ConfigurationError(f"partitions {template!r} lie outside of {ROOTS}: {', '.join(allowed)}")
    return allowed


def is_there(uri: str, marker: str) -> bool:
    """Say whether a partition has arrived: its marker if one is named, else anything with its name.

    Raises:
        CorpusError: the storage does not answer, or refuses.
    """
    try:
        files, path = fsspec.url_to_fs(uri)
        files.invalidate_cache()
        if marker:
            return bool(files.exists(f"{str(path).rstrip('/')}/{marker}"))
        return bool(files.exists(path) or (_is_pattern(str(path)) and files.glob(path)))
    except (OSError, ValueError, ImportError) as error:
        raise CorpusError(f"partition {uri!r} cannot be looked for: {error}") from None


def files_of(uri: str, roots: Sequence[str]) -> list[CorpusFile]:
    """Return the files of a partition that has arrived, sorted by name; none if it is empty.

    Raises:
        CorpusError: it is not there or cannot be listed.
    """
    files, path = fsspec.url_to_fs(uri)
    if files.isdir(path) and not _anything_in(files, str(path)):
        return []
    return find_files(uri, roots=roots)


def _anything_in(files: Any, path: str) -> bool:
    return any(not PurePosixPath(found).name.startswith((".", "_")) for found in files.find(path))


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")
