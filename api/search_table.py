"""Search results as tables: CSV and Excel workbook with the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from clusterloom.api import tables
from clusterloom.api.about import Told, about
from clusterloom.api.negotiation import content_type
from clusterloom.api.serving import Served
from clusterloom.api.spreadsheet import Maker, answered

COLUMNS = (
    "id", "iri", "label", "type", "types", "matched", "matched_called", "countries",
    "description", "page", "api",
)  # fmt: skip

_ORDER = "Best first; a name may be spelt otherwise than the question, see `matched`."


def csv_answer(items: Sequence[Mapping[str, Any]], headers: Mapping[str, str]) -> Response:
    """The items as CSV that a spreadsheet opens as it is."""
    return Response(
        tables.BOM + tables.write_csv([COLUMNS, *map(_row, items)]),
        headers={
            **headers,
            "Content-Type": content_type(tables.CSV_TYPE),
            "Content-Disposition": 'inline; filename="clusterloom-search.csv"',
        },
    )


async def workbook_answer(
    served: Served, maker: Maker, items: Sequence[Mapping[str, Any]], text: str, address: str
) -> Response:
    """The items as a workbook that says what was asked, of which release."""
    told = Told(
        question=f"Things by the name: {text}",
        description=_ORDER,
        address=address,
        rows=len(items),
        things=[item["iri"] for item in items],
    )
    rows = [_row(item) for item in items]
    return answered("search", await maker.make(COLUMNS, rows, await about(served, told)))


def _row(item: Mapping[str, Any]) -> list[Any]:
    matched = item["matched"]
    flat = {**item, "matched": matched["name"], "matched_called": matched["called"]}
    return [flat[name] for name in COLUMNS]
