"""What ``make run`` and ``make up`` are told, by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from webscale_rl.errors import ConfigurationError
from webscale_rl.form import SAMPLE_CORPUS
from webscale_rl.llm.endpoint import Endpoint

LONGEST_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class Settings:
    """The variables, read and checked. ``endpoint`` is None where the offline one is to be started."""

    corpus: str
    out: Path
    work: Path
    endpoint: Endpoint | None
    limit: int | None  # records to read; None for all
    ui_port: int


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as not set.

    Raises:
        ConfigurationError: they contradict each other or one cannot be read.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    return Settings(
        corpus=given.get("CORPUS", SAMPLE_CORPUS),
        out=_folder("OUT", given.get("OUT", "out")),
        work=_folder("WORK", given.get("WORK", ".local")),
        endpoint=read_endpoint(environment),
        limit=_integer("LIMIT", given["LIMIT"], LONGEST_LIMIT) if "LIMIT" in given else None,
        ui_port=_integer("UI_PORT", given.get("UI_PORT", "8080"), 65_535),
    )


def read_endpoint(environment: Mapping[str, str], prefix: str = "LLM") -> Endpoint | None:
    """Read the endpoint that the variables with this prefix name, or None where they name none.

    Raises:
        ConfigurationError: some are set and one is missing.
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    base_url, model = given.get(f"{prefix}_BASE_URL"), given.get(f"{prefix}_MODEL")
    if base_url and model:
        return Endpoint(
            base_url=base_url,
            model=model,
            revision=given.get(f"{prefix}_REVISION", ""),
            api_key=given.get(f"{prefix}_API_KEY", ""),
        )
    if base_url:
        raise ConfigurationError(
            f"{prefix}_BASE_URL is set but {prefix}_MODEL is not: name the model served there"
        )
    for name in (f"{prefix}_MODEL", f"{prefix}_API_KEY", f"{prefix}_REVISION"):
        if name in given:
            raise ConfigurationError(f"{name} is set but {prefix}_BASE_URL is not: set it to the /v1 URL")
    return None


def _folder(name: str, value: str) -> Path:
    folder = Path(value).expanduser()
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ConfigurationError(f"{name}={value!r} cannot be a folder: {str(existing)!r} is a file")
    return folder


def _integer(name: str, value: str, largest: int) -> int:
    if value.strip().isascii() and value.strip().isdigit() and 1 <= int(value) <= largest:
        return int(value)
    raise ConfigurationError(f"{name}={value!r} must be a whole number from 1 to {largest}")
