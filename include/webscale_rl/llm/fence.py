"""Fences around data in a prompt: delimiters that the data cannot forge.

The tag of a fence carries a hash of what it encloses, so a text would have to contain its own hash to close
its fence early. Tokens of chat templates are defused on the way in: an inference server would read
``<|im_start|>`` in a document as the real control token.
"""

import re

from webscale_rl.ids import text_id

TAG_DIGITS = 12
ZERO_WIDTH_SPACE = "\u200b"

# What chat templates use as control tokens, by family, with their closing forms.
_CONTROL_TOKEN = re.compile(
    r"<(?=\|[^<>|\n]{1,40}\|>)"  # <|im_start|>, <|endoftext|>: Qwen, Llama 3 and 4, Phi, gpt-oss, Granite, Command R
    r"|<(?=\|[a-z_]{1,40}>|[a-z_]{1,40}\|>)"  # <|turn>, <turn|>: Gemma 4
    r"|<(?=[\uff5c][^<>\n]{1,40}[\uff5c]>)|[\uff5c](?=DSML[\uff5c])"  # the full-width bars of DeepSeek
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|cls|sep|sop|eop|think|tools|tool_call|tool_response|arg_key|arg_value|escape"
    r"|(?:bos|eos|eop|mask)_token|image_soft_token|(?:start|end)_of_(?:turn|image|audio)"
    r"|(?:start|end)_function_(?:call|declaration|response)|fim_(?:prefix|middle|suffix|pad)|osagent_mode)>)"
    r"|<(?=/?(?:unused\d+|extra_id_\d+|special_\d+|0x[0-9a-f]{2}|(?:seed|minimax):\w{1,30}|longcat_\w{1,30})>)"
    r"|<(?=/?role>)|\](?=~!?b[\]\[])|\[(?=e~\[)"  # Ling, MiniMax
    r"|<(?=<?/?SYS>>)"  # Llama 2
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|MODEL_SETTINGS|THINK|ARGS"
    r"|CALL_ID|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|PREFIX|MIDDLE|SUFFIX|g?MASK|sMASK|BOS|EOS|PAD|UNK|EOT"
    r"|(?:start|end)_header_id)\])"  # Mistral, GLM, Kimi
    r"|\[(?=\|[a-z_]{1,40}\|\])",  # EXAONE
    re.IGNORECASE,
)
# The same behind its break, raw or as JSON writes it.
_BROKEN = re.compile(r"([<\[\]\uff5c]|\\uff5c)(?:\u200b|\\u200b)", re.IGNORECASE)


def defuse(text: str) -> str:
    """Break control tokens of chat templates with a zero-width space after their first character."""
    return _CONTROL_TOKEN.sub(lambda found: found.group() + ZERO_WIDTH_SPACE, text)


def restore(text: str) -> str:
    """Undo :func:`defuse` in what a model has copied: a space that nobody sees must not reach a data set."""
    return _BROKEN.sub(r"\1", text)


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
