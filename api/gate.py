"""The licence gate: what a source that may not be redistributed keeps out of everything given out.

Such a source can be queried by SPARQL where the operator runs it, and is in no page, list,
document, catalogue or dump. The gate works on named graphs: a statement is open when one open
graph holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from clusterloom import terms
from clusterloom.api.guarded import guarded
from clusterloom.api.rows import Row
from clusterloom.api.serving import Served
from clusterloom.namespaces import CLOOM, META_GRAPH, PREFIXES

_META = terms.iri(META_GRAPH)
_LABEL = terms.iri(PREFIXES["rdfs"] + "label")
_TERMS = PREFIXES["dcterms"]


@dataclass(frozen=True)
class GraphInfo:
    """What graph/meta says of one named graph."""

    kind: str
    dataset: str
    title: str
    redistribute: bool
    licence: str = ""


async def graph_infos(served: Served) -> dict[str, GraphInfo]:
    """Every named graph that graph/meta describes; read once per release."""

    async def read(served: Served) -> dict[str, GraphInfo]:
        rows = await served.select(
            f"SELECT ?g ?kind ?d ?title ?open ?licence WHERE {{ GRAPH {_META} {{ "
            f"?g <{CLOOM}kind> ?kind ; <{_TERMS}source> ?d . OPTIONAL {{ ?d {_LABEL} ?title }} "
            f"OPTIONAL {{ ?d <{CLOOM}redistribute> ?open }} "
            f"OPTIONAL {{ ?d <{_TERMS}license> ?licence }} }} }}"
        )
        # a graph of several datasets has several rows: one that is closed closes it
        rows.sort(key=_is_open, reverse=True)
        return {
            row["g"].value: GraphInfo(
                kind=row["kind"].value,
                dataset=row["d"].value,
                title=row["title"].value if "title" in row else row["d"].value,
                redistribute=_is_open(row),
                licence=row["licence"].value if "licence" in row else "",
            )
            for row in rows
        }

    return await served.once("graphs", read)


def _is_open(row: Row) -> bool:
    return "open" not in row or bool(row["open"].plain())


async def closed_graphs(served: Served) -> frozenset[str]:
    """The graphs whose statements may not be given away."""
    infos = await graph_infos(served)
    return frozenset(g for g, info in infos.items() if not info.redistribute)


async def open_select(served: Served, text: str) -> list[Row]:
    """The rows of a SELECT or ASK of our own over what may be given away.

    The default graph holds each statement once; only closed graphs force a look at all graphs,
    where a row may come once for each graph that holds it: say DISTINCT where it matters.
    """
    closed = await closed_graphs(served)
    return await served.select(guarded(text, closed) if closed else text)
