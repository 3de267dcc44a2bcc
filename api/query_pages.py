"""The pages of the query library and the SPARQL page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api.query_run import Answer, answer, filled, split
from clusterloom.api.render import page
from clusterloom.api.serving import served_now
from clusterloom.errors import UsageError
from clusterloom.namespaces import PREFIXES
from clusterloom.queries.library import LibraryQuery, library, query_named, render
from clusterloom.store.engine import GRAPH_TYPES, TABLE_TYPES

_ROWS_LIMIT = 500
"""Rows that a page shows; the data links give all."""

_STARTER = (
    f"PREFIX cloom: <{PREFIXES['cloom']}>\nPREFIX rdfs: <{PREFIXES['rdfs']}>\n\n"
    "SELECT ?area ?label WHERE {\n  ?area a cloom:ThematicArea ; rdfs:label ?label .\n}\n"
    "ORDER BY ?label"
)


def query_pages_router() -> APIRouter:
    """`/queries` and `/queries/<name>`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/queries")
    async def listed(request: Request) -> Response:
        groups: dict[str, list[LibraryQuery]] = {}
        for query in library().values():
            groups.setdefault(next(iter(query.header.tags), "other"), []).append(query)
        values = {"groups": sorted(groups.items()), "total": len(library())}
        return page(request, "queries.html", values | _release())

    @router.get("/queries/{name}")
    async def one(request: Request, name: str) -> Response:
        query = query_named(name)
        given, _ = split(request.query_params.multi_items())
        # a page that was only opened shows the answer to the sample values
        opened = not request.query_params
        samples = {p.name: list(p.samples) for p in query.parameters if not p.optional}
        values = samples if opened else given
        problem = ""
        found = Answer(query.columns, [])
        text = query.sparql
        try:
            # a partial release may lack the samples: that is no fault of the reader
            text = render(query, values) if opened else await filled(served_now(), query, given)
            found = await answer(served_now(), query, text)
        except UsageError as error:
            problem = error.detail
        return page(
            request,
            "query.html",
            {
                "query": query,
                "values": values,
                "answer": found,
                "shown": found.rows[:_ROWS_LIMIT],
                "columns": _columns(found.columns),
                "problem": problem,
                "sparql": text,
                "address": urlencode([(n, v) for n in values for v in values[n]]),
                "editor": "/sparql?" + urlencode({"query": text}),
            }
            | _release(),
            400 if problem else 200,
        )

    return router


def _columns(columns: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each column to show with the one that labels it: `area` is shown by `areaLabel`."""
    labels = {f"{name}Label": name for name in columns}
    hidden = {name for name in columns if labels.get(name) in columns}
    return [
        (name, f"{name}Label" if f"{name}Label" in columns else "")
        for name in columns
        if name not in hidden
    ]


def _release() -> dict[str, Any]:
    return {"release": served_now().release.id}


def sparql_page(request: Request, query: str) -> Response:
    """The query form, filled in with the query or with `?example=` of the library.

    Answers open as data in the format that is chosen.
    """
    example = request.query_params.get("example", "")
    if example and not query:
        query = query_named(example).sparql
    values = {
        "query": query or _STARTER,
        "examples": list(library().values()),
        "tables": TABLE_TYPES,
        "graphs": GRAPH_TYPES,
    }
    return page(request, "sparql.html", values | _release())
