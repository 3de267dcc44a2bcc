"""`/sparql?explain=1`: warnings before a query is run, and what each of its patterns matches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request

import fixtures_api as small
from analyst import Analyst
from clusterloom.api.explain import explainer
from clusterloom.api.request import Asked
from clusterloom.api.serving import NotReady
from clusterloom.api.why import OneAtATime, Turns
from clusterloom.queries.library import library
from clusterloom.store.release import Release
from test_why import PREFIXES

JUSTIFIED: dict[str, set[str]] = {
    "cluster-directory": {"exists-per-row"},  # its filters are optional and its clusters few
    # the whole of a formula is more than is looked at
    "discovery-complementarity": {"not-analysed"},
    "discovery-regions": {"not-analysed"},
    "escp4i-by-target-country": {"filter-join"},  # labels are compared: 8 indicators, 30 countries
    "expert-group": {"unused-term"},  # no working group of an expert group is known yet
}
"""Warnings that queries of the library get, with the reason why they may."""


@pytest.fixture(scope="module")
def default(default_release: Release) -> Iterator[Analyst]:
    analyst = Analyst(default_release)
    yield analyst
    analyst.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        small.small_settings(tmp_path_factory.mktemp("explain")) as settings,
        small.serving(settings) as opened,
    ):
        yield opened


@pytest.mark.parametrize("name", sorted(library()))
def test_no_false_alarm_over_the_library(default: Analyst, name: str) -> None:
    query = library()[name]
    body = default.explain(query.sparql)
    assert {warning["kind"] for warning in body["warnings"]} == JUSTIFIED.get(name, set())
    if "not-analysed" in JUSTIFIED.get(name, ()):
        assert not body["complete"]
        return
    assert body["complete"]
    assert body["form"] == "select"
    assert body["variables"] == list(query.columns)
    assert body["patterns"]
    for pattern in body["patterns"]:
        assert pattern["matches"] is None or pattern["matches"] == pattern["at_least"]
        assert pattern["matches"] is not None or pattern["at_least"] == 100_001


# what a query does, the kind of its warning, the place and (part of) the first suggestion
WARNED = [
    ("SELECT * { ?a a cloom:SME . ?b a cloom:Region }", "cross-product", 29, ""),
    ("SELECT * { ?a a cloom:SME OPTIONAL { ?z a cloom:Region } }", "cross-product", 27, ""),
    ("SELECT * { ?a a cloom:SME . { SELECT ?b { ?b a cloom:Region } } }", "cross-product", 31, ""),
    ("SELECT * { VALUES ?a { 1 2 } VALUES ?b { 1 2 } }", "cross-product", 30, ""),
    ("SELECT * { ?a cloom:city ?c . ?b rdfs:label ?d FILTER (?c = ?d) }", "filter-join", 31,
     "write ?c for ?d"),
    ("SELECT * { ?a a cloom:SMEs }", "unknown-term", 17, "cloom:SME"),
    ("SELECT * { ?a <https://schema.org/name> 1 }", "unknown-term", 15, ""),
    ("SELECT * { GRAPH <http://no/g> { ?a a cloom:SME } }", "unknown-graph", 12, ""),
    ("SELECT * { ?s ?p ?o }", "whole-graph", 12, "add LIMIT 100"),
    ("SELECT * { ?a a cloom:SME ; cloom:inCountry ?c FILTER NOT EXISTS { ?a cloom:city ?x } }",
     "exists-per-row", 55, "MINUS { SELECT DISTINCT"),
    ("SELECT * { ?a cloom:partOf+ ?b }", "open-path", 12, "give one end by VALUES"),
    ("SELECT ?x { ?a a cloom:SME }", "projected-unbound", 8, ""),
    ("SELECT ?cuontry { ?country a cloom:Country }", "projected-unbound", 8, "?country"),
    ("SELECT * { ?country rdfs:label ?a ; a cloom:Country . ?cuontry cloom:isoCode ?a }",
     "used-once", 55, "?country"),
    ("SELECT * { ?a rdfs:label ?l FILTER CONTAINS(?l, 'x') }", "all-labels", 36, "?a a cloom:"),
    ("SELECT * { ?g cloom:kind ?k }", "no-graph", 12, "GRAPH ?g"),
    ("SELECT * { ?a a cloom:SME FILTER (?b > 3) }", "unbound-variable", 35, ""),
    ("SELECT * { ?a a cloom:SME MINUS { ?z a cloom:SME } }", "minus-unrelated", 27, ""),
    ("SELECT * { ?a a cloom:SME } LIMIT 0", "limit", 29, ""),
    ("SELECT * { ?s ?p ?o } ORDER BY ?o", "order-without-limit", 23, "add LIMIT"),
    ("SELECT * FROM cloom:a FROM cloom:b { ?a a cloom:SME }", "several-from", 15, "leave FROM"),
    ("SELECT * { << ?s ?p ?o >> ?q ?r }", "not-analysed", 12, ""),
]  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "column", "suggestion"), WARNED)
def test_warnings(default: Analyst, query: str, kind: str, column: int, suggestion: str) -> None:
    body = default.explain(PREFIXES + query)
    found = [warning for warning in body["warnings"] if warning["kind"] == kind]
    assert len(found) == 1, body["warnings"]
    assert (found[0]["line"], found[0]["column"]) == (6, column)
    assert suggestion in (found[0].get("suggestion") or [""])[0]
    assert found[0]["message"].endswith((".", "?"))


# the same shapes, where they are right
QUIET = [
    "SELECT * { ?a a cloom:SME ; cloom:inCountry ?c . ?c a cloom:Country }",
    "SELECT * { ?a cloom:city ?c BIND (STR(?c) AS ?d) ?b cloom:acronym ?d }",
    "SELECT * { ?a a cloom:SME { SELECT (COUNT(*) AS ?n) { ?b a cloom:Region } } }",
    "SELECT * { VALUES ?x { 1 } ?a a cloom:SME }",
    "SELECT * { <https://w3id.org/clusterloom/id/country/FR> rdfs:label ?l . ?a a cloom:SME }",
    "SELECT * { ?s ?p ?o } LIMIT 10",
    "SELECT * { ?a a cloom:SME ; ?p ?o }",
    "SELECT * { VALUES ?b { <https://w3id.org/clusterloom/id/country/FR> } ?a cloom:partOf+ ?b }",
    "SELECT * { ?a a cloom:SME FILTER NOT EXISTS { ?a cloom:city ?x } }",
    "SELECT * { ?a a cloom:SME OPTIONAL { ?a cloom:city ?c FILTER (STR(?a) > ?c) } }",
    "SELECT * { ?a a cloom:SME OPTIONAL { ?a cloom:city ?c } FILTER (!BOUND(?c)) }",
    "SELECT ?c (COUNT(*) AS ?n) (?n * 2 AS ?m) { ?a a cloom:SME ; cloom:inCountry ?c } GROUP BY ?c",
    "SELECT * { ?a a cloom:SME ; rdfs:label ?l FILTER CONTAINS(?l, 'x') }",
    "SELECT ?kind { GRAPH ?g { ?a a cloom:SME } ?g cloom:kind ?kind }",
    "SELECT * { ?a a cloom:SME ; cloom:inCountry ?c MINUS { ?a cloom:city ?x } } ORDER BY ?a",
]


@pytest.mark.parametrize("query", QUIET)
def test_no_false_alarms(default: Analyst, query: str) -> None:
    assert default.explain(PREFIXES + query)["warnings"] == []


def test_patterns_are_counted_in_join_order(default: Analyst) -> None:
    query = PREFIXES + (
        "SELECT * { ?s rdfs:label ?l . ?s a cloom:ThematicArea OPTIONAL { ?s cloom:nothing ?x } }"
    )
    patterns = default.explain(query)["patterns"]
    assert [(p["text"], p["matches"], p["at_least"]) for p in patterns] == [
        ("?s a cloom:ThematicArea", 21, 21),
        ("?s rdfs:label ?l", None, 100_001),
        ("?s cloom:nothing ?x", 0, 0),
    ]
    assert [(p["line"], p["column"]) for p in patterns] == [(6, 31), (6, 12), (6, 66)]


def test_counts_are_of_the_dataset(default: Analyst) -> None:
    graph = "https://w3id.org/clusterloom/graph/s3-areas/asserted"
    query = "SELECT * { ?s a ?c }"
    whole = default.explain(PREFIXES + query)["patterns"][0]["at_least"]
    part = default.explain(PREFIXES + query, default_graphs=(graph,))["patterns"][0]["matches"]
    text = PREFIXES + query.replace("{", f"FROM <{graph}> {{", 1)
    assert part is not None
    assert 0 < part < whole
    assert default.explain(text)["patterns"][0]["matches"] == part
    inside = PREFIXES + f"SELECT * {{ GRAPH <{graph}> {{ ?s a ?c }} }}"
    assert default.explain(inside)["patterns"][0]["matches"] == part


def test_over_http(client: httpx.Client) -> None:
    query = PREFIXES + "SELECT ?n ?x { ?x a cloom:SMEs BIND (NOW() AS ?n) }"
    answer = client.get("/sparql", params={"query": query, "explain": "1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    documented = client.get("/openapi.json").json()["paths"]["/sparql"]["get"]["parameters"]
    told = next(p["description"] for p in documented if p["name"] == "explain")
    assert all(member in told for member in (*body, *body["warnings"][0], *body["patterns"][0]))
    assert set(body) == {
        "form", "variables", "volatile", "warnings", "patterns", "complete", "release",
    }  # fmt: skip
    assert (body["form"], body["variables"], body["volatile"]) == ("select", ["n", "x"], True)
    assert body["release"] == small.RELEASE == answer.headers["x-clusterloom-release"]
    assert body["warnings"][0]["suggestion"] == ["cloom:SME"]


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("SELECT * { ?x a cloom:SME }", "sparql-syntax"),
        ("SELECT * {", "sparql-syntax"),
        ("SELECT ?x { ?x a ?y } GROUP BY ?y", "sparql-syntax"),
        ("SELECT * { SERVICE <http://e/> {} }", "query-refused"),
    ],
)
def test_what_cannot_be_run_is_not_explained(client: httpx.Client, query: str, slug: str) -> None:
    answer = client.get("/sparql", params={"query": query, "explain": "1"})
    small.is_problem(answer, 400)
    assert answer.json()["type"].endswith(slug)


def test_one_at_a_time_for_each_client() -> None:
    asyncio.run(_one_at_a_time())


async def _one_at_a_time() -> None:
    turns = Turns()
    explain = explainer(turns)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/sparql",
        "query_string": b"",
        "headers": [],
        "client": ("10.0.0.1", 1),
        "server": ("test", 80),
    }
    request = Request(scope)
    asked = Asked("ASK {}", (), (), None, None, explain=True)
    key = turns.take("10.0.0.1")
    with pytest.raises(OneAtATime):
        await explain(request, asked)
    turns.give_back(key)
    with pytest.raises(NotReady):
        await explain(request, asked)
    turns.take("10.0.0.1")  # it was given back, though it failed


LARGE = [
    "SELECT * { " + "{} UNION " * 1500 + "{} }",
    "SELECT " + " ".join(f"?c{n}" for n in range(5000)) + "{ ?a ?b ?d }",
    "SELECT * { ?a ?b ?c FILTER(" + " + ".join(f"?v{n}" for n in range(3000)) + ") }",
    "SELECT * { " + " ".join(f"?a{n} ?b{n} ?c{n} ." for n in range(900)) + " }",
    "PREFIX e: <http://e/> ASK { FILTER(e:f('" + "prefix" * 7000 + "')) }",
]


@pytest.mark.parametrize("query", LARGE)
@pytest.mark.parametrize("path", ["/sparql?explain=1", "/sparql/why"])
def test_a_query_too_large_to_be_looked_at_is_soon_told_so(
    client: httpx.Client, query: str, path: str
) -> None:
    began = time.perf_counter()
    answer = client.post(path, data={"query": query})
    assert time.perf_counter() - began < 4
    if "prefix" in query:  # short, if not for its one string: the engine lacks the function
        assert answer.status_code in {200, 400}
        return
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert not body["complete"]
    assert "more than 300" in answer.text
