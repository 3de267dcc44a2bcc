"""The `about` sheet of a workbook: what was asked, of which release, from which sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clusterloom import __version__, terms
from clusterloom.api.gate import graph_infos
from clusterloom.api.pin import with_release
from clusterloom.api.rows import values
from clusterloom.api.serving import Served
from clusterloom.namespaces import CLOOM, ID, META_GRAPH

MANY = 300
"""Things of an answer whose sources are looked up, evenly taken where there are more."""

_UNKNOWN = (
    "An empty cell is unknown: it never means zero, none or no. A list that is not known to be "
    "complete never proves that something is absent."
)
_CITED = "Each source has its own licence, named here; the compilation is CC BY 4.0."
_META = terms.iri(META_GRAPH)


@dataclass(frozen=True)
class Told:
    """What is known of an answer by whoever made it."""

    question: str
    description: str = ""
    sparql: str = ""
    address: str = ""
    """Where the answer came from on this server, with its parameters; whole, with host."""
    rows: int = 0
    things: Sequence[str] = ()
    """IRIs that the answer speaks of."""
    coverage: Sequence[str] = ()
    caveats: Sequence[str] = ()


SHOWN = 20
"""Caveats that the sheet lists."""


def address_of(public_url: str, path: str, query: str) -> str:
    """The whole address of a workbook, also where it was asked for by Accept.

    >>> address_of("https://a.example", "/api/v1/areas", "q=light")
    'https://a.example/api/v1/areas?q=light&format=xlsx'
    """
    parts = [part for part in query.split("&") if part]
    if not any(part.startswith("format=") for part in parts):
        parts.append("format=xlsx")
    return f"{public_url}{path}?{'&'.join(parts)}"


async def about(served: Served, told: Told) -> list[tuple[str, Any]]:
    """The lines of the sheet. They hold no clock, so that equal answers stay equal."""
    release = served.release.id
    built = str(served.report.get("built", ""))[:10]
    address = with_release(told.address, release)
    lines: list[tuple[str, Any]] = [
        ("question", told.question),
        ("description", told.description),
        ("rows", told.rows),
        ("release", release),
        ("release built", built),
        ("software", f"Clusterloom {__version__}"),
        ("address", address),
        ("what is not known", _UNKNOWN),
        *(("what is not known", line) for line in told.coverage),
    ]
    sources, partly = await _sources(served, told.things)
    for title, licence, lacks in sources:
        lines.append(("sources", f"{title} ({licence or 'licence not stated'})"))
        if lacks:
            lines.append(("sources", f"    what it lacks: {lacks}"))
    if partly:
        said = f"These speak of {MANY:,} of the {partly:,} things; /sources lists all there are."
        lines.append(("sources", said))
    if not sources:
        lines.append(("sources", "Not known for this answer; /sources lists all of the release."))
    lines += [("caveats", line) for line in told.caveats[:SHOWN]]
    if len(told.caveats) > SHOWN:
        lines.append(("caveats", f"and {len(told.caveats) - SHOWN:,} more; the JSON has them"))
    lines.append(("how to cite", f"Clusterloom, release {release} ({built}), {address}. {_CITED}"))
    if told.sparql:
        lines.append(("SPARQL", told.sparql))
    return [(name, value) for name, value in lines if value != ""]


async def _sources(served: Served, things: Iterable[str]) -> tuple[list[tuple[str, str, str]], int]:
    """Title, licence and gaps of every dataset that speaks of the things; and how many there are
    where only some were looked at."""
    ours = sorted({iri for iri in things if iri.startswith(ID) and _is_safe(iri)})
    some = ours if len(ours) <= MANY else [ours[n * len(ours) // MANY] for n in range(MANY)]
    rows = []
    if some:
        part = values("s", map(terms.iri, some))
        where = f"SELECT DISTINCT ?g WHERE {{ {part} GRAPH ?g {{ ?s ?p ?o }} }}"
        rows = await served.select(where)
    infos = await graph_infos(served)
    lacks = await served.once("completeness", _completeness)
    known = {infos[g].dataset: infos[g] for row in rows if (g := row["g"].value) in infos}
    found = [
        (info.title, info.licence, lacks.get(name, ""))
        for name, info in known.items()
        if info.redistribute
    ]
    return sorted(found), len(ours) if len(some) < len(ours) else 0


def _is_safe(iri: str) -> bool:
    try:
        terms.iri(iri)
    except terms.BadTerm:
        return False
    return True


async def _completeness(served: Served) -> dict[str, str]:
    rows = await served.select(
        f"SELECT ?d ?text WHERE {{ GRAPH {_META} {{ ?d <{CLOOM}completeness> ?text }} }}"
    )
    return {row["d"].value: row["text"].value for row in rows}
