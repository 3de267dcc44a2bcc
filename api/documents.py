"""The ontology, the shapes and the JSON-LD context, by content negotiation from package files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyoxigraph as ox
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api.nearest import hint
from clusterloom.api.negotiation import HTML, XHTML, accept_of, content_type, negotiate
from clusterloom.api.pages import ontology_page
from clusterloom.errors import NotAcceptable, NotFound
from clusterloom.namespaces import PREFIXES
from clusterloom.ontology.modules import modules, read_turtle, room

_WRITERS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}
_FOLDERS = ("alignments", "imports")
_CONTENT: dict[str, dict[str, str]] = {name: {} for name in _WRITERS}
_SENT = {"description": "The file", "content": _CONTENT}
_REFUSED = {"description": "No format fits the Accept header"}


@cache
def _written(paths: tuple[Path, ...], media_type: str) -> bytes:
    """The triples of the files in one of the formats; a single Turtle file is sent as it is."""
    if media_type == "text/turtle" and len(paths) == 1:
        return paths[0].read_bytes()
    triples = [t for n, path in enumerate(paths) for t in read_turtle(path, f"m{n}")]
    return ox.serialize(triples, format=_WRITERS[media_type], prefixes=PREFIXES) or b""


def _send(request: Request, paths: Iterable[Path]) -> Response:
    chosen = negotiate(accept_of(request.headers), [*_WRITERS])
    if chosen is None:
        raise NotAcceptable(f"this can be had as {', '.join(_WRITERS)}", available=[*_WRITERS])
    body = _written(tuple(paths), chosen)
    return Response(body, headers={"Content-Type": content_type(chosen), "Vary": "Accept"})


def documents_router() -> APIRouter:
    """The routes of `/ontology`, `/shapes` and `/context.jsonld`."""
    router = APIRouter(tags=["Vocabulary"])

    def ontology(request: Request) -> Response:
        offers = [*_WRITERS, HTML, XHTML]
        if negotiate(accept_of(request.headers), offers) in {HTML, XHTML}:
            return ontology_page(request)
        return _send(request, modules().values())

    @router.get(
        "/ontology",
        summary="The ontology with all its modules",
        response_class=Response,
        responses={200: _SENT, 406: _REFUSED},
    )
    async def whole(request: Request) -> Response:
        return ontology(request)

    @router.get(
        "/ontology/{name}",
        summary="The ontology in a version, or one module of it",
        response_class=Response,
        responses={200: _SENT, 404: {"description": "No such version or module"}, 406: _REFUSED},
    )
    async def part(request: Request, name: str) -> Response:
        if name == __version__:
            return ontology(request)
        return _module(request, name)

    @router.get(
        "/ontology/{name}/{version}",
        summary="One module of the ontology in a version, an alignment or an import extract",
        response_class=Response,
        responses={200: _SENT, 404: {"description": "No such version or module"}, 406: _REFUSED},
    )
    async def versioned(request: Request, name: str, version: str) -> Response:
        if name in _FOLDERS:
            return _file(request, name, version)
        if version != __version__:
            raise NotFound(f"the ontology is served in version {__version__}, not {version!r}")
        return _module(request, name)

    @router.get(
        "/shapes",
        summary="The SHACL shapes of every module",
        response_class=Response,
        responses={200: _SENT, 406: _REFUSED},
    )
    async def shapes(request: Request) -> Response:
        return _send(request, sorted((room() / "shapes").glob("*.ttl")))

    @router.get(
        "/context.jsonld",
        summary="The JSON-LD context",
        response_class=Response,
        responses={200: {"description": "The context", "content": {"application/ld+json": {}}}},
    )
    async def context() -> Response:
        body = (room() / "context.jsonld").read_bytes()
        return Response(body, media_type="application/ld+json")

    return router


def _file(request: Request, folder: str, name: str) -> Response:
    known = {path.stem: path for path in sorted((room() / folder).glob("*.ttl"))}
    stem = name.removesuffix(".ttl")
    if stem not in known:
        raise NotFound(f"the ontology has no {folder}/{name}{hint(stem, list(known))}")
    return _send(request, [known[stem]])


def _module(request: Request, name: str) -> Response:
    stem = name.removesuffix(".ttl")
    if stem not in modules():
        known = ", ".join(modules())
        raise NotFound(f"the ontology has no module or version {name!r} (modules: {known}; "
                       f"version: {__version__})")  # fmt: skip
    return _send(request, [modules()[stem]])
