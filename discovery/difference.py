"""What differs between two answers to the same question: hits, their places, and what is told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from clusterloom.discovery.answers import Answer, Item

MOST = 200
"""Changed entries of `about` or `coverage` that are listed."""


def short(answer: Answer, limit: int) -> dict[str, Any]:
    """An answer as the ids, places and values of its first hits."""
    return {
        "total": answer.total,
        "reason": answer.coverage.get("reason", ""),
        "items": [_row(item) for item in answer.items[:limit]],
    }


def difference(before: Answer, after: Answer) -> dict[str, Any]:
    """Hits that came, went, or have another place or value, and entries that changed.

    Only the hits that the answers list are compared, `compared` tells how many; sets of members are
    the same when their members are.
    """
    old, new = ({_identity(item): item for item in one.items} for one in (before, after))
    return {
        "came": [_row(item) for key, item in new.items() if key not in old],
        "went": [_row(item) for key, item in old.items() if key not in new],
        "moved": [
            {
                "id": item.id, "label": item.label,
                "rank": {"before": old[key].rank, "after": item.rank},
                "value": {"before": old[key].value, "after": item.value},
            }
            for key, item in new.items()
            if key in old and _moved(old[key], item)
        ],
        "about": _changed(before.about, after.about),
        "coverage": _changed(before.coverage, after.coverage),
        "compared": {"before": len(old), "after": len(new)},
    }  # fmt: skip


def _identity(item: Item) -> str:
    members = item.facts.get("members")
    return " ".join(members) if isinstance(members, list) else item.id


def _row(item: Item) -> dict[str, Any]:
    row = {"id": item.id, "label": item.label, "rank": item.rank, "value": item.value}
    if "members" in item.facts:
        row["members"] = item.facts["members"]
    return row


def _moved(one: Item, other: Item) -> bool:
    return one.rank != other.rank or not _same(one.value, other.value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (one != one != other)
    return bool(one == other)


def _changed(before: Any, after: Any) -> list[dict[str, Any]]:
    found = [
        {"path": path, "before": one, "after": other}
        for path, one, other in _walk("", before, after)
    ]
    return found[:MOST]


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Paths of the values that differ; entries of lists go by their id where they have one."""
    one, other = (_named(value) for value in (before, after))
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            at = f"{path}/{key}" if path else str(key)
            yield from _walk(at, one.get(key), other.get(key))
    elif not _same(one, other):
        yield path, before, after


def _named(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(v, dict) and v.get("id")
                                                 for v in value):  # fmt: skip
        return {one["id"]: one for one in value}
    return value
