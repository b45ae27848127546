"""Finding the files of a corpus: a file, a folder, a glob or an fsspec URI."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from webscale_rl.errors import CorpusError

JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst")
PARQUET = (".parquet",)
TEXT = (".txt", ".md", ".markdown")
KNOWN = (*JSON_LINES, *PARQUET, *TEXT)


@dataclass(frozen=True)
class CorpusFile:
    """One file. ``name`` is how the user would name it; ``path`` is the file system's own."""

    name: str
    path: str
    filesystem: Any  # an fsspec file system

    @property
    def known(self) -> bool:
        """Whether its ending says how to read it."""
        return self.name.lower().endswith(KNOWN)


def find_files(corpus: str) -> list[CorpusFile]:
    """Return the files of a corpus, sorted by name; hidden ones are left out, unknown kinds are not.

    Raises:
        CorpusError: it is missing, cannot be listed, or holds no file of a known kind.
    """
    filesystem, path = _open(corpus)
    try:
        paths = _list(filesystem, path)
    except PermissionError as error:
        raise CorpusError(
            f"corpus {corpus!r} cannot be listed: {error.strerror or 'no permission'}"
        ) from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"corpus {corpus!r} cannot be listed: {error}") from None
    if paths is None:
        raise CorpusError(f"corpus {corpus!r} does not exist: give a file, folder, glob or fsspec URI")
    files = [CorpusFile(_utf8(_named(corpus, path, found, filesystem)), found, filesystem) for found in paths]
    if not any(file.known for file in files):
        seen = f"; it has {', '.join(repr(file.name) for file in files[:3])}" if files else ""
        raise CorpusError(f"corpus {corpus!r} holds no file that ends in {', '.join(KNOWN)}{seen}")
    return files


def require_no_secret(corpus: str) -> None:
    """Check that a corpus can be named in records: it is kept with every document.

    Raises:
        CorpusError: its URI holds a user, a password or a query; the message does not repeat it.
    """
    for part in corpus.split("::"):
        if "://" not in part:
            continue
        url = urlsplit(part)
        if "@" in url.netloc or (url.scheme in ("http", "https") and url.query):
            raise CorpusError(
                "the URI of the corpus must hold no user, password or query: give credentials in the environment, "
                "as fsspec's file systems read them"
            )


def _open(corpus: str) -> tuple[Any, str]:
    if not corpus.strip():
        raise CorpusError("no corpus is given: name a file, folder, glob or fsspec URI")
    require_no_secret(corpus)
    try:
        filesystem, path = fsspec.url_to_fs(corpus)
    except ImportError as error:
        raise CorpusError(f"corpus {corpus!r} needs a package that is not installed: {error}") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"corpus {corpus!r} cannot be opened: {error}") from None
    return filesystem, str(path)


def _list(filesystem: Any, path: str) -> list[str] | None:
    """Return the sorted paths, or None if nothing is there. A name with brackets may be meant literally."""
    if filesystem.isfile(path):
        return [path]
    if filesystem.isdir(path):
        # of a folder that may not be read, find() gives an empty list
        filesystem.ls(path, detail=False)
        found = filesystem.find(path)
        return sorted(each for each in found if not _hidden(each[len(path) :]))
    if any(sign in path for sign in "*?["):
        return sorted(each for each in filesystem.glob(path) if filesystem.isfile(each)) or None
    return None


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(relative.lstrip("/")).parts)


def _named(corpus: str, path: str, found: str, filesystem: Any) -> str:
    """Return the name of a file as the user would write it, so that the same command gives the same bytes."""
    if found == path:
        return corpus
    if found.startswith(path.rstrip("/") + "/"):
        return corpus.rstrip("/") + found[len(path.rstrip("/")) :]
    if not isinstance(filesystem, LocalFileSystem):
        return str(filesystem.unstrip_protocol(found))
    return found if Path(corpus).is_absolute() else os.path.relpath(found)


def _utf8(name: str) -> str:
    """Return a name that can be stored: a file system's names may hold bytes that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()
