"""The SPARQL 1.1 Protocol at `/sparql`: queries by GET, POST form, POST direct and QUERY."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from clusterloom import __version__, terms
from clusterloom.api.description import describe
from clusterloom.api.negotiation import Choice, accept_of, choose, wants_html
from clusterloom.api.problems import CORS
from clusterloom.api.request import DIRECT, FORM, Asked, read_request
from clusterloom.api.stream import ClientGone, ResultResponse, unless_gone
from clusterloom.errors import MethodNotAllowed, NotAcceptable, UsageError
from clusterloom.settings import Settings
from clusterloom.store.engine import JSON, Held, Limits, Query, Result, Session, hold
from clusterloom.store.guard import Inspection, examine

RenderPage = Callable[[Request, str], Response | Awaitable[Response]]

ALLOW = "GET, HEAD, POST, QUERY, OPTIONS"
WHOLE = 32 << 20
"""Bytes that are held for a client of HTTP/1.0."""

_PARAMETERS = [
    ("query", "the SPARQL query; without it the service description is sent"),
    ("default-graph-uri", "a graph to use as default graph; repeat it for a union"),
    ("named-graph-uri", "a graph that GRAPH may match; may be repeated"),
    ("max_rows", "cut the answer after that many rows and say so"),
    ("format", "json, xml, csv, tsv, ttl, nt, rdf, jsonld, trig, nq: overrides Accept"),
]


def sparql_router(
    get_session: Callable[[], Session], settings: Settings, render_page: RenderPage | None = None
) -> APIRouter:
    """The routes of `/sparql` over the session that `get_session` gives for each request.

    `render_page(request, query)` answers browsers; without it they get data.
    """
    router = APIRouter(tags=["SPARQL"])

    async def serve(request: Request) -> Response:
        try:
            asked = await read_request(request, settings.max_body)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        return await _answer(request, asked, get_session(), settings, render_page)

    async def other(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_preflight())
        if request.method in {"HEAD", "QUERY"}:
            return await serve(request)
        raise MethodNotAllowed(f"{request.method} is not known here; {ALLOW} are.", allow=ALLOW)

    parameters = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in _PARAMETERS
    ]
    form_schema = {
        "type": "object",
        "required": ["query"],
        "properties": {n: {"type": "string", "description": text} for n, text in _PARAMETERS},
    }
    contents = {FORM: {"schema": form_schema}, DIRECT: {"schema": {"type": "string"}}}
    router.add_api_route(
        "/sparql",
        serve,
        methods=["GET"],
        operation_id="sparql_get",
        summary="Run a SPARQL query, or read the service description",
        response_class=Response,
        openapi_extra={"parameters": parameters},
    )
    router.add_api_route(
        "/sparql",
        serve,
        methods=["POST"],
        operation_id="sparql_post",
        summary="Run a SPARQL query sent as a form or as it is",
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": contents}},
    )
    rest = ["HEAD", "OPTIONS", "QUERY", "PUT", "PATCH", "DELETE", "TRACE"]
    router.add_api_route("/sparql", other, methods=rest, include_in_schema=False)
    return router


def _preflight() -> dict[str, str]:
    return {
        **CORS,
        "Allow": ALLOW,
        "Access-Control-Allow-Methods": ALLOW,
        "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }


async def _answer(
    request: Request,
    asked: Asked,
    session: Session,
    settings: Settings,
    render_page: RenderPage | None,
) -> Response:
    accept = accept_of(request.headers)
    reads = request.method in {"GET", "HEAD"}
    if render_page is not None and reads and not asked.format and wants_html(accept):
        page = render_page(request, asked.query or "")
        return await page if inspect.isawaitable(page) else page
    endpoint = _endpoint(request, settings)
    if asked.query is None:
        return _description(request, asked, endpoint, session.release.id)
    inspection = await examine(asked.query)
    graph = inspection.form in {"construct", "describe"}
    choice = choose(accept, graph, asked.format) if inspection.form else Choice(JSON, JSON)
    headers = _headers(session.release.id, inspection, asked, endpoint, choice)
    if reads and _matches(request.headers.get("if-none-match"), headers.get("ETag")):
        return Response(status_code=304, headers=headers)
    query = Query(asked.query, asked.default_graphs, asked.named_graphs, endpoint)
    limits = Limits(settings.query_timeout, settings.query_memory, asked.max_rows)
    whole = request.scope["http_version"] == "1.0"
    try:
        result, held = await unless_gone(
            request.receive, _start(session, query, limits, choice.media_type, whole)
        )
    except ClientGone:
        return Response(status_code=499)  # nobody reads it
    if result.truncated is not None:
        headers["X-Clusterloom-Truncated"] = str(result.truncated)
    return ResultResponse(result, held, headers, choice.content_type, request.method == "HEAD")


def _endpoint(request: Request, settings: Settings) -> str:
    """The address that was asked, which short IRIs are resolved against."""
    asked = str(request.url.replace(query="", fragment=""))
    try:
        terms.iri(asked)
    except terms.BadTerm:  # the Host header may be anything
        return f"{settings.public_url}/sparql"
    return asked


async def _start(
    session: Session, query: Query, limits: Limits, media_type: str, whole: bool
) -> tuple[Result, Held]:
    result = await session.run(query, limits, media_type)
    try:
        if not whole:
            return result, await hold(result)
        # an HTTP/1.0 client takes a closed connection for the end: it gets a length or an error
        held = await hold(result, WHOLE, seconds=None)
        if not held.ended:
            raise UsageError(
                f"The answer has more than {WHOLE >> 20} MB, and HTTP/1.0 cannot tell a whole "
                "answer from a cut one. Ask by HTTP/1.1 (nginx: proxy_http_version 1.1)."
            )
        return result, held
    except BaseException:
        await result.aclose()
        raise


def _headers(
    release: str, inspection: Inspection, asked: Asked, endpoint: str, choice: Choice
) -> dict[str, str]:
    headers = {**CORS, "Vary": "Accept, Accept-Encoding", "X-Clusterloom-Release": release}
    if inspection.volatile:
        return {**headers, "Cache-Control": "no-store"}
    key: list[object] = [release, inspection.normal, asked.default_graphs, asked.named_graphs]
    key += [endpoint, asked.max_rows, choice.content_type]
    return {**headers, "Cache-Control": "no-cache", "ETag": etag(*key)}


def etag(*parts: object) -> str:
    """A strong entity tag of this software version and whatever decides the bytes."""
    text = json.dumps([__version__, *parts])
    return f'"{hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]}"'


def _matches(if_none_match: str | None, tag: str | None) -> bool:
    known = [item.strip().removeprefix("W/") for item in (if_none_match or "").split(",")]
    return tag is not None and (tag in known or "*" in known)


def _description(request: Request, asked: Asked, endpoint: str, release: str) -> Response:
    if request.method not in {"GET", "HEAD"}:
        raise UsageError("The request has no query.")
    try:
        choice = choose(accept_of(request.headers), True, asked.format)
    except NotAcceptable:
        raise UsageError(
            "The request has no query. Ask for text/turtle to read the service description."
        ) from None
    headers = {**CORS, "Vary": "Accept, Accept-Encoding", "X-Clusterloom-Release": release}
    headers |= {"Cache-Control": "no-cache"}
    headers |= {"ETag": etag(release, "service description", endpoint, choice.content_type)}
    if _matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = describe(endpoint, release, choice.media_type)
    return Response(body, headers={**headers, "Content-Type": choice.content_type})
