"""The numbers of a release as Markdown, for the person who approves it."""

from __future__ import annotations

from webscale_rl.release.release import Examined


def as_markdown(found: Examined) -> str:
    """Return a table of what is released and what is left out; no text of a document or model is in it."""
    lines = [
        f"**{found.rows:,} of {found.candidates:,} accepted pairs** would be released as `{found.release_id}`.",
        "",
        "| what | pairs | share of the candidates |",
        "|---|---:|---:|",
    ]
    for split, count in found.splits.items():
        lines.append(_row(f"split {split}", count, found.candidates))
    for reason, count in sorted(found.excluded.items(), key=lambda pair: -pair[1]):
        lines.append(_row(f"left out: {reason}", count, found.candidates))
    items = sum(found.benchmarks.values())
    compared = f"{items:,} items of {len(found.benchmarks)} benchmarks" if items else "no benchmark"
    lines += [
        "",
        f"Compared with {compared}. Nothing is published before you approve; a release never changes.",
    ]
    lines += [f"\nOf the benchmarks could not be read: {fault}." for fault in found.benchmark_faults]
    return "\n".join(lines)


def _row(name: str, count: int, total: int) -> str:
    return f"| {name} | {count:,} | {count / total:.1%} |"
