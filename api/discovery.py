"""The discovery routes: partners, completion of chains, consortia; every hit is explained."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api import discovery_table
from clusterloom.api.about import address_of
from clusterloom.api.discovery_index import discovery_model
from clusterloom.api.discovery_operations import (
    AXIS,
    FILTERS,
    LIMIT,
    OPERATIONS,
    RANK_BY,
    WHY_NOT,
    Operation,
    Values,
    partners_of,
)
from clusterloom.api.discovery_schema import describe, describe_post
from clusterloom.api.discovery_values import from_address, from_json
from clusterloom.api.negotiation import accept_of, negotiate
from clusterloom.api.serving import Served, served_now
from clusterloom.api.slots import Slots
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker
from clusterloom.api.tables import CSV_TYPE
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import inline, of_cluster
from clusterloom.errors import NotAcceptable, TooLarge, UnsupportedMediaType, UsageError
from clusterloom.settings import Settings

JSON_TYPE = "application/json"
TURTLE = "text/turtle"
FORMS = {"json": JSON_TYPE, "csv": CSV_TYPE, "xlsx": XLSX_TYPE, "ttl": TURTLE}
AT_ONCE, WAITING, PATIENCE = 2, 16, 15.0
"""Heavy operations that run at a time, those that may wait, and the seconds that they do."""
BATCH = 50
"""Profiles of one request."""
ASKED = (AXIS, RANK_BY, *FILTERS, WHY_NOT, LIMIT)

Endpoint = Callable[[Request], Awaitable[Response]]


def discovery_router(settings: Settings, maker: Maker) -> APIRouter:
    """The routes of all operations; partners also by POST, for who is not in the graph."""
    router = APIRouter(prefix="/api/v1", tags=["Discovery"])
    slots = Slots(AT_ONCE, WAITING, PATIENCE, "Other questions of discovery are being worked on.")
    for operation in OPERATIONS:
        router.add_api_route(
            f"/{operation.path}",
            _get(operation, settings, maker, slots),
            methods=["GET"],
            operation_id=operation.id,
            summary=operation.summary,
            description=operation.description,
            response_class=Response,
            openapi_extra=describe(operation),
        )

    async def posted(request: Request) -> Response:
        """Partners for a cluster by `cluster`, or for a `profile` that is not in the graph.

        A list of such objects is answered by `{"answers": [...]}`, in the same order; where one
        of them is wrong, none is answered.
        """
        model = await discovery_model(served_now())
        given = await _json(request, settings.max_body)
        if isinstance(given, list):
            if not 1 <= len(given) <= BATCH:
                raise UsageError(f"a batch has 1 to {BATCH} requests, not {len(given)}")
            answers = [_partners(model, one) for one in given]
            return Response(orjson.dumps({"answers": answers}), media_type=JSON_TYPE)
        return Response(_partners(model, given).as_bytes(), media_type=JSON_TYPE)

    router.add_api_route(
        "/discovery/partners",
        posted,
        methods=["POST"],
        operation_id="post_partners",
        summary="Partners for a profile, or a batch",
        response_class=Response,
        openapi_extra=describe_post(ASKED),
    )
    return router


def _get(operation: Operation, settings: Settings, maker: Maker, slots: Slots) -> Endpoint:
    async def answered(request: Request) -> Response:
        served = served_now()
        form = _form(request)
        values = from_address(
            request.query_params.multi_items(), operation.parameters, request.path_params
        )
        model = await discovery_model(served)
        answer = await _run(operation, model, values, slots)
        address = address_of(settings.public_url, request.url.path, request.url.query)
        return await _written(served, operation, answer, form, address, maker)

    return answered


async def _run(operation: Operation, model: Model, values: Values, slots: Slots) -> Answer:
    if not operation.heavy:
        return operation.run(model, values)
    await slots.take()
    work = asyncio.ensure_future(asyncio.to_thread(operation.run, model, values))
    # a thread cannot be ended: the turn is over when it is, though the client may be gone
    work.add_done_callback(lambda _: slots.give_back())
    return await asyncio.shield(work)


async def _written(
    served: Served, operation: Operation, answer: Answer, form: str, address: str, maker: Maker
) -> Response:
    headers = {"Vary": "Accept"}
    if form == "csv":
        return discovery_table.csv_answer(operation, answer, headers)
    if form == "xlsx":
        return await discovery_table.workbook_answer(served, operation, answer, address, maker)
    if form == "ttl":
        text = discovery_table.turtle(answer, address)
        return Response(text, media_type=TURTLE, headers=headers)
    return Response(answer.as_bytes(), media_type=JSON_TYPE, headers=headers)


def _partners(model: Model, given: Any) -> Answer:
    if not isinstance(given, dict):
        raise UsageError("a request is a JSON object with `cluster` or `profile`")
    rest = {name: value for name, value in given.items() if name not in {"cluster", "profile"}}
    values = from_json(rest, ASKED)
    if ("cluster" in given) == ("profile" in given):
        raise UsageError("either `cluster` or `profile` is wanted, and not both")
    if "profile" in given:
        if not isinstance(given["profile"], dict):
            raise UsageError("profile: an object is wanted", field="profile")
        profile = inline(model.index, given["profile"])
    elif isinstance(given["cluster"], str):
        profile = of_cluster(model.index, given["cluster"])
    else:
        raise UsageError("cluster: the key of a cluster is wanted", field="cluster")
    return partners_of(model, profile, values)


async def _json(request: Request, limit: int) -> Any:
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


def _form(request: Request) -> str:
    """json, csv, xlsx or ttl, by `format` or else by Accept."""
    asked: Mapping[str, str] = request.query_params
    if form := asked.get("format", "").strip():
        if form not in FORMS:
            raise UsageError(
                f"parameter 'format': {form[:40]!r} is not one of {', '.join(FORMS)}",
                parameter="format",
            )
        return form
    chosen = negotiate(accept_of(request.headers), [*FORMS.values()])
    if chosen is None:
        raise NotAcceptable(
            f"an answer can be had as {', '.join(FORMS.values())}", available=[*FORMS.values()]
        )
    return next(name for name, media_type in FORMS.items() if media_type == chosen)
