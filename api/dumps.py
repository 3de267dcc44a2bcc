"""The catalogue of the served release and the dumps of every release kept."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.responses import FileResponse

from clusterloom.api.serving import served_now
from clusterloom.errors import NotFound
from clusterloom.settings import Settings
from clusterloom.store.release import open_release

_FILE = re.compile(r"dump\.nq\.zst|turtle/[a-z0-9.-]+\.ttl\.gz")
_TYPES = {".zst": "application/zstd", ".gz": "application/gzip"}


def dumps_router(settings: Settings) -> APIRouter:
    """The routes `/catalog` (Turtle) and `/dumps/<release>/<file>`."""
    router = APIRouter(tags=["Dumps"])

    @router.get("/catalog", summary="DCAT catalogue of the served release",
                response_class=FileResponse)  # fmt: skip
    async def catalog() -> FileResponse:
        """The release, its sources with licence and retrieval, and what can be downloaded."""
        path = served_now().release.path / "catalog.ttl"
        return FileResponse(path, media_type="text/turtle; charset=utf-8")

    @router.get("/dumps/{release}/{file:path}", summary="A dump of a release",
                response_class=FileResponse)  # fmt: skip
    async def dump(release: str, file: str) -> FileResponse:
        """`dump.nq.zst` (all quads) or `turtle/<source>.ttl.gz`, as the catalogue lists them."""
        path = open_release(settings.releases, release).path / file
        if not _FILE.fullmatch(file) or not path.is_file():
            raise NotFound(
                f"release {release} has no dump {file!r}; /catalog lists those there are"
            )
        return FileResponse(path, media_type=_TYPES[path.suffix])

    return router
