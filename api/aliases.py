"""Names that things had before: where they went, or that they were withdrawn."""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files

from clusterloom.errors import Gone
from clusterloom.namespaces import ID


@cache
def aliases() -> dict[str, str]:
    """Old `<type>/<key>` -> new one, blank for a withdrawn thing; from `aliases.csv`."""
    path = files("clusterloom.data") / "aliases.csv"
    if not path.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8"), newline=""))
    return {row["old"]: row["new"] for row in rows}


def moved_to(name: str) -> str | None:
    """The `<type>/<key>` that an old one leads to, chains followed; None when it is no alias.

    Raises Gone for a thing that was withdrawn.
    """
    step = aliases()
    if name not in step:
        return None
    seen = {name}
    while name in step:
        after = step[name]
        if not after:
            raise Gone(f"{name} was withdrawn and nothing has taken its place")
        if after in seen:
            break
        seen.add(after)
        name = after
    return name


def current(iri: str) -> str:
    """The IRI that a former one leads to, any other as it is. Raises Gone for a withdrawn one."""
    moved = moved_to(iri.removeprefix(ID)) if iri.startswith(ID) else None
    return iri if moved is None else ID + moved
