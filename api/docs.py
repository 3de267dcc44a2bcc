"""`/docs`: every operation of the API on one page, made from the OpenAPI document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom import __version__
from clusterloom.api import pin
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.listing import read_list, read_page
from clusterloom.api.render import page
from clusterloom.api.serving import Served, served_now
from clusterloom.settings import Settings

_SPARQL = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#> "
    "SELECT ?area WHERE { ?area a cloom:ThematicArea } LIMIT 5"
)
_SAMPLES = {
    ("/sparql/why", "query"): _SPARQL.replace("ThematicArea", "ThematicAria"),
    ("/sparql", "query"): _SPARQL,
    ("/graph/", "name"): "meta",
    ("/problems/", "slug"): "not-found",
    ("/ontology/", "name"): "places",
    ("/shapes/", "name"): "places",
    **{(f"/reconcile/suggest/{kind}", "prefix"): "c" for kind in ("entity", "type", "property")},
    ("", "version"): __version__,
    ("", "kind"): "area",
    ("", "before"): pin.CURRENT,
    ("", "after"): pin.CURRENT,
    ("/dumps/", "release"): pin.CURRENT,
    ("/dumps/", "file"): "dump.nq.zst",
}
"""Values for a sample where the document has no example, by the beginning of the path (the first
that fits) and the name of the parameter."""

_FOLLOWED = ("/id/", "/graph/", "/release/", "/problems/", "/dumps/")
"""Beginnings of paths that may answer by a redirect."""


@dataclass(frozen=True)
class Parameter:
    """A parameter, or a field of a form."""

    name: str
    place: str
    required: bool
    type: str
    description: str


@dataclass(frozen=True)
class Operation:
    """An operation as the page shows it; `sample` is a request by curl that can be answered."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    formats: list[str]
    answers: list[tuple[str, str]]
    sample: str


@dataclass(frozen=True)
class Group:
    """The operations of a tag."""

    name: str
    description: str
    operations: list[Operation]


def docs_router(settings: Settings) -> APIRouter:
    """The page of the API. It needs no script, and nothing of it comes from elsewhere."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        document = request.app.openapi()
        served = served_now()
        known = await served.once("sample ids", _sample_ids)
        values = {
            "info": document["info"],
            "groups": groups(document, settings.public_url, known),
            "public_url": settings.public_url,
            "release": served.release.id,
        }
        link = f'<{settings.public_url}/openapi.json>; rel="service-desc"; type="application/json"'
        return page(request, "docs.html", values, headers={"Link": link})

    return router


def groups(document: Mapping[str, Any], address: str, known: Mapping[str, str]) -> list[Group]:
    """The operations of an OpenAPI document by tag; `known` has an id for `(path, name)`."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = _operation(path, method.upper(), operation, address, known)
            found[operation["tags"][0]].append(shown)
    return [Group(t["name"], t["description"], found[t["name"]]) for t in document["tags"]]


async def _sample_ids(served: Served) -> dict[str, str]:
    """An item of each list that has any, and the names of releases, by path of their routes."""
    found = {"/release/{id}": served.release.id, "/api/v1/releases/{id}": pin.CURRENT}
    for resource in RESOURCES.values():
        listing = await read_list(served, resource, await read_page(served, resource, [], 1))
        if listing.items:
            found[f"/api/v1/{resource.name}/{{id}}"] = listing.items[0]["id"]
            if resource.name == "areas":
                found["/reconcile/preview"] = f"area/{listing.items[0]['id']}"
                found["/id/{kind}/{key}"] = found["/data/{kind}/{key}"] = listing.items[0]["id"]
    return found


def _operation(
    path: str, method: str, operation: Mapping[str, Any], address: str, known: Mapping[str, str]
) -> Operation:
    parameters = [
        p for p in operation.get("parameters", []) if (p["name"], p["in"]) != (pin.NAME, "query")
    ]
    parameters += _fields(operation.get("requestBody", {}).get("content", {}))
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=[
            Parameter(p["name"], p["in"], bool(p.get("required")), _type(p["schema"]),
                      p.get("description", ""))
            for p in parameters
        ],
        formats=[*operation["responses"].get("200", {}).get("content", {})],
        answers=[
            (status, told["description"])
            for status, told in sorted(operation["responses"].items())
            if status != "default"
        ],
        sample=_sample(address, path, method, parameters, known.get(path, ""), _body(operation)),
    )  # fmt: skip


def _fields(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of the form that a body may be, as parameters."""
    schemas = (told["schema"] for told in content.values())
    schema: dict[str, Any] = next((s for s in schemas if "properties" in s), {})
    example = schema.get("example", {})
    return [
        {"name": name, "in": "form", "schema": told, "description": told.get("description", ""),
         "required": name in schema.get("required", ()), "example": example.get(name)}
        for name, told in schema.get("properties", {}).items()
    ]  # fmt: skip


def _body(operation: Mapping[str, Any]) -> str:
    """The example of a JSON body, where the operation has one."""
    content = operation.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    return "" if example is None else orjson.dumps(example).decode()


def _sample(
    address: str,
    path: str,
    method: str,
    parameters: list[dict[str, Any]],
    known: str,
    body: str = "",
) -> str:
    """The request by curl: with what it needs, else with the first example of a filter."""
    route, given = path, []
    needed = [p for p in parameters if _needed(path, p)]
    for parameter in needed or [p for p in parameters if p.get("example") is not None][:1]:
        name, value = parameter["name"], _value(path, parameter, known)
        if parameter["in"] == "path":
            route = route.replace(f"{{{name}}}", quote(str(value), safe="/"))
            continue
        for one in value if isinstance(value, list) else [value]:
            given.append("--data-urlencode " + shlex.quote(f"{name}={one}"))
    options = ["-L"] if path.startswith(_FOLLOWED) else []
    options += ["-G"] if given and method == "GET" else []
    if body:
        given += ["-H 'Content-Type: application/json'", f"--data {shlex.quote(body)}"]
    return " ".join(["curl", *options, shlex.quote(address + route), *given])


def _needed(path: str, parameter: Mapping[str, Any]) -> bool:
    return bool(parameter.get("required")) or (path, parameter["name"]) in _SAMPLES


def _value(path: str, parameter: Mapping[str, Any], known: str) -> Any:
    name = parameter["name"]
    if (told := parameter.get("example")) is not None:
        return told
    found = (v for (begin, n), v in _SAMPLES.items() if n == name and path.startswith(begin))
    return next(found, known)


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"{_type(schema['items'])}, may be repeated"
    kind = schema.get("type", "string")
    return " or ".join(kind) if isinstance(kind, list) else str(schema.get("format", kind))
