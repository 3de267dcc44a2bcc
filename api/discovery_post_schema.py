"""OpenAPI of the discovery routes by POST: profiles, batches and what-if, with examples."""

from __future__ import annotations

from typing import Any

from clusterloom.api.discovery_operations import MAX_LIMIT, RULES, Parameter
from clusterloom.api.discovery_post import BY_ID, Posted
from clusterloom.api.discovery_schema import ANSWER, REFUSED, schema_of
from clusterloom.api.rest_schema import problems
from clusterloom.discovery.suppose import PROPERTIES
from clusterloom.discovery.what_if import MOST

BATCH = 50
"""Requests of one body."""


def _texts(description: str, most: int = 500) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "maxItems": most,
            "description": description}  # fmt: skip


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 200, "description": description}


def _object(description: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "description": description,
            "properties": properties, **more}  # fmt: skip


_NAME, _COUNTRY = _text("what it is called in the answer"), _text("ISO code")
_REGION = _text("NUTS code (2021 or 2024)")
_CAPABILITIES = _texts("NACE Rev. 2 codes (27.2), Rev. 2.1 codes (nace21/27.2), keys of fields")
_WHO = {"name": _NAME, "country": _COUNTRY, "region": _REGION, "capabilities": _CAPABILITIES}
_STAGES = _texts("keys of stages that it covers, beside those that a capability covers")
_CLUSTER = _text("key of a cluster of the graph")
_FIELDS: dict[str, dict[str, Any]] = {
    "post_partners": {
        "cluster": _CLUSTER,
        "profile": _object(
            "an organisation that is not in the graph",
            {**_WHO, "partners": _texts("keys of clusters that it works with")},
        ),
    },
    "post_regions": {
        "region": _REGION,
        "profile": _object(
            "a region with figures of its own",
            {
                "name": _NAME,
                "region": _text("NUTS code of the region whose figures hold for the rest"),
                "specialised": _texts("NACE divisions in which it is specialised"),
                "not_specialised": _texts("NACE divisions in which it is not"),
                "unknown": _texts("NACE divisions of which it does not know"),
            },
        ),
    },
    "post_completion": {
        "region": _REGION,
        "cluster": _CLUSTER,
        "profile": _object(
            "an organisation that is not in the graph",
            {**_WHO, "stages": _STAGES, "missing": _texts("keys of stages that it lacks")},
        ),
    },
    "post_consortia": {
        "members": {
            "type": "array",
            "maxItems": 50,
            "items": _object(
                "an organisation that is not in the graph",
                {
                    "id": _text("what `excluded` and the answer call it"),
                    **_WHO,
                    "stages": _STAGES,
                    "third_countries": _texts("ISO codes of countries that it has aimed at"),
                    "required": {"type": "boolean", "description": "true: it must be a member"},
                },
            ),
        },
    },
}
_EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "post_partners": [
        {"profile": {"country": "ES", "capabilities": ["27.2"]}, "axis": "complementarity"},
        {"profile": {"name": "We", "region": "ES13", "capabilities": ["nace21/27.2"],
                     "partners": ["be-greenwin-40ab75"]}, "axis": "network"},
    ],
    "post_regions": [
        {"profile": {"name": "Our region", "specialised": ["26", "27"],
                     "not_specialised": ["72"]}, "area": "photonics"},
        {"profile": {"region": "ES61", "specialised": ["30"]}, "area": "photonics",
         "direction": "both"},
    ],
    "post_completion": [
        {"chain": "batteries", "profile": {"name": "We", "country": "ES",
                                           "capabilities": ["27.20"]}},
        {"chain": "batteries", "cluster": "be-greenwin-40ab75", "elsewhere": "country"},
    ],
    "post_consortia": [
        {"chain": "hydrogen", "members": [{"name": "We", "country": "PT", "required": True,
                                           "stages": ["hydrogen-storage"]}],
         "call_profile": {"name": "Our call", "min_entities": 3, "min_countries": 3}},
        {"chain": "batteries", "call": "cos-cluster-2018-3-02", "less_developed": False},
    ],
}  # fmt: skip
_WHAT_IF = {
    "operation": "cluster_partners",
    "parameters": {"id": "be-greenwin-40ab75", "axis": "similarity"},
    "statements": [
        {"subject": "pic-999964271", "property": "hasCapability", "object": "20.14", "holds": True}
    ],
}


def _field(parameter: Parameter) -> dict[str, Any]:
    found = {"type": "boolean"} if parameter.kind == "flag" else schema_of(parameter)
    return {**found, "description": parameter.text}


def _call() -> dict[str, Any]:
    checks = _texts("what a person has to check; it decides nothing")
    return _object(
        "the rules of a call that is not in the graph; those of the request go before them",
        {"name": _NAME, "checklist": checks, **{rule.name: _field(rule) for rule in RULES}},
    )


def describe_post(posted: Posted) -> dict[str, Any]:
    """Body and answers of a route that takes profiles and batches of them."""
    fields = dict(_FIELDS[posted.id])
    if posted.id == "post_consortia":
        fields["call_profile"] = _call()
    for parameter in posted.parameters:
        fields[parameter.name] = _field(parameter)
    needed = [parameter.name for parameter in posted.parameters if parameter.required]
    one = _object("one request", fields, **({"required": needed} if needed else {}))
    examples = _EXAMPLES[posted.id]
    schema = {
        "oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": BATCH}],
        "examples": [*examples, examples],
    }
    several = {"type": "object", "required": ["answers"],
               "properties": {"answers": {"type": "array", "items": ANSWER}}}  # fmt: skip
    return _route(
        schema, examples[0], {"anyOf": [ANSWER, several]},
        "An answer, or as many as there were requests",
    )  # fmt: skip


def describe_what_if() -> dict[str, Any]:
    """Body and answer of the what-if."""
    statement = _object(
        "one thing supposed",
        {
            "subject": _text("key of a cluster, a partnership, an area, or NUTS code of a region"),
            "property": {"type": "string", "enum": [*PROPERTIES]},
            "object": _text("key or code of what it is related to; of specialisedIn a division"),
            "holds": {"type": "boolean", "description": "false: it is taken away; true by default"},
        },
        required=["subject", "property", "object"],
    )
    schema = _object(
        "an operation, and what is supposed",
        {
            "operation": {"type": "string", "enum": [*BY_ID]},
            "parameters": {
                "type": "object",
                "description": "those of the operation's route, `id` for the thing in its path; or "
                "the body of its route by POST",
            },
            "statements": {"type": "array", "items": statement, "maxItems": MOST},
        },
        required=["operation", "statements"],
    ) | {"examples": [_WHAT_IF]}
    rows = {"type": "array", "items": {"type": "object"}}
    short = {"type": "object", "required": ["total", "reason", "items"], "properties": {
        "total": {"type": "integer"}, "reason": {"type": "string"}, "items": rows}}  # fmt: skip
    difference = {
        "type": "object",
        "description": f"hits that came, went, or have another place or value, among the first "
        f"{MAX_LIMIT} of each; paths of `about` and `coverage` whose value changed",
        "required": ["came", "went", "moved", "about", "coverage", "compared"],
        "properties": dict.fromkeys(("came", "went", "moved", "about", "coverage"), rows),
    }
    answer = {
        "type": "object",
        "required": ["operation", "release", "hypothetical", "statements", "consequences",
                     "before", "after", "difference", "caveats"],
        "properties": {
            "operation": {"type": "object"},
            "release": {"type": "string"},
            "hypothetical": {"const": True},
            "statements": {**rows, "description": "as supposed; `already`: the graph says so"},
            "consequences": {**rows, "description": "what follows by the rules of the graph"},
            "before": short,
            "after": short,
            "difference": difference,
            "caveats": {"type": "array", "items": {"type": "string"}},
        },
    }  # fmt: skip
    return _route(schema, _WHAT_IF, answer, "What the statements would change")


def _route(
    schema: dict[str, Any], example: dict[str, Any], answer: dict[str, Any], told: str
) -> dict[str, Any]:
    content = {"application/json": {"schema": answer}}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {
            "200": {"description": told, "content": content},
            **REFUSED,
            **problems(e404="No such thing; the nearest are named", e413="The body is too large",
                       e415="The body is not JSON"),
        },
    }  # fmt: skip
