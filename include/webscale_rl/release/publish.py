"""Publishing: a release appears whole, under a name that its content decides, and never changes.

On a local disk a folder is renamed into place. Object storage cannot rename: files go to their final place one by
one, and ``release.json``, which lists them with their checksums, comes last. A release without it does not exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem

from webscale_rl.errors import ConfigurationError

MANIFEST = "release.json"
BLOCK = 1 << 20


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by relative path, in order."""
    return {
        str(path.relative_to(folder)): _sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``release.json``: what the release says of itself, and its files with their checksums."""
    content = {**about, "files": checksums(folder)}
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    (folder / MANIFEST).write_bytes(orjson.dumps(content, option=options))


def is_published(uri: str) -> bool:
    """Say whether a release stands whole at a folder or fsspec URI."""
    files, path = fsspec.url_to_fs(uri)
    return bool(files.exists(f"{path}/{MANIFEST}"))


def publish(folder: Path, uri: str) -> None:
    """Put a finished folder to its final place; nothing happens where that release stands already.

    Args:
        folder: with a manifest; on the same disk as ``uri`` where that is local, and then moved.
        uri: a folder or fsspec URI that holds this release and no other.

    Raises:
        ConfigurationError: another content stands there.
    """
    files, path = fsspec.url_to_fs(uri)
    mine = (folder / MANIFEST).read_bytes()
    if files.exists(f"{path}/{MANIFEST}"):
        if files.cat_file(f"{path}/{MANIFEST}") != mine:
            raise ConfigurationError(
                f"{uri!r} holds a release of this id with other files: it is not touched. A release is made by one "
                "version of this project; remove it by hand to make it anew"
            )
        return
    if isinstance(files, LocalFileSystem):
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(target)
        except OSError:
            if not is_published(uri):  # another try has not just published the same
                raise
        return
    names = [name for name in checksums(folder) if name != MANIFEST]
    for name in names:
        files.put_file(str(folder / name), f"{path}/{name}")
    files.invalidate_cache()
    whole = {files._strip_protocol(f"{path}/{name}") for name in names}
    for left in set(files.find(path)) - whole:  # by a killed try of another version of this project
        files.rm_file(left)
    files.pipe_file(f"{path}/{MANIFEST}", mine)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
