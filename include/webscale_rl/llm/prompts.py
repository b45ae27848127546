"""Assembly of prompts: one invariant system message, the document first, then what helps, then the fields.

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


def load_card(name: str) -> str:
    """Return the text of ``prompts/cards/<name>.md``: what makes an answer verifiable in a domain."""
    return load_template(f"cards/{name}")


def load_demonstrations(name: str) -> str:
    """Return the JSON text of ``prompts/demonstrations/<name>.json``."""
    return (_FOLDER / "demonstrations" / f"{name}.json").read_text(encoding="utf-8")


def show_document(text: str, position: str = "") -> str:
    """Return a document as every prompt that shows it begins; ``position`` says where a part of one stands."""
    return "\n\n".join([*([fence("position", position)] if position else []), fence("document", text)])


def build_messages(
    system: str, *, document: str, guides: Sequence[str], fields: Mapping[str, str], task: str
) -> list[Message]:
    """Return the messages of one call.

    Args:
        system: the same for every call.
        document: as :func:`show_document` returns it, or empty for a task that must not see it.
        guides: what helps with all items of a document: the card of its domain, fenced demonstrations.
        fields: the variable parts, name to text, in the order in which they shall stand. All of them are
            fenced as data, for a generated question is as little to be trusted as the document.
        task: its name. It stands last, so that a task may share the fields of another.
    """
    parts = [document] if document else []
    parts.extend(guides)
    parts.extend(fence(name, text) for name, text in fields.items())
    parts.append(f"The task is: {task}. Write the JSON object now.")
    return [{"role": "system", "content": system}, {"role": "user", "content": "\n\n".join(parts)}]
