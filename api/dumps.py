"""The catalogue of the served release and the dumps of every release kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from clusterloom.api.catalog import catalogue, prefixes
from clusterloom.api.negotiation import HTML, XHTML, accept_of, negotiate
from clusterloom.api.render import page
from clusterloom.api.rest_schema import problems
from clusterloom.api.serving import served_now
from clusterloom.api.triples import WRITERS, chosen_format, sent, written
from clusterloom.errors import NotAcceptable, NotFound
from clusterloom.namespaces import BASE
from clusterloom.settings import Settings
from clusterloom.store.dump import CHECKSUMS
from clusterloom.store.release import Release, current_release, open_release, releases

_TYPES = {".zst": "application/zstd", ".gz": "application/gzip", ".txt": "text/plain"}
_JSON = "application/json"
CURRENT = "current"
"""The name in place of a release id that leads to the served one."""

_NO_RELEASE: dict[int | str, dict[str, Any]] = dict(
    problems(
        e404="No such release or file",
        e406="No format fits the Accept header",
        e410="The release was pruned; names the nearest",
    ).items()
)


def dumps_router(settings: Settings) -> APIRouter:
    """The routes `/catalog` and `/dumps`."""
    router = APIRouter(tags=["Dumps"])

    @router.get(
        "/catalog",
        summary="DCAT-AP catalogue of the served release",
        description="The dataset, its releases, its sources with licence and retrieval, the "
        "services, and every file that can be downloaded with size and SHA-256.",
        response_class=Response,
        responses={200: {"description": "The catalogue", "content": {t: {} for t in WRITERS}},
                   406: {"description": "No format fits the Accept header"}},
    )  # fmt: skip
    async def catalog(request: Request) -> Response:
        media_type = chosen_format(request)
        triples = catalogue(served_now(), settings.public_url)
        return sent(written(triples, media_type, prefixes(triples)), media_type)

    @router.get("/dumps/", summary="Every release whose dumps can be had", response_class=Response)
    async def all_dumps() -> Response:
        """The releases kept here, newest first."""
        served = current_release(settings.releases)
        current = served.id if served else None
        items = [
            {
                "id": release.id,
                "iri": f"{BASE}release/{release.id}",
                "served": release.id == current,
                "address": f"{settings.public_url}/dumps/{release.id}/",
            }
            for release in releases(settings.releases)
        ]
        body = {"items": items, "total": len(items), "next": None, "release": current}
        headers = {"Cache-Control": "no-cache"}
        return Response(orjson.dumps(body), media_type=_JSON, headers=headers)

    @router.get("/dumps", include_in_schema=False)
    @router.get("/dumps/{release}", include_in_schema=False)
    async def without_slash(request: Request) -> Response:
        """The addresses inside an index are below it, so it has one spelling."""
        return RedirectResponse(f"{request.url.path}/", status_code=308)

    @router.get("/dumps/{release}/", summary="The files of a release", response_class=Response,
                responses={302: {"description": "`current` leads to the served release"},
                           **_NO_RELEASE})  # fmt: skip
    async def index(request: Request, release: str) -> Response:
        """Every dump of the release with size and SHA-256; `current` leads to the served one."""
        if release == CURRENT:
            return _to_current("")
        found = open_release(settings.releases, release)
        body = _index(found, settings.public_url)
        links = ", ".join(
            [
                f'<{BASE}release/{release}>; rel="cite-as"',
                f'<{settings.public_url}/data/release/{release}.ttl>; rel="describedby"; '
                'type="text/turtle"',
            ]
        )
        headers = {"Vary": "Accept", "Link": links}
        chosen = negotiate(accept_of(request.headers), [_JSON, HTML, XHTML])
        if chosen is None:
            raise NotAcceptable(f"this can be had as {_JSON}, {HTML}", available=[_JSON, HTML])
        if chosen in {HTML, XHTML}:
            return page(request, "dumps.html", {"index": body, "release": release}, 200, headers)
        return Response(orjson.dumps(body), media_type=_JSON, headers=headers)

    @router.get("/dumps/{release}/{file:path}", summary="A dump of a release",
                response_class=FileResponse,
                responses={206: {"description": "The range asked for"},
                           302: {"description": "`current` leads to the served release"},
                           **_NO_RELEASE},
                )  # fmt: skip
    async def dump(release: str, file: str) -> Response:
        """A file that `/dumps/<release>/` and the catalogue list; ranges can be asked for.

        `dump.nq.zst` holds all quads, `kind/<kind>.nq.zst` those of a kind,
        `turtle/<source>.ttl.gz` and `families/<source>.nq.gz` those of a source, `checksums.txt`
        the SHA-256 of each.
        """
        if release == CURRENT:
            return _to_current(file)
        found = open_release(settings.releases, release)
        if file not in files_of(found):
            raise NotFound(
                f"release {release} has no dump {file!r}; /dumps/{release}/ lists those there are"
            )
        path = found.path / file
        return FileResponse(path, media_type=_TYPES[path.suffix])

    return router


def files_of(release: Release) -> dict[str, dict[str, Any]]:
    """The files of a release that may be downloaded, with `bytes` and, where known, `sha256`.

    What the report does not list stays inside; a release built before reports listed dumps has
    its whole dump and its Turtle files.
    """
    listed: dict[str, dict[str, Any]] | None = release.report().get("dumps")
    if listed is None:
        old = [release.path / "dump.nq.zst", *sorted((release.path / "turtle").glob("*.ttl.gz"))]
        return {
            path.relative_to(release.path).as_posix(): {"bytes": path.stat().st_size}
            for path in old
            if _inside(release, path)
        }
    checksums = release.path / CHECKSUMS
    own = {CHECKSUMS: {"bytes": checksums.stat().st_size}} if _inside(release, checksums) else {}
    kept = {n: entry for n, entry in listed.items() if _inside(release, release.path / n)}
    return {**kept, **own}


def _inside(release: Release, path: Path) -> bool:
    """Whether it is a file of the release, and no link that leads out of it."""
    return path.is_file() and path.resolve().is_relative_to(release.path.resolve())


def _index(release: Release, public_url: str) -> dict[str, Any]:
    report = release.report()
    return {
        "release": release.id,
        "iri": f"{BASE}release/{release.id}",
        "built": report.get("built"),
        "previous": report.get("previous"),
        "triples": report["triples"],
        "files": [
            {"name": name, "url": f"{public_url}/dumps/{release.id}/{name}", **entry}
            for name, entry in files_of(release).items()
        ],
    }


def _to_current(file: str) -> Response:
    served = served_now().release.id
    return RedirectResponse(f"/dumps/{served}/{file}", status_code=302)
