"""Fences around data in a prompt: delimiters that the data cannot forge.

The tag of a fence carries a hash of what it encloses, so a text would have to contain its own hash to close
its fence early. Tokens of chat templates are defused on the way in: an inference server would read
``<|im_start|>`` in a document as the real control token.
"""

import re

from webscale_rl.ids import text_id

TAG_DIGITS = 12
ZERO_WIDTH_SPACE = "\u200b"

# What chat templates use as control tokens: <|...|>, [INST], <<SYS>>, <s>, <start_of_turn>, <think> and
# their closing forms.
_CONTROL_TOKEN = re.compile(
    r"<(?=\|[^<>|\n]{1,40}\|>)"  # <|im_start|>, <|endoftext|>
    r"|<(?=[\uff5c][^<>\n]{1,40}[\uff5c]>)"  # the full-width bars of some templates
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response|start_of_turn|end_of_turn)>)"
    r"|<(?=(?:unused\d+|extra_id_\d+|0x[0-9a-f]{2})>)"
    r"|<(?=<?/?SYS>>)"
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)


def defuse(text: str) -> str:
    """Break control tokens of chat templates with a zero-width space after their first character."""
    return _CONTROL_TOKEN.sub(lambda found: found.group() + ZERO_WIDTH_SPACE, text)


def fence(name: str, text: str) -> str:
    """Return ``text`` as data between tags that it cannot forge, such as ``<document-1f0c...>``."""
    tag = f"{name}-{text_id(text)[:TAG_DIGITS]}"
    return f"<{tag}>\n{defuse(text)}\n</{tag}>"


_OPENING = re.compile(rf"^<([a-z_]+)-([0-9a-f]{{{TAG_DIGITS}}})>$", re.MULTILINE)


def fenced(prompt: str) -> dict[str, list[str]]:
    """Return what stands between the outermost fences of a prompt, by name, in order of appearance."""
    found: dict[str, list[str]] = {}
    position = 0
    while opening := _OPENING.search(prompt, position):
        end = prompt.find(f"\n</{opening[1]}-{opening[2]}>", opening.end())
        if end < 0:
            position = opening.end()
            continue
        found.setdefault(opening[1], []).append(prompt[opening.end() + 1 : end])
        position = end + 1
    return found
