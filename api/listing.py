"""Lists of a resource: request parameters in, SPARQL out, items back."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from clusterloom import terms
from clusterloom.api import items as shapes
from clusterloom.api.filters import conditions
from clusterloom.api.gate import open_select
from clusterloom.api.resources import Resource
from clusterloom.api.serving import Served
from clusterloom.errors import UsageError
from clusterloom.namespaces import PREFIXES
from clusterloom.nearest import hint

MAX_LIMIT = 1000
DEFAULT_LIMIT = 50
FORMATS = ("json", "csv", "xlsx", "geojson")

_HEAD = "".join(f"PREFIX {p}: <{iri}>\n" for p, iri in PREFIXES.items() if p != "sh")


@dataclass(frozen=True)
class Page:
    """What a request asks for: the filters as SPARQL, how many items, and after which one."""

    where: str
    limit: int
    after: tuple[str, str] | None
    given: tuple[tuple[str, str], ...]
    """The filters as they were given, for the address of the next page."""


@dataclass(frozen=True)
class Listing:
    """One page of items, how many there are in all, and the cursor of the next page."""

    items: list[dict[str, Any]]
    total: int
    cursor: str | None


async def read_page(
    served: Served, resource: Resource, given: Sequence[tuple[str, str]], default: int
) -> Page:
    """Checks the parameters; UsageError names a wrong one and the nearest valid values.

    A blank value is no value, as an HTML form sends it. `format` is left to the caller.
    """
    known = {f.name: f for f in resource.filters}
    paging = {"limit", "cursor", "format"}
    values: dict[str, list[str]] = {}
    for name, value in given:
        if name not in known and name not in paging:
            valid = {n: f.description for n, f in known.items()} | dict.fromkeys(paging, "")
            raise UsageError(
                f"/{resource.name} takes no parameter {name!r}{hint(name, list(valid))} "
                f"(parameters: {', '.join(sorted(valid))})",
                parameter=name,
            )
        if value.strip():
            values.setdefault(name, []).append(value.strip())
    filters = {n: v for n, v in values.items() if n in known}
    where = await conditions(served, resource, filters)
    limit = _limit(_single(values, "limit"), default)
    after = _after(_single(values, "cursor"))
    flat = tuple((n, v) for n in filters for v in filters[n])
    return Page(where, limit, after, flat)


def _single(values: Mapping[str, list[str]], name: str) -> str:
    found = values.get(name, [""])
    if len(found) > 1:
        raise UsageError(f"parameter {name!r} takes one value", parameter=name)
    return found[0]


def _limit(text: str, default: int) -> int:
    if not text:
        return default
    # int() itself fails on thousands of digits
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise UsageError(
            f"parameter 'limit': {text!r} is not a whole number from 1 to {MAX_LIMIT}",
            parameter="limit",
        )
    return int(text)


def _after(cursor: str) -> tuple[str, str] | None:
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key, iri = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        terms.text(key)
        terms.iri(iri)
    except (binascii.Error, ValueError, TypeError):
        raise UsageError(
            f"parameter 'cursor': {cursor!r} is not one that this service gave; "
            "follow `next` instead of making one",
            parameter="cursor",
        ) from None
    return key, iri


def _cursor(key: str, iri: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([key, iri])).decode().rstrip("=")


async def read_list(served: Served, resource: Resource, page: Page) -> Listing:
    """The items of the page in their order, and the total over all pages."""
    found, counted = await asyncio.gather(
        open_select(served, _items_query(resource, page)),
        served.once(("total", resource.name, page.where), lambda s: _total(s, resource, page)),
    )
    wanted = found[: page.limit]
    items = await shapes.read_items(served, resource, [row["item"].value for row in wanted])
    cursor = None
    if len(found) > page.limit:
        cursor = _cursor(wanted[-1]["key"].value, wanted[-1]["item"].value)
    return Listing(items, counted, cursor)


async def read_all(served: Served, resource: Resource, page: Page) -> AsyncIterator[Listing]:
    """Every page from `page` on, one after the other."""
    while True:
        listing = await read_list(served, resource, page)
        yield listing
        if listing.cursor is None:
            return
        page = Page(page.where, page.limit, _after(listing.cursor), page.given)


async def _total(served: Served, resource: Resource, page: Page) -> int:
    rows = await open_select(
        served,
        f"{_HEAD}SELECT (COUNT(DISTINCT ?item) AS ?n) WHERE {{\n{_members(resource, page)}\n}}",
    )
    return int(rows[0]["n"].value)


def _members(resource: Resource, page: Page) -> str:
    # what the filters find comes first: the class alone matches the most
    return f"{page.where}\n?item a cloom:{resource.of_class} ."


def _items_query(resource: Resource, page: Page) -> str:
    key = "COALESCE(LCASE(STR(?label)), STR(?item))" if resource.order == "label" else "STR(?item)"
    after = ""
    if page.after:
        last, iri = terms.text(page.after[0]), terms.text(page.after[1])
        after = f"FILTER (?key > {last} || (?key = {last} && STR(?item) > {iri}))"
    return f"""{_HEAD}SELECT ?item ?key WHERE {{
  {{ SELECT ?item (MIN({key}) AS ?key) WHERE {{
      {_members(resource, page)}
      OPTIONAL {{ ?item rdfs:label ?label }}
    }} GROUP BY ?item }}
  {after}
}} ORDER BY ?key STR(?item) LIMIT {page.limit + 1}"""
