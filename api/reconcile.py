"""`/reconcile`: the Reconciliation API 0.2, by which OpenRefine and others match their tables.

Manifest, query batches, suggestions of entities, types and properties, previews and data
extension. JSONP is refused: CORS is open on every answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api.reconcile_match import candidates, types_of
from clusterloom.api.reconcile_properties import (
    PROPERTIES,
    Property,
    extension,
    preview_lines,
    proposed,
)
from clusterloom.api.reconcile_read import (
    MAX_QUERIES,
    read_extend,
    read_queries,
    type_named,
)
from clusterloom.api.reconcile_schema import EXTEND_PROPERTIES, PREVIEW, RECONCILE, SUGGEST
from clusterloom.api.render import page
from clusterloom.api.search import MAX_TEXT
from clusterloom.api.search_index import search_index
from clusterloom.api.search_item import description
from clusterloom.api.search_kinds import searched_classes
from clusterloom.api.serving import served_now
from clusterloom.api.slots import Slots
from clusterloom.errors import NotFound, TooLarge, UnsupportedMediaType, UsageError
from clusterloom.namespaces import CLOOM, ID
from clusterloom.ontology import vocabulary
from clusterloom.settings import Settings

PATH = "/reconcile"
JSON_TYPE = "application/json"
_FORM = "application/x-www-form-urlencoded"

DEFAULT_TYPES = ("ClusterOrganisation", "Organisation", "Region", "ThematicArea", "Partnership",
                 "Project", "Country", "ValueChain")  # fmt: skip
SUGGESTED = 10
MAX_SKIPPED = 10_000
AT_A_TIME, WAITING, PATIENCE = 2, 16, 10.0
"""Batches that are matched at a time, that wait for it, and for how many seconds."""

_FRAMED = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors *; sandbox allow-popups"
}
"""A preview is shown in a frame of the client; it loads nothing and runs nothing."""


def reconcile_router(settings: Settings) -> APIRouter:
    """The service and what its manifest leads to."""
    router = APIRouter(prefix=PATH, tags=["Reconciliation"])
    slots = Slots(AT_A_TIME, WAITING, PATIENCE, "Many batches are being matched; ask again soon.")

    @router.get("", summary="Manifest, or a batch of queries", response_class=Response,
                operation_id="reconcile", openapi_extra=RECONCILE["get"])  # fmt: skip
    async def get(request: Request) -> Response:
        """Without parameters the manifest of the service; with `queries` a batch to match; with
        `extend` properties to fetch.
        """
        return await _answer(settings, slots, request.query_params.multi_items(), form=False)

    @router.post("", summary="A batch of queries", response_class=Response,
                 operation_id="reconcile_batch", openapi_extra=RECONCILE["post"])  # fmt: skip
    async def post(request: Request) -> Response:
        """`queries` or `extend` in a form, which has no limit of length but that of a body."""
        pairs = request.query_params.multi_items() + await _form(request, settings.max_body)
        return await _answer(settings, slots, pairs, form=True)

    @router.get("/suggest/entity", summary="Entities by the beginning of a name",
                response_class=Response, operation_id="reconcile_suggest_entity",
                openapi_extra=SUGGEST)  # fmt: skip
    async def suggest_entity(request: Request) -> Response:
        """Things whose names begin so; an id or IRI suggests its thing."""
        values = _values(request, ("prefix", "cursor", "type"))
        index = await search_index(served_now())
        prefix, skipped = values.get("prefix", "").strip()[:MAX_TEXT], _skipped(values)
        types = [type_named(values["type"])] if values.get("type") else []
        found = await asyncio.to_thread(
            index.search, prefix, types=types, limit=SUGGESTED, offset=skipped, typing=True
        )
        entries = [hit.entry for hit in found.hits]
        named = index.by_path.get(prefix.removeprefix(ID))
        if named and not skipped:
            entries = [named, *(entry for entry in entries if entry != named)][:SUGGESTED]
        result = [
            {
                "id": entry.path,
                "name": entry.label,
                "description": description(index, entry),
                "notable": types_of(entry),
            }
            for entry in entries
        ]
        return _json({"result": result})

    @router.get("/suggest/type", summary="Types by the beginning of a name",
                response_class=Response, operation_id="reconcile_suggest_type",
                openapi_extra=SUGGEST)  # fmt: skip
    async def suggest_type(request: Request) -> Response:
        """Classes of things that can be matched, with their broader classes."""
        values = _values(request, ("prefix", "cursor"))
        named = ((name, vocabulary.label(name)) for name in sorted(searched_classes()))
        chosen = _beginning(values, named)
        return _json({"result": [_type(name, vocabulary.definition(name)) for name in chosen]})

    @router.get("/suggest/property", summary="Properties by the beginning of a name",
                response_class=Response, operation_id="reconcile_suggest_property",
                openapi_extra=SUGGEST)  # fmt: skip
    async def suggest_property(request: Request) -> Response:
        """Properties that a query may compare."""
        values = _values(request, ("prefix", "cursor"))
        chosen = _beginning(values, ((p.id, p.name) for p in PROPERTIES.values()))
        return _json({"result": [_property(PROPERTIES[id]) for id in chosen]})

    @router.get("/properties", summary="Properties that can be fetched", response_class=Response,
                operation_id="reconcile_properties", openapi_extra=EXTEND_PROPERTIES)  # fmt: skip
    async def properties(request: Request) -> Response:
        """What data extension offers for entities of a type."""
        values = _values(request, ("type", "limit"))
        asked = values.get("type", "")
        found = proposed(type_named(asked) if asked else "")
        body: dict[str, Any] = {"type": asked}
        if limit := values.get("limit"):
            body["limit"] = _whole(limit, "limit", 1, 1000)
            found = found[: body["limit"]]
        return _json(body | {"properties": [_property(p) for p in found]})

    @router.get("/preview", summary="A small page about an entity", response_class=Response,
                operation_id="reconcile_preview", openapi_extra=PREVIEW)  # fmt: skip
    async def preview(request: Request) -> Response:
        """For a frame in the client: what tells the thing from its namesakes."""
        values = _values(request, ("id",))
        index = await search_index(served_now())
        path = values.get("id", "").removeprefix(ID)
        entry = index.by_path.get(path)
        if entry is None:
            raise NotFound(f"this release has nothing to match that is called {path[:200]!r}")
        shown = {
            "label": entry.label,
            "iri": entry.iri,
            "lines": preview_lines(index, entry),
            "page": f"{settings.public_url}/page/{entry.path}",
        }
        return page(request, "reconcile_preview.html", shown, headers=_FRAMED)

    return router


async def _answer(
    settings: Settings, slots: Slots, pairs: list[tuple[str, str]], form: bool
) -> Response:
    """Manifest, matches or values, by what the parameters ask for."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in {"callback", "jsonp"}:
            raise UsageError("JSONP is not answered; every answer has open CORS headers")
        if name not in {"queries", "extend"}:
            raise UsageError(f"{PATH} takes queries or extend, not {name[:80]!r}")
        if name in given:
            raise UsageError(f"parameter {name!r} takes one value")
        given[name] = value
    if len(given) > 1:
        raise UsageError("one request has queries or extend, not both")
    served = served_now()
    if "queries" in given:
        wanted = read_queries(given["queries"])
        index = await search_index(served)

        def matched() -> dict[str, Any]:
            return {key: {"result": candidates(index, one)} for key, one in wanted.items()}

        async with slots.taken():
            return _json(await asyncio.to_thread(matched))
    if "extend" in given:
        ids, properties = read_extend(given["extend"])
        index = await search_index(served)
        return _json(await extension(served, index, ids, properties))
    if form:
        raise UsageError("the form has neither queries nor extend")
    return _json(manifest(settings.public_url))


def manifest(public_url: str) -> dict[str, Any]:
    """What the service can do and where."""
    service = f"{public_url}{PATH}"
    return {
        "versions": ["0.2"],
        "name": "Clusterloom: clusters, regions and partnerships of Europe",
        "identifierSpace": ID,
        "schemaSpace": CLOOM,
        "documentation": f"{public_url}/docs",
        "serviceVersion": __version__,
        "defaultTypes": [_type(name) for name in DEFAULT_TYPES],
        "view": {"url": f"{public_url}/page/{{{{id}}}}"},
        "preview": {"url": f"{service}/preview?id={{{{id}}}}", "width": 420, "height": 220},
        "suggest": {
            kind: {"service_url": service, "service_path": f"/suggest/{kind}"}
            for kind in ("entity", "type", "property")
        },
        "extend": {
            "propose_properties": {"service_url": service, "service_path": "/properties"},
            "property_settings": [],
        },
        "batchSize": MAX_QUERIES,
    }


async def _form(request: Request, limit: int) -> list[tuple[str, str]]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM or "content-encoding" in request.headers:
        raise UnsupportedMediaType(f"a batch is sent as {_FORM}, not compressed")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(f"the request body may have {limit} bytes", limit=limit)
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise UsageError("the form is not percent-encoded UTF-8") from None


def _values(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in {"callback", "jsonp"}:
            raise UsageError("JSONP is not answered; every answer has open CORS headers")
        if name in values:
            raise UsageError(f"parameter {name[:80]!r} takes one value")
        values[name] = value  # clients add parameters of their own, which are not ours to refuse
    return {name: value for name, value in values.items() if name in known}


def _skipped(values: dict[str, str]) -> int:
    return _whole(values["cursor"], "cursor", 0, MAX_SKIPPED) if values.get("cursor") else 0


def _whole(text: str, name: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
        raise UsageError(f"parameter {name!r}: a whole number from {least} to {most} is wanted")
    return int(text)


def _beginning(values: dict[str, str], named: Iterable[tuple[str, str]]) -> list[str]:
    """Ids that begin with the prefix or whose names do, then those that hold it; a page of them."""
    prefix = values.get("prefix", "").strip().lower()
    ranked = sorted(
        (not (id.lower().startswith(prefix) or name.lower().startswith(prefix)), id)
        for id, name in named
        if prefix in id.lower() or prefix in name.lower()
    )
    first = _skipped(values)
    return [id for _, id in ranked][first : first + SUGGESTED]


def _type(name: str, told: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"id": name, "name": vocabulary.label(name)}
    if told:
        found["description"] = told
        above = vocabulary.term_of(name).supers & searched_classes()
        found["broader"] = [_type(one) for one in sorted(above)]
    return found


def _property(found: Property) -> dict[str, str]:
    return {"id": found.id, "name": found.name, "description": found.description}


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type=JSON_TYPE)
