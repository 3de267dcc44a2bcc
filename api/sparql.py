"""The SPARQL 1.1 Protocol at `/sparql`: queries by GET, POST form, POST direct and QUERY.

A plain ASGI application, not a route of the framework: a look-up takes less time than the
framework's own way to a route.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from clusterloom import terms
from clusterloom.api.answer_cache import AnswerCache, Flights, Stored
from clusterloom.api.compression import PLAIN, CodedSend, Wanted, not_codable, wanted
from clusterloom.api.description import description
from clusterloom.api.edges import HeadDone, HeadSend, preflight
from clusterloom.api.etag import VARY, etag, matched
from clusterloom.api.lane import spelling, spelling_size
from clusterloom.api.negotiation import choose, wants_html
from clusterloom.api.problems import CORS, from_error
from clusterloom.api.request import (
    DIRECT,
    FORM,
    PARAMETERS,
    Asked,
    BodyEnded,
    headers_of,
    read_request,
)
from clusterloom.api.sparql_run import Run, send_stored
from clusterloom.api.sparql_sheet import FORMAT, sheet
from clusterloom.api.spreadsheet import Maker
from clusterloom.api.stream import ClientGone, ResultResponse, UntilGone
from clusterloom.errors import ClusterloomError, MethodNotAllowed, NotAcceptable, UsageError
from clusterloom.settings import Settings
from clusterloom.store.engine import Limits, Session

RenderPage = Callable[[Request, str], Response | Awaitable[Response]]
Explain = Callable[[Request, Asked], Awaitable[Response]]

PATH: Final = "/sparql"
METHODS = ("GET", "HEAD", "POST", "QUERY", "OPTIONS")
_READS = frozenset(("GET", "HEAD"))


class SparqlEndpoint:
    """Answers `/sparql` over the session that `get_session` gives for each request.

    `render_page(request, query)` answers browsers; without it they get data.
    `explain(request, asked)` answers `explain=1`; `maker` makes workbooks.
    """

    def __init__(
        self,
        get_session: Callable[[], Session],
        settings: Settings,
        render_page: RenderPage | None = None,
        explain: Explain | None = None,
        maker: Maker | None = None,
    ) -> None:
        self._get_session = get_session
        self._settings = settings
        self._render_page = render_page
        self._explain = explain
        self._maker = maker or Maker()
        self.limits = Limits(settings.query_timeout, settings.query_memory)
        self.cache = AnswerCache(settings.cache)
        self._flights: Flights[Stored | ResultResponse] = Flights()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, errors among its answers."""
        if scope["method"] == "HEAD":
            send = HeadSend(send)
        try:
            headers = headers_of(scope)
            want = wanted(headers[b"accept-encoding"]) if b"accept-encoding" in headers else PLAIN
            try:
                if not want.possible:
                    raise not_codable()
                await self._serve(scope, receive, send, headers, want)
            except ClusterloomError as error:
                await from_error(error)(scope, receive, _coded(send, want))
            except (BodyEnded, ClientGone):
                await Response(status_code=499)(scope, receive, send)  # nobody reads it
        except HeadDone:
            return

    def address(self, scope: Scope, host: str) -> str:
        """The address that was asked, which short IRIs are resolved against."""
        asked = _endpoint(scope["scheme"], host, scope["path"])
        return asked or f"{self._settings.public_url}{PATH}"  # the Host header may be anything

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str], want: Wanted
    ) -> None:
        method = scope["method"]
        if method not in METHODS:
            allow = ", ".join(METHODS)
            raise MethodNotAllowed(f"{method} is not known here; {allow} are.", allow=allow)
        if method == "OPTIONS":
            await preflight([*METHODS])(scope, receive, send)
            return
        accept, host = headers.get(b"accept"), headers.get(b"host", "")
        fresh = "no-cache" in headers.get(b"cache-control", "") or b"pragma" in headers
        reads = method in _READS
        known = headers.get(b"if-none-match", "") if reads else ""
        asked = await read_request(scope, receive, headers, self._settings.max_body)
        session = self._get_session()
        endpoint = self.address(scope, host)
        answer = await self._other(scope, receive, asked, accept, endpoint, session, known, want)
        if answer is not None:
            await answer(scope, receive, _coded(send, want))
            return
        run = Run(self.limits, session, asked, endpoint, want, scope["http_version"] == "1.0")
        await run.prepare(accept)
        if known and (tag := run.known(known)):
            await send_stored(send, Stored(tuple(run.headers), b"", tag), tag, want, hit=False)
            return
        found = None if fresh else self.cache.get(run.key)
        hit = found is not None
        answered = found or await self._answered(run, receive, fresh)
        if isinstance(answered, ResultResponse):
            await answered(scope, receive, _coded(send, want))
            return
        if run.keeps:
            if not hit:
                self.cache.put(run.key, answered, len(asked.query or ""))
            if alias := spelling(session.release.id, scope):
                self.cache.alias(alias, run.key, spelling_size(scope))
        await send_stored(send, answered, known, want, hit)

    async def _answered(self, run: Run, receive: Receive, fresh: bool) -> Stored | ResultResponse:
        if fresh or not run.keeps:
            async with UntilGone(receive):
                return await run.answer()
        return await self._flights.share(
            run.key, receive, run.answer, lambda answer: isinstance(answer, Stored)
        )

    async def _other(
        self,
        scope: Scope,
        receive: Receive,
        asked: Asked,
        accept: str | None,
        endpoint: str,
        session: Session,
        known: str,
        want: Wanted,
    ) -> Response | None:
        """The page, the explanation or the service description, where one of them is asked for."""
        reads = scope["method"] in _READS
        if asked.explain:
            if asked.query is None or self._explain is None:
                raise UsageError("There is no query to explain.")
            return await self._explain(Request(scope, receive), asked)
        if self._render_page is not None and reads and not asked.format and wants_html(accept):
            page = self._render_page(Request(scope, receive), asked.query or "")
            return await page if inspect.isawaitable(page) else page
        if asked.query is not None and asked.format == FORMAT:
            async with UntilGone(receive):
                return await sheet(session, asked, endpoint, self.limits, self._maker)
        if asked.query is not None:
            return None
        if not reads:
            raise UsageError("The request has no query.")
        return await _description(accept, asked, endpoint, session.release.id, known, want)


@lru_cache(maxsize=64)
def _endpoint(scheme: str, host: str, path: str) -> str | None:
    """The address that was asked, which short IRIs are resolved against; None for no address."""
    asked = f"{scheme}://{host}{path}"
    try:
        terms.iri(asked)
    except terms.BadTerm:
        return None
    return asked if host else None


def _coded(send: Send, want: Wanted) -> Send:
    return CodedSend(send, want) if want.coding else send


async def _description(
    accept: str | None, asked: Asked, endpoint: str, release: str, known: str, want: Wanted
) -> Response:
    try:
        choice = choose(accept, True, asked.format)
    except NotAcceptable:
        raise UsageError(
            "The request has no query. Ask for text/turtle to read the service description."
        ) from None
    tag = etag(release, "service description", endpoint, choice.content_type)
    headers = {**CORS, "Vary": VARY, "X-Clusterloom-Release": release}
    headers |= {"Cache-Control": "no-cache", "ETag": tag}
    if same := matched(known, tag, want) or (tag if known.strip() == "*" else None):
        return Response(status_code=304, headers={**headers, "ETag": same})
    body = await description(endpoint, release, choice.media_type)
    return Response(body, headers={**headers, "Content-Type": choice.content_type})


class SparqlMiddleware:
    """Hands `/sparql` to its endpoint before the framework looks for a route."""

    def __init__(self, app: ASGIApp, endpoint: SparqlEndpoint) -> None:
        self._app = app
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything else on."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._endpoint(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Passed(Response):
    """Lets the endpoint answer a request that came by a route."""

    def __init__(self, endpoint: SparqlEndpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope, receive, send)


def sparql_router(endpoint: SparqlEndpoint) -> APIRouter:
    """The routes of `/sparql`, documented."""
    router = APIRouter(tags=["SPARQL"])

    async def serve() -> Response:
        return _Passed(endpoint)

    parameters = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in PARAMETERS.items()
    ]
    form_schema = {
        "type": "object",
        "required": ["query"],
        "properties": {
            name: {"type": "string", "description": text} for name, text in PARAMETERS.items()
        },
    }
    contents = {FORM: {"schema": form_schema}, DIRECT: {"schema": {"type": "string"}}}
    router.add_api_route(
        PATH,
        serve,
        methods=["GET"],
        operation_id="sparql_get",
        summary="Run a SPARQL query, or read the service description",
        response_class=Response,
        openapi_extra={"parameters": parameters},
    )
    router.add_api_route(
        PATH,
        serve,
        methods=["POST"],
        operation_id="sparql_post",
        summary="Run a SPARQL query sent as a form or as it is",
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": contents}},
    )
    rest = ["HEAD", "OPTIONS", "QUERY", "PUT", "PATCH", "DELETE", "TRACE"]
    router.add_api_route(PATH, serve, methods=rest, include_in_schema=False)
    return router
