"""`/id/<type>/<key>` and `/data/<type>/<key>`: every IRI leads to data or a page."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from clusterloom.api import rdf
from clusterloom.api.negotiation import HTML, XHTML, accept_of, content_type, negotiate
from clusterloom.api.serving import served_now
from clusterloom.api.things import description_of, exists, missing, new_address
from clusterloom.errors import NotAcceptable
from clusterloom.namespaces import thing
from clusterloom.settings import Settings

Type = Annotated[str, Path(description="the type, such as `area`")]
Key = Annotated[str, Path(description="the rest of the IRI, such as `photonics`")]

_SUFFIX_OF = {media_type: suffix for suffix, media_type in rdf.TYPES.items()}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such thing in this release; names the nearest keys"}
}
_GONE: dict[int | str, dict[str, Any]] = {410: {"description": "The thing was withdrawn"}}
_FORMATS = ", ".join(rdf.TYPES)


def address(kind: str, key: str) -> str:
    """`<type>/<key>` as it stands in an address of this server."""
    return f"{quote(kind)}/{quote(key, safe='-._~()')}"


def link_header(public_url: str, kind: str, key: str, suffix: str = "") -> str:
    """The `Link` header of a page (no suffix) or of data about a thing.

    It leads to this server's address of the IRI, the page, every data format and the canonical
    address of what is sent.
    """
    name = address(kind, key)
    own = f"/data/{name}.{suffix}" if suffix else f"/page/{name}"
    links = [
        f'<{public_url}/id/{name}>; rel="alternate"',
        f'<{public_url}{own}>; rel="canonical"',
        f'<{thing(kind, key)}>; rel="{"describes" if suffix else "cite-as"}"',
    ]
    if suffix:
        links.append(f'<{public_url}/page/{name}>; rel="alternate"; type="{HTML}"')
    else:
        links.append(f'<{public_url}/data/{name}.ttl>; rel="describedby"; type="text/turtle"')
    links += [
        f'<{public_url}/data/{name}.{other}>; rel="alternate"; type="{media_type}"'
        for other, media_type in rdf.TYPES.items()
        if other != suffix
    ]
    return ", ".join(links)


def linked_data_router(settings: Settings) -> APIRouter:
    """The routes of `/id` and `/data`."""
    router = APIRouter(tags=["Linked data"])

    @router.get(
        "/id/{kind}/{key:path}",
        summary="Follow the IRI of a thing",
        description="303 to the page of the thing for browsers, else to its data in the format "
        "that Accept asks for (Turtle when it asks for none); 301 for a former name.",
        response_class=Response,
        status_code=303,
        responses={301: {"description": "The thing has another name now"}, **_NOT_FOUND, **_GONE,
                   406: {"description": "No format fits the Accept header"}},
    )  # fmt: skip
    async def follow(request: Request, kind: Type, key: Key) -> Response:
        if moved := new_address(kind, key):
            return RedirectResponse(f"/id/{address(*moved)}", status_code=301)
        served = served_now()
        if not await exists(served, kind, key):
            raise await missing(served, kind, key)
        chosen = _chosen(request, [*rdf.TYPES.values(), HTML, XHTML])
        name = address(kind, key)
        html = chosen in {HTML, XHTML}
        target = f"/page/{name}" if html else f"/data/{name}.{_SUFFIX_OF[chosen]}"
        headers = {"Vary": "Accept", "Link": link_header(settings.public_url, kind, key)}
        return RedirectResponse(target, status_code=303, headers=headers)

    @router.get(
        "/data/{kind}/{key:path}",
        summary="Data about a thing",
        description="What the release says of the thing, the labels of what it links to, and the "
        f"links into it, the first of each property. A suffix ({_FORMATS}) chooses the format, "
        "else Accept does. `X-Clusterloom-Truncated` and the data itself say what was left out. "
        "Statements of sources that may not be redistributed are left out.",
        response_class=Response,
        responses={
            200: {"description": "The description",
                  "content": {t: {} for t in rdf.TYPES.values()}},
            **_NOT_FOUND, **_GONE, 406: {"description": "No format fits the Accept header"},
        },
    )  # fmt: skip
    async def data(request: Request, kind: Type, key: Key) -> Response:
        stem, dot, suffix = key.rpartition(".")
        named = bool(dot) and suffix in rdf.TYPES
        if named:
            key = stem
        else:
            suffix = _SUFFIX_OF[_chosen(request, [*rdf.TYPES.values()])]
        if moved := new_address(kind, key):
            tail = f".{suffix}" if named else ""
            return RedirectResponse(f"/data/{address(*moved)}{tail}", status_code=301)
        served = served_now()
        found = await description_of(served, kind, key)
        name = address(kind, key)
        document = f"{settings.public_url}/data/{name}"
        headers = {
            "Content-Type": content_type(rdf.TYPES[suffix]),
            "Content-Location": f"/data/{name}.{suffix}",
            "Vary": "Accept",
            "Link": link_header(settings.public_url, kind, key, suffix),
        }
        if found.cut:
            headers["X-Clusterloom-Truncated"] = found.cut
        return Response(rdf.write(found, suffix, document, served.release.id), headers=headers)

    return router


def _chosen(request: Request, offers: list[str]) -> str:
    chosen = negotiate(accept_of(request.headers), offers)
    if chosen is None:
        raise NotAcceptable(f"a thing can be had as {', '.join(offers)}", available=offers)
    return chosen
