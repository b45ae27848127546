"""JSON schemas that every server's grammar understands, made from pydantic models."""

from typing import Any

from pydantic import BaseModel

_KEPT = {"type", "enum", "maxLength", "minItems", "maxItems", "items", "properties", "required"}


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of ``model`` with references resolved and only plain keywords left.

    All properties are required and no others allowed; their order is that of the class, which is the order in
    which a grammar makes the model write them.
    """
    full = model.model_json_schema()
    return _plain(full, full.get("$defs", {}))


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
