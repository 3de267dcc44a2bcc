"""`/sparql/why`: the reason why a query has no answer, worked out by small queries on request."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api.diagnosis import Diagnosis, plain
from clusterloom.api.negotiation import accept_of
from clusterloom.api.probes import Probes
from clusterloom.api.problems import CORS
from clusterloom.api.request import DIRECT, FORM, Asked, BodyEnded, headers_of, read_request
from clusterloom.api.rest_schema import BUSY, problems
from clusterloom.api.serving import Served, served_now
from clusterloom.api.stream import ClientGone, UntilGone
from clusterloom.errors import ClusterloomError, UsageError
from clusterloom.settings import Settings
from clusterloom.store.engine import Query
from clusterloom.store.guard import examine
from clusterloom.store.pattern_reader import read
from clusterloom.store.patterns import Group, QueryParts, Select, extent
from clusterloom.store.texts import LONG, beside
from clusterloom.store.token_reader import Misread

SECONDS = 2.0
"""What one analysis may take in all."""
MOST_PARTS = 300
"""Patterns, groups, columns, and names in filters that a query may have to be analysed."""
CLIENTS = 32
"""Analyses at a time, each of another client."""


class OneAtATime(ClusterloomError):
    """The client's last analysis has not ended; extra `retry_after` is in seconds."""

    status: ClassVar[int] = 429
    title, slug = "Too many requests", "too-many-requests"


class Turns:
    """Who has an analysis under way: one for each client address, and so many in all."""

    def __init__(self, most: int = CLIENTS) -> None:
        self._most = most
        self._busy: set[str] = set()

    def take(self, client: str) -> str:
        """Notes the client; raises OneAtATime. Give what it returns back in the end."""
        key = _network(client)
        if key in self._busy or len(self._busy) >= self._most:
            whose = "your last one" if key in self._busy else "those of other clients"
            raise OneAtATime(
                f"One analysis at a time: {whose} must end first, within {SECONDS:g} s.",
                retry_after=2,
            )
        self._busy.add(key)
        return key

    def give_back(self, key: str) -> None:
        """The analysis has ended."""
        self._busy.discard(key)


def _network(client: str) -> str:
    """The address, of IPv6 the /64 network: a host has as many addresses there as it likes."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False))


def why_router(settings: Settings) -> APIRouter:
    """GET and POST `/sparql/why`; parameters as for `/sparql`."""
    router = APIRouter(tags=["SPARQL"])
    turns = Turns()

    async def why(request: Request) -> Response:
        try:
            asked = await read_request(
                request.scope, request.receive, headers_of(request.scope), settings.max_body
            )
            if asked.query is None:
                raise UsageError("There is no query to analyse: send query=SELECT ...")
            served = served_now()
            key = turns.take(request.client.host if request.client else "")
            try:
                async with UntilGone(request.receive):
                    body = await analyse(served, asked, f"{settings.public_url}/sparql")
            finally:
                turns.give_back(key)
        except (BodyEnded, ClientGone):
            return Response(status_code=499)  # nobody reads it
        headers = {**CORS, "Cache-Control": "no-store", "Vary": "Accept"}
        if _likes_text(request, asked):
            return Response(_as_text(body), media_type="text/plain", headers=headers)
        return Response(orjson.dumps(body), media_type="application/json", headers=headers)

    common: dict[str, Any] = {
        "summary": "Why a query has no answer",
        "description": (
            "Runs small queries for at most two seconds and names what takes the last solution "
            "away: unknown terms, language tags, patterns, filters, graphs. Each finding has the "
            "query that shows it. text/plain gives the same for a terminal."
        ),
        "response_class": Response,
        "responses": {200: {"description": "The analysis", "content": _CONTENT}, **_PROBLEMS},
    }
    parameters = [
        {"name": name, "in": "query", "description": text, "required": name == "query",
         "schema": {"type": "string"}}
        for name, text in _PARAMETERS.items()
    ]  # fmt: skip
    router.add_api_route(
        "/sparql/why", why, methods=["GET"], operation_id="why_get",
        openapi_extra={"parameters": parameters}, **common,
    )  # fmt: skip
    form = {
        "type": "object",
        "required": ["query"],
        "properties": {n: {"type": "string", "description": t} for n, t in _PARAMETERS.items()},
    }
    contents = {FORM: {"schema": form}, DIRECT: {"schema": {"type": "string"}}}
    router.add_api_route(
        "/sparql/why", why, methods=["POST"], operation_id="why_post",
        openapi_extra={"requestBody": {"required": True, "content": contents}}, **common,
    )  # fmt: skip
    return router


async def analyse(
    served: Served, asked: Asked, base: str, seconds: float = SECONDS
) -> dict[str, Any]:
    """The analysis as JSON; raises what the query itself is refused for."""
    text = asked.query or ""
    inspection = await examine(text)
    query = Query(text, asked.default_graphs, asked.named_graphs, base)
    reason = ""
    try:
        parts = await parts_of(text)
    except Misread as error:
        reason = f"The query cannot be analysed: {error.hint}"
        form = inspection.form or "select"
        parts = QueryParts(text, {}, "", Select(form, Group((), "{}", 0), 0))
    probes = Probes(served, parts, seconds, base, asked.default_graphs, asked.named_graphs)
    diagnosis = Diagnosis(probes, query)
    if reason:
        await diagnosis.first_row()
    else:
        await diagnosis.run()
    body: dict[str, Any] = {
        "empty": diagnosis.empty,
        "summary": diagnosis.summary,
        "findings": [finding.as_json(text) for finding in diagnosis.findings],
        "tried": probes.tried,
        "seconds": round(probes.seconds, 3),
        "complete": probes.complete and not reason,
        "release": served.release.id,
    }
    if reason:
        body["reason"] = reason
        if diagnosis.empty is not False:
            body["summary"] = reason
    if diagnosis.first is not None:
        body["first"] = plain(diagnosis.first)
    return body


async def parts_of(text: str) -> QueryParts:
    """The parts of a query; Misread also where there are more than an analysis can go through."""
    parts = await beside(lambda: read(text)) if len(text) >= LONG else read(text)
    columns = len(parts.select.projected)
    if columns + extent(parts.select.group, MOST_PARTS) > MOST_PARTS:
        raise Misread(0, f"It has more than {MOST_PARTS} patterns, filters and names.", fault=False)
    return parts


def _likes_text(request: Request, asked: Asked) -> bool:
    accept = accept_of(request.headers) or ""
    return not asked.format and accept.strip().lower().startswith("text/plain")


def _as_text(body: dict[str, Any]) -> str:
    """The analysis for a terminal."""
    lines = [body["summary"]]
    for finding in body["findings"]:
        place = f"{finding['line']}:{finding['column']}: " if "line" in finding else ""
        lines += ["", f"{place}{finding['kind']}: {finding['message']}"]
        lines += [f"  {line}" for line in finding["query"].splitlines()]
    if not body["complete"]:
        lines += ["", "The analysis is not complete: its time was over."]
    return "\n".join(lines) + "\n"


_PARAMETERS = {
    "query": "the SPARQL query",
    "default-graph-uri": "as for /sparql",
    "named-graph-uri": "as for /sparql",
}
_FINDING = {
    "type": "object",
    "required": ["kind", "message", "pattern", "query", "shows"],
    "properties": {
        "kind": {"type": "string", "examples": ["unknown-term", "literal", "empty-join", "filter"]},
        "message": {"type": "string"},
        "pattern": {"type": "string", "description": "the part of the query it is about"},
        "line": {"type": "integer"},
        "column": {"type": "integer"},
        "term": {"type": "string"},
        "suggestion": {"type": "array", "items": {"type": "string"}},
        "query": {"type": "string", "description": "a query that shows it"},
        "shows": {
            "type": "string",
            "enum": ["false", "true", "rows", "none"],
            "description": "what that query answers: false, true, some rows, no row",
        },
    },
}
_CONTENT = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["empty", "summary", "findings", "tried", "complete", "release"],
            "properties": {
                "empty": {
                    "type": ["boolean", "null"],
                    "description": "null where the query did not end in its time",
                },
                "summary": {"type": "string"},
                "findings": {"type": "array", "items": _FINDING},
                "tried": {"type": "integer", "description": "queries that were run"},
                "seconds": {"type": "number"},
                "complete": {
                    "type": "boolean",
                    "description": "false where the time was over before all was tried",
                },
                "release": {"type": "string"},
                "reason": {"type": "string", "description": "why it could not be analysed"},
                "first": {"type": "object", "description": "the first row of an answer not empty"},
            },
        }
    },
    "text/plain": {"schema": {"type": "string"}},
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    int(status): told
    for status, told in problems(
        e400="No query, or one that does not parse or is refused",
        e413="The body is too large",
        e415="The body is of another media type",
        e429="An analysis of this client is still under way; see Retry-After",
        e503=BUSY["e503"],
    ).items()
}
