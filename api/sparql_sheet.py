"""`format=xlsx` at `/sparql`: the rows of a SELECT as a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from clusterloom.api.aside import aside
from clusterloom.api.etag import etag
from clusterloom.api.request import Asked
from clusterloom.api.rows import read_json
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker, day
from clusterloom.errors import NotAcceptable
from clusterloom.store.engine import JSON, Limits, Query, Session, hold
from clusterloom.store.guard import examine

FORMAT = "xlsx"

LARGEST = 64 << 20
"""Bytes of SPARQL JSON that are made into a workbook."""
_ROW = 100
"""Bytes of a row, about."""


async def sheet(
    session: Session, asked: Asked, endpoint: str, limits: Limits, maker: Maker
) -> Response:
    """The workbook: the data, and a sheet that says where it comes from.

    NotAcceptable for queries that give no rows, and for more than a workbook holds.
    """
    assert asked.query is not None
    inspection = await examine(asked.query)
    if inspection.form not in {"select", None}:
        raise NotAcceptable("A workbook holds the rows of a SELECT; ask for another format.")
    query = Query(asked.query, asked.default_graphs, asked.named_graphs, endpoint)
    limits = replace(limits, rows=asked.max_rows)
    async with await session.run(query, limits, JSON) as result:
        held = await hold(result, LARGEST, seconds=None)
        if not held.ended:
            raise NotAcceptable(
                f"This answer has more than {LARGEST >> 20} MB, the most that is made into a "
                "workbook: ask for CSV, which has no such bound, or give max_rows."
            )
        columns, truncated, variant = result.variables, result.truncated, result.variant
    body = b"".join(held.chunks)
    rows = await aside(len(body) // _ROW, lambda: _rows(body, columns))
    about = [("query", asked.query), ("endpoint", endpoint), ("release", session.release.id),
             ("rows", len(rows))]  # fmt: skip
    if truncated is not None:
        about.append(("cut", f"the answer has more rows; max_rows asked for {truncated}"))
    headers = {"Content-Disposition": 'attachment; filename="clusterloom-sparql.xlsx"',
               "Vary": "Accept", "X-Clusterloom-Release": session.release.id}  # fmt: skip
    if inspection.volatile:
        headers["Cache-Control"] = "no-store"
    else:
        key = (session.release.id, asked, endpoint, variant, XLSX_TYPE)
        headers |= {"Cache-Control": "no-cache", "ETag": etag(*key)}
    if truncated is not None:
        headers["X-Clusterloom-Truncated"] = str(truncated)
    body = await maker.make(columns, rows, about)
    return Response(body, media_type=XLSX_TYPE, headers=headers)


def _rows(body: bytes, columns: Sequence[str]) -> list[list[Any]]:
    """The cells of SPARQL JSON, in the order of the columns."""
    return [
        [day(row[name].plain()) if name in row else None for name in columns]
        for row in read_json(body)
    ]
