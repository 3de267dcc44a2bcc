"""The remote engine against endpoints that answer, fail, cut, stall and lie."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from clusterloom import errors
from clusterloom.store.endpoints import Holding, Holdings
from clusterloom.store.engine import CSV, JSON, TURTLE, Limits, Query
from clusterloom.store.guard import inspect
from clusterloom.store.normalise import DEFAULT_COPY, NOWHERE, truth_variables
from clusterloom.store.release import Release
from clusterloom.store.remote import RemoteSession

RELEASE = Release("00000000000000aa", Path("/nowhere"))
GRAPH = "https://w3id.org/clusterloom/graph/a/asserted"
ROWS = b'{"head":{"vars":["s"]},"results":{"bindings":[%s]}}'
ROW = b'{"s":{"type":"literal","value":"x"}}'
SURVEY = b'{"head":{"vars":["g","n"]},"results":{"bindings":[]}}'

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request; the first of a session asks for the graphs."""

    protocol_version = "HTTP/1.1"
    server: Fake

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if form["query"][0].startswith("SELECT ?g (COUNT(*)"):
            self.give(SURVEY)
            return
        self.server.forms.append(form)
        self.server.answer(self)

    def give(
        self, body: bytes, status: int = 200, media_type: str = JSON, size: int = -1, **more: str
    ) -> None:
        """Sends a whole answer; `size` is what the head says of its length."""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body) if size < 0 else size))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if size > len(body):
            self.close_connection = True

    def version_string(self) -> str:
        return self.server.called

    def log_message(self, format: str, *args: object) -> None:  # noqa: ARG002
        return


class Fake(ThreadingHTTPServer):
    """An endpoint that answers as a test says."""

    daemon_threads = True

    def __init__(self, answer: Answer, called: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.called = called
        self.forms: list[dict[str, list[str]]] = []

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        return

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sparql"


@contextmanager
def endpoint(answer: Answer, called: str = "Fake") -> Iterator[Fake]:
    """A fake endpoint on a free port."""
    with Fake(answer, called) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def session(server: Fake) -> RemoteSession:
    """A session over the fake endpoint."""
    held = Holdings(server.url, {server.url: Holding(RELEASE.id, (GRAPH,))})
    return RemoteSession(RELEASE, lambda: held, 4)


def ask(
    server: Fake, query: Query | str, media_type: str = JSON, limits: Limits | None = None
) -> bytes:
    """The whole answer to a query."""

    async def run() -> bytes:
        asked = Query(query) if isinstance(query, str) else query
        async with session(server) as opened:
            return await (await opened.run(asked, limits or Limits(5), media_type)).read()

    return asyncio.run(run())


SELECT = "SELECT ?s { ?s ?p ?o }"


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (400, b"Virtuoso 37000 Error SP031: no\n\nquery:\nx", errors.QueryRefused, "SP031"),
        (500, b"Virtuoso S1T00 Error SR171: Transaction timed out", errors.QueryTimeout, "SR171"),
        (500, b"<html><b>Boom</b> at http://10.1.2.3/x</html>", errors.EngineFailed, "Boom at ..."),
        (503, b"", errors.EngineDown, "busy"),
        (504, b"late", errors.QueryTimeout, "late"),
        (507, b"", errors.QueryOutOfMemory, "memory"),
        (404, b"what " * 200, errors.EngineFailed, "404"),
        (302, b"", errors.EngineFailed, "302"),
    ],
)  # fmt: skip
def test_a_status_of_the_endpoint_becomes_ours(
    status: int, body: bytes, error: type[errors.ClusterloomError], said: str
) -> None:
    with (
        endpoint(lambda h: h.give(body, status, "text/plain", Retry_After="7")) as server,
        pytest.raises(error) as caught,
    ):
        ask(server, SELECT)
    assert said in caught.value.detail
    assert len(caught.value.detail) < 300
    assert "10.1.2.3" not in caught.value.detail
    if error is errors.EngineDown:
        assert caught.value.extra["retry_after"] == 7


@pytest.mark.parametrize(
    "answer",
    [
        lambda h: h.give((ROWS % ROW)[:-1]),
        lambda h: h.give((ROWS % ROW)[:-30]),
        lambda h: h.give(ROWS % ROW + b"\nThe query timed out"),
        lambda h: h.give(ROWS[:20], size=5000),
        lambda h: h.give(b"<html>sorry</html>", media_type="text/html"),
        lambda h: h.give(b""),
        lambda h: h.give(b'{"head":{},"boolean":true}'),
        lambda h: h.give(ROWS % ROW, X_SQL_State="S1TAT"),
        lambda h: h.give(ROWS % ROW, X_SPARQL_MaxRows="1"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(answer: Answer) -> None:
    with endpoint(answer) as server, pytest.raises(errors.EngineFailed):
        ask(server, SELECT)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("ASK {}", b'{"head":{},"boolean":true} and more'),
        ("ASK {}", b'{"head":{}}'),
        ("CONSTRUCT WHERE { ?s ?p ?o }", b"<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", b"<urn:a> <urn:b> <urn:c> .\nThe query timed out"),
    ],
)
def test_no_error_is_taken_for_a_truth_or_a_graph(query: str, body: bytes) -> None:
    kind = JSON if query == "ASK {}" else "application/n-triples"
    wanted = JSON if query == "ASK {}" else TURTLE
    with (
        endpoint(lambda h: h.give(body, media_type=kind)) as server,
        pytest.raises(errors.EngineFailed),
    ):
        ask(server, query, wanted)


def test_a_graph_without_a_marked_end_is_refused() -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/n-triples")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"<urn:a> <urn:b> <urn:c> .\n")
        handler.close_connection = True

    with endpoint(answer) as server, pytest.raises(errors.EngineFailed, match="where its answer"):
        ask(server, "CONSTRUCT WHERE { ?s ?p ?o }", TURTLE)


def test_a_refused_connection_says_when_to_come_back() -> None:
    with endpoint(lambda h: h.give(b"")) as server:
        url = server.url
    held = Holdings(url, {url: Holding(RELEASE.id)})

    async def run() -> None:
        async with RemoteSession(RELEASE, lambda: held) as opened:
            await opened.run(Query(SELECT), Limits(5), JSON)

    with pytest.raises(errors.EngineDown) as caught:
        asyncio.run(run())
    assert caught.value.status == 503
    assert caught.value.extra["retry_after"] > 0  # type: ignore[operator]


def test_the_deadline_ends_the_wait() -> None:
    began = time.monotonic()
    with endpoint(lambda _: time.sleep(2)) as server, pytest.raises(errors.QueryTimeout):
        ask(server, SELECT, limits=Limits(0.4))
    assert time.monotonic() - began < 4


def endless(handler: Handler) -> None:
    """Rows for ever, in chunks."""
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    part = b'{"head":{"vars":["s"]},"results":{"bindings":[' + ROW
    try:
        while True:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            part = (b"," + ROW) * 1000
    except OSError:
        handler.server.forms.append({"ended": ["yes"]})


@pytest.mark.parametrize("limits", [Limits(30), Limits(1), Limits(30, pause=0.3)])
def test_an_endless_answer_ends_by_closing_by_deadline_or_by_a_slow_reader(limits: Limits) -> None:
    async def run(opened: RemoteSession) -> str:
        result = await opened.run(Query(SELECT), limits, CSV)
        first = await anext(result.chunks)
        assert first.startswith(b"s\r\nx\r\n")
        why = "closed"
        if limits.seconds < 30 or limits.pause < 30:
            if limits.pause < 30:
                await asyncio.sleep(0.6)
            why = "deadline" if limits.seconds < 30 else "pause"
            with pytest.raises(errors.QueryTimeout):
                async for _ in result.chunks:
                    pass
        await result.aclose()
        await result.aclose()
        state = opened.state()
        assert state.busy == 0
        assert state.killed == {why: 1}
        return why

    async def main() -> str:
        async with session(server) as opened:
            return await run(opened)

    with endpoint(endless) as server:
        asyncio.run(main())
        until = time.monotonic() + 10
        while {"ended": ["yes"]} not in server.forms and time.monotonic() < until:
            time.sleep(0.02)
        assert {"ended": ["yes"]} in server.forms


def test_rows_are_cut_only_where_asked_and_said() -> None:
    async def run(rows: int) -> tuple[int | None, bytes]:
        async with session(server) as opened:
            result = await opened.run(Query(SELECT), Limits(5, rows=rows), JSON)
            return result.truncated, await result.read()

    with endpoint(lambda h: h.give(ROWS % b",".join([ROW] * 3))) as server:
        cut, body = asyncio.run(run(2))
        assert cut == 2
        assert json.loads(body)["head"]["truncated"] == 2
        assert len(json.loads(body)["results"]["bindings"]) == 2
        assert asyncio.run(run(3))[0] is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
        "INSERT DATA { <urn:a> <urn:b> 1 }",
        "DEFINE get:soft 'replace' SELECT * { ?s ?p ?o }",
        "SELECT (<bif:left>('abc', 1) AS ?x) {}",
        "PREFIX sql: <sql:> SELECT (sql:rnd(1) AS ?x) {}",
        "SELECT (<\\u0062if:left>('abc', 1) AS ?x) {}",
        "SELECT * { ?s ?p ?o OPTION (TRANSITIVE) }",
        "SELECT * { ?s " + "/".join(["<urn:p>"] * 6000) + " ?o }",
        "SELECT * {",
    ],
)
def test_what_is_not_plain_sparql_never_reaches_the_endpoint(query: str) -> None:
    with endpoint(lambda h: h.give(ROWS % ROW)) as server:
        with pytest.raises((errors.QueryRefused, errors.QuerySyntaxError)):
            ask(server, query)
        assert server.forms == []


def test_the_dataset_goes_by_protocol() -> None:
    with endpoint(lambda h: h.give(ROWS % ROW)) as server:
        ask(server, SELECT)
        ask(server, Query(SELECT, ("urn:g",), ("urn:h", "urn:i")))
        ask(server, "SELECT ?s FROM NAMED <urn:h> { GRAPH <urn:h> { ?s ?p ?o } }")
        ask(server, Query("SELECT ?s { ?s <x> ?o }", base="http://test/sparql"))
        with pytest.raises(errors.QueryRefused):
            ask(server, Query(SELECT, ("urn:g", "urn:h")))
        sent = server.forms
    assert "default-graph-uri" not in sent[0]
    assert sent[1]["default-graph-uri"] == ["urn:g"]
    assert sent[1]["named-graph-uri"] == ["urn:h", "urn:i"]
    assert sent[2]["default-graph-uri"] == [NOWHERE]
    assert sent[2]["named-graph-uri"] == ["urn:h"]
    assert sent[3]["query"][0].startswith("BASE <http://test/sparql>\n")


def test_virtuoso_is_given_the_copy_of_the_default_graph() -> None:
    with endpoint(lambda h: h.give(ROWS % ROW), "Virtuoso/07.20 (Linux)") as server:
        ask(server, SELECT)
        ask(server, f"SELECT ?s {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}")
        ask(server, "SELECT ?s { GRAPH ?g { ?s ?p ?o } }")
        ask(server, f"SELECT ?s {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} GRAPH ?g {{ ?s ?q ?r }} }}")
        ask(server, "SELECT ?s FROM <urn:x> { GRAPH ?g { ?s ?p ?o } }")
        with pytest.raises(errors.QueryRefused, match="not in the dataset"):
            ask(server, Query("ASK { GRAPH <urn:x> { ?s ?p ?o } }", (), ("urn:y",)))
        sent = server.forms
    assert [form["default-graph-uri"] for form in sent] == [[DEFAULT_COPY]] * 4 + [["urn:x"]]
    assert sent[4]["named-graph-uri"] == [NOWHERE]
    assert sent[1]["named-graph-uri"] == [GRAPH]
    assert sent[2]["query"][0].startswith(f"define input:named-graph-exclude <{DEFAULT_COPY}>")
    assert sent[3]["named-graph-uri"] == [GRAPH]


def test_terms_of_virtuoso_are_put_right() -> None:
    def cell(kind: str, value: str, datatype: str = "") -> str:
        typed = f', "datatype": "http://www.w3.org/2001/XMLSchema#{datatype}"' if datatype else ""
        return f'{{ "type": "{kind}"{typed}, "value": "{value}" }}'

    literal = "typed-literal"
    day = "2020-01-01T00:00:00"
    text = r"a \"type\": \"bnode\", \"value\": \"nodeID://b1\" \u00E9"
    row = (
        f'{{ "b": {cell("bnode", "nodeID://b10")}\t, "t": {cell(literal, "1", "boolean")}, '
        f'"n": {cell(literal, "1", "integer")}, "e": {cell(literal, "0", "integer")}, '
        f'"d": {cell(literal, "1.0", "double")}, '
        f'"w": {cell(literal, day + ".500Z", "dateTime")}, "s": {cell("literal", text)} }}'
    )
    body = f"""
{{ "head": {{ "link": [], "vars": ["b", "t", "n", "e", "d", "w", "s"] }},
  "results": {{ "distinct": false, "ordered": true, "bindings": [
    {row} ] }} }}"""
    query = "SELECT * { ?b ?t ?n ; ?d ?s , ?w BIND (?d > ?s AS ?e) }"
    with endpoint(lambda h: h.give(body.encode()), "Virtuoso/07.20") as server:
        found = json.loads(ask(server, query))
    assert found["head"]["vars"] == ["b", "t", "n", "d", "s", "w", "e"]
    xsd = "http://www.w3.org/2001/XMLSchema#"
    assert found["results"]["bindings"] == [
        {
            "b": {"type": "bnode", "value": "b10"},
            "t": {"type": "literal", "value": "true", "datatype": xsd + "boolean"},
            "n": {"type": "literal", "value": "1", "datatype": xsd + "integer"},
            "d": {"type": "literal", "value": "1", "datatype": xsd + "double"},
            "w": {"type": "literal", "value": day + ".5Z", "datatype": xsd + "dateTime"},
            "s": {"type": "literal", "value": 'a "type": "bnode", "value": "nodeID://b1" é'},
            "e": {"type": "literal", "value": "false", "datatype": xsd + "boolean"},
        }
    ]


@pytest.mark.parametrize(("rows", "truth"), [("", False), ('{ "__ASK_RETVAL": {} }', True)])
def test_virtuoso_may_answer_ask_with_rows(rows: str, truth: bool) -> None:
    body = f'{{"head": {{"vars": ["__ASK_RETVAL"]}}, "results": {{"bindings": [{rows}]}}}}'
    with endpoint(lambda h: h.give(body.encode()), "Virtuoso/07.20") as server:
        assert json.loads(ask(server, "ASK {}"))["boolean"] is truth
    with endpoint(lambda h: h.give(body.encode())) as server, pytest.raises(errors.EngineFailed):
        ask(server, "ASK {}")


@pytest.mark.parametrize(
    ("query", "truths"),
    [
        ("SELECT (?a = ?b AS ?v) { ?a ?p ?b }", "v"),
        ("SELECT (!?a AS ?v) ((?a && ?b) AS ?w) { ?a ?p ?b }", "v w"),
        ("SELECT ?v { ?a ?p ?b BIND (EXISTS { ?a ?q ?c } AS ?v) }", "v"),
        ("SELECT ?v { ?a ?p ?b BIND (BOUND(?a) AS ?v) FILTER (?v) } ORDER BY ?v", "v"),
        ("SELECT (?a IN (1, 2) AS ?v) (REGEX(?a, 'x') AS ?w) { ?a ?p ?b }", "v w"),
        ("SELECT (IF(?a = ?b, 1, 2) AS ?v) (SUM(?a) AS ?w) { ?a ?p ?b }", ""),
        ("SELECT (?a + (?b = 1) AS ?v) { ?a ?p ?b }", ""),
        ("SELECT ?v { { ?a ?p ?b BIND (?a = ?b AS ?v) } UNION { ?a ?p ?v } }", ""),
        ("SELECT ?v { { ?a ?p ?b BIND (?a = ?b AS ?v) } UNION { VALUES (?v) { (1) } } }", ""),
        ("SELECT ?v { { BIND (1 = 1 AS ?v) } UNION { BIND (1 AS ?v) } }", ""),
    ],
)
def test_only_a_variable_that_can_hold_nothing_else_is_a_truth(query: str, truths: str) -> None:
    assert truth_variables(inspect(query)) == frozenset(truths.split())
