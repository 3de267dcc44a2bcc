"""OpenAPI of the discovery routes, made from the declarations that the routes are made of."""

from __future__ import annotations

from typing import Any

from clusterloom.api.discovery_operations import Operation, Parameter
from clusterloom.api.rest_schema import BUSY, XLSX, problems
from clusterloom.api.spreadsheet import XLSX_TYPE

_PART: dict[str, Any] = {
    "type": "object",
    "required": ["code", "label", "value", "parameters", "evidence"],
    "properties": {
        "code": {"type": "string"},
        "label": {"type": "string"},
        "value": {"type": "number"},
        "parameters": {"type": "object"},
        "evidence": {"type": "array", "items": {"type": "string"}},
    },
}
_ITEM: dict[str, Any] = {
    "type": "object",
    "required": ["id", "iri", "label", "value", "rank", "tied_with", "explanation", "measures",
                 "facts", "evidence", "caveats", "query"],
    "properties": {
        "id": {"type": "string"},
        "iri": {"type": "string"},
        "label": {"type": "string"},
        "value": {"type": ["number", "null"], "description": "the sum of the explanation"},
        "rank": {"type": ["integer", "null"]},
        "tied_with": {"type": "array", "items": {"type": "string"}},
        "explanation": {"type": "array", "items": _PART, "description": "largest first"},
        "measures": {"type": "object", "description": "further numbers, null where undefined"},
        "facts": {"type": "object"},
        "evidence": {"type": "array", "items": {"type": "string"},
                     "description": "IRIs of what the hit rests on"},
        "caveats": {"type": "array", "items": {"type": "string"}},
        "query": {"type": "string", "description": "SPARQL that gives what the hit rests on"},
    },
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["items", "total", "method", "coverage", "release", "complete", "caveats", "about"],
    "properties": {
        "items": {"type": "array", "items": _ITEM},
        "total": {"type": "integer"},
        "method": {"type": "object", "description": "name, citation, version, parameters"},
        "coverage": {"type": "object", "description": "how much is known; `reason` where nothing "
                     "can be said"},
        "release": {"type": "string"},
        "complete": {"type": "boolean"},
        "caveats": {"type": "array", "items": {"type": "string"}},
        "about": {"type": "object", "description": "who or what was asked for"},
    },
}  # fmt: skip

REFUSED = problems(e400="A parameter is missing, unknown or of no valid value; names the nearest",
                    **BUSY)  # fmt: skip
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 200},
    "texts": {"type": "array", "items": {"type": "string"}},
    "flag": {"type": "string", "enum": ["true", "false"]},
}


def describe(operation: Operation) -> dict[str, Any]:
    """Parameters and answers of a route."""
    parameters = [_parameter(p, f"{{{p.name}}}" in operation.path) for p in operation.parameters]
    formats = {"type": "string", "enum": ["json", "csv", "xlsx", "ttl"]}
    parameters.append(
        {"name": "format", "in": "query", "description": "overrides Accept", "schema": formats}
    )
    content = {
        "application/json": {"schema": ANSWER},
        "text/csv": {"schema": {"type": "string"}},
        XLSX_TYPE: XLSX,
        "text/turtle": {"schema": {"type": "string", "description": "the proof, in PROV-O"}},
    }
    return {
        "parameters": parameters,
        "responses": {
            "200": {"description": "What was found, best first", "content": content},
            **REFUSED,
            **problems(e404="No such thing; the nearest are named",
                       e406="No format fits the Accept header"),
        },
    }  # fmt: skip


def _parameter(parameter: Parameter, in_path: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "description": parameter.text,
        "schema": schema_of(parameter),
    }
    if parameter.required:
        found["required"] = True
    if parameter.example is not None:
        found["example"] = parameter.example
    return found


def schema_of(parameter: Parameter) -> dict[str, Any]:
    """The values of a parameter in an address."""
    if parameter.kind == "integer":
        return {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
    schema = dict(_TYPES[parameter.kind])
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    return schema
