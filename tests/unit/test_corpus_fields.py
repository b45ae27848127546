"""What a user would lose: a corpus with field names of its own could not be read, a wrong map goes unnoticed."""

import json
from pathlib import Path

import pytest

from webscale_rl.corpus.fields import FieldNames
from webscale_rl.corpus.files import find_files
from webscale_rl.corpus.readers import read_file
from webscale_rl.errors import ConfigurationError
from webscale_rl.records import BadRecord, Document

RECORD = {"body": "x", "meta": {"key": 7, "deep": {"site": "https://e.org"}}, "a.b": "CC0", "id": "no"}


def first(path: Path, record: object, names: FieldNames) -> Document | BadRecord:
    path.write_text(json.dumps(record) + "\n")
    return next(read_file(find_files(str(path))[0], names))


def test_names_can_be_mapped_also_into_objects(tmp_path: Path) -> None:
    names = FieldNames.mapped(
        {"text": "body", "source_id": "meta.key", "url": "meta.deep.site", "licence": "a.b"}
    )
    found = first(tmp_path / "a.jsonl", RECORD, names)
    assert isinstance(found, Document)
    assert (found.text, found.source_id, found.url, found.licence) == ("x", "7", "https://e.org", "CC0")


def test_a_mapped_text_may_lie_in_an_object_and_no_other_field_stands_in(tmp_path: Path) -> None:
    names = FieldNames.mapped({"text": "doc.body"})
    found = first(tmp_path / "a.jsonl", {"doc": {"body": "y"}, "text": "no"}, names)
    assert isinstance(found, Document)
    assert found.text == "y"
    missing = first(tmp_path / "a.jsonl", {"doc": "flat", "text": "no"}, names)
    assert isinstance(missing, BadRecord)
    assert (missing.reason, "doc.body" in missing.detail) == ("missing_text", True)


@pytest.mark.parametrize("names", [{"body": "text"}, {"text": ""}])
def test_a_wrong_map_is_named(names: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="text, source_id, source, url, licence"):
        FieldNames.mapped(names)
