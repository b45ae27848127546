"""Where a record has its text, its id and where it comes from: the names that common corpora use, or a user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from webscale_rl.errors import ConfigurationError

NESTED = ("metadata", "meta")
LONGEST_FIELD = 2_000  # characters kept of any field but the text


@dataclass(frozen=True)
class FieldNames:
    """The names under which each field of a document is looked for, in order; a dotted one leads into an object."""

    text: tuple[str, ...] = ("text", "content", "raw_content", "markdown")
    source_id: tuple[str, ...] = ("id", "source_id", "doc_id", "uuid")
    source: tuple[str, ...] = ("source", "repository", "dataset")
    url: tuple[str, ...] = ("url", "url_or_path", "path")
    licence: tuple[str, ...] = ("licence", "license")

    @classmethod
    def mapped(cls, names: Mapping[str, str]) -> FieldNames:
        """Return the usual names with some replaced, such as ``{"text": "body", "source_id": "meta.key"}``.

        Raises:
            ConfigurationError: a document has no such field, or a name is no text.
        """
        known = [field.name for field in fields(cls)]
        for field, name in names.items():
            if field not in known or not isinstance(name, str) or not name:
                raise ConfigurationError(
                    f"fields: {field!r}: {name!r} cannot be used: give names for {', '.join(known)}"
                )
        return replace(cls(), **{field: (name,) for field, name in names.items()})


def text_of(record: Mapping[str, Any], names: FieldNames) -> tuple[str, Any] | None:
    """Return the name and value of the first field that may hold the text; None where there is none."""
    for name in names.text:
        for value in _values(record, name):
            return name, value
    return None


def field_of(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return a field as text, from the record or its metadata; no text, number or list of texts counts as none."""
    nested = [record[name] for name in NESTED if isinstance(record.get(name), Mapping)]
    for level in (record, *nested):
        for name in names:
            for value in _values(level, name):
                if isinstance(value, list):  # such as several licences
                    value = ", ".join(part for part in value if isinstance(part, str))
                if (
                    isinstance(value, str | int | float)
                    and not isinstance(value, bool)
                    and str(value).strip()
                ):
                    plain = str(value).replace("\x00", "").encode("utf-8", "replace").decode()
                    return plain[:LONGEST_FIELD]
    return ""


def _values(record: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield the value of a name, if it is there: literally, or along its dots."""
    if name in record:
        yield record[name]
        return
    value: Any = record
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return
        value = value[step]
    yield value
