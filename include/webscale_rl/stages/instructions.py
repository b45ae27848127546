"""The invariant system message: the rules of all requests, then a section for each task with its demonstrations.

Every call carries it, so a server computes it once for all documents; what follows the document is computed anew for
each one (docs/decisions/0001).
"""

from webscale_rl.llm.fence import fence
from webscale_rl.llm.prompts import load_template
from webscale_rl.stages.demonstrations import demonstrations

RULES = load_template("system")
TASKS = ("assess", "generate", "repair", "solve", "match", "blind", "options", "closed", "judge")
# Task to its file of demonstrations and how many of them are shown; those of `generate` stand behind the document.
SHOWN = {"assess": ("assess", 2), "solve": ("unanswerable", 2), "blind": ("blind", 3)}


def section(task: str) -> str:
    """Return what the system message says of one task."""
    parts = [load_template(task)]
    if task in SHOWN:
        parts.append("Examples for this task:")
        parts.extend(fence("demonstration", text) for text in demonstrations(*SHOWN[task]))
    return "\n\n".join(parts)


SECTIONS = {task: section(task) for task in TASKS}
SYSTEM = "\n\n".join([RULES, *SECTIONS.values()])
