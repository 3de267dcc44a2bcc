"""`/sparql?explain=1`: what a query would do, from its text and cheap counts; it is not run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from clusterloom.api.cautions import Caution, cautions
from clusterloom.api.cores import join_order
from clusterloom.api.findings import short
from clusterloom.api.probes import Probes
from clusterloom.api.problems import CORS
from clusterloom.api.request import Asked
from clusterloom.api.serving import Served, served_now
from clusterloom.api.term_check import check_terms
from clusterloom.api.why import Turns, parts_of
from clusterloom.errors import UsageError
from clusterloom.store import syntax
from clusterloom.store.guard import Inspection, examine
from clusterloom.store.patterns import Block, Group, QueryParts, Triple, blocks_of
from clusterloom.store.texts import beside
from clusterloom.store.token_reader import Misread
from clusterloom.store.tokens import place

SECONDS = 1.5
"""What the counts and look-ups of one explanation may take in all."""
COUNTED = 100_000
"""Matches of a pattern that are counted; beyond it stands `at_least`."""
_MOST = 30
"""Patterns that are counted."""


def explainer(turns: Turns) -> Callable[[Request, Asked], Awaitable[Response]]:
    """Answers requests to `/sparql` that ask for the explanation of their query, one of a client
    at a time."""

    async def explain(request: Request, asked: Asked) -> Response:
        base = str(request.url.replace(query="", fragment=""))
        key = turns.take(request.client.host if request.client else "")
        try:
            body = await explanation(served_now(), asked, base)
        finally:
            turns.give_back(key)
        headers = {**CORS, "Cache-Control": "no-store", "Vary": "Accept"}
        return Response(orjson.dumps(body), media_type="application/json", headers=headers)

    return explain


async def explanation(
    served: Served, asked: Asked, base: str, seconds: float = SECONDS
) -> dict[str, Any]:
    """The explanation as JSON; QuerySyntaxError or QueryRefused for a query that cannot be run."""
    text = asked.query
    if text is None:
        raise UsageError("There is no query to explain.")
    inspection = await examine(text)
    body: dict[str, Any] = {
        "form": inspection.form,
        "variables": list(inspection.variables),
        "volatile": inspection.volatile,
        "warnings": [],
        "patterns": [],
        "complete": True,
        "release": served.release.id,
    }
    try:
        await beside(lambda: syntax.check(text))
        parts = await parts_of(text)
    except Misread as error:
        warning = Caution("not-analysed", f"Not all of it is read here: {error.hint}", error.offset)
        return body | {"warnings": [_as_json(warning, text)], "complete": False}
    body["variables"] = _columns(inspection, parts)
    probes = Probes(served, parts, seconds, base, asked.default_graphs, asked.named_graphs)
    body["patterns"] = [await _counted(probes, *item) for item in _patterns(parts)]
    listed = await beside(lambda: cautions(parts))
    found = [c for c in listed if not c.islands or await _multiplies(probes, c)]
    found += [
        Caution(f.kind, f.message, f.start or 0, tuple(f.suggestion))
        for f in await check_terms(probes, parts.select.group)
    ]
    found += _sorting(parts, body["patterns"])
    body["warnings"] = [_as_json(caution, text) for caution in found]
    body["complete"] = probes.complete
    return body


def _columns(inspection: Inspection, parts: QueryParts) -> list[str]:
    """The columns of the answer, in the order it has them."""
    if parts.select.form != "select":
        return []
    columns = parts.select.columns
    if not parts.select.star:
        return list(columns)
    return [name for name in inspection.variables if name in columns]


def _patterns(parts: QueryParts) -> Iterator[tuple[Triple, str]]:
    found = list(_placed(parts.select.group, ""))
    yield from found[:_MOST]


def _placed(group: Group, graph: str) -> Iterator[tuple[Triple, str]]:
    """The patterns of a group and of the groups in it, in join order, with the GRAPH around."""
    for part in join_order(group.parts):
        if isinstance(part, Triple):
            yield part, graph
        inside = part.name if isinstance(part, Block) and part.word == "GRAPH" else graph
        for inner in blocks_of(part):
            yield from _placed(inner, inside)


async def _counted(probes: Probes, triple: Triple, graph: str) -> dict[str, Any]:
    pattern = f"GRAPH {graph} {{ {triple.text} }}" if graph else triple.text
    text = probes.select_text(
        "(COUNT(*) AS ?n)", f"{{ SELECT * WHERE {{ {pattern} }} LIMIT {COUNTED + 1} }}"
    )
    if probes.dataset:  # FROM belongs to the outermost SELECT only, which it is put into
        text = text.replace("SELECT * " + probes.dataset, "SELECT * ")
    rows = None if triple.open_ended else await probes.rows(text)
    line, column = place(probes.parts.text, triple.start)
    count = int(rows[0]["n"].value) if rows else None
    return {
        "text": short(pattern),
        "line": line,
        "column": column,
        "matches": count if count is not None and count <= COUNTED else None,
        "at_least": 0 if count is None else count,
    }


async def _multiplies(probes: Probes, caution: Caution) -> bool:
    """Whether two parts of a cross product have several rows each; so it is if not known."""
    several = 0
    for island in caution.islands:
        rows = await probes.rows(probes.select_text("*", island, "LIMIT 2"))
        several += rows is None or len(rows) > 1
    return several > 1


def _sorting(parts: QueryParts, patterns: list[dict[str, Any]]) -> list[Caution]:
    """ORDER BY without LIMIT costs memory where there is much to sort."""
    select = parts.select
    smallest = min((p["at_least"] for p in patterns), default=0)
    if not select.ordering or select.limit is not None or select.aggregates or smallest <= COUNTED:
        return []
    start = select.keywords.get("ORDER", select.start)
    message = "ORDER BY without LIMIT sorts every row before the first one is sent."
    return [Caution("order-without-limit", message, start, ("add LIMIT", "leave ORDER BY out"))]


def _as_json(caution: Caution, text: str) -> dict[str, Any]:
    line, column = place(text, caution.start)
    found: dict[str, Any] = {"kind": caution.kind, "message": caution.message}
    found |= {"line": line, "column": column}
    if caution.suggestion:
        found["suggestion"] = list(caution.suggestion)
    return found
