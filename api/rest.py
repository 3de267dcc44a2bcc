"""`/api/v1/<resource>`: lists with filters and paging, and single items, from the declarations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from clusterloom.api import tables
from clusterloom.api.about import Told, about, address_of
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.describe import Description, describe
from clusterloom.api.items import read_items
from clusterloom.api.listing import (
    DEFAULT_LIMIT,
    FORMATS,
    MAX_LIMIT,
    Listing,
    Page,
    read_all,
    read_list,
    read_page,
)
from clusterloom.api.negotiation import accept_of, content_type, negotiate
from clusterloom.api.pin import keep
from clusterloom.api.rdf import nested, types_of
from clusterloom.api.resources import Resource
from clusterloom.api.rest_schema import item_operation, list_operation
from clusterloom.api.rows import local
from clusterloom.api.serving import Served, served_now
from clusterloom.api.signposting import address, link_header
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker, answered, day
from clusterloom.api.things import missing, new_address
from clusterloom.errors import NotAcceptable, NotFound, UsageError
from clusterloom.namespaces import thing
from clusterloom.nearest import hint
from clusterloom.settings import Settings

PREFIX = "/api/v1"
JSON_TYPE = "application/json"

Key = Annotated[str, Path(description="the last part of the IRI")]
Endpoint = Callable[[Request], Awaitable[Response]]


def rest_router(settings: Settings, maker: Maker) -> APIRouter:
    """A list and an item route for each resource; `maker` makes its workbooks."""
    router = APIRouter(prefix=PREFIX)
    for resource in RESOURCES.values():
        router.add_api_route(
            f"/{resource.name}",
            _list(resource, settings, maker),
            methods=["GET"],
            tags=["Resources"],
            operation_id=f"list_{resource.name}",
            summary=resource.title,
            description=resource.description,
            response_class=Response,
            openapi_extra=list_operation(resource),
        )
        router.add_api_route(
            f"/{resource.name}/{{id}}",
            _item(resource, settings),
            methods=["GET"],
            tags=["Resources"],
            operation_id=f"get_{resource.name}",
            summary=f"{resource.title}: one item",
            description="The columns of the list, then `facts`: every statement about the thing "
            "by property; `incoming`: the links into it with their count; and its sources.",
            response_class=Response,
            openapi_extra=item_operation(resource),
        )
    return router


def _list(resource: Resource, settings: Settings, maker: Maker) -> Endpoint:
    async def listed(request: Request) -> Response:
        served = served_now()
        given = request.query_params.multi_items()
        form = _form(request, resource, given)
        whole = form != "json" and not any(name == "limit" and v.strip() for name, v in given)
        page = await read_page(served, resource, given, MAX_LIMIT if whole else DEFAULT_LIMIT)
        if form == "xlsx":
            found = [part async for part in _pages(served, resource, page, whole)]
            address = address_of(settings.public_url, request.url.path, request.url.query)
            return await _workbook(served, resource, found, address, maker)
        if whole:
            # a table without a limit is the whole table: a spreadsheet does not follow links
            return await _whole(served, resource, page, form)
        listing = await read_list(served, resource, page)
        following = _next(resource, page, listing, form, given)
        return _paged(served, resource, listing, form, following)

    return listed


def _form(request: Request, resource: Resource, given: list[tuple[str, str]]) -> str:
    """json, csv, xlsx or geojson, by `format` or else by Accept."""
    types = {
        "json": JSON_TYPE,
        "csv": tables.CSV_TYPE,
        "xlsx": XLSX_TYPE,
        "geojson": tables.GEOJSON_TYPE,
    }
    if not resource.places:
        del types["geojson"]
    asked = next((value for name, value in given if name == "format" and value), "")
    if asked:
        if asked not in types:
            why = "; only places are listed as GeoJSON" if asked in FORMATS else ""
            raise UsageError(
                f"parameter 'format': {asked!r} is not one of {', '.join(types)}{why}"
                f"{hint(asked, types)}",
                parameter="format",
            )
        return asked
    chosen = negotiate(accept_of(request.headers), [*types.values()])
    if chosen is None:
        raise NotAcceptable(
            f"this list can be had as {', '.join(types.values())}", available=[*types.values()]
        )
    return next(name for name, media_type in types.items() if media_type == chosen)


def _next(
    resource: Resource, page: Page, listing: Listing, form: str, given: list[tuple[str, str]]
) -> str | None:
    if listing.cursor is None:
        return None
    pairs = [*page.given, ("limit", str(page.limit)), ("cursor", listing.cursor)]
    if any(name == "format" for name, _ in given):
        pairs.append(("format", form))
    return keep(f"{PREFIX}/{resource.name}?{urlencode(pairs)}")


def _paged(
    served: Served, resource: Resource, listing: Listing, form: str, following: str | None
) -> Response:
    headers = {"Vary": "Accept"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    if form == "csv":
        rows = [tables.headings(resource), *(tables.csv_row(resource, i) for i in listing.items)]
        text = tables.BOM + tables.write_csv(rows)
        headers |= _file_name(resource, form)
        return Response(text, headers={**headers, "Content-Type": content_type(tables.CSV_TYPE)})
    frame = {"total": listing.total, "next": following, "release": served.release.id}
    if form == "geojson":
        features = [tables.feature(item) for item in listing.items]
        body = {"type": "FeatureCollection", "features": features, **frame}
        return Response(orjson.dumps(body), media_type=tables.GEOJSON_TYPE, headers=headers)
    body = {"items": listing.items, **frame}
    return Response(orjson.dumps(body), media_type=JSON_TYPE, headers=headers)


async def _whole(served: Served, resource: Resource, page: Page, form: str) -> Response:
    """All items from the cursor on; the first page is read before the status line is sent."""
    pages = read_all(served, resource, page)
    first = await anext(pages)
    headers = {"Vary": "Accept", **_file_name(resource, form)}
    if form == "csv":
        headers["Content-Type"] = content_type(tables.CSV_TYPE)
        return StreamingResponse(_csv(resource, _again(first, pages)), headers=headers)
    frame = {"total": first.total, "next": None, "release": served.release.id}
    text = _geojson(_again(first, pages), frame)
    return StreamingResponse(text, headers=headers, media_type=tables.GEOJSON_TYPE)


async def _pages(
    served: Served, resource: Resource, page: Page, whole: bool
) -> AsyncIterator[Listing]:
    if not whole:
        yield await read_list(served, resource, page)
        return
    async for listing in read_all(served, resource, page):
        yield listing


async def _workbook(
    served: Served, resource: Resource, found: list[Listing], address: str, maker: Maker
) -> Response:
    items = [item for listing in found for item in listing.items]
    headings = tables.headings(resource)
    days = {place for place, name in enumerate(headings) if name in tables.days(resource)}
    rows = [
        [day(value) if place in days else value for place, value in enumerate(row)]
        for row in (tables.csv_row(resource, item) for item in items)
    ]
    caveats = [f"{i['label'] or i['id']}: {said}" for i in items for said in i.get("caveats", ())]
    left = found[0].total - len(items) if found else 0
    told = Told(
        question=resource.title,
        description=resource.description,
        address=address,
        rows=len(items),
        things=[item["iri"] for item in items],
        coverage=[f"{left:,} more items are on other pages"] if left else [],
        caveats=caveats,
    )
    content = await maker.make(headings, rows, await about(served, told))
    return answered(resource.name, content)


async def _again(first: Listing, rest: AsyncIterator[Listing]) -> AsyncIterator[Listing]:
    yield first
    async for listing in rest:
        yield listing


async def _csv(resource: Resource, pages: AsyncIterator[Listing]) -> AsyncIterator[str]:
    yield tables.BOM + tables.write_csv([tables.headings(resource)])
    async for listing in pages:
        yield tables.write_csv(tables.csv_row(resource, item) for item in listing.items)


async def _geojson(pages: AsyncIterator[Listing], frame: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b'{"type":"FeatureCollection",' + orjson.dumps(frame)[1:-1] + b',"features":['
    comma = b""
    async for listing in pages:
        for item in listing.items:
            yield comma + orjson.dumps(tables.feature(item))
            comma = b",\n"
    yield b"]}\n"


def _file_name(resource: Resource, form: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="clusterloom-{resource.name}.{form}"'}


def _item(resource: Resource, settings: Settings) -> Any:
    async def one(request: Request, id: Key) -> Response:
        served = served_now()
        if request.query_params:
            name = next(iter(request.query_params))
            raise UsageError(f"an item takes no parameter {name!r}", parameter=name)
        if negotiate(accept_of(request.headers), [JSON_TYPE]) is None:
            raise NotAcceptable(
                f"an item can be had as {JSON_TYPE}; see /data/{address(resource.kinds[0], id)} "
                "for RDF",
                available=[JSON_TYPE],
            )
        for kind in resource.kinds:
            if moved := new_address(kind, id):
                return RedirectResponse(f"{PREFIX}/{resource.name}/{moved[1]}", status_code=301)
        description = await _described(served, resource, id)
        item = (await read_items(served, resource, [description.iri]))[0]
        body = nested(description, served.release.id)
        body = item | {name: value for name, value in body.items() if name not in item}
        kind = local(description.iri).partition("/")[0]
        headers = {"Link": link_header(settings.public_url, kind, id, "json")}
        return Response(orjson.dumps(body), media_type=JSON_TYPE, headers=headers)

    return one


async def _described(served: Served, resource: Resource, key: str) -> Description:
    """The thing with that key among the id types of the resource; NotFound unless it is of its
    class."""
    for kind in resource.kinds:
        found = await describe(served, thing(kind, key))
        if found and resource.of_class in types_of(found):
            return found
        if found:
            at = f"/data/{address(kind, key)}"
            raise NotFound(f"{found.label} ({kind}/{key}) is not one of /{resource.name}; {at} "
                           "tells what it is", kind=kind, key=key)  # fmt: skip
    raise await missing(served, resource.kinds[0], key)
