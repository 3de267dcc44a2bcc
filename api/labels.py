"""Labels of many things in few queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from clusterloom import terms
from clusterloom.api.gate import open_select
from clusterloom.api.rows import Cell, Row, values
from clusterloom.api.serving import Served
from clusterloom.namespaces import PREFIXES

_LABEL = terms.iri(PREFIXES["rdfs"] + "label")
_PART = 1000
"""IRIs in one query."""


async def select_for(
    served: Served, name: str, iris: Iterable[str], query: Callable[[str], str]
) -> list[Row]:
    """The open rows of a query for many things, asked for in parts short enough to parse.

    `query` makes the text around a VALUES clause that binds `?<name>` to some of the IRIs.
    """
    wanted = sorted({iri for iri in iris if _is_safe(iri)})
    parts = [wanted[start : start + _PART] for start in range(0, len(wanted), _PART)]
    answers = [
        await open_select(served, query(values(name, map(terms.iri, part)))) for part in parts
    ]
    return [row for answer in answers for row in answer]


async def labels_of(served: Served, iris: Iterable[str]) -> dict[str, Cell]:
    """The label of each IRI that has one which may be given away."""
    rows = await select_for(
        served, "s", iris, lambda some: f"SELECT ?s ?label WHERE {{ {some} ?s {_LABEL} ?label }}"
    )
    found: dict[str, Cell] = {}
    for row in rows:
        found.setdefault(row["s"].value, row["label"])
    return found


def _is_safe(iri: str) -> bool:
    try:
        terms.iri(iri)
    except terms.BadTerm:
        return False
    return True
