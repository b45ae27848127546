"""JSON schemas that every server's grammar understands, made from pydantic models."""

import math
from typing import Any

from pydantic import BaseModel

CHARACTERS_PER_TOKEN = 3.4  # of answers in JSON, measured on the demonstrations with o200k_base
LONGEST_NUMBER = 20  # characters

_KEPT = {"type", "enum", "maxLength", "minItems", "maxItems", "items", "properties", "required"}


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of ``model`` with references resolved and only plain keywords left.

    All properties are required and no others allowed; their order is that of the class, which is the order in
    which a grammar makes the model write them.
    """
    full = model.model_json_schema()
    return _plain(full, full.get("$defs", {}))


def answer_tokens(schema: dict[str, Any]) -> int:
    """Return an upper bound of the tokens of an answer to a plain schema, rounded up to hundreds.

    A grammar holds a model to the lengths in the schema, so that a larger limit would only pay for loops.
    """
    return 100 * math.ceil(_characters(schema) / CHARACTERS_PER_TOKEN / 100)


def _characters(node: dict[str, Any]) -> int:
    """Return the length of the longest JSON text that a plain schema allows, with a space after every comma."""
    if "enum" in node:
        return max(len(str(value)) for value in node["enum"]) + 2
    match node["type"]:
        case "string":
            return int(node["maxLength"]) + 2
        case "array":
            return int(node["maxItems"]) * (_characters(node["items"]) + 2) + 2
        case "object":
            return 2 + sum(len(name) + 6 + _characters(child) for name, child in node["properties"].items())
        case _:
            return LONGEST_NUMBER


def _plain(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    plain = {key: value for key, value in node.items() if key in _KEPT}
    if "const" in node:
        plain["enum"] = [node["const"]]
    if "items" in plain:
        plain["items"] = _plain(node["items"], definitions)
    if "properties" in plain:
        plain["properties"] = {name: _plain(child, definitions) for name, child in node["properties"].items()}
        plain["required"] = list(plain["properties"])
        plain["additionalProperties"] = False
    return plain
