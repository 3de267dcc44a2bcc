"""Answers about releases in the format asked for: JSON, CSV or an Excel workbook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api import tables
from clusterloom.api.about import Told, about, address_of
from clusterloom.api.negotiation import accept_of, content_type, negotiate
from clusterloom.api.release_schema import JSON_TYPE, NQUADS_TYPE
from clusterloom.api.serving import served_now
from clusterloom.api.spreadsheet import XLSX_TYPE, Maker, answered
from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.nearest import hint
from clusterloom.settings import Settings

TYPES = {"json": JSON_TYPE, "nq": NQUADS_TYPE, "csv": tables.CSV_TYPE, "xlsx": XLSX_TYPE}


@dataclass(frozen=True)
class Table:
    """An answer as a table: a name for its file, what it answers, columns and rows."""

    name: str
    question: str
    columns: Sequence[str]
    items: Sequence[Mapping[str, Any]]
    sparql: str = ""
    caveats: Sequence[str] = ()

    @property
    def rows(self) -> list[list[Any]]:
        """The cells in the order of the columns."""
        return [[item[name] for name in self.columns] for item in self.items]


def form_of(request: Request, offers: Sequence[str], others: Sequence[str] = ()) -> str:
    """The format asked for by `format` or Accept, one of `offers`.

    UsageError for a parameter that is neither `format` nor one of `others`, and for two formats.
    """
    known = ("format", *others)
    asked = ""
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise UsageError(
                f"there is no parameter {name!r} here{hint(name, known)} "
                f"(parameters: {', '.join(known)})",
                parameter=name,
            )
        if name == "format" and value.strip():
            asked = value.strip()
    return chosen(request, asked, offers)


def chosen(request: Request, asked: str, offers: Sequence[str]) -> str:
    """The format of that name or, where none is given, the one that Accept likes best."""
    types = {name: TYPES[name] for name in offers}
    if asked:
        if asked not in types:
            raise UsageError(
                f"parameter 'format': {asked!r} is not one of {', '.join(types)}"
                f"{hint(asked, types)}",
                parameter="format",
            )
        return asked
    found = negotiate(accept_of(request.headers), [*types.values()])
    if found is None:
        available = [*types.values()]
        raise NotAcceptable(f"this can be had as {', '.join(available)}", available=available)
    return next(name for name, media_type in types.items() if media_type == found)


async def answer(
    request: Request,
    settings: Settings,
    form: str,
    body: Mapping[str, Any],
    table: Table,
    maker: Maker,
) -> Response:
    """The answer as JSON, or its table as CSV or XLSX; tagged by its bytes.

    What releases there are changes without the served one changing, so nothing else can tag it.
    """
    if form == "xlsx":
        told = Told(
            question=table.question,
            sparql=table.sparql,
            address=address_of(settings.public_url, request.url.path, request.url.query),
            rows=len(table.items),
            caveats=table.caveats,
        )
        content = await maker.make(table.columns, table.rows, await about(served_now(), told))
        response = answered(table.name, content)
    elif form == "csv":
        text = tables.BOM + tables.write_csv([table.columns, *table.rows])
        name = f'inline; filename="clusterloom-{table.name}.csv"'
        headers = {"Content-Type": content_type(tables.CSV_TYPE), "Content-Disposition": name}
        response = Response(text, headers=headers)
    else:
        response = Response(orjson.dumps(body), media_type=JSON_TYPE)
    digest = hashlib.sha256(__version__.encode() + bytes(response.body)).hexdigest()
    response.headers["ETag"] = f'"{digest[:32]}"'
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept"
    return response
