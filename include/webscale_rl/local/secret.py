"""Secrets that are made once and kept, readable by their owner alone."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def random_secret() -> str:
    """Return 512 random bits, as much as the signing of tokens wants, in characters that need no quoting."""
    return secrets.token_urlsafe(64)


def kept_secret(path: Path, make: Callable[[], str] = random_secret) -> str:
    """Return the secret kept in ``path``; ``make`` makes it on first use."""
    if not path.exists():
        write_private(path, make())
    return path.read_text()


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read; whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    temporary.rename(path)
