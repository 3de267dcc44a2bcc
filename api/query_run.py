"""Runs a library query for the REST routes and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clusterloom.api.rows import Row
from clusterloom.api.serving import Served
from clusterloom.queries.library import LibraryQuery


@dataclass(frozen=True)
class Answer:
    """The rows of a query, in the columns that its header declares."""

    columns: tuple[str, ...]
    rows: list[Row]

    def items(self) -> list[dict[str, Any]]:
        """Each row as plain values; null where nothing is bound."""
        return [{name: _plain(row, name) for name in self.columns} for row in self.rows]


def _plain(row: Row, name: str) -> Any:
    return row[name].plain() if name in row else None


async def answer(served: Served, query: LibraryQuery, text: str) -> Answer:
    """The answer to the rendered text of a query."""
    return Answer(query.columns, await served.select(text))


def split(given: list[tuple[str, str]]) -> tuple[dict[str, list[str]], str]:
    """Request parameters as values of query parameters, blank ones dropped, and the format."""
    values: dict[str, list[str]] = {}
    form = ""
    for name, value in given:
        if name == "format":
            form = value
        elif value.strip():
            values.setdefault(name, []).append(value.strip())
    return values, form
