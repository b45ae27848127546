"""The bytes of a file, decompressed piece by piece; one that breaks off gives what stands before and then raises."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 2**20
ZSTD_PIECE = 2**10  # compressed bytes at a time: a hostile file makes up to 32,000 bytes of each


def unpacked(name: str, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file whose name says how it is compressed: ``.gz``, ``.zst`` or not at all.

    Raises:
        Exception: whatever the library makes of a broken file, after all that could be decompressed.
    """
    name = name.lower()
    if name.endswith(".gz"):
        with gzip.open(raw, "rb") as stream:
            yield from iter(lambda: stream.read1(CHUNK), b"")
    elif name.endswith(".zst"):
        yield from _zstandard(raw)
    else:
        yield from iter(lambda: raw.read(CHUNK), b"")
        return
    if not raw.tell():
        raise EOFError("the file has no bytes: even nothing, compressed, has some")


def _zstandard(raw: BinaryIO) -> Iterator[bytes]:
    """Decompress frame after frame; the library's own stream reader takes a file that breaks off for a whole one."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while piece := raw.read(ZSTD_PIECE):
        while piece:
            frame = frame or decompressor.decompressobj()
            yield frame.decompress(piece)
            piece = frame.unused_data
            if frame.eof:
                frame = None
    if frame:
        raise EOFError("the file ends within a frame")
