"""The stand-in for a model on machines without one: rules behind a real OpenAI-compatible HTTP server.

It is no language model and says so in its name. It answers from the prompt alone, the same in every process.
"""

import hashlib
from importlib.resources import files

MODEL = "offline-rules-not-a-language-model"


def _revision() -> str:
    """Return the hash of the rules: for a ledger, changed rules are another model."""
    digest = hashlib.sha256()
    rules = (entry for entry in (files(__name__) / "rules").iterdir() if entry.name.endswith(".py"))
    for entry in sorted(rules, key=lambda entry: entry.name):
        digest.update(entry.name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


REVISION = _revision()

__all__ = ["MODEL", "REVISION"]
