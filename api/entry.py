"""`/api/v1`: where the REST API begins, with an address for each of its collections."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.discovery_operations import OPERATIONS
from clusterloom.api.discovery_post import POSTED
from clusterloom.settings import Settings


def entry_router(settings: Settings) -> APIRouter:
    """The route of the entry point."""
    router = APIRouter(tags=["Resources"])
    root = f"{settings.public_url}/api/v1"

    @router.get("/api/v1", summary="Where the REST API begins", response_class=Response)
    async def entry() -> Response:
        """The address of each list and of the description of the whole API."""
        body = {
            "description": f"{settings.public_url}/openapi.json",
            "documentation": f"{settings.public_url}/docs",
            "resources": [
                {"name": r.name, "title": r.title, "url": f"{root}/{r.name}"}
                for r in RESOURCES.values()
            ],
            "queries": f"{root}/queries",
            "discovery": [
                {"name": name, "title": title, "method": method, "url": f"{root}/{path}"}
                for name, title, method, path in (
                    *((o.id, o.summary, "GET", o.path) for o in OPERATIONS),
                    *((p.id, p.summary, "POST", p.path) for p in POSTED.values()),
                    (
                        "what_if",
                        "What a few supposed statements would change",
                        "POST",
                        "discovery/what-if",
                    ),
                )
            ],
            "search": f"{root}/search",
            "suggest": f"{root}/suggest",
            "releases": f"{root}/releases",
        }
        link = (
            f'<{settings.public_url}/openapi.json>; rel="service-desc"; type="application/json", '
            f'<{settings.public_url}/docs>; rel="service-doc"; type="text/html"'
        )
        return Response(orjson.dumps(body), media_type="application/json", headers={"Link": link})

    return router
