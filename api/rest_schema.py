"""OpenAPI of the resource routes, made from the same declarations as the routes themselves."""

from __future__ import annotations

from typing import Any

from clusterloom.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clusterloom.api.resources import Column, Filter, Nested, Resource
from clusterloom.api.spreadsheet import XLSX_TYPE

_THING: dict[str, Any] = {
    "type": "object",
    "required": ["id", "iri", "label"],
    "properties": {
        "id": {"type": "string"},
        "iri": {"type": "string", "format": "uri"},
        "label": {"type": ["string", "null"]},
    },
}
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "link": {"type": "string", "format": "uri"},
    "class": {"type": "string"},
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "boolean": {"type": "boolean"},
    "thing": _THING,
}
_PARAMETER_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "string", "enum": ["true", "false"]},
    "date": {"type": "string", "format": "date"},
    "year": {"type": "string", "pattern": "^[12][0-9]{3}$"},
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
"""RFC 9457 problem details, the shape of every error."""


XLSX = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "a workbook: sheet `data`, and sheet `about` with the question, the "
        "release, the address that gives it again, sources, what is not known, how to cite",
    }
}
"""An Excel workbook as an answer."""


def problems(**told: str) -> dict[str, Any]:
    """Responses for errors: `problems(e404="No such thing")`."""
    content = {"application/problem+json": {"schema": PROBLEM}}
    return {name[1:]: {"description": text, "content": content} for name, text in told.items()}


BUSY = {
    "e503": "No release is served yet, or every worker is busy; see Retry-After",
    "e504": "The query ran into its deadline",
    "e507": "The query ran into its memory limit",
}


def list_operation(resource: Resource) -> dict[str, Any]:
    """Parameters and answers of a list."""
    forms = ["json", "csv", "xlsx", *(["geojson"] if resource.places else [])]
    parameters = [_parameter(wanted) for wanted in resource.filters]
    parameters += [
        _plain("limit", f"items on a page, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} for JSON, all for "
               "the other formats", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
        _plain("cursor", "where to go on; take it from `next`", {"type": "string"}),
        _plain("format", "overrides Accept", {"type": "string", "enum": forms}),
    ]  # fmt: skip
    listing = {
        "type": "object",
        "required": ["items", "total", "next", "release"],
        "properties": {
            "items": {"type": "array", "items": _item(resource)},
            "total": {"type": "integer", "description": "items on all pages"},
            "next": {"type": ["string", "null"], "description": "address of the next page"},
            "release": {"type": "string"},
        },
    }
    content: dict[str, Any] = {
        "application/json": {"schema": listing},
        "text/csv": {"schema": {"type": "string", "description": "UTF-8 with byte order mark; "
                     "lists joined by `; `; a text that a spreadsheet would run gets a `'`"}},
    }  # fmt: skip
    content[XLSX_TYPE] = XLSX
    if resource.places:
        content["application/geo+json"] = {"schema": {"type": "object"}}
    return {
        "parameters": parameters,
        "responses": {
            "200": {"description": "A page of items in a stable order", "content": content},
            **problems(
                e400="An unknown parameter or value; names the nearest valid ones",
                e406="No format fits the Accept header",
                e410="A filter names a thing that was withdrawn",
                **BUSY,
            ),
        },
    }


def item_operation(resource: Resource) -> dict[str, Any]:
    """Answers of an item."""
    schema = _item(resource)
    schema["properties"] |= {
        "types": {"type": "array", "items": {"type": "string"}},
        "facts": {"type": "object", "additionalProperties": {"type": "array"}},
        "incoming": {"type": "object"},
        "sources": {"type": "array", "items": _THING},
        "complete": {"type": "boolean", "description": "whether all links in are listed"},
        "release": {"type": "string"},
    }
    return {
        "responses": {
            "200": {"description": "The item",
                    "content": {"application/json": {"schema": schema}}},
            "301": {"description": "The thing has another name now"},
            **problems(
                e400="A parameter was given; an item takes none",
                e404="No such item in this release; names the nearest",
                e406="The item can be had as JSON only",
                e410="The thing was withdrawn",
                **BUSY,
            ),
        },
    }  # fmt: skip


def _parameter(wanted: Filter) -> dict[str, Any]:
    text = wanted.description
    if wanted.type in {"thing", "choice", "class"}:
        text += "; repeat it for any of several"
    schema = _PARAMETER_TYPES.get(wanted.type, {"type": "string"})
    several = wanted.type not in {"boolean"}
    if several:
        schema = {"type": "array", "items": schema}
    found = _plain(wanted.name, text, schema)
    found["example"] = [wanted.example] if several else wanted.example
    return found


def _plain(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _item(resource: Resource) -> dict[str, Any]:
    properties: dict[str, Any] = dict(_THING["properties"])
    for column in resource.every_column:
        properties[column.name] = _column(column)
    properties["caveats"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "present where sources disagree",
    }
    required = ["id", "iri", "label", *(c.name for c in resource.every_column)]
    return {"type": "object", "required": required, "properties": properties}


def _column(column: Column | Nested) -> dict[str, Any]:
    if isinstance(column, Nested):
        node: dict[str, Any] = dict(_THING["properties"])
        node |= {inner.name: _column(inner) for inner in column.columns}
        items = {"type": "object", "properties": node}
        return {"type": "array", "items": items, "description": column.description}
    schema = dict(_JSON_TYPES[column.type])
    if column.many:
        schema = {"type": "array", "items": schema}
    elif column.type == "thing":
        schema = {"oneOf": [schema, {"type": "null"}]}
    else:
        schema["type"] = [schema["type"], "null"]
    return schema | ({"description": column.description} if column.description else {})
