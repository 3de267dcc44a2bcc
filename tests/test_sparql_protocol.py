"""`/sparql` over a real server: methods, formats, negotiation, datasets, caching."""

from __future__ import annotations

import asyncio
import csv
import io
import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import rdflib
from fastapi import FastAPI
from starlette.types import Message

from clusterloom.api.sparql import SparqlEndpoint, sparql_router
from clusterloom.settings import Settings
from engine_help import EX, ROWS, Served, make_release, served, workers_of_this_process
from sparql_help import DIRECT, SEVEN, get, problem, sparql_server

TEXT = 'tab\t quote" line\n é'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with sparql_server(tmp_path_factory) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


def test_every_way_to_send_a_query(client: httpx.Client) -> None:
    form = {"query": SEVEN}
    answers = [
        client.get("/sparql", params=form),
        client.post("/sparql", data=form),
        client.post("/sparql", content=SEVEN.encode(), headers=DIRECT),
        client.request("QUERY", "/sparql", content=SEVEN.encode(), headers=DIRECT),
        client.post(
            "/sparql",
            content=SEVEN.encode(),
            headers={"Content-Type": "application/sparql-query; charset=UTF-8"},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/sparql-results+json"
        assert answer.headers["x-clusterloom-release"] == "00000000000000ee"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
        assert answer.json()["results"]["bindings"][0]["n"]["value"] == "7"


def test_head_says_what_get_would(client: httpx.Client) -> None:
    got = client.get("/sparql", params={"query": SEVEN})
    head = client.head("/sparql", params={"query": SEVEN})
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "vary", "x-clusterloom-release"):
        assert head.headers[name] == got.headers[name]


def test_options_and_other_methods(client: httpx.Client) -> None:
    answer = client.options("/sparql")
    assert answer.status_code == 204
    assert "QUERY" in answer.headers["allow"]
    assert answer.headers["access-control-allow-methods"] == answer.headers["allow"]
    for method in ("PUT", "PATCH", "DELETE"):
        refused = client.request(method, "/sparql", params={"query": "ASK {}"})
        problem(refused, 405, "method-not-allowed")
        assert "GET" in refused.headers["allow"]


def test_table_formats_parse(client: httpx.Client) -> None:
    query = f"SELECT ?s ?name {{ ?s <{EX}name> ?name }}"
    answer = get(client, query, "application/sparql-results+json")
    assert answer.json()["results"]["bindings"][0]["name"] == {
        "type": "literal",
        "value": TEXT,
        "xml:lang": "en",
    }
    answer = get(client, query, "application/sparql-results+xml")
    space = "{http://www.w3.org/2005/sparql-results#}"
    assert ET.fromstring(answer.content).findtext(f".//{space}literal") == TEXT
    answer = get(client, query, "text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows == [["s", "name"], [f"{EX}odd", TEXT]]
    answer = get(client, query, "text/tab-separated-values")
    assert answer.text == f'?s\t?name\n<{EX}odd>\t"tab\\t quote\\" line\\n é"@en\n'
    for accept in ("application/sparql-results+json", "application/sparql-results+xml"):
        parsed = rdflib.query.Result.parse(io.BytesIO(get(client, query, accept).content), accept)
        assert [str(row["name"]) for row in parsed] == [TEXT]  # type: ignore[index, call-overload]
    assert get(client, "ASK { ?s ?p 7 }").json()["boolean"] is True


@pytest.mark.parametrize(
    ("accept", "parser"),
    [
        ("text/turtle", "turtle"),
        ("application/n-triples", "nt"),
        ("application/rdf+xml", "xml"),
        ("application/ld+json", "json-ld"),
        ("application/trig", "trig"),
        ("application/n-quads", "nquads"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # rdflib uses its own old names
def test_graph_formats_parse(client: httpx.Client, accept: str, parser: str) -> None:
    query = "CONSTRUCT WHERE { ?s ?p ?o }"
    answer = get(client, query, accept)
    assert answer.headers["content-type"].partition(";")[0] == accept
    dataset = rdflib.Dataset()
    dataset.parse(data=answer.content, format=parser)
    triples = {quad[:3] for quad in dataset.quads()}
    assert len(triples) == ROWS + 1
    assert (rdflib.URIRef(EX + "odd"), rdflib.URIRef(EX + "name"), rdflib.Literal(TEXT, "en")) in (
        triples
    )


def test_negotiation(client: httpx.Client) -> None:
    for accept, query, expected in [
        ("*/*", "ASK {}", "application/sparql-results+json"),
        ("", "ASK {}", "application/sparql-results+json"),
        ("*/*", "DESCRIBE <http://e/>", "text/turtle; charset=utf-8"),
        (
            "text/csv;q=0.5, application/sparql-results+xml",
            "ASK {}",
            "application/sparql-results+xml",
        ),
        ("application/json", "ASK {}", "application/json"),
        ("text/html;q=0.4, text/csv;q=0.5", "ASK {}", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "ASK {}", "text/html; charset=utf-8"),
    ]:
        answer = get(client, query, accept)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == expected
    body = problem(get(client, "ASK {}", "image/png"), 406, "not-acceptable")
    assert "text/csv" in str(body["available"])
    problem(get(client, "ASK {}", "text/turtle"), 406, "not-acceptable")
    problem(get(client, "DESCRIBE <http://e/>", "text/csv"), 406, "not-acceptable")
    answer = get(client, "ASK {}", "image/png", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    problem(get(client, "ASK {}", format="ttl"), 406, "not-acceptable")
    problem(get(client, "ASK {}", format="docx"), 400, "bad-request")


def test_the_page_gets_the_query(client: httpx.Client) -> None:
    assert get(client, "SELECT * { broken", "text/html").text == "<pre>SELECT * { broken</pre>"
    answer = client.get("/sparql", headers={"Accept": "text/html"})
    assert answer.text == "<pre></pre>"


@pytest.mark.parametrize(
    ("accept", "parser"), [("text/turtle", "turtle"), ("application/rdf+xml", "xml"), ("*/*", "n3")]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # rdflib uses its own old names
def test_service_description(client: httpx.Client, accept: str, parser: str) -> None:
    for host in (None, "kg.example.org:8443"):
        headers = {"Accept": accept} | ({"Host": host} if host else {})
        answer = client.get("/sparql", headers=headers)
        assert answer.status_code == 200
        graph = rdflib.Graph().parse(data=answer.content, format=parser)
        sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
        (service,) = graph.subjects(rdflib.RDF.type, sd.Service)
        asked = f"http://{host}/sparql" if host else f"{client.base_url}/sparql"
        assert list(graph.objects(service, sd.endpoint)) == [rdflib.URIRef(asked)]
        assert (service, sd.supportedLanguage, sd.SPARQL11Query) in graph
    again = client.get("/sparql", headers={**headers, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_bad_requests(client: httpx.Client) -> None:
    csv_only = {"Accept": "text/csv"}
    problem(client.get("/sparql", headers=csv_only), 400, "bad-request")
    problem(client.post("/sparql", data={"x": "y"}), 400, "bad-request")
    problem(client.get("/sparql?query=ASK%20%7B%7D&query=ASK%20%7B%7D"), 400, "bad-request")
    problem(client.get("/sparql?query=%ff"), 400, "bad-request")
    problem(client.post("/sparql", content=b"ASK {} # \xff", headers=DIRECT), 400, "bad-request")
    for rows in (
        "0",
        "-1",
        "x",
        "1.5",
        "9" * 5000,
        "²",
        "0" * 9 + "1" + "9" * 20,
        "000000001" * 600,
    ):
        problem(get(client, "ASK {}", max_rows=rows), 400, "bad-request")
    for kind in ("", "text/plain", "multipart/form-data; boundary=x", "application/json"):
        answer = client.post("/sparql", content=b"ASK {}", headers={"Content-Type": kind})
        problem(answer, 415, "unsupported-media-type")
    for coding in ("gzip", "br"):
        packed = {**DIRECT, "Content-Encoding": coding}
        answer = client.post("/sparql", content=b"ASK {}", headers=packed)
        problem(answer, 415, "unsupported-media-type")
    plain = {**DIRECT, "Content-Encoding": "identity"}
    assert client.post("/sparql", content=b"ASK {}", headers=plain).status_code == 200
    utf16 = {"Content-Type": "application/sparql-query; charset=UTF-16"}
    answer = client.post("/sparql", content="ASK {}".encode("utf-16"), headers=utf16)
    problem(answer, 415, "unsupported-media-type")
    large = b"ASK {} #" + b"x" * 20_000
    problem(client.post("/sparql", content=large, headers=DIRECT), 413, "too-large")
    parts = iter([large[:9000], large[9000:]])  # no Content-Length
    problem(client.post("/sparql", content=parts, headers=DIRECT), 413, "too-large")


def test_refused(client: httpx.Client, server: Served) -> None:
    problem(client.post("/sparql", data={"update": "CLEAR ALL"}), 400, "query-refused")
    update = {"Content-Type": "application/sparql-update"}
    problem(client.post("/sparql", content=b"CLEAR ALL", headers=update), 400, "query-refused")
    problem(get(client, "CLEAR ALL"), 400, "query-refused")
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.1)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/"
        for query in (
            f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}",
            f"SELECT * {{ FILTER EXISTS {{ service silent <{address}> {{ ?s ?p ?o }} }} }}",
            f"PREFIX : <{address}> SELECT * {{ SERVICE:x {{ ?s ?p ?o }} }}",
        ):
            problem(get(client, query), 400, "query-refused")
        with pytest.raises(TimeoutError):
            trap.accept()
    before = set(workers_of_this_process())
    deep = "ASK " + "{" * 3000 + "}" * 3000
    problem(get(client, deep), 400, "query-refused")
    assert before <= set(workers_of_this_process())
    assert get(client, "ASK { FILTER('SERVICE <x> {}' != '') } # SERVICE").json()["boolean"] is True


def test_syntax_error(client: httpx.Client) -> None:
    body = problem(get(client, "SELECT * {\n ?x a cloom:SME }"), 400, "sparql-syntax")
    assert (body["line"], body["column"]) == (2, 7)
    assert body["caret"] == " ?x a cloom:SME }\n      ^"
    assert "PREFIX cloom:" in str(body["hint"])


def test_select_star_order_and_max_rows(client: httpx.Client) -> None:
    answer = get(client, "SELECT * { ?s ?p ?n } ORDER BY ?n", "text/csv", max_rows="2")
    assert answer.headers["x-clusterloom-truncated"] == "2"
    assert answer.text.splitlines()[0] == "s,p,n"
    assert len(answer.text.splitlines()) == 3
    answer = get(client, SEVEN, max_rows="1")
    assert "x-clusterloom-truncated" not in answer.headers
    answer = get(client, "SELECT * { ?s ?p ?n }", max_rows="1")
    assert answer.json()["head"]["truncated"] == 1
    parsed = rdflib.query.Result.parse(io.BytesIO(answer.content), format="json")
    assert len(parsed) == 1


def test_datasets(client: httpx.Client) -> None:
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    for suffix, expected in [
        ("", ROWS + 1),
        (f"&default-graph-uri={EX}two", 2),
        (f"&default-graph-uri={EX}one&default-graph-uri={EX}two", ROWS + 1),
        (f"&named-graph-uri={EX}two", 0),
    ]:
        answer = client.get(f"/sparql?query={quote(count)}{suffix}&format=csv")
        assert answer.text.split() == ["n", str(expected)]
    answer = client.post(
        f"/sparql?default-graph-uri={EX}two&format=csv", content=count.encode(), headers=DIRECT
    )
    assert answer.text.split() == ["n", "2"]
    problem(get(client, "ASK {}", **{"default-graph-uri": "nothing"}), 400, "query-refused")


def test_relative_iris_are_resolved_against_the_endpoint(client: httpx.Client) -> None:
    answer = get(client, "CONSTRUCT { <#s> <p> 1 } {}", "application/n-triples")
    assert answer.text.startswith(f"<{client.base_url}/sparql#s> <{client.base_url}/p> ")


def test_caching(client: httpx.Client) -> None:
    answer = get(client, SEVEN)
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    assert answer.headers["cache-control"] == "no-cache"
    same = get(client, SEVEN.replace(" ", "\n ") + " # note")
    assert (same.headers["etag"], same.content) == (tag, answer.content)
    others = [get(client, SEVEN, "text/csv"), get(client, SEVEN + " LIMIT 1")]
    others += [get(client, SEVEN, max_rows="1"), get(client, SEVEN, **{"named-graph-uri": EX})]
    assert len({tag, *(other.headers["etag"] for other in others)}) == 5
    for sent in (tag, f'"x", W/{tag}', "*"):
        again = client.get("/sparql", params={"query": SEVEN}, headers={"If-None-Match": sent})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
        assert again.headers["access-control-allow-origin"] == "*"
    fresh = client.get("/sparql", params={"query": SEVEN}, headers={"If-None-Match": '"old"'})
    assert fresh.status_code == 200
    for query in (
        "SELECT (NOW() AS ?n) {}",
        "SELECT (RAND() AS ?n) {}",
        "SELECT (UUID() AS ?n) {}",
    ):
        answer = get(client, query)
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_without_a_page_browsers_get_data(tmp_path: Path) -> None:
    with served(make_release(tmp_path), Settings(data_dir=tmp_path, workers=3)) as running:
        browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        answer = httpx.get(running.url + "/sparql", params={"query": "ASK {}"}, headers=browser)
        assert answer.headers["content-type"] == "application/xml"
        schema = httpx.get(running.url + "/openapi.json").json()
        assert set(schema["paths"]["/sparql"]) == {"get", "post"}


def test_any_host_header_will_do(client: httpx.Client) -> None:
    for host in ("%zz", "a b", "[", "x:99999", ""):
        answer = client.get("/sparql?query=ASK{<x>%20?p%20?o}", headers={"Host": host})
        assert answer.json()["boolean"] is False


def test_a_request_that_ends_half_sent_is_no_error() -> None:
    app = FastAPI()
    app.include_router(sparql_router(SparqlEndpoint(lambda: pytest.fail("asked"), Settings())))
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sparql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/sparql-query")],
    }
    asyncio.run(app(scope, receive, send))
    assert said[0]["status"] == 499


def test_the_endpoint_behind_a_proxy_is_the_address_asked(tmp_path: Path) -> None:
    sd = "http://www.w3.org/ns/sparql-service-description#endpoint"
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "kg.example.org"}
    release = make_release(tmp_path)
    for trusted, expected in (("127.0.0.1", "https://kg.example.org/sparql"), ("", None)):
        settings = Settings(data_dir=tmp_path, workers=3, trusted_proxies=trusted)
        with served(release, settings) as running:
            answer = httpx.get(running.url + "/sparql?format=nt", headers=told)
            endpoint = expected or f"{running.url}/sparql"
            assert f"<{sd}> <{endpoint}> " in answer.text


def test_a_release_in_a_form_is_told_to_stand_in_the_address(client: httpx.Client) -> None:
    answer = client.post("/sparql", data={"query": "ASK {}", "release": "0" * 16})
    assert "/sparql?release=" in str(problem(answer, 400, "bad-request")["detail"])


def test_explain_takes_yes_or_no(client: httpx.Client) -> None:
    problem(get(client, "ASK {}", explain="maybe"), 400, "bad-request")
    assert get(client, "ASK {}", explain="0").json()["boolean"] is True
