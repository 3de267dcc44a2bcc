"""Rows as CSV that is safe to open in a spreadsheet, and items with coordinates as GeoJSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clusterloom.api.resources import Column, Nested, Resource

CSV_TYPE = "text/csv"
GEOJSON_TYPE = "application/geo+json"

BOM = "\ufeff"
"""Without it a spreadsheet reads UTF-8 as the code page of the machine."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    """The text of one cell; what a spreadsheet would run as a formula gets an apostrophe.

    >>> cell("=1+1"), cell(-3.5), cell(None), cell([{"id": "FR", "label": "France"}, "x"])
    ("'=1+1", '-3.5', '', 'FR; x')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = joined(value)
    return "'" + text if text.startswith(_FORMULA) else text


def joined(value: Any) -> str:
    """The text of a value: a thing by its id, several values joined by semicolons."""
    if isinstance(value, Mapping):
        return str(value["id"])
    if isinstance(value, list | tuple):
        return "; ".join(joined(v) for v in value)
    return str(value)


def write_csv(rows: Iterable[Sequence[Any]]) -> str:
    """The rows as RFC 4180 text with CRLF; no header and no mark are added."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def headings(resource: Resource) -> list[str]:
    """The header of the CSV of a resource: things take a column of ids and one of labels."""
    names = ["id", "iri", "label"]
    for column in resource.every_column:
        names.append(column.name)
        if _is_thing(column):
            names.append(f"{column.name}_label")
    return names


def csv_row(resource: Resource, item: Mapping[str, Any]) -> list[Any]:
    """The cells of an item, in the order of `headings`; lists are joined by semicolons.

    A nested column gives its nodes as `name=value` pairs, one node after the other.
    """
    row: list[Any] = [item["id"], item["iri"], item["label"]]
    for column in resource.every_column:
        value = item[column.name]
        if isinstance(column, Nested):
            row.append([_node(column, node) for node in value])
            continue
        row.append(value)
        if _is_thing(column):
            things = value if isinstance(value, list) else [value] if value else []
            row.append([thing["label"] or thing["id"] for thing in things])
    return row


def days(resource: Resource) -> frozenset[str]:
    """The headings of columns that hold days."""
    return frozenset(
        c.name for c in resource.every_column if isinstance(c, Column) and c.type == "date"
    )


def _is_thing(column: Column | Nested) -> bool:
    return isinstance(column, Column) and column.type == "thing"


def _node(column: Nested, node: Mapping[str, Any]) -> str:
    pairs = [(c.name, node[c.name]) for c in column.columns if node[c.name] not in (None, [])]
    said = ", ".join(f"{name}={joined(value)}" for name, value in pairs)
    return said or str(node["label"] or node["id"])


def feature(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as a GeoJSON feature; without known coordinates its geometry is null."""
    geometry = None
    if item.get("longitude") is not None and item.get("latitude") is not None:
        point = [item["longitude"], item["latitude"]]
        geometry = {"type": "Point", "coordinates": point}
    return {
        "type": "Feature",
        "id": item["iri"],
        "geometry": geometry,
        "properties": {k: v for k, v in item.items() if k not in {"latitude", "longitude"}},
    }
