"""`/api/v1/search` and `/api/v1/suggest`: things by name, also by a name spelt wrong."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom import terms
from clusterloom.api import tables
from clusterloom.api.about import address_of
from clusterloom.api.aliases import current
from clusterloom.api.fold import fold
from clusterloom.api.likeness import matched
from clusterloom.api.negotiation import accept_of, negotiate
from clusterloom.api.pin import keep
from clusterloom.api.rows import key_of
from clusterloom.api.search_index import Found, SearchIndex, search_index
from clusterloom.api.search_item import item
from clusterloom.api.search_kinds import class_named, resource_of
from clusterloom.api.search_schema import SEARCH, SUGGEST
from clusterloom.api.search_table import csv_answer, workbook_answer
from clusterloom.api.serving import served_now
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker
from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.nearest import hint
from clusterloom.ontology import vocabulary
from clusterloom.queries.library import iri_of
from clusterloom.settings import Settings

PREFIX = "/api/v1"
MAX_TEXT = 200
"""Characters that a query may have."""
MAX_LIMIT = 1000
DEFAULT_LIMIT = 20
SUGGESTED, MAX_SUGGESTED = 10, 50

JSON_TYPE = "application/json"
_FORMS = {"json": JSON_TYPE, "csv": tables.CSV_TYPE, "xlsx": XLSX_TYPE}


@dataclass(frozen=True)
class Asked:
    """A search, its parameters read and checked."""

    text: str
    types: tuple[str, ...]
    countries: tuple[str, ...]
    limit: int | None
    offset: int
    form: str
    given: tuple[tuple[str, str], ...]
    """The parameters that say what is searched, for the address of the next page."""


def search_router(settings: Settings, maker: Maker) -> APIRouter:
    """Search and type-ahead."""
    router = APIRouter(prefix=PREFIX, tags=["Search"])

    @router.get("/search", summary="Things by name", response_class=Response,
                operation_id="search", openapi_extra=SEARCH)  # fmt: skip
    async def search(request: Request) -> Response:
        """Labels, acronyms, other and full names, titles, codes (NUTS, NACE, PIC, grants, calls)
        and places of every thing, whatever diacritics, hyphens and typos.

        Whole names come first, then beginnings, all words, all words with places, and where
        there are few of these, names a typo or two away.
        """
        served = served_now()
        values = _values(request, "search", ("q", "type", "country", "limit", "cursor", "format"))
        index = await search_index(served)
        asked = _asked(request, values, index, served.release.id)
        limit = asked.limit or (DEFAULT_LIMIT if asked.form == "json" else len(index.entries))
        found, near = await asyncio.to_thread(_search, index, asked, limit)
        following = _next(asked, limit, found.total, served.release.id)
        items = [item(index, hit.entry, matched(asked.text, hit.entry)) for hit in found.hits]
        headers = {"Vary": "Accept"}
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        if asked.form == "csv":
            return csv_answer(items, headers)
        if asked.form == "xlsx":
            address = address_of(settings.public_url, request.url.path, request.url.query)
            return await workbook_answer(served, maker, items, asked.text, address)
        body = {
            "items": items,
            "total": found.total,
            "next": following,
            "facets": {"types": _facets(found)},
            "did_you_mean": near,
            "release": served.release.id,
        }
        return Response(orjson.dumps(body), media_type=JSON_TYPE, headers=headers)

    @router.get("/suggest", summary="Things by the beginning of a name", response_class=Response,
                operation_id="suggest", openapi_extra=SUGGEST)  # fmt: skip
    async def suggest(request: Request) -> Response:
        """For type-ahead: the best few things whose names, or words of them, begin so."""
        served = served_now()
        values = _values(request, "suggest", ("prefix", "type", "limit"))
        index = await search_index(served)
        text = _text(values, "prefix")
        types = tuple(class_named(word) for word in values.get("type", ()))
        limit = _number(values, "limit", MAX_SUGGESTED) or SUGGESTED
        found = await asyncio.to_thread(index.search, text, types=types, limit=limit, typing=True)
        body = {
            "items": [item(index, hit.entry, matched(text, hit.entry)) for hit in found.hits],
            "total": found.total,
            "release": served.release.id,
        }
        return Response(orjson.dumps(body), media_type=JSON_TYPE)

    return router


def _search(index: SearchIndex, asked: Asked, limit: int) -> tuple[Found, list[dict[str, str]]]:
    found = index.search(
        asked.text,
        types=asked.types,
        countries=asked.countries,
        limit=limit,
        offset=asked.offset,
    )
    if found.total:
        return found, []
    near = index.similar(asked.text, types=asked.types)
    return found, [{"label": h.entry.label, "iri": h.entry.iri, "type": h.entry.kind} for h in near]


def _facets(found: Found) -> list[dict[str, Any]]:
    return [
        {
            "type": kind,
            "label": vocabulary.label(kind),
            "resource": resource.name if (resource := resource_of(kind)) else None,
            "count": count,
        }
        for kind, count in found.facets.items()
    ]


def _values(request: Request, route: str, known: Sequence[str]) -> dict[str, list[str]]:
    """The parameters that have a value; UsageError for an unknown one."""
    values: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise UsageError(
                f"/{route} takes no parameter {name[:80]!r}{hint(name, known)} "
                f"(parameters: {', '.join(known)})",
                parameter=name[:80],
            )
        if value.strip():
            values.setdefault(name, []).append(value.strip())
    return values


def _asked(
    request: Request, values: dict[str, list[str]], index: SearchIndex, release: str
) -> Asked:
    text = _text(values, "q")
    types = tuple(class_named(word) for word in values.get("type", ()))
    countries = tuple(country_named(index, word) for word in values.get("country", ()))
    given = [("q", text)]
    given += [(name, v) for name in ("type", "country") for v in values.get(name, ())]
    if "format" in values:
        given.append(("format", values["format"][0]))
    return Asked(
        text=text,
        types=types,
        countries=countries,
        limit=_number(values, "limit", MAX_LIMIT),
        offset=_offset(_single(values, "cursor"), release),
        form=_form(request, _single(values, "format")),
        given=tuple(given),
    )


def _text(values: dict[str, list[str]], name: str) -> str:
    text = _single(values, name)
    if not text:
        raise UsageError(f"parameter {name!r} is wanted: the name to look for", parameter=name)
    return searchable(text, f"parameter {name!r}")


def searchable(text: str, where: str) -> str:
    """The text, when it can be searched for; else UsageError."""
    if len(text) > MAX_TEXT:
        raise UsageError(f"{where}: more than {MAX_TEXT} characters", parameter=where)
    if not fold(text):
        raise UsageError(f"{where}: no letter or digit in {text!r}", parameter=where)
    return text


def country_named(index: SearchIndex, word: str) -> str:
    """The key of the country that a code or IRI means; UsageError for one that is not known."""
    try:
        key = key_of(current(iri_of(word[:MAX_TEXT], ("country",))))
    except terms.BadTerm as error:
        raise UsageError(f"parameter 'country': {error}", parameter="country") from None
    if key not in index.countries:
        raise UsageError(
            f"parameter 'country': no country {word[:80]!r}{hint(word, index.countries)}",
            parameter="country",
        )
    return key


def _single(values: dict[str, list[str]], name: str) -> str:
    found = values.get(name, [""])
    if len(found) > 1:
        raise UsageError(f"parameter {name!r} takes one value", parameter=name)
    return found[0]


def _number(values: dict[str, list[str]], name: str, most: int) -> int | None:
    text = _single(values, name)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise UsageError(
            f"parameter {name!r}: {text[:40]!r} is not a whole number from 1 to {most}",
            parameter=name,
        )
    return int(text)


def _form(request: Request, asked: str) -> str:
    if asked:
        if asked not in _FORMS:
            raise UsageError(
                f"parameter 'format': {asked[:40]!r} is not one of {', '.join(_FORMS)}",
                parameter="format",
            )
        return asked
    chosen = negotiate(accept_of(request.headers), [*_FORMS.values()])
    if chosen is None:
        raise NotAcceptable(
            f"a search can be had as {', '.join(_FORMS.values())}", available=[*_FORMS.values()]
        )
    return next(name for name, media_type in _FORMS.items() if media_type == chosen)


def _next(asked: Asked, limit: int, total: int, release: str) -> str | None:
    offset = asked.offset + limit
    if offset >= total:
        return None
    cursor = base64.urlsafe_b64encode(orjson.dumps([offset, release])).decode().rstrip("=")
    pairs = [*asked.given, ("limit", str(limit)), ("cursor", cursor)]
    return keep(f"{PREFIX}/search?{urlencode(pairs)}")


def _offset(cursor: str, release: str) -> int:
    """Where a page begins. A place in a ranked list means nothing in another release."""
    if not cursor:
        return 0
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        offset, of_release = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not (type(offset) is int and 0 <= offset < 10**9 and isinstance(of_release, str)):
            raise ValueError
    except (binascii.Error, ValueError, TypeError):
        raise UsageError(
            f"parameter 'cursor': {cursor[:80]!r} is not one that this service gave; "
            "follow `next` instead of making one",
            parameter="cursor",
        ) from None
    if of_release != release:
        raise UsageError(
            f"parameter 'cursor': it was given for release {of_release[:16]}; add release="
            f"{of_release[:16]} to go on in it, or begin again without a cursor",
            parameter="cursor",
        )
    return offset
