"""The difference of two releases as an answer: figures, statements, or rows of a library query."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from clusterloom.api import release_answers as answers
from clusterloom.api.differences import Differences
from clusterloom.api.etag import etag
from clusterloom.api.pin import keep
from clusterloom.api.query_run import split
from clusterloom.api.release_answers import Table
from clusterloom.api.release_rows import changed_rows
from clusterloom.api.release_schema import DEFAULT_LIMIT, MAX_LIMIT, NQUADS_TYPE
from clusterloom.api.serving import Serving, served_now
from clusterloom.api.spreadsheet import Maker
from clusterloom.errors import UsageError
from clusterloom.queries.library import query_named
from clusterloom.settings import Settings
from clusterloom.store.difference import Change, graph_of
from clusterloom.store.release import Release

_CURSOR = re.compile(r"([A-Za-z0-9._-]{1,200}):([0-9]{1,12})")
_SIDES = ("added", "removed")


async def changes(
    request: Request,
    settings: Settings,
    serving: Serving,
    differences: Differences,
    maker: Maker,
    before: Release,
    after: Release,
) -> Response:
    """The answer to a request for the difference of two releases."""
    if "query" in request.query_params:
        return await _rows(request, settings, serving, maker, before, after)
    form = answers.form_of(request, ("json", "nq"), ("side", "limit", "cursor", "query"))
    given = {name: value.strip() for name, value in request.query_params.items()}
    side = given.get("side", "")
    if side and side not in _SIDES:
        raise UsageError(
            f"parameter 'side': {side!r} is neither added nor removed", parameter="side"
        )
    if form == "nq":
        if not side:
            raise UsageError(
                "N-Quads cannot tell the two sides apart: ask for side=added or side=removed",
                parameter="side",
            )
        return await _side(differences, before, after, side)
    return await _page(request, settings, differences, maker, before, after, given)


async def _page(
    request: Request,
    settings: Settings,
    differences: Differences,
    maker: Maker,
    before: Release,
    after: Release,
    given: dict[str, str],
) -> Response:
    if given.get("side"):
        raise UsageError("parameter 'side' is for N-Quads; JSON tells both", parameter="side")
    limit = _limit(given.get("limit", ""))
    family, skip = _after(given.get("cursor", ""))
    figures = await differences.figures(before, after)
    found = []
    if figures.added + figures.removed:
        found = await differences.page(before, after, family, skip, limit + 1)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        cursor = _cursor(family, skip, shown, found[limit])
        following = keep(f"{request.url.path}?limit={limit}&cursor={cursor}")
    body = {
        "before": before.id,
        "after": after.id,
        "added": figures.added,
        "removed": figures.removed,
        "families": _figures("family", figures.families),
        "graphs": _figures("graph", figures.graphs),
        "withheld": list(figures.withheld),
        "complete": not figures.withheld,
        "items": [_item(change) for change in shown],
        "total": figures.added + figures.removed,
        "next": following,
        "release": served_now().release.id,
    }
    table = Table("difference", "", (), ())
    answer = await answers.answer(request, settings, "json", body, table, maker)
    links = [f'<{following}>; rel="next"'] if following else []
    for side in _SIDES:
        address = f"{settings.public_url}{request.url.path}?format=nq&side={side}"
        links.append(f'<{address}>; rel="alternate"; type="{NQUADS_TYPE}"; title="{side}"')
    answer.headers["Link"] = ", ".join(links)
    return answer


def _figures(name: str, found: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    return [{name: key, "added": pair[0], "removed": pair[1]} for key, pair in found.items()]


def _item(change: Change) -> dict[str, str]:
    return {
        "change": "added" if change.added else "removed",
        "family": change.family,
        "graph": graph_of(change.line).decode(),
        "quad": change.line.decode().rstrip("\n"),
    }


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise UsageError(
            f"parameter 'limit': {text[:40]!r} is not a whole number from 1 to {MAX_LIMIT}",
            parameter="limit",
        )
    return int(text)


def _after(cursor: str) -> tuple[str, int]:
    if not cursor:
        return "", 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise UsageError(
            f"parameter 'cursor': {cursor[:40]!r} is not one that this service gave; "
            "follow `next` instead of making one",
            parameter="cursor",
        )
    return found[1], int(found[2])


def _cursor(family: str, skip: int, shown: list[Change], following: Change) -> str:
    """The family of the next change, and how many of that family come before it."""
    passed = sum(change.family == following.family for change in shown)
    return f"{following.family}:{passed + (skip if following.family == family else 0)}"


class _Lines(StreamingResponse):
    def __init__(
        self, first: bytes, source: AsyncGenerator[bytes, None], headers: dict[str, str]
    ) -> None:
        self._source = source
        super().__init__(_again(first, source), headers=headers, media_type=NQUADS_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the lines; whatever happens, the program that makes them is ended."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


async def _side(differences: Differences, before: Release, after: Release, side: str) -> Response:
    figures = await differences.figures(before, after)
    source = differences.side(before, after, side)
    # the first lines, or the failure to make any, come before the status line
    first = await anext(source, b"")
    name = f"clusterloom-{before.id}-{after.id}-{side}.nq"
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "no-cache",
        "ETag": etag("difference", before.id, after.id, side),
        "Vary": "Accept",
    }
    if figures.withheld:
        headers["X-Clusterloom-Withheld"] = ", ".join(figures.withheld)
    return _Lines(first, source, headers)


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


async def _rows(
    request: Request,
    settings: Settings,
    serving: Serving,
    maker: Maker,
    before: Release,
    after: Release,
) -> Response:
    values, asked = split(request.query_params.multi_items())
    names = values.pop("query", [])
    if len(names) != 1:
        raise UsageError("parameter 'query' takes the name of one library query", parameter="query")
    query = query_named(names[0])
    form = answers.chosen(request, asked, ("json", "csv", "xlsx"))
    found = await changed_rows(serving, before, after, query, values)
    typed = form == "xlsx"
    items = [
        {"change": change, **dict(zip(query.columns, row, strict=True))}
        for change, rows in (("removed", found.removed), ("added", found.added))
        for row in (rows.typed() if typed else [[*item.values()] for item in rows.items()])
    ]
    columns = ("change", *query.columns)
    body = {
        "before": before.id,
        "after": after.id,
        "query": query.name,
        "parameters": values,
        "added": len(found.added.rows),
        "removed": len(found.removed.rows),
        "rows": {"before": found.rows[0], "after": found.rows[1]},
        "columns": columns,
        "items": items,
        "total": len(items),
        "next": None,
        "complete": True,
        "caveats": found.caveats,
        "sparql": found.sparql,
        "release": served_now().release.id,
    }
    question = f"What changed from {before.id} to {after.id} in: {query.summary}"
    table = Table(f"{query.name}-changes", question, columns, items, found.sparql, found.caveats)
    return await answers.answer(request, settings, form, body, table, maker)
