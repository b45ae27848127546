"""The final answer of a response: in ``\\boxed{}``, between ``<answer>`` tags or behind "Final answer:"."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ANSWER = 1_000  # characters: a longer final answer is none
MAX_MARKED = 16  # final answers of one response: more are a flood
MAX_RESPONSE = 200_000  # characters: what lies before the last so many is not read

_BOX = re.compile(r"\\f?boxed\s*(?=\{)")
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_DENIED_BOX = re.compile(
    r"(?:\b(?:not|never|cannot)|n['’]t|≠|\\neq?)(?:\s+\w+ly)?[\s$*:(\\\[]*$", re.IGNORECASE
)
_LINE = re.compile(
    r"(?:\bfinal\s+answer[\s*_]{0,9}:"
    r"|^[ >#*_-]{0,9}(?:(?:so|therefore|thus|hence),?\s+)?(?:the\s+)?final\s+answer\s+is\b)"
    r"(?:[\s:]|[*_]{1,3}(?=[\s:]|$))*([^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
# "Final Answer: The final answer is $5$. I hope it is correct." is how models write that were shown Minerva's prompt.
_PREAMBLE = re.compile(r"^the\s+(?:final\s+)?answer\s+is:?\s+", re.IGNORECASE)
_HOPE = re.compile(r"\.?\s{0,9}I hope it is correct\b.*$", re.IGNORECASE | re.DOTALL)
_EMPHASIS = re.compile(r"^\*\*|\*\*$")  # one star may be a mark: A* is not A
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINKING = re.compile(r"<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FinalAnswers:
    """The marked answers of a response, the last one last. Where ``fault`` is not empty there are none to judge."""

    texts: tuple[str, ...] = ()
    written: tuple[str, ...] = ()  # the same with the marks around them: ``**x**`` may be code
    beside: tuple[
        tuple[str, str], ...
    ] = ()  # what "Final answer:" has before and after a box or tag of its line
    fault: str = ""  # none, conflict, flood, too_long


def final_answers(response: str) -> FinalAnswers:
    """Return what a response marks as final, behind its thinking, in time linear in what is read of it."""
    said = _spoken(response[-MAX_RESPONSE:])
    spans = [*_boxed(said), *_tagged(said)]
    marked = [(start, text) for start, _, text in spans]
    beside = []
    for found in _LINE.finditer(_without(said, spans)):
        before, box, after = found[1].partition(_GONE)
        if box:
            beside.append((before, _HOPE.sub("", after.replace(_GONE, " "))))
        else:
            marked.append((found.start(), found[1]))
    if not marked:
        return FinalAnswers(fault="none")
    if len(marked) > MAX_MARKED:
        return FinalAnswers(fault="flood")
    written = tuple(text.strip() for _, text in sorted(marked))
    if any(len(text) > 2 * MAX_ANSWER for text in written):
        return FinalAnswers(fault="too_long")  # before anything slower than a look at each character
    texts = tuple(map(_unwrapped, written))
    if any(map(_BOX.search, texts)) or any(
        _DENIED_BOX.search(said, max(0, start - 40), start) for start, *_ in spans
    ):
        return FinalAnswers(fault="conflict")  # a box within other words of an answer, or denied
    if any(len(text) > MAX_ANSWER for text in texts):
        return FinalAnswers(fault="too_long")
    return FinalAnswers(texts, written, tuple(beside)) if all(texts) else FinalAnswers(fault="none")


def boxes(text: str) -> list[str]:
    """Return the contents of all ``\\boxed{}`` of a text, in order; one that is not closed ends with the text."""
    return [content for *_, content in _boxed(text)]


_GONE = "\0"


def _without(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Return a text of the same length in which other marks stand for what is in a box or tag."""
    kept, place = [], 0
    for start, end, _ in sorted(spans):
        kept += [text[place:start], _GONE * (end - max(start, place))]
        place = max(place, end)
    return "".join(kept) + text[place:]


def _tagged(text: str) -> list[tuple[int, int, str]]:
    """Return what stands between ``<answer>`` and the next ``</answer>``; in one pass, however many are left open."""
    found: list[tuple[int, int, str]] = []
    opening = None
    for tag in _TAG.finditer(text):
        if tag[1] and opening:
            found.append((opening.start(), tag.end(), text[opening.end() : tag.start()]))
        opening = None if tag[1] else opening or tag
    return found


def _boxed(text: str) -> list[tuple[int, int, str]]:
    found = []
    covered = 0  # a box within a box belongs to the outer one
    for box in _BOX.finditer(text):
        if box.start() < covered:
            continue
        end = _closing(text, box.end())
        found.append((box.start(), min(end + 1, len(text)), text[box.end() + 1 : end].strip()))
        covered = end
        if len(found) > MAX_MARKED:
            break
    return found


def _closing(text: str, opening: int) -> int:
    """Return where the brace that opens at ``opening`` is closed, looking no further than an answer may reach."""
    depth = 0
    end = min(len(text), opening + MAX_ANSWER + 2)
    for place in range(opening, end):
        if text[place] == "{" and text[place - 1] != "\\":
            depth += 1
        elif text[place] == "}" and text[place - 1] != "\\":
            depth -= 1
            if depth == 0:
                return place
    return end


def _spoken(response: str) -> str:
    """Return what stands behind the thinking; thinking that never ends has nothing behind it."""
    thoughts = list(_THOUGHT.finditer(response))
    if thoughts:
        response = response[thoughts[-1].end() :]
    return "" if _THINKING.search(response) else response


def _unwrapped(text: str) -> str:
    """Return an answer without the marks that writers put around it."""
    if text.startswith("\\boxed{") and _closing(text, 6) == len(text) - 1:
        text = text[7:-1]
    text = _HOPE.sub("", _PREAMBLE.sub("", text.strip())).strip()
    edges = text.startswith("**") + text.endswith("**")
    if text.count("**") == edges or text.count("**") % 2:  # but not the outer ones of "**red**, **blue**"
        text = _EMPHASIS.sub("", text).strip()
    for left, right in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if len(text) > len(left + right) and text.startswith(left) and text.endswith(right):
            text = text[len(left) : -len(right)].strip()
            break
    if inner := re.fullmatch(r"\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}", text):
        text = inner[1].strip()
    return text
