"""The ontology, the shapes and the JSON-LD context, by content negotiation from package files.

Each is served without a version and with one; the unversioned answer names the versioned address
as the canonical one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api.negotiation import HTML, XHTML, accept_of, negotiate
from clusterloom.api.pages import ontology_page
from clusterloom.api.triples import WRITERS, chosen_format, sent, written
from clusterloom.errors import NotFound
from clusterloom.nearest import hint
from clusterloom.ontology.modules import modules, read_turtle, room
from clusterloom.settings import Settings

VERSIONS = (__version__,)
"""The versions of ontology, shapes and context that this software carries."""

_FOLDERS = ("alignments", "imports")
_CONTENT: dict[str, dict[str, str]] = {name: {} for name in WRITERS}
_SENT: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": _CONTENT}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    406: {"description": "No format fits the Accept header"}
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such version or module; names those there are"}
}
_JSON_LD = "application/ld+json"


@cache
def _written(paths: tuple[Path, ...], media_type: str) -> bytes:
    """The triples of the files in one of the formats; a single Turtle file is sent as it is."""
    if media_type == "text/turtle" and len(paths) == 1:
        return paths[0].read_bytes()
    return written([t for n, path in enumerate(paths) for t in read_turtle(path, f"m{n}")],
                   media_type)  # fmt: skip


def _send(request: Request, paths: Iterable[Path], canonical: str = "") -> Response:
    media_type = chosen_format(request)
    headers = {"Link": f'<{canonical}>; rel="canonical"'} if canonical else {}
    return sent(_written(tuple(paths), media_type), media_type, headers)


def documents_router(settings: Settings) -> APIRouter:
    """The routes of `/ontology`, `/shapes` and `/context.jsonld`."""
    router = APIRouter(tags=["Vocabulary"])
    here = settings.public_url

    def ontology(request: Request) -> Response:
        offers = [*WRITERS, HTML, XHTML]
        if negotiate(accept_of(request.headers), offers) in {HTML, XHTML}:
            return ontology_page(request)
        return _send(request, modules().values(), f"{here}/ontology/{__version__}")

    @router.get(
        "/ontology",
        summary="The ontology with all its modules",
        response_class=Response,
        responses={**_SENT, **_REFUSED},
    )
    async def whole(request: Request) -> Response:
        return ontology(request)

    @router.get(
        "/ontology/{name}",
        summary="The ontology in a version, or one module of it",
        response_class=Response,
        responses={**_SENT, **_UNKNOWN, **_REFUSED},
    )
    async def part(request: Request, name: str) -> Response:
        return ontology(request) if name in VERSIONS else _send(request, [_module(name)])

    @router.get(
        "/ontology/{name}/{version}",
        summary="One module of the ontology in a version, an alignment or an import extract",
        response_class=Response,
        responses={**_SENT, **_UNKNOWN, **_REFUSED},
    )
    async def versioned(request: Request, name: str, version: str) -> Response:
        if name in _FOLDERS:
            return _send(request, [_file(name, version)])
        _check_version("the ontology", version)
        return _send(request, [_module(name)])

    @router.get(
        "/shapes",
        summary="The SHACL shapes of every module",
        response_class=Response,
        responses={**_SENT, **_REFUSED},
    )
    async def shapes(request: Request) -> Response:
        return _send(request, _shape_files().values(), f"{here}/shapes/{__version__}")

    @router.get(
        "/shapes/{name}",
        summary="The SHACL shapes in a version, or those of one module",
        response_class=Response,
        responses={**_SENT, **_UNKNOWN, **_REFUSED},
    )
    async def shapes_part(request: Request, name: str) -> Response:
        if name in VERSIONS:
            return _send(request, _shape_files().values())
        files = _shape_files()
        if (stem := name.removesuffix(".ttl")) not in files:
            raise NotFound(f"there are no shapes {name!r} (modules: {', '.join(files)}; "
                           f"versions: {', '.join(VERSIONS)})")  # fmt: skip
        return _send(request, [files[stem]])

    @router.get(
        "/context.jsonld",
        summary="The JSON-LD context",
        response_class=Response,
        responses={200: {"description": "The context", "content": {_JSON_LD: {}}}},
    )
    async def context() -> Response:
        link = f'<{here}/context/{__version__}.jsonld>; rel="canonical"'
        return Response(_context(), media_type=_JSON_LD, headers={"Link": link})

    @router.get(
        "/context/{version}.jsonld",
        summary="The JSON-LD context in a version",
        response_class=Response,
        responses={200: {"description": "The context", "content": {_JSON_LD: {}}}, **_UNKNOWN},
    )
    async def context_version(version: str) -> Response:
        _check_version("the context", version)
        return Response(_context(), media_type=_JSON_LD)

    return router


def _check_version(what: str, version: str) -> None:
    if version not in VERSIONS:
        raise NotFound(f"{what} is served in version {', '.join(VERSIONS)}, not {version!r}")


@cache
def _context() -> bytes:
    return (room() / "context.jsonld").read_bytes()


@cache
def _shape_files() -> dict[str, Path]:
    return {path.stem: path for path in sorted((room() / "shapes").glob("*.ttl"))}


def _file(folder: str, name: str) -> Path:
    known = {path.stem: path for path in sorted((room() / folder).glob("*.ttl"))}
    stem = name.removesuffix(".ttl")
    if stem not in known:
        raise NotFound(f"the ontology has no {folder}/{name}{hint(stem, list(known))}")
    return known[stem]


def _module(name: str) -> Path:
    stem = name.removesuffix(".ttl")
    if stem not in modules():
        known = ", ".join(modules())
        raise NotFound(f"the ontology has no module or version {name!r} (modules: {known}; "
                       f"version: {', '.join(VERSIONS)})")  # fmt: skip
    return modules()[stem]
