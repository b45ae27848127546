"""Where the tasks of a release hand work over: a folder of the store, on whatever file system it lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec
from fsspec.implementations.local import LocalFileSystem


@contextmanager
def staging(uri: str, *, put_back: bool = True) -> Iterator[Path]:
    """Give a local folder with what stands at ``uri``, and put what it holds afterwards there.

    On a local disk it is the folder itself. Elsewhere files are fetched and put back when the work has succeeded,
    unless nothing is handed over any more (``put_back``).
    """
    files, path = fsspec.url_to_fs(uri)
    if isinstance(files, LocalFileSystem):
        Path(path).mkdir(parents=True, exist_ok=True)
        yield Path(path)
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        for found in files.find(path):
            target = folder / found.removeprefix(path).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            files.get_file(found, str(target))
        yield folder
        for file in sorted(folder.rglob("*")):
            if put_back and file.is_file():
                files.put_file(str(file), f"{path}/{file.relative_to(folder)}")


def clear(uri: str) -> None:
    """Remove a staging folder, where it exists."""
    files, path = fsspec.url_to_fs(uri)
    if files.exists(path):
        files.rm(path, recursive=True)


def clear_others(uri: str, prefix: str) -> None:
    """Remove the folders beside ``uri`` whose names begin with ``prefix``: of releases that were never published."""
    files, path = fsspec.url_to_fs(uri)
    parent, _, mine = path.rpartition("/")
    for other in files.ls(parent, detail=False) if files.exists(parent) else ():
        name = other.rstrip("/").rpartition("/")[2]
        if name.startswith(prefix) and name != mine:
            files.rm(other, recursive=True)
