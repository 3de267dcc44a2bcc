"""Prints what was measured as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .measure import OURS, Measurement, Outcome

_AGREE = {True: "yes", False: "NO", None: ""}


def show(about: Mapping[str, Mapping[str, Any]], outcomes: Sequence[Outcome]) -> str:
    """The whole report."""
    parts = [_facts(name, facts) for name, facts in about.items()]
    parts += [_outcome(outcome) for outcome in outcomes]
    parts.append(
        "Ratios are our median divided by the peer's: below 1 Clusterloom is faster.\n"
        "Graphs of `discovery` are made up, of the sizes given; all else is of the release itself."
    )
    return "\n\n".join(parts)


def _facts(name: str, facts: Mapping[str, Any]) -> str:
    return f"{name:<9}" + ", ".join(f"{key} {value}" for key, value in facts.items())


def _outcome(outcome: Outcome) -> str:
    contenders = list(dict.fromkeys(name for m in outcome.measurements for name in m.seconds))
    contenders = contenders or [OURS]
    peers = [name for name in contenders if name != OURS]
    head = ["", outcome.unit, *(f"{name} ms" for name in contenders)]
    head += [f"/ {name}" for name in peers]
    if outcome.unit == "statements":
        head += [f"{name} per s" for name in contenders]
    if outcome.rate:
        head += [f"{name} {outcome.rate}" for name in contenders]
    head += ["agree"] if peers else ["share"]
    total = sum(m.seconds[OURS] for m in outcome.measurements)
    lines = [head]
    for m in outcome.measurements:
        line = [f"{m.group} {m.name}".strip(), f"{m.size:,}"]
        line += [_milliseconds(m.seconds.get(name)) for name in contenders]
        line += [f"{m.ratios[name]:.2f}" if name in m.ratios else "" for name in peers]
        if outcome.unit == "statements":
            line += [f"{m.size / m.seconds[name]:,.0f}" for name in contenders]
        if outcome.rate:
            line += [f"{1 / m.seconds[c]:,.1f}" if c in m.seconds else "" for c in contenders]
        line.append(_AGREE[m.agree] if peers else _share(m, total))
        lines.append(line)
    for group, means in outcome.means().items():
        mean = [f"{means[name]:.2f}" if name in means else "" for name in peers]
        blanks = [""] * (1 + len(contenders))
        rest = [""] * (len(head) - 2 - len(contenders) - len(peers))
        lines.append([f"geometric mean {group}".strip(), *blanks, *mean, *rest])
    text = f"{outcome.name}: {outcome.title}\n{_aligned(lines)}"
    text += "".join(f"\n{peer}: not measured, {why}" for peer, why in outcome.missing.items())
    return text + "".join(f"\n{name}: {said}" for name, said in outcome.notes.items())


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.2f}"


def _share(measurement: Measurement, total: float) -> str:
    return f"{measurement.seconds[OURS] / total:.0%}" if total else ""


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
