"""`/health`, `/ready` and `/metrics`: what runs, whether it answers, and how it goes."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api.metrics import Metrics
from clusterloom.api.serving import served_now


def operation_router(metrics: Metrics) -> APIRouter:
    """The routes for those who run the service; none of their answers is kept by a cache."""
    router = APIRouter(tags=["Operation"])

    @router.get("/health", summary="What is running", response_class=Response)
    async def health() -> Response:
        """Release, triples of its default graph, version, and the state of the query engine.

        `store` is where ordinary queries are answered from; `isolated` tells whether query workers
        have no network, null where that is not this machine's to say. No query is asked.
        """
        served = served_now()
        state = served.session.state()
        return _json(
            {
                "status": "ok",
                "release": served.release.id,
                "triples": served.report["triples"],
                "version": __version__,
                "store": state.store,
                "isolated": state.isolated,
                "workers": state.workers,
                "busy": state.busy,
                "waiting": state.waiting,
            }
        )

    @router.get("/ready", summary="Whether queries are answered", response_class=Response)
    async def ready() -> Response:
        """200 once a query on the served release has been answered, else 503."""
        served = served_now()
        await served.select("ASK {}")
        return _json({"status": "ready", "release": served.release.id})

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def scrape(request: Request) -> Response:
        """Requests, times, outcomes of queries, workers, kills, and the releases that are open."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return Response(encode(metrics.registry), headers=headers)

    return router


def _json(body: dict[str, object]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
