"""What a closed source says is nowhere but in SPARQL: not in pages, lists, data, dumps."""

from __future__ import annotations

import asyncio
import gzip
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest
import zstandard

import fixtures_api as small
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.gate import closed_graphs
from clusterloom.api.guarded import guarded
from clusterloom.api.rows import XSD, Cell, Row
from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan, build
from clusterloom.namespaces import CLOOM, ID, PREFIXES
from clusterloom.progress import Progress
from clusterloom.settings import Settings

SECRET = """
    <area/photonics> cloom:note "Geheimnis" .
    <org/hidden> a cloom:ClusterOrganisation ; rdfs:label "Geheimnis" ;
      cloom:inCountry <country/FR> ; cloom:hasCapability <nace2/26.7> .
    <org/pic-2> cloom:hasCapability <nace2/26.7> ; cloom:website <https://geheimnis.example/> .
    <region/FR9> a cloom:Region ; rdfs:label "Geheimnis" ; cloom:level 4 ; cloom:nutsCode "FR9" ;
      cloom:latitude 1.0 ; cloom:longitude 1.0 ; cloom:inCountry <country/FR> .
    <area/geheimnis> a cloom:ThematicArea ; rdfs:label "Geheimnis"@en ; skos:notation "99" .
    <partnership/glow> cloom:participant <org/hidden> ; rdfs:label "Geheimnis" .
    <source/5555555555> a cloom:Source ; rdfs:label "Geheimnis" .
    <event/geheimnis> a cloom:MatchmakingEvent ; rdfs:label "Geheimnis" ; cloom:startYear 2020 .
"""
CLOSED_THINGS = ("org/hidden", "area/geheimnis", "region/FR9", "source/5555555555")
JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release with a closed source that says much."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("gate"), workers=4, public_url="http://test"
    )
    graphs = small.GRAPHS | {("secret", "asserted"): SECRET}
    small.make_release(settings.releases, graphs)
    with small.serving(settings) as client:
        yield client


def tells(answer: httpx.Response) -> bool:
    """Whether an answer says anything of the closed source, in body or headers."""
    text = (answer.text + str(answer.headers)).lower()
    return "geheimnis" in text or "org/hidden" in text or "fr9" in text


def test_sparql_knows_it(client: httpx.Client) -> None:
    query = f"SELECT ?l WHERE {{ <{ID}org/hidden> ?p ?l }}"
    assert "Geheimnis" in client.get("/sparql", params={"query": query}, headers=JSON).text


@pytest.mark.parametrize("name", CLOSED_THINGS)
def test_a_thing_that_only_it_knows_is_not_there(client: httpx.Client, name: str) -> None:
    for path in (f"/id/{name}", f"/page/{name}", f"/data/{name}", f"/data/{name}.ttl",
                 f"/data/{name}.jsonld", f"/data/{name}.json", f"/data/{name}.rdf"):  # fmt: skip
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("form", ["", "?format=csv", "?limit=1000", "?format=xlsx"])
def test_lists_leave_it_out(client: httpx.Client, name: str, form: str) -> None:
    answer = client.get(f"/api/v1/{name}{form}")
    assert answer.status_code == 200, answer.text
    assert not tells(answer)
    page = client.get(f"/{name}", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert not tells(page)


def test_totals_count_what_is_listed(client: httpx.Client) -> None:
    for name in RESOURCES:
        body = client.get(f"/api/v1/{name}?limit=1000").json()
        assert body["total"] == len(body["items"]), name


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("clusters?capability=26.7", ["pic-1"]),
        ("clusters?country=FR", ["pic-3", "pic-1"]),
        ("clusters?q=geheimnis", []),
        ("partnerships?participant=pic-1", ["glow"]),
        ("clusters?level=gold", ["pic-1"]),
    ],
)
def test_filters_look_at_open_statements_only(
    client: httpx.Client, path: str, ids: list[str]
) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    assert sorted(item["id"] for item in answer.json()["items"]) == sorted(ids)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/areas?country=geheimni", "/id/area/geheimni", "/api/v1/regions?level=9",
     "/api/v1/clusters/hiddn", "/api/v1/areas/geheimni", "/api/v1/regions?part_of=FR99"],
)  # fmt: skip
def test_hints_do_not_tell(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {400, 404}
    said = answer.text.replace(path.rpartition("/")[2], "").replace("geheimni", "")
    assert "Geheimnis" not in said
    assert "(Geheimnis" not in answer.text


def test_columns_of_an_open_thing_hold_open_statements(client: httpx.Client) -> None:
    item = client.get("/api/v1/clusters/pic-2").json()
    assert item["website"] in (None, [])
    assert item["capabilities"] == []
    glow = client.get("/api/v1/partnerships/glow").json()
    assert glow["label"] == "GLOW"
    assert {p["id"] for p in glow["participants"]} == {"pic-1", "pic-2"}


@pytest.mark.parametrize("path", ["/", "/sources", "/.well-known/void", "/page/area/photonics",
                                  "/page/partnership/glow", "/data/partnership/glow.ttl",
                                  "/data/org/pic-2.jsonld", "/data/nace2/26.7.json",
                                  "/data/country/FR.nt"])  # fmt: skip
def test_pages_and_data_leave_it_out(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html, */*;q=0.5"})
    assert answer.status_code == 200
    assert not tells(answer)


def test_its_graph_is_named_and_its_triples_are_not_offered(client: httpx.Client) -> None:
    answer = client.get("/graph/secret/asserted")
    assert answer.status_code == 303
    assert "enclosure" not in answer.links
    data = client.get("/data/graph/secret/asserted.ttl")
    assert data.status_code == 200
    assert "enclosure" not in data.links
    assert not tells(data)
    assert "enclosure" in client.get("/graph/clusters/asserted").links


def test_a_built_release_keeps_it_out_of_every_dump(tmp_path: Path) -> None:
    extra = tmp_path / "extra.ttl"
    extra.write_text(
        f"""@prefix cloom: <{CLOOM}> . @prefix rdfs: <{PREFIXES["rdfs"]}> . @base <{ID}> .
        <org/geheimnis> a cloom:ClusterOrganisation, cloom:Organisation ; rdfs:label "Geheimnis" .
        <org/geheimnis-2> a cloom:ClusterOrganisation, cloom:Organisation ; rdfs:label "Other" .
        <partnership/geheimnis> a cloom:Partnership ; rdfs:label "Geheimnis" ;
          cloom:participant <org/geheimnis>, <org/geheimnis-2> .""",
        "utf-8",
    )
    only = ("guides", "countries", "nuts")
    settings = Settings(data_dir=tmp_path, workers=3)
    before = build(settings.releases, Plan(registry.data_folder(), only), 5, Progress(quiet=True))
    plan = Plan(registry.data_folder(), only=only, add=(("rdf", extra),))
    release = build(settings.releases, plan, 5, Progress(quiet=True))
    report = release.report()
    assert "rdf" in report["sources"]
    closure, without = (r.report()["rules"]["part-of-closure"] for r in (release, before))
    assert closure["statements"] == without["statements"] > 1000
    assert "closed" not in closure
    assert report["rules"]["co-participation"]["closed"] == 2
    store = ox.Store.read_only(str(release.store_path))
    link = f"<{ID}org/geheimnis> <{CLOOM}coParticipantWith> <{ID}org/geheimnis-2>"
    assert bool(store.query(f"ASK {{ {link} }}")), "a rule derives from what is closed"
    del store
    with small.serving(settings) as client:
        index = client.get(f"/dumps/{release.id}/").json()
        names = {file["name"] for file in index["files"]}
        assert not [name for name in names if name.partition("/")[2].startswith("rdf.")]
        for name in names:
            data = client.get(f"/dumps/{release.id}/{name}").content
            assert b"eheimnis" not in _unpacked(data, name), name
        for family in ("families/rdf.nq.gz", "turtle/rdf.ttl.gz"):
            small.is_problem(client.get(f"/dumps/{release.id}/{family}"), 404)
        catalogue = client.get("/catalog").text
        assert "rdf.nq.gz" not in catalogue
        assert "NON_PUBLIC" in catalogue
        described = client.get("/.well-known/void").text
        assert "graph/rdf/" not in described
        assert client.get("/id/org/geheimnis-2").status_code == 404
        for accept, side in (("application/json", ""), ("application/n-quads", "?side=added")):
            path = f"/api/v1/releases/{before.id}..{release.id}{side}"
            changes = client.get(path, headers={"accept": accept})
            assert changes.status_code == 200, changes.text
            assert "eheimnis" not in changes.text, accept
        assert "eheimnis" not in described + catalogue
        assert client.get("/id/org/geheimnis").status_code == 404


def _unpacked(data: bytes, name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ASK { ?s a ?c ; ?p 'x' }".replace("'", '"'),
         'ASK { GRAPH ?gate1 { ?s a ?c } F1 GRAPH ?gate2 { ?s ?p "x" } F2 }'),
        ("SELECT ?x WHERE { ?x ^a:p/b:q ?y }",
         "SELECT ?x WHERE { GRAPH ?gate1 { ?x ^a:p ?step1 } F1 "
         "GRAPH ?gate2 { ?step1 b:q ?y } F2 }"),
        ("SELECT ?x WHERE { VALUES ?y { <i> } OPTIONAL { ?x a:p|b:q ?y } FILTER (?y > 1) }",
         "SELECT ?x WHERE { VALUES ?y { <i> } OPTIONAL { GRAPH ?gate1 { ?x a:p|b:q ?y } F1 } "
         "FILTER (?y > 1) }"),
        ("ASK { FILTER NOT EXISTS { ?s a ?c } BIND (STR(?s) AS ?t) }",
         "ASK { FILTER NOT EXISTS { GRAPH ?gate1 { ?s a ?c } F1 } BIND (STR(?s) AS ?t) }"),
        ("SELECT ?i { { SELECT ?i (MIN(?k) AS ?m) WHERE { ?i a ?k } GROUP BY ?i } } LIMIT 1",
         "SELECT ?i { { SELECT ?i (MIN(?k) AS ?m) WHERE { GRAPH ?gate1 { ?i a ?k } F1 } "
         "GROUP BY ?i } } LIMIT 1"),
    ],
)  # fmt: skip
def test_each_pattern_gets_a_gate_of_its_own(query: str, expected: str) -> None:
    for number in range(1, 4):
        expected = expected.replace(f"F{number}", f"FILTER (?gate{number} NOT IN (<http://g/>))")
    assert guarded(query, ["http://g/"]) == expected


def test_one_closed_dataset_closes_a_graph_of_several() -> None:
    def rows(*values: str) -> list[Row]:
        uri = Cell("uri", "http://example.org/g")
        return [
            {
                "g": uri,
                "kind": Cell("literal", "asserted"),
                "d": Cell("uri", f"http://example.org/{number}"),
                "open": Cell("literal", value, XSD + "boolean"),
            }
            for number, value in enumerate(values)
        ]

    for values in (("true", "false"), ("false", "true")):
        assert asyncio.run(closed_graphs(_Told(rows(*values)))) == {"http://example.org/g"}  # type: ignore[arg-type]
    assert asyncio.run(closed_graphs(_Told(rows("true", "true")))) == frozenset()  # type: ignore[arg-type]


class _Told:
    """A release that answers every question with the same rows."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    async def select(self, _: str) -> list[Row]:
        return self._rows

    async def once(self, _: object, make: Callable[[Any], Awaitable[Any]]) -> Any:
        return await make(self)
