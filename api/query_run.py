"""Runs a library query for the REST routes and the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from clusterloom import terms
from clusterloom.api.aliases import current
from clusterloom.api.rows import XSD, Row, local
from clusterloom.api.serving import Served
from clusterloom.api.spreadsheet import day
from clusterloom.api.suggestions import shown
from clusterloom.api.things import missing
from clusterloom.errors import UsageError
from clusterloom.namespaces import CLOOM
from clusterloom.nearest import hint as nearest_hint
from clusterloom.ontology import vocabulary
from clusterloom.queries.header import Parameter
from clusterloom.queries.library import LibraryQuery, iri_of, render


@dataclass(frozen=True)
class Answer:
    """The rows of a query, in the columns that its header declares."""

    columns: tuple[str, ...]
    rows: list[Row]

    def items(self) -> list[dict[str, Any]]:
        """Each row as plain values; null where nothing is bound."""
        return [{name: _plain(row, name) for name in self.columns} for row in self.rows]

    def typed(self) -> list[list[Any]]:
        """Each row as values in the order of the columns, days as dates."""
        return [[_typed(row, name) for name in self.columns] for row in self.rows]


def _typed(row: Row, name: str) -> Any:
    cell = row.get(name)
    if cell is None:
        return None
    return day(cell.value) if cell.datatype == XSD + "date" else cell.plain()


def _plain(row: Row, name: str) -> Any:
    return row[name].plain() if name in row else None


async def filled(served: Served, query: LibraryQuery, values: Mapping[str, Sequence[str]]) -> str:
    """The text of the query with the values in it, former names of things replaced.

    UsageError for a value that is none, and for a thing of ours that the release does not know:
    the answer would be empty without a reason.
    """
    text = render(query, values)
    now = dict(values)
    for parameter in query.parameters:
        if parameter.type == "iri" and parameter.name in values:
            iris = [
                current(iri_of(value, parameter.of)) for value in values[parameter.name] if value
            ]
            for iri in iris:
                await _check(served, parameter, iri)
            now[parameter.name] = iris
    return text if now == values else render(query, now)


async def _check(served: Served, parameter: Parameter, iri: str) -> None:
    kind, _, key = local(iri).partition("/")
    if not kind:
        if iri.startswith(CLOOM) and iri.removeprefix(CLOOM) not in vocabulary.terms():
            near = nearest_hint(iri.removeprefix(CLOOM), list(vocabulary.terms()))
            raise UsageError(
                f"parameter {parameter.name!r}: the ontology declares no {shown(iri)}{near}",
                parameter=parameter.name,
            )
        return
    node = terms.iri(iri)
    if not await served.select(f"ASK {{ {{ {node} ?p ?o }} UNION {{ ?s ?p {node} }} }}"):
        why = await missing(served, kind, unquote(key))
        raise UsageError(f"parameter {parameter.name!r}: {why.detail}", parameter=parameter.name)


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
