"""The smallest value that fits a JSON schema, for questions that the rules do not know."""

from typing import Any

WORD = "offline"
MAX_DEPTH = 20  # a schema nested deeper gets null there


def minimal(schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that fits ``schema``: the first option, the least number of items, ``offline`` for text."""
    if depth > MAX_DEPTH:
        return None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return minimal(options[0], depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: minimal(child, depth + 1) for name, child in properties.items()}
    if kind == "array":
        return [minimal(schema.get("items", {}), depth + 1)] * min(int(schema.get("minItems", 0)), 1000)
    return _scalar(kind, schema)


def _scalar(kind: Any, schema: dict[str, Any]) -> Any:
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return max(0, schema.get("minimum", 0))
    if kind == "null":
        return None
    return WORD.ljust(int(schema.get("minLength", 0)), ".")[: int(schema.get("maxLength", 1_000_000))]
