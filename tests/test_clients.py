"""Clients that others have written, each against the real service: what they send is answered."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import rdflib
import SPARQLWrapper as sw
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from fixtures_api import make_release
from service_process import Service, running

CLOOM = "https://w3id.org/clusterloom/ontology#"
ID = "https://w3id.org/clusterloom/id/"
PREFIXES = f"PREFIX cloom: <{CLOOM}> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
CLUSTERS = PREFIXES + "SELECT ?c ?name { ?c a cloom:ClusterOrganisation ; rdfs:label ?name }"
NAMES = {"Zêta Cluster", "=Alpha()", "Both <i>&</i>"}
ASK = PREFIXES + "ASK { ?c a cloom:ClusterOrganisation }"
GRAPH = PREFIXES + "CONSTRUCT { ?c rdfs:label ?n } WHERE { ?c a cloom:Country ; rdfs:label ?n }"
DESCRIBE = f"DESCRIBE <{ID}country/FR>"
COMUNICA = Path(__file__).with_name("comunica")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clients")
    make_release(folder / "releases")
    with running(folder, workers=3) as service:
        yield service


@pytest.fixture(scope="module")
def endpoint(service: Service) -> str:
    return f"{service.url}/sparql"


def run(*command: str, cwd: Path | None = None) -> str:
    """What a program prints; its errors are shown when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-500:]
    return done.stdout


# SPARQLWrapper

WAYS = [(sw.GET, sw.URLENCODED), (sw.POST, sw.URLENCODED), (sw.POST, sw.POSTDIRECTLY)]


def wrapped(endpoint: str, query: str, form: str, way: tuple[str, str]) -> Any:
    wrapper = sw.SPARQLWrapper(endpoint, returnFormat=form)
    wrapper.setMethod(way[0])
    wrapper.setRequestMethod(way[1])
    wrapper.setQuery(query)
    return wrapper.queryAndConvert()


@pytest.mark.parametrize("way", WAYS)
def test_sparqlwrapper_reads_rows(endpoint: str, way: tuple[str, str]) -> None:
    rows = wrapped(endpoint, CLUSTERS, sw.JSON, way)["results"]["bindings"]
    assert {row["name"]["value"] for row in rows} == NAMES
    document = wrapped(endpoint, CLUSTERS, sw.XML, way)
    assert {node.firstChild.data for node in document.getElementsByTagName("literal")} == NAMES
    text = wrapped(endpoint, CLUSTERS, sw.CSV, way).decode()
    assert {row["name"] for row in csv.DictReader(io.StringIO(text))} == NAMES
    lines = wrapped(endpoint, CLUSTERS, sw.TSV, way).decode().splitlines()
    assert lines[0] == "?c\t?name"
    assert {line.split("\t")[1] for line in lines[1:]} == {f'"{name}"' for name in NAMES}


@pytest.mark.parametrize("way", WAYS)
def test_sparqlwrapper_reads_truth_values(endpoint: str, way: tuple[str, str]) -> None:
    assert wrapped(endpoint, ASK, sw.JSON, way)["boolean"] is True
    document = wrapped(endpoint, ASK, sw.XML, way)
    assert document.getElementsByTagName("boolean")[0].firstChild.data == "true"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # rdflib uses its own old names
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("query", [GRAPH, DESCRIBE], ids=["construct", "describe"])
def test_sparqlwrapper_reads_graphs(endpoint: str, query: str, way: tuple[str, str]) -> None:
    graphs = [
        wrapped(endpoint, query, sw.XML, way),
        wrapped(endpoint, query, sw.RDFXML, way),
        rdflib.Graph().parse(data=wrapped(endpoint, query, sw.TURTLE, way), format="turtle"),
        rdflib.Graph().parse(data=wrapped(endpoint, query, sw.N3, way), format="n3"),
    ]
    france = (rdflib.URIRef(f"{ID}country/FR"), rdflib.RDFS.label, rdflib.Literal("France", "en"))
    for graph in graphs:
        assert france in graph
    assert len({len(graph) for graph in graphs}) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # rdflib's JSON-LD uses its old names
def test_sparqlwrapper_reads_json_ld(endpoint: str) -> None:
    found = wrapped(endpoint, GRAPH, sw.JSONLD, WAYS[0])
    assert len(found) == 3


def test_sparqlwrapper_tells_errors(endpoint: str) -> None:
    with pytest.raises(sw.SPARQLExceptions.QueryBadFormed, match="SERVICE is not answered"):
        wrapped(endpoint, "ASK { SERVICE <http://127.0.0.1:9/> {} }", sw.JSON, WAYS[0])


# rdflib


def test_rdflib_as_a_remote_store(endpoint: str) -> None:
    graph = rdflib.Graph(SPARQLStore(endpoint))
    rows = graph.query(CLUSTERS)
    assert {str(row["name"]) for row in rows} == NAMES  # type: ignore[index, call-overload]
    assert graph.query(ASK).askAnswer is True
    france = rdflib.URIRef(f"{ID}country/FR")
    assert graph.value(france, rdflib.RDFS.label) == rdflib.Literal("France", "en")
    assert (france, rdflib.RDF.type, rdflib.URIRef(f"{CLOOM}Country")) in graph
    found = graph.query(GRAPH).graph
    assert found is not None
    assert len(found) == 3


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_by_each_method(endpoint: str, method: str) -> None:
    store = SPARQLStore(endpoint, method=method, returnFormat="json")
    assert len(rdflib.Graph(store).query(CLUSTERS)) == len(NAMES)


def test_rdflib_reads_a_thing_from_its_address(service: Service) -> None:
    graph = rdflib.Graph().parse(f"{service.url}/id/country/FR")
    france = rdflib.URIRef(f"{ID}country/FR")
    assert (france, rdflib.RDFS.label, rdflib.Literal("France", "en")) in graph


# spreadsheets and scripts


def test_csv_module_reads_results(endpoint: str) -> None:
    with httpx.stream("GET", endpoint, params={"query": CLUSTERS, "format": "csv"}) as answer:
        rows = list(csv.DictReader(answer.iter_lines()))
    assert {row["name"] for row in rows} == NAMES
    assert all(row["c"].startswith(ID) for row in rows)


# curl


@pytest.mark.needs("curl")
def test_curl_asks_whether_an_answer_is_new(service: Service, tmp_path: Path) -> None:
    for path in ("/sparql?query=ASK%7B%7D", "/data/country/FR.ttl", "/api/v1/areas"):
        tag, code = tmp_path / "tag", ("-w", "%{http_code}")
        first = run("curl", "-sS", "--etag-save", str(tag), "-o", "-", *code, service.url + path)
        assert first.endswith("200")
        assert len(first) > 10
        again = run("curl", "-sS", "--etag-compare", str(tag), *code, service.url + path)
        assert again == "304"


@pytest.mark.needs("curl")
def test_curl_asks_for_heads_and_compressed_answers(service: Service) -> None:
    for path in ("/sparql?query=ASK%7B%7D", "/id/country/FR", "/api/v1/areas", "/ontology"):
        head = run("curl", "-sSI", service.url + path)
        assert re.match(r"HTTP/1\.1 (200|303) ", head)
        assert "access-control-allow-origin: *" in head.lower()
    address = service.url + "/ontology"
    plain, packed = run("curl", "-sS", address), run("curl", "-sS", "--compressed", address)
    assert plain == packed
    assert "content-encoding" in run("curl", "-sSI", "--compressed", address).lower()


@pytest.mark.needs("curl")
def test_curl_follows_a_name_to_its_data(service: Service) -> None:
    # the names lead to w3id.org; here the same path stands on this server
    address = f"{service.url}/id/country/FR"
    turtle = run("curl", "-sSL", "-H", "Accept: text/turtle", address)
    assert rdflib.URIRef(f"{ID}country/FR") in set(rdflib.Graph().parse(data=turtle).subjects())


@pytest.mark.needs("curl")
def test_curl_sends_a_file_and_a_form(endpoint: str, tmp_path: Path) -> None:
    path = tmp_path / "query.rq"
    path.write_text(ASK)
    kind = "Content-Type: application/sparql-query"
    for sent in (["--data-binary", f"@{path}", "-H", kind], ["--data-urlencode", f"query@{path}"]):
        assert json.loads(run("curl", "-sS", *sent, endpoint))["boolean"] is True


# roqet (Rasqal)


@pytest.mark.needs("roqet")
def test_roqet_reads_results(endpoint: str) -> None:
    text = run("roqet", "-q", "-r", "csv", "-p", endpoint, "-e", CLUSTERS)
    assert {row["name"] for row in csv.DictReader(io.StringIO(text))} == NAMES
    told = run("roqet", "-p", endpoint, "-e", CLUSTERS + " ORDER BY ?name LIMIT 2")
    assert len(re.findall(r"^row: ", told, re.MULTILINE)) == 2  # of truth values it makes no rows


@pytest.mark.needs("roqet")
def test_roqet_queries_documents_of_ours(service: Service) -> None:
    address = f"{service.url}/data/country/FR.ttl"
    query = PREFIXES + "SELECT ?name { ?c a cloom:Country ; rdfs:label ?name }"
    text = run("roqet", "-q", "-r", "csv", "-D", address, "-e", query)
    assert "France" in text


# Comunica


@pytest.fixture(scope="module")
def comunica() -> list[str]:
    """The command of Comunica; skips where it is not installed, fails there in CI."""
    program = COMUNICA / "node_modules" / ".bin" / "comunica-sparql"
    if shutil.which("node") is None or not program.exists():
        how = "needs Comunica: npm ci --prefix tests/comunica"
        if os.environ.get("CI"):
            pytest.fail(f"{how}; .ci/run should do it", pytrace=False)
        pytest.skip(how)
    return ["node", str(program)]


@pytest.mark.parametrize("prefix", ["sparql@", ""])
def test_comunica_reads_rows(endpoint: str, comunica: list[str], prefix: str) -> None:
    kind = "application/sparql-results+json"
    text = run(*comunica, prefix + endpoint, CLUSTERS, "-t", kind)
    rows = json.loads(text)["results"]["bindings"]
    assert {row["name"]["value"] for row in rows} == NAMES


@pytest.mark.parametrize("prefix", ["sparql@", ""])
def test_comunica_joins_here(endpoint: str, comunica: list[str], prefix: str) -> None:
    query = PREFIXES + (
        "SELECT ?c (COUNT(?o) AS ?n) { ?o cloom:inCountry ?c . ?c rdfs:label ?name "
        "OPTIONAL { ?o cloom:acronym ?a } FILTER(LANG(?name) = 'en') } GROUP BY ?c ORDER BY ?c"
    )
    expected = httpx.get(endpoint, params={"query": query, "format": "csv"}).text
    text = run(*comunica, prefix + endpoint, query, "-t", "text/csv")
    assert list(csv.reader(io.StringIO(text))) == list(csv.reader(io.StringIO(expected)))
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("prefix", ["sparql@", ""])
def test_comunica_reads_graphs(endpoint: str, comunica: list[str], prefix: str) -> None:
    text = run(*comunica, prefix + endpoint, GRAPH, "-t", "application/n-triples")
    assert len(rdflib.Graph().parse(data=text, format="nt")) == 3


def test_the_lock_of_comunica_names_no_address() -> None:
    lock = json.loads((COMUNICA / "package-lock.json").read_text("utf-8"))
    packages = lock["packages"]
    assert packages["node_modules/undici"]["version"] == "7.10.0"
    assert not any("resolved" in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)


def test_our_own_command_answers_the_same(
    service: Service, endpoint: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("own")
    make_release(folder / "releases")
    environment = {**os.environ, "CLUSTERLOOM_DATA_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "clusterloom.cli", "query", "--format", "csv", CLUSTERS],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = httpx.get(endpoint, params={"query": CLUSTERS, "format": "csv"}).text
    assert sorted(done.stdout.split()) == sorted(here.split())
