"""The HTTP service: `create_app(settings)` puts the routes together and holds no global state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from clusterloom import __version__
from clusterloom.api.compression import CompressionMiddleware
from clusterloom.api.discovery import discovery_router
from clusterloom.api.discovery_index import prepare_discovery
from clusterloom.api.discovery_short import ShortDiscovery, asked_of
from clusterloom.api.docs import docs_router
from clusterloom.api.documents import documents_router
from clusterloom.api.dumps import dumps_router
from clusterloom.api.edges import EdgeMiddleware
from clusterloom.api.entry import entry_router
from clusterloom.api.etag import ConditionalMiddleware
from clusterloom.api.explain import explainer
from clusterloom.api.lane import Lane
from clusterloom.api.linked_data import linked_data_router
from clusterloom.api.look_up import LookUps
from clusterloom.api.metrics import Metrics
from clusterloom.api.operation import Operation, OperationMiddleware, RouteMiddleware
from clusterloom.api.operation_routes import operation_router
from clusterloom.api.pages import pages_router, problem_page
from clusterloom.api.pin import WithoutRelease
from clusterloom.api.problems import install
from clusterloom.api.query_pages import query_pages_router, sparql_page
from clusterloom.api.query_routes import query_router
from clusterloom.api.reconcile import reconcile_router
from clusterloom.api.release_schema import document_release
from clusterloom.api.releases import releases_router
from clusterloom.api.render import likes_pages
from clusterloom.api.rest import rest_router
from clusterloom.api.rest_schema import PROBLEM
from clusterloom.api.search import search_router
from clusterloom.api.search_index import prepare_search
from clusterloom.api.serving import (
    NotReady,
    ReleaseMiddleware,
    Served,
    Serving,
    served_now,
    session_now,
)
from clusterloom.api.sparql import PATH, SparqlEndpoint, SparqlMiddleware, sparql_router
from clusterloom.api.spreadsheet import Maker
from clusterloom.api.void import void_router
from clusterloom.api.why import Turns, why_router
from clusterloom.errors import ClusterloomError
from clusterloom.settings import Settings
from clusterloom.store.engine import Engine, Query
from clusterloom.store.engines import engine_of

_DESCRIPTION = (
    "The open knowledge graph of Europe's clusters, value chains and smart-specialisation areas. "
    "Every answer names the release it comes from in `X-Clusterloom-Release`; every error is "
    "problem JSON (RFC 9457). Unknown values are null, never zero or false."
)
_TAGS = [
    {"name": "SPARQL", "description": "The SPARQL 1.1 Protocol."},
    {"name": "Linked data", "description": "What each IRI leads to."},
    {"name": "Vocabulary", "description": "Ontology, shapes and JSON-LD context."},
    {"name": "Dumps", "description": "The catalogue, and whole releases to take away."},
    {"name": "Resources", "description": "Lists with filters and paging, and their items."},
    {"name": "Discovery", "description": "Who completes whom, and why: every hit is explained."},
    {"name": "Search", "description": "Things by name, also by a name spelt wrong."},
    {"name": "Reconciliation", "description": "Matching of tables, as OpenRefine does it."},
    {"name": "Releases", "description": "What is kept, and what changed between two releases."},
    {"name": "Query library", "description": "Questions with typed parameters."},
    {"name": "Operation", "description": "Whether and what the service serves."},
]

_DATA_PATHS = ("/api/", "/data/", "/sparql", "/reconcile", "/health", "/ready", "/openapi.json")
"""Where errors are problem JSON whatever the client likes."""

_PROBLEM = {"application/problem+json": {"schema": PROBLEM}}
_KEPT = ("allow", "cache-control", "retry-after")
"""Headers of an error that its page has too."""

Handler = Callable[[Request, Any], Awaitable[Response]]


class Service(FastAPI):
    """The app, with a shorter way to `/sparql` than by the framework, and none for answers at hand
    there and for questions of discovery.

    The shorter way goes through every middleware that stands before SparqlMiddleware.
    """

    lane: Lane
    endpoint: SparqlEndpoint
    _short: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the app."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif scope["path"] != PATH:
            if asked := asked_of(scope["path"]):
                scope["clusterloom.route"] = f"/api/v1/{asked[0].path}"
                if await self.lane(scope, send):
                    return
            await super().__call__(scope, receive, send)
        elif not await self.lane(scope, send):
            if self._short is None:
                self._short = self._way()
            scope["app"] = self
            await self._short(scope, receive, send)

    def _way(self) -> ASGIApp:
        kinds: list[object] = [middleware.cls for middleware in self.user_middleware]
        way: ASGIApp = self.endpoint
        for outer in reversed(self.user_middleware[: kinds.index(SparqlMiddleware)]):
            way = outer.cls(way, *outer.args, **outer.kwargs)
        return way


def create_app(settings: Settings, engine: Engine | None = None, warm: bool = False) -> Service:
    """The service over the releases that the settings name, on the engine that they choose.

    The current release is opened when the app starts and closed when it ends; a release that is
    published meanwhile is moved to without a restart. `warm` makes the indexes of search and
    discovery of each release at once, not when they are first asked for.
    """
    serving = Serving(settings, engine or engine_of(settings))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        await serving.start()
        try:
            yield
        finally:
            await serving.aclose()

    app = Service(
        title="Clusterloom",
        version=__version__,
        summary="Linked data, SPARQL and REST over one knowledge graph.",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0; data CC BY 4.0 unless a source says otherwise"},
        openapi_tags=_TAGS,
        docs_url=None,  # the stock pages load from another origin
        redoc_url=None,
        redirect_slashes=False,
        responses={"default": {"description": "Any other error", "content": _PROBLEM}},
        lifespan=lifespan,
    )
    maker = Maker()
    endpoint = SparqlEndpoint(session_now, settings, sparql_page, explainer(Turns()), maker)
    look_ups = LookUps(endpoint.cache, endpoint.limits, serving.open_session, endpoint.address)
    short = ShortDiscovery(endpoint.cache, serving.served_of, about=partial(_about_of, settings))
    app.endpoint = endpoint
    app.lane = Lane(
        endpoint.cache,
        serving.current,
        lambda scope, release: (look_ups if scope["path"] == PATH else short)(scope, release),
    )
    serving.replaced = endpoint.cache.clear
    serving.begun = _prepare if warm else None
    app.add_middleware(RouteMiddleware)
    app.add_middleware(WithoutRelease)
    app.add_middleware(ConditionalMiddleware, about=_about(settings))
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(SparqlMiddleware, endpoint=endpoint)
    app.add_middleware(ReleaseMiddleware, serving=serving, public_url=settings.public_url)
    app.add_middleware(EdgeMiddleware)
    metrics = Metrics(serving.sessions)
    operation = Operation(metrics)
    app.add_middleware(OperationMiddleware, operation=operation)
    app.lane.seen = operation.seen
    install(app)
    _answer_people(app)
    app.include_router(sparql_router(endpoint))
    app.include_router(why_router(settings))
    app.include_router(query_router(settings, maker))
    app.include_router(search_router(settings, maker))
    app.include_router(reconcile_router(settings))
    app.include_router(releases_router(settings, serving, maker))
    app.include_router(discovery_router(settings, maker))
    app.include_router(rest_router(settings, maker))
    app.include_router(linked_data_router(settings))
    app.include_router(documents_router(settings))
    app.include_router(dumps_router(settings))
    app.include_router(void_router(settings))
    app.include_router(entry_router(settings))
    app.include_router(query_pages_router())
    app.include_router(docs_router(settings))
    app.include_router(pages_router(settings))
    app.include_router(operation_router(metrics))
    document_release(app)
    app.mount("/static", StaticFiles(directory=str(files("clusterloom.api") / "static")))
    return app


def _prepare(served: Served) -> None:
    prepare_search(served)
    prepare_discovery(served)


def _about(settings: Settings) -> Callable[[], tuple[object, ...] | None]:
    """What every answer depends on beside its request."""

    def about() -> tuple[object, ...] | None:
        try:
            return _about_of(settings, served_now())
        except NotReady:
            return None

    return about


def _about_of(settings: Settings, served: Served) -> tuple[object, ...]:
    # routes ask without naming graphs, as this query does
    return settings.public_url, served.release.id, served.session.variant(Query("ASK {}"))


def _answer_people(app: FastAPI) -> None:
    """Shows errors as pages to browsers outside the data routes."""

    def shown(handler: Handler) -> Handler:
        async def handle(request: Request, error: Any) -> Response:
            answer = await handler(request, error)
            if request.url.path.startswith(_DATA_PATHS) or not likes_pages(request):
                return answer
            kept = {n: answer.headers[n] for n in _KEPT if n in answer.headers}
            return problem_page(request, answer.status_code, orjson.loads(answer.body), kept)

        return handle

    for kind, handler in list(app.exception_handlers.items()):
        if kind is not Exception and kind is not None:
            app.exception_handlers[kind] = shown(handler)  # type: ignore[arg-type]
    assert ClusterloomError in app.exception_handlers
