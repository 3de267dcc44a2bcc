"""`/sparql/why`: each empty answer gets its reason, and each reason is shown by its own query."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

import fixtures_api as small
from analyst import Analyst
from clusterloom.api.why import OneAtATime, Turns
from clusterloom.errors import ClusterloomError
from clusterloom.queries.library import library
from clusterloom.settings import Settings
from clusterloom.store.release import Release

CASES = Path(__file__).parent / "cases" / "why"
PREFIXES = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
    "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>\n"
    "PREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n"
    "PREFIX id: <https://w3id.org/clusterloom/id/>\n"
)
PHOTONICS = PREFIXES + 'SELECT * {\n  ?a a cloom:ThematicArea ;\n    rdfs:label "Photonics" }'


def cases(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return loaded


DEFAULT, SAMPLE = cases("default"), cases("sample")


@pytest.fixture(scope="module")
def default(default_release: Release) -> Iterator[Analyst]:
    analyst = Analyst(default_release)
    yield analyst
    analyst.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    analyst = Analyst(small.make_release(tmp_path_factory.mktemp("why")))
    yield analyst
    analyst.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        small.small_settings(tmp_path_factory.mktemp("why-http")) as settings,
        small.serving(settings) as opened,
    ):
        yield opened


def check(analyst: Analyst, case: dict[str, Any]) -> None:
    """The kinds and the first suggestion are those expected; each query shows its finding."""
    query = PREFIXES + case["query"]
    body = analyst.why(query)
    assert body["complete"], body
    total = "COUNT(*)" in query and "GROUP BY" not in query
    assert body["empty"] is not total  # a total over nothing is a row
    assert [finding["kind"] for finding in body["findings"]] == case["kinds"], body
    first = body["findings"][0]
    assert body["summary"].startswith(first["message"])
    assert ("not no" in body["summary"]) is ("incomplete-knowledge" in case["kinds"])
    assert (first.get("suggestion") or [""])[0] == case["suggestion"]
    for finding in body["findings"]:
        shown = analyst.answer(finding["query"])
        expected = {"false": shown is False, "true": shown is True, "none": shown == [],
                    "rows": isinstance(shown, list) and len(shown) > 0}  # fmt: skip
        assert expected[finding["shows"]], finding
        line = query.split("\n")[finding["line"] - 1]
        assert 1 <= finding["column"] <= len(line) + 1
        assert finding["message"].endswith((".", "?"))


@pytest.mark.parametrize("case", DEFAULT, ids=[case["query"] for case in DEFAULT])
def test_reasons_on_the_default_release(default: Analyst, case: dict[str, Any]) -> None:
    check(default, case)


@pytest.mark.parametrize("case", SAMPLE, ids=[case["query"] for case in SAMPLE])
def test_reasons_on_the_sample_release(sample: Analyst, case: dict[str, Any]) -> None:
    check(sample, case)


def test_there_are_cases_enough_and_every_kind_has_one() -> None:
    assert len(DEFAULT) + len(SAMPLE) >= 60
    kinds = {kind for case in DEFAULT + SAMPLE for kind in case["kinds"]}
    assert kinds == {
        "class-as-property", "dataset", "direction", "empty-join", "exists", "filter",
        "foreign-predicate", "having", "incomplete-knowledge", "limit", "literal", "minus",
        "no-match", "not-exists", "offset", "path", "property-as-class", "template",
        "unbound-variable", "unknown-graph", "unknown-term", "unused-term", "values", "wrong-graph",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(library()))
def test_a_library_query_is_not_empty(default: Analyst, name: str) -> None:
    body = default.why(library()[name].sparql)
    assert body["empty"] is False
    assert body["first"]
    assert body["findings"] == []


def test_places_are_those_of_the_text(sample: Analyst) -> None:
    finding = sample.why(PHOTONICS)["findings"][0]
    assert (finding["line"], finding["column"]) == (8, 5)
    assert finding["pattern"] == '?a rdfs:label "Photonics"'


def test_the_graphs_of_the_request_are_those_of_the_analysis(sample: Analyst) -> None:
    query = PREFIXES + "SELECT * { ?a a cloom:ThematicArea }"
    graph = "https://w3id.org/clusterloom/graph/s3-areas/asserted"
    other = "https://w3id.org/clusterloom/graph/clusters/asserted"
    assert sample.why(query, default_graphs=(graph,))["empty"] is False
    found = sample.why(query, default_graphs=(other,))
    assert [f["kind"] for f in found["findings"]] == ["dataset"]
    assert found["findings"][0]["suggestion"] == [f"<{graph}>"]
    assert f"FROM <{other}>" in found["findings"][0]["query"]
    unknown = sample.why(query, default_graphs=("http://nowhere/g",))
    assert unknown["findings"][0]["kind"] == "unknown-graph"


def test_what_is_not_read_says_so_and_whether_it_is_empty(sample: Analyst) -> None:
    body = sample.why("SELECT * { << ?s ?p ?o >> ?q ?r }")
    assert body["empty"] is True
    assert body["complete"] is False
    assert "cannot be analysed" in body["summary"]
    assert body["findings"] == []


def test_no_time_left_is_no_finding_and_no_claim(default: Analyst) -> None:
    slow = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER (?c = ?f && ?f = ?i && ?c = 'no') }"
    body = default.why(slow, seconds=0.3)
    assert body["empty"] is None
    assert body["complete"] is False
    assert body["seconds"] < 2.5
    assert "not known" in body["summary"] or body["findings"]


def test_the_total_over_nothing_is_a_row_with_a_reason(sample: Analyst) -> None:
    body = sample.why(PHOTONICS.replace("SELECT *", "SELECT (COUNT(*) AS ?n)"))
    assert body["empty"] is False
    assert body["first"] == {"n": "0"}
    assert [f["kind"] for f in body["findings"]] == ["literal"]


def test_over_http(client: httpx.Client) -> None:
    answer = client.get("/sparql/why", params={"query": PHOTONICS})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-clusterloom-release"] == small.RELEASE == answer.json()["release"]
    body = answer.json()
    assert body["empty"] is True
    assert body["findings"][0]["suggestion"] == ['"Photonics"@en']
    shown = client.get("/sparql", params={"query": body["findings"][0]["query"]})
    assert shown.json()["boolean"] is False
    form = client.post("/sparql/why", data={"query": PHOTONICS}).json()
    direct = client.post(
        "/sparql/why", content=PHOTONICS, headers={"Content-Type": "application/sparql-query"}
    ).json()
    assert form["findings"] == direct["findings"] == body["findings"]


def test_for_a_terminal(client: httpx.Client) -> None:
    answer = client.get(
        "/sparql/why", params={"query": PHOTONICS}, headers={"Accept": "text/plain"}
    )
    assert answer.headers["content-type"].startswith("text/plain")
    assert "8:5: literal: No statement matches" in answer.text
    assert "  ASK {" in answer.text


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        (None, "bad-request"),
        ("SELECT * {", "sparql-syntax"),
        ("SELECT * { ?x a cloom:SME }", "sparql-syntax"),
        ("SELECT * { SERVICE <http://e/> {} }", "query-refused"),
        ("INSERT DATA { <a:a> <a:b> 1 }", "query-refused"),
        ("SELECT (<http://e/f>(1) AS ?x) {}", "query-refused"),
    ],
)
def test_what_cannot_be_run_is_an_error(client: httpx.Client, query: str | None, slug: str) -> None:
    answer = client.get("/sparql/why", params={} if query is None else {"query": query})
    small.is_problem(answer, 400)
    assert answer.json()["type"].endswith(slug)


def test_it_is_documented(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]["/sparql/why"]
    assert set(paths) == {"get", "post"}
    for operation in paths.values():
        assert {"200", "400", "413", "415", "429", "503"} <= set(operation["responses"])
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert set(schema["required"]) <= set(schema["properties"])


def test_one_at_a_time_for_each_client() -> None:
    turns = Turns(most=3)
    first = turns.take("10.0.0.1")
    with pytest.raises(OneAtATime) as caught:
        turns.take("10.0.0.1")
    assert caught.value.extra["retry_after"] == 2
    turns.take("2001:db8::1")
    with pytest.raises(OneAtATime, match="your last one"):
        turns.take("2001:db8::ffff:2")
    turns.take("2001:db8:0:1::1")
    with pytest.raises(OneAtATime, match="other clients"):
        turns.take("10.0.0.2")
    turns.give_back(first)
    turns.take("10.0.0.1")


def test_a_second_analysis_of_a_client_waits(tmp_path: Path, default_release: Release) -> None:
    slow = "SELECT * { ?a ?b ?c . ?d ?e ?f FILTER (?c = ?f && ?a = 'no') }"
    data = default_release.path.parent.parent
    with (
        small.serving(Settings(data_dir=data, workers=4)) as client,
        httpx.Client(base_url=client.base_url, timeout=30) as other,
    ):
        answers: list[httpx.Response] = []
        thread = threading.Thread(
            target=lambda: answers.append(other.get("/sparql/why", params={"query": slow}))
        )
        thread.start()
        second = client.get("/sparql/why", params={"query": slow})
        while second.status_code == 200 and thread.is_alive():
            second = client.get("/sparql/why", params={"query": slow})
        thread.join()
        statuses = {second.status_code, answers[0].status_code}
        assert statuses == {200, 429}
        refused = second if second.status_code == 429 else answers[0]
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["type"].endswith("too-many-requests")
        whole = answers[0] if second.status_code == 429 else second
        assert whole.json()["complete"] is False
        assert whole.json()["seconds"] < 3


def _outcome(work: Callable[[], object]) -> ClusterloomError | None:
    try:
        work()
    except ClusterloomError as error:
        return error
    return None


PIECES = ["cloom:", "rdfs:label", "?x", '"x"', "a", "FILTER (1 = 2)", "MINUS { ?s ?p ?o }", "1",
          "LIMIT 0", "OFFSET 9999", "<http://e/x>", "{", "}", ".", ";", "nope", "@fr"]  # fmt: skip


@given(st.sampled_from(sorted(library())), st.data())
@hypothesis(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_query_breaks_the_analysis(sample: Analyst, name: str, data: st.DataObject) -> None:
    """Library queries with words taken out, put in and exchanged: an analysis, or a 4xx."""
    words = library()[name].sparql.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(words) - 1))
        match data.draw(st.sampled_from(["drop", "put", "swap", "replace"])):
            case "drop":
                words.pop(at)
            case "put":
                words.insert(at, data.draw(st.sampled_from(PIECES)))
            case "replace":
                words[at] = data.draw(st.sampled_from(PIECES))
            case "swap":
                other = data.draw(st.integers(0, len(words) - 1))
                words[at], words[other] = words[other], words[at]
    query = " ".join(words)
    refused = _outcome(lambda: sample.explain(query))
    assert refused is None or 400 <= refused.status < 500
    body: dict[str, Any] = {}
    refused = _outcome(lambda: body.update(sample.why(query, seconds=3.0)))
    if refused is not None:
        assert 400 <= refused.status < 500
        return
    assert body["empty"] in {True, False, None}
    for finding in body["findings"]:
        assert finding["query"].count("ASK") or finding["query"].count("SELECT")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * {" + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(500)) + "}",
        "ASK { FILTER (" + " && ".join(f"?x{i} > 1" for i in range(400)) + ") }",
        "ASK {} #" + "x" * 60_000,
    ],
    ids=["patterns", "filters", "characters"],
)
def test_giants_are_not_analysed(sample: Analyst, query: str) -> None:
    body = sample.why(query, seconds=1.0)
    assert body["complete"] is False
    assert "more than" in body["reason"]
    assert [w["kind"] for w in sample.explain(query)["warnings"]] == ["not-analysed"]


@pytest.mark.parametrize(
    "query",
    [
        "ASK " + "{" * 99 + "}" * 99,
        "ASK { FILTER (" + "!(" * 48 + "true" + ")" * 48 + ") }",
        "ASK {" + "FILTER (EXISTS {" * 48 + "})" * 48 + "}",
        "ASK { ?s ?p " + "[ <a:b> " * 97 + "1" + "]" * 97 + "}",
        "ASK {" + "{ SELECT * {" * 48 + "}}" * 48 + "}",
    ],
    ids=["groups", "negations", "exists", "nodes", "selects"],
)
def test_what_is_deep_is_analysed_or_said_not_to_be(sample: Analyst, query: str) -> None:
    body = sample.why(query)
    assert body["summary"]
    assert "warnings" in sample.explain(query)
