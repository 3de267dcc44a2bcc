"""OpenAPI of the reconciliation service; its shapes are those of the API 0.2."""

from __future__ import annotations

from typing import Any

from clusterloom.api.rest_schema import BUSY, problems

_ANSWER = {"description": "As the Reconciliation API 0.2 has it",
           "content": {"application/json": {"schema": {"type": "object"}}}}  # fmt: skip
_REFUSED = problems(e400="A wrong parameter, or JSON that is no batch; says which and why", **BUSY)
_LARGE = problems(e413="More queries than `batchSize`, or a body over the limit")


def _text(name: str, told: str, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": told, "required": required,
            "schema": {"type": "string"}}  # fmt: skip


_QUERIES = "a batch: JSON object of queries by key, each with query, type, limit, properties"
_EXTEND = "values to fetch: JSON object with ids and properties"

RECONCILE: dict[str, dict[str, Any]] = {
    "get": {
        "parameters": [_text("queries", _QUERIES), _text("extend", _EXTEND)],
        "responses": {"200": _ANSWER, **_REFUSED, **_LARGE},
    },
    "post": {
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "queries": {"type": "string", "description": _QUERIES},
                            "extend": {"type": "string", "description": _EXTEND},
                        },
                        "example": {"queries": '{"q0": {"query": "Minalogic"}}'},
                    }
                }
            },
        },
        "responses": {
            "200": _ANSWER,
            **_REFUSED,
            **_LARGE,
            **problems(e415="The body is no form"),
        },
    },
}

SUGGEST: dict[str, Any] = {
    "parameters": [
        _text("prefix", "what has been typed so far"),
        {"name": "cursor", "in": "query", "description": "how many to skip",
         "schema": {"type": "integer", "minimum": 0}},
    ],
    "responses": {"200": _ANSWER, **_REFUSED},
}  # fmt: skip

EXTEND_PROPERTIES: dict[str, Any] = {
    "parameters": [
        _text("type", "a class"),
        {"name": "limit", "in": "query", "description": "how many",
         "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    ],
    "responses": {"200": _ANSWER, **_REFUSED},
}  # fmt: skip

PREVIEW: dict[str, Any] = {
    "parameters": [_text("id", "id of the entity, such as org/pic-998776991", required=True)],
    "responses": {
        "200": {"description": "A small page", "content": {"text/html": {}}},
        **_REFUSED,
        **problems(e404="No such entity"),
    },
}
