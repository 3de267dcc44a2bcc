"""OpenAPI of search and suggest."""

from __future__ import annotations

from typing import Any

from clusterloom.api.rest_schema import BUSY, problems
from clusterloom.api.search_kinds import KINDS
from clusterloom.api.spreadsheet import XLSX_TYPE

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
_TYPE: dict[str, Any] = {
    "name": "type",
    "in": "query",
    "description": "a resource name (`clusters`, `regions` ...) or a class; repeat it for any of "
    "several",
    "schema": {"type": "array", "items": {"type": "string"}},
    "example": ["clusters"],
}
_THING: dict[str, Any] = {
    "type": "object",
    "required": ["id", "iri", "label"],
    "properties": {
        "id": {"type": "string"},
        "iri": {"type": "string", "format": "uri"},
        "label": {"type": "string"},
    },
}
_ITEM: dict[str, Any] = {
    "type": "object",
    "required": [
        "id", "iri", "label", "type", "types", "matched", "countries", "description", "page",
        "api",
    ],
    "properties": {
        **_THING["properties"],
        "type": {"type": "string", "enum": list(KINDS), "description": "the kind of thing"},
        "types": {"type": "array", "items": {"type": "string"}, "description": "all its classes"},
        "matched": {
            "type": "object",
            "description": "the name or place that fits the question best",
            "required": ["name", "called"],
            "properties": {"name": {"type": "string"}, "called": {"type": "string"}},
        },
        "countries": {"type": "array", "items": _THING},
        "description": {"type": "string", "description": "what tells it from its namesakes"},
        "page": {"type": "string", "description": "its page on this server"},
        "api": {"type": "string", "description": "its data on this server"},
    },
}  # fmt: skip
_FACET: dict[str, Any] = {
    "type": "object",
    "required": ["type", "label", "resource", "count"],
    "properties": {
        "type": {"type": "string"},
        "label": {"type": "string"},
        "resource": {"type": ["string", "null"]},
        "count": {"type": "integer"},
    },
}


def _parameter(name: str, text: str, schema: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema, **more}


def _answer(properties: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {"total": {"type": "integer"}, "release": {"type": "string"}}
    shape |= {"items": {"type": "array", "items": _ITEM}, **properties}
    return {"type": "object", "required": sorted(shape), "properties": shape}


_REFUSED = problems(e400="A parameter is missing, unknown or of no valid value; names the nearest",
                    **BUSY)  # fmt: skip

SEARCH: dict[str, Any] = {
    "parameters": [
        _parameter("q", "a name, part of a name, code or place, also misspelt", _TEXT,
                   required=True, example="hydrogen valley"),
        _TYPE,
        _parameter("country", "code of a country; repeat it for any of several",
                   {"type": "array", "items": {"type": "string"}}, example=["ES"]),
        _parameter("limit", "items on a page; 20 for JSON, all for tables",
                   {"type": "integer", "minimum": 1, "maximum": 1000}),
        _parameter("cursor", "where to go on; take it from `next`", {"type": "string"}),
        _parameter("format", "overrides Accept",
                   {"type": "string", "enum": ["json", "csv", "xlsx"]}),
    ],
    "responses": {
        "200": {
            "description": "What was found, best first",
            "content": {
                "application/json": {
                    "schema": _answer({
                        "next": {"type": ["string", "null"]},
                        "facets": {
                            "type": "object",
                            "description": "things of each type, whatever `type` asks for",
                            "required": ["types"],
                            "properties": {"types": {"type": "array", "items": _FACET}},
                        },
                        "did_you_mean": {
                            "type": "array",
                            "description": "where nothing was found: names that look like it",
                            "items": {"type": "object"},
                        },
                    })
                },
                "text/csv": {"schema": {"type": "string"}},
                XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **_REFUSED,
        **problems(e406="No format fits the Accept header"),
    },
}  # fmt: skip

SUGGEST: dict[str, Any] = {
    "parameters": [
        _parameter("prefix", "what has been typed so far", _TEXT, required=True, example="hydro"),
        _TYPE,
        _parameter("limit", "how many; 10 by default",
                   {"type": "integer", "minimum": 1, "maximum": 50}),
    ],
    "responses": {
        "200": {"description": "The best few", "content": {
            "application/json": {"schema": _answer({})}}},
        **_REFUSED,
    },
}  # fmt: skip
