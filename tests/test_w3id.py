"""The redirect file for w3id.org sends each kind of IRI to a route that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clusterloom import namespaces as ns
from clusterloom.api.app import create_app
from clusterloom.settings import Settings

HTACCESS = Path(__file__).resolve().parent.parent / "deploy" / "w3id" / ".htaccess"
HOST = "https://clusterloom.example"
RULES = [
    (re.compile(pattern), target)
    for pattern, target in re.findall(
        r"^RewriteRule (\S+) (\S+) \[", HTACCESS.read_text("utf-8"), re.MULTILINE
    )
]


def redirect(iri: str) -> str | None:
    """Where the rules send an IRI of ours, as Apache would apply them: the first that fits."""
    path = iri.removeprefix(ns.BASE).partition("#")[0]
    for pattern, target in RULES:
        if found := pattern.search(path):
            return str(target.replace("$1", found[1] if found.groups() else ""))
    return None


@pytest.mark.parametrize(
    ("iri", "path"),
    [
        (ns.term("SME"), "/ontology"),
        (ns.ONTOLOGY + "/0.1.0", "/ontology/0.1.0"),
        (ns.ONTOLOGY + "/actors", "/ontology/actors"),
        (ns.BASE + "catalog", "/catalog"),
        (ns.BASE + "dumps/0123456789abcdef/dump.nq.zst", "/dumps/0123456789abcdef/dump.nq.zst"),
        (ns.BASE + "shapes", "/shapes"),
        (ns.BASE + "context.jsonld", "/context.jsonld"),
        (ns.thing("area", "photonics"), "/id/area/photonics"),
        (ns.thing("nace2", "26.1"), "/id/nace2/26.1"),
        (ns.BASE, "/"),
        (ns.BASE + "shapes#ActorsDates-since", "/shapes"),
        (ns.BASE + "shapes/actors", "/shapes/actors"),
        (ns.BASE + "context/0.1.0.jsonld", "/context/0.1.0.jsonld"),
        (ns.graph("clusters", "asserted"), "/graph/clusters/asserted"),
        (ns.META_GRAPH, "/graph/meta"),
        (ns.BASE + "release/0123456789abcdef", "/release/0123456789abcdef"),
        (ns.BASE + "dumps/0123456789abcdef/", "/dumps/0123456789abcdef/"),
        (ns.BASE + "problems/not-found", "/problems/not-found"),
        (ns.BASE + "catalog#dataset", "/catalog"),
        (ns.BASE + ".well-known/void#class-1", "/.well-known/void"),
        (ns.BASE + "sparql", "/sparql"),
        (ns.BASE + "openapi.json", "/openapi.json"),
        (ns.BASE + "api/v1", "/api/v1"),
        (ns.BASE + "api/v1/areas", "/api/v1/areas"),
    ],
)
def test_iris_reach_their_route(iri: str, path: str, tmp_path: Path) -> None:
    assert redirect(iri) == HOST + path
    app = create_app(Settings(data_dir=tmp_path))
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    assert any(route.matches(scope)[0].value == 2 for route in app.routes)


@pytest.mark.parametrize(
    "iri", [ns.BASE + "admin", ns.BASE + "metrics", ns.BASE + "idx/a", ns.BASE + "catalogue"]
)
def test_nothing_else_is_redirected(iri: str) -> None:
    assert redirect(iri) is None
