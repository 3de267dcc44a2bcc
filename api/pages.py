"""The pages of things, lists, sources and the ontology, rendered on the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from clusterloom import terms
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.catalogue_common import COVERAGE
from clusterloom.api.filters import choices, domain
from clusterloom.api.gate import open_select
from clusterloom.api.items import read_nested
from clusterloom.api.listing import DEFAULT_LIMIT, read_list, read_page
from clusterloom.api.render import page
from clusterloom.api.resources import Filter, Resource
from clusterloom.api.schema_org import embedded, of_dataset, of_list, of_thing
from clusterloom.api.serving import Served, served_now
from clusterloom.api.signposting import address, home_header, link_header, list_header
from clusterloom.api.thing_page import shown
from clusterloom.api.things import description_of, new_address
from clusterloom.namespaces import CLOOM, term
from clusterloom.ontology import vocabulary
from clusterloom.ontology.reference import reference
from clusterloom.queries.library import library
from clusterloom.settings import Settings

_CHOICES_LIMIT = 300
"""Values of a filter that a list page offers in a menu; beyond it the reader types."""


FEATURED = ("partners-for-a-cluster", "missing-stages-and-who-has-them", "cluster-directory")
"""The questions that the home page shows."""


def pages_router(settings: Settings) -> APIRouter:
    """The pages. They are no part of the OpenAPI document, which is about data."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home(request: Request) -> Response:
        served = served_now()
        values = {
            "release": served.release.id,
            "triples": served.report.get("triples"),
            "counts": await served.once("class counts", _class_counts),
            "examples": [library()[name] for name in FEATURED if name in library()],
            "sources": len(served.report.get("sources", {})),
            "public_url": settings.public_url,
            "schema": embedded(of_dataset(served.report, served.release.id, settings.public_url)),
        }
        headers = {"Link": home_header(settings.public_url, served.release.id)}
        return page(request, "home.html", values, headers=headers)

    @router.get("/page/{kind}/{key:path}")
    async def thing_page(request: Request, kind: str, key: str) -> Response:
        if moved := new_address(kind, key):
            return RedirectResponse(f"/page/{address(*moved)}", status_code=301)
        served = served_now()
        description = await description_of(served, kind, key)
        iri = description.iri
        name = address(kind, key)
        values = {
            "thing": shown(description),
            "coverage": (await read_nested(served, [iri], COVERAGE)).get(iri, []),
            "name": name,
            "schema": embedded(of_thing(description, f"{settings.public_url}/page/{name}")),
            "public_url": settings.public_url,
            "release": served.release.id,
            "formats": ("ttl", "jsonld", "nt", "rdf", "json"),
        }
        links = link_header(settings.public_url, kind, key, description=description)
        return page(request, "thing.html", values, headers={"Link": links})

    @router.get("/sources")
    async def sources(request: Request) -> Response:
        served = served_now()
        resource = RESOURCES["sources"]
        found = await read_list(served, resource, await read_page(served, resource, [], 1000))
        report = served.report.get("sources", {})
        values = {"items": found.items, "report": report, "release": served.release.id}
        return page(request, "sources.html", values)

    for resource in RESOURCES.values():
        if resource.name != "sources":
            router.add_api_route(
                f"/{resource.name}", _list_page(resource, settings), methods=["GET"]
            )
    return router


def _list_page(resource: Resource, settings: Settings) -> Any:
    async def list_page(request: Request) -> Response:
        served = served_now()
        given = request.query_params.multi_items()
        asked = await read_page(served, resource, given, DEFAULT_LIMIT)
        found = await read_list(served, resource, asked)
        limit = [("limit", str(asked.limit))] if asked.limit != DEFAULT_LIMIT else []
        pairs = [*asked.given, *limit]
        values: dict[str, Any] = {
            "resource": resource,
            "columns": [c for c in (*resource.columns, *resource.computed) if c.shown],
            "items": found.items,
            "total": found.total,
            "fields": [
                await _field(served, resource, f, dict(asked.given)) for f in resource.filters
            ],
            "filtered": bool(asked.given),
            "first": f"/{resource.name}?{urlencode(pairs)}" if asked.after else "",
            "next": f"/{resource.name}?{urlencode([*pairs, ('cursor', found.cursor)])}"
            if found.cursor
            else "",
            "query": urlencode(asked.given),
            "release": served.release.id,
        }
        at = f"{settings.public_url}/{resource.name}"
        values["schema"] = embedded(of_list(resource.title, at, found.items))
        listed = [item["iri"] for item in found.items]
        links = list_header(settings.public_url, resource.name, listed, values["next"])
        return page(request, "list.html", values, headers={"Link": links})

    return list_page


async def _field(
    served: Served, resource: Resource, wanted: Filter, given: dict[str, str]
) -> dict[str, Any]:
    """One field of the filter form: a menu where the values are few, else a text field."""
    offers: dict[str, str] = {}
    if wanted.type == "choice":
        offers = {value: value for value in sorted(await choices(served, resource, wanted))}
    elif wanted.type == "boolean":
        offers = {"true": "yes", "false": "no"}
    elif wanted.type == "class":
        below = {n for n in vocabulary.classes() if wanted.of_class in vocabulary.superclasses(n)}
        offers = {n: vocabulary.label(n) for n in below}
    elif wanted.type == "thing" and wanted.of_class:
        offers = await domain(served, wanted)
    value = given.get(wanted.name, "")
    if value and value not in offers:
        offers = {}
    menu = sorted(offers.items(), key=lambda pair: pair[1].lower())
    return {
        "name": wanted.name,
        "hint": wanted.description,
        "example": wanted.example,
        "value": value,
        "offers": menu if len(menu) <= _CHOICES_LIMIT else [],
    }


async def _class_counts(served: Served) -> list[dict[str, Any]]:
    """Things per class that has any, with the list page where there is one."""
    rows = await open_select(
        served,
        "SELECT ?class (COUNT(DISTINCT ?thing) AS ?n) WHERE { ?thing a ?class . "
        f"FILTER (STRSTARTS(STR(?class), {terms.text(CLOOM)})) }} GROUP BY ?class",
    )
    pages = {term(r.of_class): f"/{r.name}" for r in RESOURCES.values()}
    counts = [
        {
            "class": row["class"].value,
            "count": int(row["n"].value),
            "page": pages.get(row["class"].value, ""),
        }
        for row in rows
    ]
    return sorted(counts, key=lambda c: (not c["page"], -c["count"], c["class"]))


def ontology_page(request: Request) -> Response:
    """Every class and property by module, with what is declared of it."""
    modules = reference()
    used_by: dict[str, list[str]] = defaultdict(list)
    for entries in modules.values():
        for entry in entries:
            for name in entry.domains:
                used_by[name].append(entry.name)
    context = {"modules": modules, "used_by": used_by, "namespace": CLOOM}
    return page(request, "ontology.html", context)


def problem_page(
    request: Request, status: int, problem: dict[str, Any], headers: Mapping[str, str]
) -> Response:
    """An error for people."""
    return page(request, "problem.html", {"status": status, "problem": problem}, status, headers)
