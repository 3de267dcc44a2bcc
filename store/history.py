"""Which releases there have been: `history.jsonl` beside them, only ever appended to.

It tells an id that was pruned from one that never was, and in which order releases came. What
lies on disk counts more: a release that is there is kept, whatever the history says.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

Event = Literal["published", "pruned"]

FILE = "history.jsonl"


@dataclass(frozen=True)
class Past:
    """What the history knows of one release: when it was published last, and pruned if it was."""

    id: str
    published: str
    pruned: str | None = None


def record(folder: Path, event: Event, release_id: str, published: str = "") -> None:
    """Appends one line and makes it durable; `published` is needed where it is not known yet.

    A line is one write of less than a block, so that a kill leaves it whole or out; should half
    a line be left by a broken disk, the next one still begins on a line of its own.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    entry = {"event": event, "id": release_id, "at": now}
    if published:
        entry["published"] = published
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" * torn + json.dumps(entry).encode("ascii") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(folder: Path) -> dict[str, Past]:
    """Every release the history names, by id, in the order in which they were published."""
    try:
        lines = (folder / FILE).read_bytes().splitlines()
    except OSError:
        return {}
    found: dict[str, Past] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            name, event, at = str(entry["id"]), entry["event"], str(entry["at"])
        except (ValueError, KeyError, TypeError):
            continue  # half a line
        if event == "published":
            found[name] = Past(name, at)
        elif event == "pruned":
            before = found.get(name)
            published = before.published if before else str(entry.get("published", at))
            found[name] = Past(name, published, at)
    return dict(sorted(found.items(), key=lambda item: item[1].published))
