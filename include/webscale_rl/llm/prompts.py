"""Assembly of prompts: one invariant system message, the document first, then the task, then its fields.

The order is a matter of cost: an inference server reuses the longest common prefix of prompts, so what
is shared stands before what differs. All prompts that show a document begin with the same bytes.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from webscale_rl.llm.fence import fence

Message = dict[str, str]

_FOLDER = files("webscale_rl") / "prompts"


def load_template(name: str) -> str:
    """Return the text of ``prompts/<name>.md`` without surrounding white space."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


SYSTEM = load_template("system")


def load_card(name: str) -> str:
    """Return the text of ``prompts/cards/<name>.md``: what makes an answer verifiable in a domain."""
    return load_template(f"cards/{name}")


def load_demonstrations(name: str) -> str:
    """Return the JSON text of ``prompts/demonstrations/<name>.json``."""
    return (_FOLDER / "demonstrations" / f"{name}.json").read_text(encoding="utf-8")


def build_messages(
    template: str,
    *,
    document: str | None,
    demonstrations: Sequence[str] = (),
    fields: Mapping[str, str],
) -> list[Message]:
    """Return the messages of one call.

    Args:
        template: the instructions of the stage, the same for every call of it.
        document: text of the document, or None for a stage that must not see it.
        demonstrations: rendered examples, fixed for the stage (and the domain), never random.
        fields: the variable parts, name to text, in the order in which they shall stand. All of them are
            fenced as data, for a generated question is as little to be trusted as the document.
    """
    parts = [] if document is None else [fence("document", document)]
    parts.append(template)
    if demonstrations:
        parts.append("Examples of the quality that is wanted (other material, not yours):")
        parts.extend(fence("demonstration", text) for text in demonstrations)
    if fields:
        parts.append("Your task is this:")
        parts.extend(fence(name, text) for name, text in fields.items())
    parts.append("Write the JSON object now.")
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "\n\n".join(parts)}]
