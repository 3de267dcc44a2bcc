"""`/api/v1/queries`: the query library as typed routes that answer JSON, CSV or SPARQL results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api import tables
from clusterloom.api.about import Told, about, address_of
from clusterloom.api.negotiation import accept_of, content_type, negotiate
from clusterloom.api.query_run import answer, filled, split
from clusterloom.api.rest_schema import BUSY, XLSX, problems
from clusterloom.api.serving import Served, served_now
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker, answered
from clusterloom.api.stream import ResultResponse
from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.nearest import hint
from clusterloom.queries.header import Parameter
from clusterloom.queries.library import LibraryQuery, library, query_named
from clusterloom.settings import Settings
from clusterloom.store.engine import TABLE_TYPES, Query, hold

PREFIX = "/api/v1/queries"

JSON_TYPE = "application/json"
TYPES = {
    "json": JSON_TYPE,
    "csv": TABLE_TYPES["csv"],
    "xlsx": XLSX_TYPE,
    "srj": TABLE_TYPES["json"],
    "srx": TABLE_TYPES["xml"],
    "tsv": TABLE_TYPES["tsv"],
}
"""Format names and media types: plain items, CSV that is safe in a spreadsheet, a workbook,
and SPARQL results."""

_KNOWN = (
    "The columns known and total say of how many lists, or members of a list, the answer is "
    "known: an answer of unknown is not a no."
)

_SCHEMAS: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "year": {"type": "string", "pattern": "^[12][0-9]{3}$"},
    "decimal": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "boolean": {"type": "boolean"},
}


def query_router(settings: Settings, maker: Maker) -> APIRouter:
    """The list of the library and one route for each query; `maker` makes their workbooks."""
    router = APIRouter(prefix=PREFIX, tags=["Query library"])

    @router.get("", summary="Every query of the library", response_class=Response)
    async def listed(request: Request) -> Response:
        if request.query_params:
            name = next(iter(request.query_params))
            raise UsageError(f"the list of queries takes no parameter {name!r}", parameter=name)
        items = [summary(query) for query in library().values()]
        body = {"items": items, "total": len(items), "next": None,
                "release": served_now().release.id}  # fmt: skip
        return Response(orjson.dumps(body), media_type=JSON_TYPE)

    for query in library().values():
        router.add_api_route(
            f"/{query.name}",
            _route(query, settings, maker),
            methods=["GET"],
            operation_id="query_" + query.name.replace("-", "_"),
            summary=query.summary,
            description=query.header.description or query.summary,
            response_class=Response,
            openapi_extra=_operation(query),
        )

    @router.get("/{name}", include_in_schema=False)
    async def unknown(name: str) -> Response:
        raise AssertionError(f"{query_named(name).name} has a route of its own")

    return router


def summary(query: LibraryQuery) -> dict[str, Any]:
    """A query as the list shows it."""
    return {
        "id": query.name,
        "summary": query.summary,
        "description": query.header.description,
        "tags": list(query.header.tags),
        "columns": list(query.columns),
        "parameters": [
            {
                "name": p.name,
                "type": p.type,
                "help": p.help,
                "optional": p.optional,
                "many": p.many,
                "sample": list(p.samples),
                "form": p.form,
            }
            for p in query.parameters
        ],
        "address": f"{PREFIX}/{query.name}",
        "page": f"/queries/{query.name}",
        "sparql": query.sparql,
    }


def _route(
    query: LibraryQuery, settings: Settings, maker: Maker
) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        values, form = split(request.query_params.multi_items())
        form = _form(request, form)
        served = served_now()
        text = await filled(served, query, values)
        if form == "xlsx":
            address = address_of(settings.public_url, request.url.path, request.url.query)
            return await _workbook(served, query, text, address, maker)
        if form in {"json", "csv"}:
            return await _plain(served, query, text, form)
        return await _results(served, text, TYPES[form])

    return run


def _form(request: Request, asked: str) -> str:
    if asked:
        if asked not in TYPES:
            raise UsageError(
                f"parameter 'format': {asked!r} is not one of {', '.join(TYPES)}"
                f"{hint(asked, TYPES)}",
                parameter="format",
            )
        return asked
    chosen = negotiate(accept_of(request.headers), [*TYPES.values()])
    if chosen is None:
        raise NotAcceptable(
            f"an answer can be had as {', '.join(TYPES.values())}", available=[*TYPES.values()]
        )
    return next(name for name, media_type in TYPES.items() if media_type == chosen)


async def _plain(served: Served, query: LibraryQuery, text: str, form: str) -> Response:
    found = await answer(served, query, text)
    items = found.items()
    if form == "csv":
        rows = [query.columns, *(tuple(item.values()) for item in items)]
        name = f'inline; filename="clusterloom-{query.name}.csv"'
        return Response(
            tables.BOM + tables.write_csv(rows),
            headers={
                "Content-Type": content_type(tables.CSV_TYPE),
                "Content-Disposition": name,
                "Vary": "Accept",
            },
        )
    body = {
        "items": items,
        "columns": list(query.columns),
        "total": len(items),
        "release": served.release.id,
        "query": text,
    }
    return Response(orjson.dumps(body), media_type=JSON_TYPE, headers={"Vary": "Accept"})


async def _workbook(
    served: Served, query: LibraryQuery, text: str, address: str, maker: Maker
) -> Response:
    found = await answer(served, query, text)
    told = Told(
        question=query.summary,
        description=query.header.description or "",
        sparql=text,
        address=address,
        rows=len(found.rows),
        things=[cell.value for row in found.rows for cell in row.values() if cell.is_iri],
        coverage=[_KNOWN] if {"known", "total"} <= set(query.columns) else [],
    )
    content = await maker.make(query.columns, found.typed(), await about(served, told))
    return answered(query.name, content)


async def _results(served: Served, text: str, media_type: str) -> Response:
    result = await served.session.run(Query(text), served.limits, media_type)
    try:
        held = await hold(result)
    except BaseException:
        await result.aclose()
        raise
    return ResultResponse(result, held, {"Vary": "Accept"}, content_type(media_type))


def _operation(query: LibraryQuery) -> dict[str, Any]:
    columns = {name: {"description": "a value or null"} for name in query.columns}
    schema = {
        "type": "object",
        "required": ["items", "columns", "total", "release", "query"],
        "properties": {
            "items": {"type": "array", "items": {"type": "object", "properties": columns}},
            "columns": {"type": "array", "items": {"type": "string"}},
            "total": {"type": "integer"},
            "release": {"type": "string"},
            "query": {"type": "string", "description": "the SPARQL that was run"},
        },
    }
    content: dict[str, Any] = {media_type: {} for media_type in TYPES.values()} | {
        JSON_TYPE: {"schema": schema},
        XLSX_TYPE: XLSX,
    }
    formats = {"type": "string", "enum": [*TYPES]}
    return {
        "parameters": [
            *(_parameter(p) for p in query.parameters),
            {"name": "format", "in": "query", "description": "overrides Accept",
             "schema": formats},
        ],
        "responses": {
            "200": {"description": "The answer", "content": content},
            **problems(e400="A parameter is missing, unknown, of the wrong form or names no thing",
                       e406="No format fits the Accept header",
                       e410="A parameter names a thing that was withdrawn", **BUSY),
        },
    }  # fmt: skip


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = _SCHEMAS.get(parameter.type, {"type": "string"})
    if parameter.choices:
        schema = schema | {"enum": list(parameter.choices)}
    samples = list(parameter.samples)
    example: Any = samples[0] if samples else None
    if parameter.many:
        schema, example = {"type": "array", "items": schema}, samples
    return {
        "name": parameter.name,
        "in": "query",
        "required": not parameter.optional,
        "description": f"{parameter.help} ({parameter.form})",
        "schema": schema,
        "example": example,
    }
