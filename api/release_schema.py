"""OpenAPI of the releases, and of the `release` parameter that every data route takes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from clusterloom.api import pin
from clusterloom.api.rest_schema import BUSY, XLSX, problems
from clusterloom.api.spreadsheet import XLSX_TYPE

JSON_TYPE = "application/json"
NQUADS_TYPE = "application/n-quads"
PARTS = ("sources", "evaluation")
"""What the report of a release can be had of as a table."""
MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

_ID = {"type": "string", "pattern": f"^([0-9a-f]{{16}}|{pin.CURRENT})$"}
_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_PAIR = {"type": "object", "properties": {"added": _NUMBER, "removed": _NUMBER}}
_RELEASE: dict[str, Any] = {
    "id": _TEXT,
    "built": {"type": "string", "format": "date-time"},
    "published": {"type": "string", "format": "date-time"},
    "triples": _NUMBER,
    "partial": {"type": "boolean"},
    "software": {"type": ["string", "null"]},
    "families": _NUMBER,
    "served": {"type": "boolean"},
    "previous": {"type": ["string", "null"], "description": "the release published before"},
    "address": _TEXT,
}


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _format(*names: str) -> dict[str, Any]:
    return _query("format", "overrides Accept", {"type": "string", "enum": [*names]})


def _answer(text: str, properties: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": [*properties], "properties": properties}
    return {"description": text, "content": {JSON_TYPE: {"schema": schema}, **more}}


_TABLES: dict[str, Any] = {"text/csv": {"schema": _TEXT}, XLSX_TYPE: XLSX}
_GONE = {
    "e404": "There has been no such release here; names the nearest",
    "e410": "The release was pruned; names the nearest that is kept",
}

LIST: dict[str, Any] = {
    "parameters": [_format("json", "csv", "xlsx")],
    "responses": {
        "200": _answer(
            "The releases kept, newest first, and those that were pruned",
            {
                "items": {"type": "array", "items": {"type": "object", "properties": _RELEASE}},
                "total": _NUMBER,
                "next": {"type": "null"},
                "pruned": {"type": "array", "items": {"type": "object"}},
                "release": {"type": ["string", "null"], "description": "the served one"},
            },
            _TABLES,
        ),
        **problems(e400="An unknown parameter or format", e406="No format fits", **BUSY),
    },
}

ONE: dict[str, Any] = {
    "parameters": [
        _query(
            "part",
            "of what a table (CSV, XLSX) is; JSON has all",
            {"type": "string", "enum": [*PARTS], "default": PARTS[0]},
        ),
        _format("json", "csv", "xlsx"),
    ],
    "responses": {
        "200": _answer(
            "The report in short; as a table: its sources, or the evaluation",
            {
                **_RELEASE,
                "families": {"type": "object", "description": "SHA-256 of each family"},
                "sources": {"type": "array", "items": {"type": "object"}},
                "classes": {"type": "object", "description": "instances of each class"},
                "coverage": {"type": "object"},
                "checks": {"type": "object"},
                "evaluation": {
                    "type": ["object", "null"],
                    "description": "partner search on ties hidden from it: for each hold-out "
                    "every axis, fusion and baseline by MRR, Hits@10, Hits@100 and AUC with 95 % "
                    "intervals, and in `says` what that allows; null: not measured",
                    "properties": {
                        "ties": _NUMBER,
                        "undertakings": _NUMBER,
                        "seed": _NUMBER,
                        "says": _TEXT,
                        "hold_outs": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
            _TABLES,
        ),
        **problems(e400="An unknown parameter or format", e406="No format fits", **_GONE, **BUSY),
    },
}

_SIDES = {"type": "string", "enum": ["added", "removed"]}
_ROWS = (
    "name of a library query: the rows that were added and removed, instead of statements; its "
    "parameters stand beside it"
)
CHANGES: dict[str, Any] = {
    "parameters": [
        _query("side", "which lines, for N-Quads", _SIDES),
        _query("limit", f"statements on a page of JSON, {DEFAULT_LIMIT} unless told",
               {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
        _query("cursor", "where to go on; take it from `next`", _TEXT),
        _query("query", _ROWS, _TEXT),
        _format("json", "nq", "csv", "xlsx"),
    ],
    "responses": {
        "200": _answer(
            "The figures and a page of statements; with `query`, all rows that changed",
            {
                "before": _TEXT,
                "after": _TEXT,
                "added": _NUMBER,
                "removed": _NUMBER,
                "items": {"type": "array", "items": {"type": "object", "properties": {
                    "change": {"type": "string", "enum": ["added", "removed"]}}}},
                "total": _NUMBER,
                "next": {"type": ["string", "null"]},
                "complete": {"type": "boolean", "description": "false where families are withheld"},
                "release": {"type": ["string", "null"], "description": "the served one"},
            },
            {NQUADS_TYPE: {"schema": _TEXT}, **_TABLES},
        ),
        **problems(
            e400="A parameter is missing, unknown or of the wrong form",
            e406="No format fits: statements are JSON or N-Quads, rows JSON, CSV or XLSX",
            **_GONE, **BUSY,
        ),
    },
}  # fmt: skip

_PARAMETER = _query(
    pin.NAME,
    "answers from that release instead of the served one; /api/v1/releases lists those kept",
    _ID,
) | {"example": pin.CURRENT}
_FREE = ("/ontology", "/shapes", "/context.jsonld", "/dumps/", "/api/v1/releases", *pin.FREE)


def document_release(app: FastAPI) -> None:
    """Adds the `release` parameter, and the errors it may give, to the data routes' description."""
    plain = app.openapi

    def whole() -> dict[str, Any]:
        document = plain()
        for path, operations in document["paths"].items():
            if path.startswith(_FREE):
                continue
            for operation in operations.values():
                _add(operation)
        return document

    app.openapi = whole  # type: ignore[method-assign]


def _add(operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    if any(p["name"] == pin.NAME and p["in"] == "query" for p in parameters):
        return
    parameters.append(_PARAMETER)
    known = operation["responses"]
    for status, answer in problems(
        e400="A parameter has a value that is none", e503=BUSY["e503"], **_GONE
    ).items():
        known.setdefault(status, answer)
