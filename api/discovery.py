"""The discovery routes: partners, completion of chains, consortia; every hit is explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api import discovery_table
from clusterloom.api.about import address_of
from clusterloom.api.discovery_index import discovery_model
from clusterloom.api.discovery_operations import OPERATIONS, Operation, Values, takes_long
from clusterloom.api.discovery_post_routes import add_posts, heavy
from clusterloom.api.discovery_schema import describe
from clusterloom.api.discovery_values import from_address
from clusterloom.api.negotiation import accept_of, negotiate
from clusterloom.api.serving import Served, served_now
from clusterloom.api.slots import Slots
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker
from clusterloom.api.tables import CSV_TYPE
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.model import Model
from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.settings import Settings

JSON_TYPE = "application/json"
TURTLE = "text/turtle"
FORMS = {"json": JSON_TYPE, "csv": CSV_TYPE, "xlsx": XLSX_TYPE, "ttl": TURTLE}
AT_ONCE, WAITING, PATIENCE = 2, 16, 15.0
"""Heavy operations that run at a time, those that may wait, and the seconds that they do."""

Endpoint = Callable[[Request], Awaitable[Response]]


def discovery_router(settings: Settings, maker: Maker) -> APIRouter:
    """The routes of all operations; some also by POST, for who is not in the graph."""
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

    add_posts(router, settings, slots)
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
    if not takes_long(operation, model, values):
        return operation.run(model, values)
    return await heavy(slots, operation.run, model, values)


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


def _form(request: Request) -> str:
    named = request.query_params.get("format", "")
    return form_of(named, accept_of(request.headers))


def form_of(named: str, accept: str | None) -> str:
    """json, csv, xlsx or ttl, by `format` or else by Accept; UsageError, NotAcceptable."""
    if form := named.strip():
        if form not in FORMS:
            raise UsageError(
                f"parameter 'format': {form[:40]!r} is not one of {', '.join(FORMS)}",
                parameter="format",
            )
        return form
    chosen = negotiate(accept, [*FORMS.values()])
    if chosen is None:
        raise NotAcceptable(
            f"an answer can be had as {', '.join(FORMS.values())}", available=[*FORMS.values()]
        )
    return next(name for name, media_type in FORMS.items() if media_type == chosen)
