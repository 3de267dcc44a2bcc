"""`/id/<type>/<key>` and `/data/<type>/<key>`: every IRI leads to data or a page."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from clusterloom.api import rdf
from clusterloom.api.named import graph_data, is_open_graph
from clusterloom.api.negotiation import HTML, XHTML, accept_of, content_type, negotiate
from clusterloom.api.pin import keep
from clusterloom.api.serving import served_now
from clusterloom.api.signposting import RESERVED, address, in_header, iri_at, link_header
from clusterloom.api.things import description_of, exists, missing, new_address
from clusterloom.errors import NotAcceptable, NotFound, UsageError
from clusterloom.settings import Settings

Type = Annotated[str, Path(description="the type, such as `area`")]
Key = Annotated[str, Path(description="the rest of the IRI, such as `photonics`")]
Context = Annotated[
    str,
    Query(description="JSON-LD only: `embedded` puts the context inside (reading needs no "
          "network), `url` leaves it at its versioned address"),
]  # fmt: skip

_SUFFIX_OF = {media_type: suffix for suffix, media_type in rdf.TYPES.items()}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such thing in this release; names the nearest keys"}
}
_GONE: dict[int | str, dict[str, Any]] = {410: {"description": "It was withdrawn"}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    406: {"description": "No format fits the Accept header"}
}
_FORMATS = ", ".join(rdf.TYPES)
_CONTEXTS = ("embedded", "url")


def linked_data_router(settings: Settings) -> APIRouter:
    """The routes of `/id`, `/data` and of the IRIs beside the things."""
    router = APIRouter(tags=["Linked data"])

    async def follow(request: Request, kind: str, key: str) -> Response:
        if moved := new_address(kind, key):
            return RedirectResponse(f"/id/{address(*moved)}", status_code=301)
        served = served_now()
        if not await exists(served, kind, key):
            raise await missing(served, kind, key)
        chosen = _chosen(request, [*rdf.TYPES.values(), HTML, XHTML])
        name = address(kind, key)
        html = chosen in {HTML, XHTML}
        target = f"/page/{name}" if html else f"/data/{name}.{_SUFFIX_OF[chosen]}"
        links = link_header(settings.public_url, kind, key)
        if kind == "graph" and await is_open_graph(served, iri_at(kind, key)):
            links += f", {_triples(settings, iri_at(kind, key))}"
        headers = {"Vary": "Accept", "Link": links}
        return RedirectResponse(target, status_code=303, headers=headers)

    @router.get(
        "/id/{kind}/{key:path}",
        summary="Follow the IRI of a thing",
        description="303 to the page of the thing for browsers, else to its data in the format "
        "that Accept asks for (Turtle when it asks for none); 301 for a former name.",
        response_class=Response,
        status_code=303,
        responses={301: {"description": "The thing has another name now"}, **_NOT_FOUND, **_GONE,
                   **_REFUSED},
    )  # fmt: skip
    async def follow_thing(request: Request, kind: Type, key: Key) -> Response:
        if kind in RESERVED:
            raise NotFound(f"no thing has the type {kind!r}", kind=kind, key=key)
        return await follow(request, kind, key)

    @router.get(
        "/graph/{name:path}",
        summary="Follow the IRI of a named graph",
        description="303 to what is known of the graph: kind, dataset, licence, number of triples. "
        '`Link: rel="enclosure"` leads to its triples, where they may be given away.',
        response_class=Response,
        status_code=303,
        responses={**_NOT_FOUND, **_REFUSED},
    )
    async def follow_graph(request: Request, name: str) -> Response:
        return await follow(request, "graph", name)

    @router.get(
        "/release/{id}",
        summary="Follow the IRI of a release",
        description="303 to its files for browsers, else to its description.",
        response_class=Response,
        status_code=303,
        responses={**_NOT_FOUND, **_GONE, **_REFUSED},
    )
    async def follow_release(request: Request, id: str) -> Response:
        answer = await follow(request, "release", id)
        if answer.headers["location"].startswith("/page/"):
            answer.headers["location"] = f"/dumps/{id}/"
        return answer

    @router.get(
        "/problems/{slug}",
        summary="Follow the IRI of an error type",
        response_class=Response,
        status_code=303,
        responses={**_NOT_FOUND, **_REFUSED},
    )
    async def follow_problem(request: Request, slug: str) -> Response:
        return await follow(request, "problems", slug)

    @router.get(
        "/data/{kind}/{key:path}",
        summary="Data about a thing",
        description="What the release says of the thing, the labels of what it links to, and the "
        f"links into it, the first of each property. A suffix ({_FORMATS}) chooses the format, "
        "else Accept does. `X-Clusterloom-Truncated` and the data itself say what was left out. "
        "Statements of sources that may not be redistributed are left out. In JSON-LD a property "
        "that may repeat is always an array, another one plain.",
        response_class=Response,
        responses={
            200: {"description": "The description",
                  "content": {t: {} for t in rdf.TYPES.values()}},
            301: {"description": "The thing has another name now"},
            **_NOT_FOUND, **_GONE, **_REFUSED,
        },
    )  # fmt: skip
    async def data(
        request: Request, kind: Type, key: Key, context: Context = "embedded"
    ) -> Response:
        stem, dot, suffix = key.rpartition(".")
        named = bool(dot) and suffix in rdf.TYPES
        if named:
            key = stem
        else:
            suffix = _SUFFIX_OF[_chosen(request, [*rdf.TYPES.values()])]
        if context not in _CONTEXTS:
            raise UsageError(f"parameter 'context': {context!r} is not one of embedded, url",
                             parameter="context")  # fmt: skip
        if moved := new_address(kind, key):
            tail = f".{suffix}" if named else ""
            query = "?context=url" if context == "url" else ""
            return RedirectResponse(f"/data/{address(*moved)}{tail}{query}", status_code=301)
        served = served_now()
        found = await description_of(served, kind, key)
        name = address(kind, key)
        document = f"{settings.public_url}/data/{name}"
        links = link_header(settings.public_url, kind, key, suffix, found)
        if kind == "graph" and await is_open_graph(served, found.iri):
            links += f", {_triples(settings, found.iri)}"
        at = settings.public_url if context == "url" else ""
        written = rdf.write(found, suffix, document, served.release.id, at)
        headers = {
            "Content-Type": content_type(rdf.TYPES[suffix]),
            "Content-Location": f"/data/{name}.{suffix}",
            "Vary": "Accept",
            "Link": links,
        }
        if written.cut:
            headers["X-Clusterloom-Truncated"] = in_header(written.cut)
        return Response(written.body, headers=headers)

    return router


def _triples(settings: Settings, iri: str) -> str:
    """The link from a graph to its triples; the endpoint writes them in any format."""
    query = urlencode({"query": graph_data(iri), "format": "nt"})
    at = keep(f"{settings.public_url}/sparql?{query}")
    return f'<{at}>; rel="enclosure"; type="application/n-triples"'


def _chosen(request: Request, offers: list[str]) -> str:
    chosen = negotiate(accept_of(request.headers), offers)
    if chosen is None:
        raise NotAcceptable(f"a thing can be had as {', '.join(offers)}", available=offers)
    return chosen
