"""The discovery routes by POST: profiles, batches, and what-if; heavy work is done in turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api.discovery_index import discovery_model
from clusterloom.api.discovery_operations import DEFAULT_LIMIT, MAX_LIMIT, takes_long
from clusterloom.api.discovery_post import BY_ID, POSTED, Posted, answer_of
from clusterloom.api.discovery_post_schema import BATCH, describe_post, describe_what_if
from clusterloom.api.serving import served_now
from clusterloom.api.slots import Slots
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.model import Model
from clusterloom.discovery.what_if import changes_of, what_if
from clusterloom.errors import NotFound, TooLarge, UnsupportedMediaType, UsageError
from clusterloom.nearest import hint, nearest
from clusterloom.settings import Settings

JSON_TYPE = "application/json"
WHAT_IF = ("operation", "parameters", "statements")
_SEVERAL = (
    'A list of such objects is answered by `{"answers": [...]}`, in the same order; where one of '
    "them is wrong, none is answered."
)
_MOST_HITS = {"value_paths": 50}
"""Hits that are compared, where an operation gives fewer than MAX_LIMIT."""

Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def add_posts(router: APIRouter, settings: Settings, slots: Slots) -> None:
    """Adds a route for each operation that takes a profile, and `/discovery/what-if`."""
    for posted in POSTED.values():
        router.add_api_route(
            f"/{posted.path}",
            _post(posted, settings, slots),
            methods=["POST"],
            operation_id=posted.id,
            summary=posted.summary,
            description=f"{posted.description} {_SEVERAL}",
            response_class=Response,
            openapi_extra=describe_post(posted),
        )
    router.add_api_route(
        "/discovery/what-if",
        _what_if(settings, slots),
        methods=["POST"],
        operation_id="what_if",
        summary="What an operation would answer under a few supposed statements",
        description="Runs an operation on the graph, and on the graph with statements added or "
        "taken away, and returns the difference. Nothing is written.",
        response_class=Response,
        openapi_extra=describe_what_if(),
    )


async def heavy(slots: Slots, work: Callable[..., T], *arguments: Any) -> T:
    """Does work in a thread when its turn comes; Busy when too many wait."""
    await slots.take()
    doing = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    # a thread cannot be ended: the turn is over when it is, though the client may be gone
    doing.add_done_callback(lambda _: slots.give_back())
    return await asyncio.shield(doing)


def _post(posted: Posted, settings: Settings, slots: Slots) -> Endpoint:
    def batch(model: Model, given: list[Any]) -> bytes:
        answers = []
        for number, one in enumerate(given, 1):
            try:
                answers.append(_answered(posted, model, one, 1 / len(given)))
            except (UsageError, NotFound) as error:
                raise type(error)(
                    f"request {number} of {len(given)}: {error.detail}",
                    **{**error.extra, "request": number},
                ) from None
        return orjson.dumps({"answers": answers})

    async def answered(request: Request) -> Response:
        model = await discovery_model(served_now())
        given = await _json(request, settings.max_body)
        if isinstance(given, list):
            if not 1 <= len(given) <= BATCH:
                raise UsageError(f"a batch has 1 to {BATCH} requests, not {len(given)}")
            body = await heavy(slots, batch, model, given)
        elif isinstance(given, dict) and takes_long(BY_ID[posted.operation], model, given):
            body = (await heavy(slots, _answered, posted, model, given, 1.0)).as_bytes()
        else:
            body = _answered(posted, model, given, 1.0).as_bytes()
        return Response(body, media_type=JSON_TYPE)

    return answered


def _answered(posted: Posted, model: Model, given: Any, share: float) -> Answer:
    if not isinstance(given, dict):
        named = " or ".join(f"`{name}`" for name in posted.inline)
        raise UsageError(f"a request is a JSON object with {named}")
    return posted.run(model, given, share)


def _what_if(settings: Settings, slots: Slots) -> Endpoint:
    async def answered(request: Request) -> Response:
        model = await discovery_model(served_now())
        given = await _json(request, settings.max_body)
        return Response(await heavy(slots, _supposed, model, given), media_type=JSON_TYPE)

    return answered


def _supposed(model: Model, given: Any) -> bytes:
    if not isinstance(given, dict):
        raise UsageError("a request is a JSON object with `operation` and `statements`")
    for name in given:
        if name not in WHAT_IF:
            raise UsageError(f"no field {name[:80]!r}{hint(name, WHAT_IF)}", parameter=name[:80])
    operation, parameters = given.get("operation"), given.get("parameters", {})
    if not isinstance(operation, str) or operation not in BY_ID:
        named = operation if isinstance(operation, str) else ""
        raise UsageError(
            f"operation: {named[:40]!r} is not one of {', '.join(BY_ID)}{hint(named, [*BY_ID])}",
            parameter="operation",
            nearest=nearest(named, [*BY_ID]),
        )
    if not isinstance(parameters, dict):
        raise UsageError("parameters: an object is wanted", parameter="parameters")
    if "statements" not in given:
        raise UsageError("field 'statements' is wanted: what is supposed", parameter="statements")
    changes = changes_of(model.index, given["statements"])
    limit = parameters.get("limit", DEFAULT_LIMIT)
    asked = dict(parameters)
    # a limit that is wrong is left for the operation to refuse
    if type(limit) is int and 1 <= limit <= MAX_LIMIT and _limited(operation):
        asked["limit"] = _MOST_HITS.get(operation, MAX_LIMIT)
    found = what_if(model, changes, lambda over: answer_of(over, operation, asked, 0.5), limit)
    found["operation"] = {"name": operation, "parameters": parameters}
    return orjson.dumps(found)


def _limited(operation: str) -> bool:
    return any(parameter.name == "limit" for parameter in BY_ID[operation].parameters)


async def _json(request: Request, limit: int) -> Mapping[str, Any] | Any:
    told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != JSON_TYPE:
        raise UnsupportedMediaType(f"A request is sent as {JSON_TYPE}, not as {told or 'untyped'}.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(f"The request body may have {limit} bytes.", limit=limit)
    try:
        return orjson.loads(bytes(body))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"the body is not JSON: {error}") from None
