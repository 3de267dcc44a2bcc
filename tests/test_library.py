"""The query library: headers, parameters that cannot inject, and its routes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixtures_api as small
from clusterloom.api import aliases, query_pages, query_routes, tables
from clusterloom.errors import UsageError
from clusterloom.namespaces import ID
from clusterloom.queries import library
from clusterloom.queries.header import BadHeader
from clusterloom.queries.library import LibraryQuery, iri_of, parse, render

TEXT = """\
#+ summary: What has a name?
#+ description: >-
#+   Names that begin alike,
#+   by area.
#+ tags: [areas]
#+ parameters:
#+   - {name: area, type: iri, help: an area, many: true}
#+   - {name: word, type: string, help: first letters, optional: true}
#+   - {name: kind, type: code, help: a kind, optional: true, choices: [good, bad]}
#+   - {name: n, type: integer, help: a number, optional: true}
#+ expect:
#+   columns: [area, areaLabel, word, missing]
#+   min_rows: 1
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?area ?areaLabel ?word ?n ?missing WHERE {
  VALUES ?area { <https://w3id.org/clusterloom/id/area/photonics> }
  VALUES ?word { "Ph" }
  # VALUES ?kind { "good" }
  VALUES ?n { 1 }
  ?area rdfs:label ?areaLabel .
}
"""


@pytest.fixture(scope="module")
def query() -> LibraryQuery:
    """A query with a parameter of several types."""
    return parse("named", TEXT)


def test_a_header_is_read(query: LibraryQuery) -> None:
    assert query.summary == "What has a name?"
    assert query.header.description == "Names that begin alike, by area."
    area, word, kind, number = query.parameters
    assert (area.of, area.samples, area.many) == (("area",), ("area/photonics",), True)
    assert word.samples == ("Ph",)
    assert kind.choices == ("good", "bad")
    assert number.samples == ("1",)
    assert "#+" not in query.sparql
    assert query.columns == ("area", "areaLabel", "word", "missing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("summary: What has a name?", "sumary: x"), "summary"),
        (("type: string", "type: text"), "parameters.1.type"),
        (('  VALUES ?word { "Ph" }\n', ""), "parameter word wants a line"),
        (("VALUES ?n { 1 }", "VALUES ?n { }"), "no sample"),
        (("name: n,", "name: word,"), "VALUES"),
        (("columns: [area", "columns: {area"), "not YAML"),
    ],
)
def test_a_broken_header_names_file_and_field(change: tuple[str, str], said: str) -> None:
    with pytest.raises(BadHeader) as caught:
        parse("named", TEXT.replace(*change))
    assert "named.rq" in caught.value.detail
    assert said in caught.value.detail or "two parameters" in caught.value.detail


def run(text: str) -> list[ox.QuerySolution]:
    solutions = ox.Store().query(text)
    assert isinstance(solutions, ox.QuerySolutions)
    return list(solutions)


def test_values_replace_the_sample_and_open_ones_their_line(query: LibraryQuery) -> None:
    text = render(query, {"area": ["sport", "area/photonics"]})
    assert f"VALUES ?area {{ <{ID}area/sport> <{ID}area/photonics> }}" in text
    assert "VALUES ?word" not in text
    assert "VALUES ?n" not in text
    run(text)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "parameter 'area' is missing: an IRI, <type>/<key> or the key of a area"),
        ({"area": ["region/FR1"]}, "'region' is not of type area"),
        ({"area": ["https://x.org/a b"]}, "not an absolute IRI"),
        ({"area": ["a>b"], "x": ["1"]}, "no parameter 'x'"),
        ({"area": ["sport"], "wrd": ["1"]}, "did you mean 'word'?"),
        ({"area": ["sport"], "n": ["one"]}, "not a whole number: 'one'; wanted: a whole number"),
        ({"area": ["sport"], "n": ["1_0"]}, "not a whole number: '1_0'"),
        ({"area": ["sport"], "n": ["1", "2"]}, "takes one value, 2 given"),
        ({"area": ["sport"], "kind": ["goo"]}, "did you mean 'good'?"),
        ({"area": ["sport"], "word": ["a\x00b"]}, "control character"),
    ],
)
def test_a_wrong_value_names_the_parameter_and_the_form(
    query: LibraryQuery, values: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        render(query, values)
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("value", "written"),
    [("0.5", "0.5"), ("-.50", "-0.5"), ("1.", "1"), ("2e-3", "0.002"), ("1e2", "100")]
    + [
        (value, "") for value in ("1e100000000", "-1e-999999999", "1_0", "NaN", "1,5", "", "9" * 99)
    ],
)
def test_a_decimal_is_short_however_it_is_written(value: str, written: str) -> None:
    query = parse(
        "least",
        "#+ summary: least\n#+ parameters: [{name: v, type: decimal, help: any}]\n"
        "#+ expect: {columns: [v]}\nSELECT ?v WHERE {\n  VALUES ?v { 1.5 }\n}\n",
    )
    if written:
        assert f'"{written}"^^' in render(query, {"v": [value]})
        return
    with pytest.raises(UsageError):
        render(query, {"v": [value]})


@given(st.text(min_size=1))
def test_any_text_comes_back_as_it_went_in(word: str) -> None:
    query = parse(
        "echo",
        "#+ summary: echo\n#+ parameters: [{name: word, type: string, help: any}]\n"
        '#+ expect: {columns: [word]}\nSELECT ?word WHERE {\n  VALUES ?word { "x" }\n}\n',
    )
    try:
        text = render(query, {"word": [word]})
    except UsageError:
        return  # a control character or lone surrogate: refused, not mangled
    (row,) = run(text)
    assert row["word"] == ox.Literal(word)


@given(st.text(), st.sampled_from(["iri", "code", "integer", "year", "decimal", "date", "boolean"]))
def test_no_value_of_any_type_changes_the_query(value: str, kind: str) -> None:
    query = parse(
        "typed",
        f"#+ summary: typed\n#+ parameters: [{{name: v, type: {kind}, help: any, optional: true,"
        " of: [area]}]\n#+ expect: {columns: [v]}\n"
        'SELECT ?v ?mark WHERE {\n  VALUES ?v { "x" }\n  BIND("kept" AS ?mark)\n}\n',
    )
    try:
        text = render(query, {"v": [value]})
    except UsageError:
        return
    (row,) = run(text)
    assert row["mark"] == ox.Literal("kept")


@pytest.mark.parametrize(
    ("value", "kinds", "iri"),
    [
        ("photonics", ["area"], ID + "area/photonics"),
        ("area/photonics", [], ID + "area/photonics"),
        ("13.1", ["nace2"], ID + "nace2/13.1"),
        ("UK", ["country"], ID + "country/GB"),
        ("country/EL", ["country"], ID + "country/GR"),
        ("https://example.org/x", ["area"], "https://example.org/x"),
        ("a}b", ["area"], ID + "area/a%7Db"),
    ],
)
def test_iris_may_be_short(value: str, kinds: list[str], iri: str) -> None:
    assert iri_of(value, kinds) == iri


def test_the_library_of_the_package_is_sound() -> None:
    for name, query in library.library().items():
        assert query.name == name
        samples = {p.name: list(p.samples) for p in query.parameters}
        run(render(query, samples))
        run(query.sparql)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, query: LibraryQuery) -> Iterator[httpx.Client]:
    """A client of a service whose library is the one query above."""
    known = {"named": query}
    with pytest.MonkeyPatch.context() as patch:
        for module in (library, query_routes, query_pages):
            patch.setattr(module, "library", lambda: known)
        with (
            small.small_settings(tmp_path_factory.mktemp("library")) as settings,
            small.serving(settings) as client,
        ):
            yield client


def test_the_list_tells_how_to_ask(client: httpx.Client) -> None:
    (item,) = client.get("/api/v1/queries").json()["items"]
    assert item["id"] == "named"
    assert item["address"] == "/api/v1/queries/named"
    assert item["parameters"][0]["sample"] == ["area/photonics"]
    assert item["sparql"].startswith("PREFIX rdfs:")


def test_a_query_answers_items(client: httpx.Client) -> None:
    body = client.get("/api/v1/queries/named?area=photonics&area=sport&word=%22x").json()
    assert body["columns"] == ["area", "areaLabel", "word", "missing"]
    assert body["total"] == 2
    assert body["release"] == small.RELEASE
    assert body["items"][0] == {
        "area": ID + "area/photonics", "areaLabel": "Photonics", "word": '"x', "missing": None,
    }  # fmt: skip
    assert '"\\"x"' in body["query"]


@pytest.mark.parametrize(
    ("accept", "form", "media_type"),
    [
        ("text/csv", "", "text/csv; charset=utf-8"),
        ("", "csv", "text/csv; charset=utf-8"),
        ("text/tab-separated-values", "", "text/tab-separated-values; charset=utf-8"),
        ("application/sparql-results+json", "", "application/sparql-results+json"),
        ("", "srx", "application/sparql-results+xml"),
        ("*/*", "", "application/json"),
    ],
)
def test_formats(client: httpx.Client, accept: str, form: str, media_type: str) -> None:
    address = "/api/v1/queries/named?area=sport" + (f"&format={form}" if form else "")
    answer = client.get(address, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert "Sport" in answer.text


def test_csv_is_safe_and_in_the_declared_columns(client: httpx.Client) -> None:
    answer = client.get("/api/v1/queries/named?area=sport&word==1%2B1&format=csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix(tables.BOM), newline="")))
    assert rows == [
        ["area", "areaLabel", "word", "missing"],
        [ID + "area/sport", "Sport", "'=1+1", ""],
    ]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("named", 400, "'area' is missing"),
        ("named?area=sport&are=x", 400, "did you mean 'area'?"),
        ("named?area=sport&format=cvs", 400, "nearest: csv"),
        (
            "named?area=photonic",
            400,
            "'area': this release has no area/photonic; nearest: photonics",
        ),
        ("named?area=sport&area=area/a%25zz", 400, "not an absolute IRI"),
        (
            "named?area=https://w3id.org/clusterloom/ontology%23inCountri",
            400,
            "the ontology declares no cloom:inCountri; nearest: inCountry",
        ),
        ("nmed", 404, "the nearest one is 'named'"),
    ],
)
def test_errors_are_problems(client: httpx.Client, path: str, status: int, said: str) -> None:
    assert said in small.is_problem(client.get(f"/api/v1/queries/{path}"), status)


def test_a_thing_of_others_may_have_no_answer(client: httpx.Client) -> None:
    answer = client.get("/api/v1/queries/named?area=https://example.org/x")
    assert (answer.status_code, answer.json()["total"]) == (200, 0)


def test_a_former_name_means_the_thing(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "aliases", lambda: {"area/light": "area/photonics", "area/x": ""})
    for path in ("api/v1/queries/named", "queries/named"):
        assert "Photonics" in client.get(f"/{path}?area=light").text
    small.is_problem(client.get("/api/v1/queries/named?area=x"), 410)
    assert client.get("/api/v1/value-chains?area=light").json()["total"] == 1
    small.is_problem(client.get("/api/v1/value-chains?area=x"), 410)


def test_a_page_of_a_query_says_what_is_wrong(client: httpx.Client) -> None:
    answer = client.get("/queries/named?area=photonic")
    assert answer.status_code == 400
    assert "nearest: photonics" in answer.text


def test_a_format_nobody_writes_is_406(client: httpx.Client) -> None:
    headers = {"accept": "image/png"}
    small.is_problem(client.get("/api/v1/queries/named?area=sport", headers=headers), 406)
    small.is_problem(client.get("/api/v1/queries?x=1"), 400)


def test_openapi_has_typed_parameters(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/queries/named"]["get"]
    parameters = {p["name"]: p for p in operation["parameters"]}
    assert parameters["area"]["required"] is True
    assert parameters["area"]["schema"]["type"] == "array"
    assert parameters["n"]["schema"] == {"type": "integer"}
    assert parameters["kind"]["schema"]["enum"] == ["good", "bad"]


def test_the_page_shows_form_answer_and_query(client: httpx.Client) -> None:
    headers = {"accept": "text/html"}
    page = client.get("/queries/named", headers=headers)
    assert page.status_code == 200
    assert 'href="/page/area/photonics">Photonics</a>' in page.text
    assert 'value="area/photonics"' in page.text
    hostile = client.get("/queries/named?area=sport&word=<script>", headers=headers)
    assert "<script>" not in hostile.text
    wrong = client.get("/queries/named?area=region/FR1", headers=headers)
    assert wrong.status_code == 400
    assert "not of type area" in wrong.text
    assert "What has a name?" in client.get("/queries", headers=headers).text
