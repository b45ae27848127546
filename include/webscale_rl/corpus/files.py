"""Finding the files of a corpus: a file, a folder, a glob or an fsspec URI."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from webscale_rl.errors import CorpusError
from webscale_rl.ids import content_id

JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst")
PARQUET = (".parquet",)
TEXT = (".txt", ".md", ".markdown")
WEB_ARCHIVES = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")
FAULTS = {
    "outside_roots": "it lies outside of the folders that may be read",
    "not_a_file": "it is a pipe, a socket or a device",
    "broken_link": "its link leads nowhere",
}
_CHANGING = ("size", "mtime", "ETag", "etag", "LastModified", "updated", "created")  # of a stored object
KNOWN = (*JSON_LINES, *PARQUET, *TEXT, *WEB_ARCHIVES)


@dataclass(frozen=True)
class CorpusFile:
    """One file. ``name`` is how the user would name it; ``path`` is the file system's own."""

    name: str
    path: str
    filesystem: Any  # an fsspec file system
    fault: str = ""  # why it must not be opened, one of FAULTS

    @property
    def known(self) -> bool:
        """Whether its ending says how to read it."""
        return self.name.lower().endswith(KNOWN)


def find_files(corpus: str, *, roots: Sequence[str] | None = None) -> list[CorpusFile]:
    """Return the files of a corpus, sorted by name; hidden ones are left out, unknown kinds are not.

    Args:
        corpus: a file, folder, glob or fsspec URI.
        roots: folders and URI prefixes; a file that lies in none of them, links followed, has a fault.

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
    except Exception as error:  # of any storage's library, such as that it finds no credentials
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise CorpusError(f"corpus {corpus!r} cannot be listed: {words[:300]}") from None
    if paths is None:
        raise CorpusError(f"corpus {corpus!r} does not exist: give a file, folder, glob or fsspec URI")
    files = [CorpusFile(_utf8(_named(corpus, path, found, filesystem)), found, filesystem) for found in paths]
    files = [replace(file, fault=_fault(file, roots)) for file in files]
    if not any(file.known or file.fault for file in files):
        seen = f"; it has {', '.join(repr(file.name) for file in files[:3])}" if files else ""
        raise CorpusError(f"corpus {corpus!r} holds no file that ends in {', '.join(KNOWN)}{seen}")
    return files


def fingerprint(file: CorpusFile) -> str:
    """Return what changes when a file changes: its size and the time or tag that its storage gives it.

    Raises:
        OSError: it is gone, or the storage does not answer.
    """
    if isinstance(file.filesystem, LocalFileSystem):  # whose info() has the time of a link, not of the file
        found = Path(file.path).stat()
        return content_id([str(part) for part in (found.st_size, found.st_mtime_ns, found.st_ino)])
    file.filesystem.invalidate_cache(file.path)
    info = file.filesystem.info(file.path)
    return content_id([str(info.get(name)) for name in _CHANGING])


def within(file: CorpusFile, roots: Sequence[str]) -> bool:
    """Say whether a file lies in one of the roots: folders, links followed, or prefixes of its storage's URIs."""
    if isinstance(file.filesystem, LocalFileSystem):
        real = Path(os.path.realpath(file.path))
        folders = [root for root in roots if "://" not in root or root.startswith(("file://", "local://"))]
        return any(
            real.is_relative_to(os.path.realpath(file.filesystem._strip_protocol(each))) for each in folders
        )
    name = str(file.filesystem.unstrip_protocol(file.path))
    if ".." in name.split("/"):  # a key may hold it literally; what a gateway makes of it is not known
        return False
    return any((name + "/").startswith(_prefix(file.filesystem, root)) for root in roots)


def irregular(file: CorpusFile) -> str:
    """Return the fault of what is no file, so that reading it might never end, or nothing."""
    if isinstance(file.filesystem, LocalFileSystem):
        try:
            mode = Path(file.path).stat().st_mode
        except (OSError, ValueError):  # reading it says what is wrong
            return ""
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return "not_a_file"
    return ""


def _fault(file: CorpusFile, roots: Sequence[str] | None) -> str:
    """Return why a file must not be opened: it lies outside, or reading it might never end."""
    if roots is not None:
        if isinstance(file.filesystem, LocalFileSystem) and not Path(file.path).exists():
            return "broken_link"
        if not within(file, roots):
            return "outside_roots"
    return irregular(file)


def _prefix(filesystem: Any, root: str) -> str:
    """Return a root as the storage writes URIs, ending in a slash; for another storage's, what no URI begins with."""
    protocols = filesystem.protocol if isinstance(filesystem.protocol, tuple) else (filesystem.protocol,)
    protocol, mark, path = root.partition("://")
    if not mark or protocol not in protocols:
        return "\n"
    path = posixpath.normpath(filesystem._strip_protocol(f"{protocol}://{path}"))
    return str(filesystem.unstrip_protocol(path)).rstrip("/") + "/"


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
