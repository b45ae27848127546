"""Metadata of a release as Croissant 1.0 (JSON-LD, http://mlcommons.org/croissant/1.0)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from webscale_rl.release.about import About
from webscale_rl.release.formats.licences import identifiers
from webscale_rl.release.formats.markdown import flat
from webscale_rl.release.rows import RELEASE_SCHEMA

_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CITATION = (
    "@article{cen2025webscale, title={Webscale-RL: Automated Data Pipeline for Scaling RL Data to Pretraining "
    "Levels}, author={Cen, Zhepeng and others}, journal={arXiv preprint arXiv:2510.06499}, year={2025}}"
)


def croissant(about: About, files: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Return the metadata of a released folder.

    Args:
        about: what the release says of itself.
        files: the Parquet file of each split.
        folder: that the addresses of files are relative to.
    """
    licences = identifiers(about.counts.get("licence", {}))
    return {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": flat(about.name),
        "description": (
            f"{about.rows:,} verifiable question-answer pairs for reinforcement learning, made from pre-training "
            "documents by the models that README.md names, and checked."
        ),
        "version": f"1.0.0+{flat(about.version)}",
        "url": "https://arxiv.org/abs/2510.06499",
        "citeAs": _CITATION,
        "license": licences if len(licences) > 1 else licences[0],
        "isLiveDataset": False,
        "distribution": [_file(split, path, folder) for split, path in files.items()],
        "recordSet": [_records(split) for split in files],
    }


def _file(split: str, path: Path, folder: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": f"{split}.parquet",
        "name": f"{split}.parquet",
        "contentUrl": path.relative_to(folder).as_posix(),
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _records(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"The rows of the split {split}.",
        "key": {"@id": f"{split}/id"},
        "field": [_field(split, column) for column in RELEASE_SCHEMA],
    }


def _field(split: str, column: pa.Field) -> dict[str, Any]:
    repeated = pa.types.is_list(column.type)
    kind = column.type.value_type if repeated else column.type
    name = f"{split}/{column.name}"
    field: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": name}
    source = {"fileObject": {"@id": f"{split}.parquet"}, "extract": {"column": column.name}}
    if pa.types.is_struct(kind):
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{part.name}",
                "name": f"{name}/{part.name}",
                "dataType": _data_type(part.type),
                "source": source | {"transform": {"jsonPath": f"[*].{part.name}"}},
            }
            for part in kind
        ]
    else:
        field |= {"dataType": _data_type(kind), "source": source}
    return field | ({"repeated": True} if repeated else {})


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
