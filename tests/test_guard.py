"""The tokeniser and the guard: what is refused, what is not, what is known before a parser."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterloom.errors import ClusterloomError, QueryRefused, QuerySyntaxError
from clusterloom.store import guard
from clusterloom.store.guard import MAX_DEPTH, MAX_LENGTH, form, inspect, volatile
from clusterloom.store.tokens import Unclosed, tokenise

DEAD = "<http://127.0.0.1:1/>"
EMPTY = ox.Store()
DATA = ox.Store()
DATA.add(ox.Quad(ox.NamedNode("http://a"), ox.NamedNode("http://p"), ox.Literal(1)))

DISGUISES = [
    f"SELECT * {{ SERVICE {DEAD} {{ ?s ?p ?o }} }}",
    f"select * {{ sErViCe silent {DEAD} {{ ?s ?p ?o }} }}",
    f"SELECT * {{ SERVICESILENT{DEAD}{{}} }}",
    "SELECT * { VALUES ?x { <http://h/> } SERVICE ?x { ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:1/> SELECT * { SERVICE:x {} }",
    "PREFIX : <http://127.0.0.1:1/> PREFIX service: <http://s/> SELECT * { service:x {} }",
    f"SELECT * {{ ?s ?p trueSERVICE{DEAD}{{}} }}",
    f"SELECT * {{ ?s ?p 1SERVICE{DEAD}{{}} }}",
    f"SELECT * {{ ?s ?p 1.SERVICE{DEAD}{{}} }}",
    f"SELECT * {{ ?s ?p 'a'@en.SERVICE{DEAD}{{}} }}",
    f"PREFIX e: <http://e/> SELECT * {{ ?s ?p e:.SERVICE{DEAD}{{}} }}",
    f"SELECT * {{ BIND(1 AS ?x)SERVICE{DEAD}{{}} }}",
    f"SELECT * {{ ?s ?p ?o FILTER EXISTS {{ SERVICE {DEAD} {{}} }} }}",
    f"SELECT * {{ {{ SELECT * {{ SERVICE\n#\n{DEAD} {{}} }} }} }}",
    f"SELECT * {{ ?s ?p ?o FILTER(?o<'>')SERVICE {DEAD} {{}} #'\n }}",
    "SELECT * { ?s ?p ?o FILTER(?o<?p)SERVICE?x#>\n{} }",
    f"SELECT * {{ {{ SELECT * {{}} ORDER BY EXISTS {{}} (?a<'>') }} SERVICE {DEAD} {{}} #'\n }}",
    f"PREFIX e: <http://e/> ASK {{ FILTERe:f(?a<'>')SERVICE {DEAD} {{}} #'\n }}",
    f"PREFIX e: <http://e/> ASK {{ FILTER e:f(?a<'>')SERVICE {DEAD} {{}} #'\n }}",
    f"SELECT (?a<'>' AS ?b) {{ SERVICE {DEAD} {{}} #'\n }}",
    f"SELECT * {{ ?s ?p '''a''b\\'''' ; ?q \"\\\"\" . SERVICE {DEAD} {{}} }}",
    "SELECT * { SERV\\u0049CE <http://127.0.0.1:1/> {} }",
    'SELECT * { ?s ?p "\\u0022 } SERVICE <http://127.0.0.1:1/> {} #" }',
]

HARMLESS = [
    "SELECT * { ?s ?p 'SERVICE <x> {}' }",
    'SELECT * { ?s ?p """a "SERVICE" \\""" LOAD""" }',
    "SELECT * { ?s ?p '''it's SERVICE''' } # SERVICE <x> {}",
    "SELECT * { ?SERVICE $LOAD ?insert }",
    "SELECT * { <http://e/SERVICE> <http://e/a#LOAD> <http://e/x?SERVICE=1> }",
    "PREFIX service: <http://s/> SELECT * { ?s service:load service:SERVICE ; a service:x }",
    "PREFIX service: <http://s/> SELECT * { GRAPH service:g { ?s ?p ?o } }",
    "PREFIX service: <http://s/> SELECT * FROM service:g { ?s ?p ?o }",
    "PREFIX e: <http://s/> SELECT * { ?s e:SERVICE _:SERVICE }",
    "SELECT * { ?s ?p 'x'@service }",
    "SELECT ?x { ?x ?y ?z FILTER(?z<?y&&?y>?x || CONTAINS(?z, '} SERVICE {')) }",
    "SELECT * { VALUES (?a ?b) { (<http://a#b> <http://a/service#'c>) } }",
    "PREFIX e: <http://s/> ASK { ?s a (<http://a/'> <http://b/service'>) ; e:p ('SERVICE') }",
    "ASK { FILTER(COUNT(DISTINCT <http://x/'service'>) > 1) }",
    "ASK { FILTER(<<( <http://a> <http://b/'> <http://c/service'> )>> = 1) }",
]


@pytest.mark.parametrize("query", DISGUISES)
def test_service_is_refused_in_every_disguise(query: str) -> None:
    with pytest.raises(QueryRefused, match="SERVICE") as caught:
        inspect(query)
    assert caught.value.status == 400
    assert {"line", "column", "caret"} <= set(caught.value.extra)


@pytest.mark.parametrize("query", HARMLESS)
def test_words_that_are_no_keywords_are_not_refused(query: str) -> None:
    inspect(query)


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { <a:a> <a:b> 1 }",
        "PREFIX e: <http://e/> DELETE WHERE { ?s ?p ?o }",
        "LOAD <http://127.0.0.1/>",
        "load silent <http://127.0.0.1/> into graph <http://g>",
        "CLEAR ALL",
        "DROP GRAPH <http://g>",
        "CREATE GRAPH <http://g>",
        "ADD <http://g> TO DEFAULT",
        "MOVE DEFAULT TO <http://g>",
        "COPY DEFAULT TO <http://g>",
        "WITH <http://g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "ASK {} ; INSERT DATA { <a:a> <a:b> 1 }",
    ],
)
def test_updates_are_refused(update: str) -> None:
    with pytest.raises(QueryRefused, match="read-only"):
        inspect(update)


@pytest.mark.parametrize(
    "query",
    [
        "ASK " + "{" * 3000 + "}" * 3000,
        "ASK { FILTER(" + "(" * 10000 + "1" + ")" * 10000 + ") }",
        "ASK { FILTER(" + "!" * 10000 + "true) }",
        "ASK { FILTER(" + "- " * 5000 + "1) }",
        "ASK { ?s ?p " + "[ <a:b> " * 3000 + "1" + "]" * 3000 + "}",
        "ASK { FILTER(" + "!(" * 3000 + "true" + ")" * 3000 + ") }",
        "ASK { ?s ?p " + "<<( <a:b> <a:c> " * 3000 + "1" + ")>>" * 3000 + "}",
        "ASK {" + "{#\n" * MAX_DEPTH,
    ],
)
def test_deep_nesting_is_refused(query: str) -> None:
    with pytest.raises(QueryRefused, match="deep"):
        inspect(query)


def test_moderate_nesting_and_width_pass() -> None:
    inspect("ASK " + "{" * (MAX_DEPTH - 1) + "}" * (MAX_DEPTH - 1))
    inspect("ASK {" + "{} " * 5000 + "}")
    inspect("ASK { FILTER(" + " && ".join(["!(-?x = +1)"] * 500) + ") }")


def test_length_is_bounded() -> None:
    with pytest.raises(QueryRefused, match="limit"):
        inspect("ASK {} #" + "x" * MAX_LENGTH)


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
def test_a_string_without_end_is_a_syntax_error(quote: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        inspect(f"ASK {{\n ?s ?p {quote}abc }} SERVICE")
    assert (caught.value.extra["line"], caught.value.extra["column"]) == (2, 8)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * {}", "select"),
        ("select(1 as ?x){}", "select"),
        ("SELECTDISTINCT*{}", "select"),
        ("# SELECT\nPREFIX ask: <http://e/> ASK {}", "ask"),
        ("BASE <http://describe/> CONSTRUCT WHERE { ?s ?p ?o }", "construct"),
        ("DESCRIBE <http://a>", "describe"),
        ("nonsense", None),
        ("", None),
    ],
)
def test_form(query: str, expected: str | None) -> None:
    assert form(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT (NOW() AS ?x) {}", True),
        ("SELECT * { FILTER( rand ( ) > 0.5) }", True),
        ("SELECT (STRUUID() AS ?x) {}", True),
        ("SELECT (uuid() AS ?x) (BNODE() AS ?y) {}", True),
        ("CONSTRUCT { ?s ?p [] } WHERE { ?s ?p ?o }", True),
        ("CONSTRUCT { _:b ?p 1 } WHERE { ?s ?p ?o }", True),
        ("CONSTRUCT { ?s ?p 1 } WHERE { ?s ?p [] }", False),
        ("SELECT ?now { ?rand <http://e/NOW()> 'UUID()' } # RAND()", False),
        ("SELECT * { ?s ?p _:b }", False),
    ],
)
def test_volatile(query: str, expected: bool) -> None:
    assert volatile(query) is expected


def test_star_and_variables_in_order() -> None:
    found = inspect("SELECT DISTINCT * { ?z a $b . ?a ?b '?no' } # ?not\nORDER BY ?c")
    assert found.variables == ("z", "b", "a", "c")
    assert found.star == 16
    for query in ("SELECT (COUNT(*) AS ?n) {}", "ASK { { SELECT * {} } }", "SELECT ?x { ?x a ?y }"):
        assert inspect(query).star is None


def test_dataset_of_the_text() -> None:
    found = inspect(
        "BASE <http://b/c> PREFIX e: <http://e/> SELECT * FROM <d> FROM e:f FROM <http://b/d>"
        " FROM NAMED <http://n> { FILTER(?from = 'FROM <x>') }"
    ).dataset
    assert found.default == ("http://b/d", "http://e/f")
    assert found.named == ("http://n",)


def test_a_namespace_that_ends_with_a_hash_keeps_it_beside_a_base() -> None:
    text = "BASE <http://b/c> PREFIX e: <http://e/x#> PREFIX f: <d#> SELECT * FROM e:f FROM f:g {}"
    assert inspect(text).dataset.default == ("http://e/x#f", "http://b/d#g")


def test_normal_form_leaves_out_layout_only() -> None:
    one = inspect("SELECT ?x # c\n\n{ ?x a 'a  b' }").normal
    assert one == inspect("SELECT  ?x{?x a 'a  b'}").normal
    assert one != inspect("SELECT ?x { ?x a 'a b' }").normal


ALPHABET = "ab:.?<>'\"\\#{}()[]!-@_ \n\t1é\u00b7|&=SELECTservice"


@given(st.text(alphabet=st.sampled_from(ALPHABET), max_size=60))
@settings(max_examples=400, deadline=None)
def test_tokens_cover_every_text(text: str) -> None:
    try:
        tokens = tokenise(text)
    except Unclosed:
        return
    end = 0
    for token in tokens:
        assert re.fullmatch(r"(?:[ \t\r\n]|#[^\r\n]*)*", text[end : token.start])
        assert text.startswith(token.text, token.start)
        end = token.start + len(token.text)


def _quoted(text: str, quote: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(quote[0], "\\" + quote[0])
    return quote + escaped.replace("\n", "\\n").replace("\r", "\\r") + quote


words = st.sampled_from(
    ["SERVICE <http://h/> {}", "service", "LOAD", "} INSERT {", "\n", "'", '"', "\\", "#", "<", ">"]
)


@given(st.lists(words, max_size=8), st.sampled_from(["'", '"', "'''", '"""']))
@settings(max_examples=200, deadline=None)
def test_any_string_literal_is_harmless(parts: list[str], quote: str) -> None:
    text = "".join(parts)
    query = f"SELECT ({_quoted(text, quote)} AS ?x) {{}} # {' '.join(text.split())}"
    inspect(query)
    rows = EMPTY.query(query)
    assert isinstance(rows, ox.QuerySolutions)
    value = next(iter(rows))["x"]
    assert isinstance(value, ox.Literal)
    assert value.value == text


# fmt: off
FRAGMENTS = st.sampled_from([
    "?x", "?y", "<http://a/b>", "a", "e:a", "e:a.", ":x", "true", "1", "1.", "'q'", "'>'", "<'>",
    "<", "<?x", "(", ")", "{", "}", "FILTER", "FILTERe:f(", "BIND(", "AS ?n", "SELECT *", "UNION",
    "ORDER BY", "EXISTS {", "VALUES ?v {", "#'\n", "#>\n", " ", ".", ";", ",", "&&", "SERVICE",
    "SERVICE:x", "service:x", f"SERVICE {DEAD} {{}}", f"SERVICESILENT{DEAD}{{}}", "SERVICE?x{}",
    "{}", "'''", '"""', "\\'", "\\u0027", "@en", "_:b", "<<(", ")>>", "'", '"', "(?x<'>')",
    "(<'> <p>)", "FILTER(?x<'>')", "FILTER(?x<?y#>\n)", "trueSERVICE:x{}",
])
FRAMES = st.sampled_from([
    "SELECT * { ?x ?y ?z @ @ }", "SELECT * { ?x ?y ?z FILTER(@) @ }", "SELECT (@ AS ?k) { @ }",
    "ASK { VALUES (?a ?b) { (@) } @ }", "ASK { ?x a (@) . @ }", "ASK { ?x e:p (@) ; @ }",
    "ASK { ?x (@) ?y . @ }", "ASK { FILTER e:f(@) @ }", "SELECT * { { SELECT * {} ORDER BY @ } @ }",
])
# fmt: on
SHORT, LONGER = st.lists(FRAGMENTS, max_size=3), st.lists(FRAGMENTS, max_size=4)


@given(FRAMES, SHORT, LONGER, st.sampled_from(["", " "]))
@settings(max_examples=1500, deadline=None)
def test_the_parser_never_finds_a_service_that_the_guard_let_pass(
    frame: str, first: list[str], second: list[str], glue: str
) -> None:
    query = "PREFIX : <http://127.0.0.1:1/> PREFIX e: <http://e/> PREFIX service: <http://s/> "
    query += frame.replace("@", glue.join(first), 1).replace("@", glue.join(second), 1)
    try:
        inspect(query)
    except ClusterloomError:
        return
    if _parses(query):
        # where the parser reads a keyword, the text without it no longer parses
        assert _parses(query.replace("SERVICE", "SERVIXE").replace("service:", "servixe:"))


def _parses(query: str) -> bool:
    try:
        DATA.query(query, base_iri="http://b/")
    except SyntaxError:
        return False
    except RuntimeError:  # a function that is not known
        return True
    except OSError as error:
        raise AssertionError(f"a service was called by {query!r}") from error
    return True


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * { GRAPH ?g { ?s ?p ?o } }", True),
        ("select * { graph <a:b> { ?s ?p ?o } }", True),
        ("PREFIX e: <a:> SELECT * { GRAPHe:g { ?s ?p ?o } }", True),
        ("SELECT * FROM <a:b> { ?s ?p ?o }", True),
        ("SELECT * FROMNAMED<a:b> { ?s ?p ?o }", True),
        ("PREFIX : <a:> SELECT * FROM:b { ?s ?p ?o }", True),
        ("ASK { ?s ?p ?o FILTER NOT EXISTS { GRAPH?g{ ?s ?p ?o } } }", True),
        ("SELECT ?from ?graph { ?from <a:graph> 'GRAPH <a:b>', ?graph } # FROM", False),
        ("PREFIX e: <a:> SELECT * { ?s e:graph e:from }", False),
    ],
)
def test_names_graphs(query: str, expected: bool) -> None:
    assert inspect(query).names_graphs is expected


def test_shape_leaves_out_values_and_layout() -> None:
    one = inspect("SELECT ?x { ?x <a:p> 'a' FILTER(?x < 1) }").shape
    assert one == inspect("SELECT ?x{?x <a:q> 'b' # no\nFILTER(?x<20)}").shape
    assert one != inspect("SELECT ?x { ?x <a:p> 'a' FILTER(?x > 1) }").shape
    assert one != inspect("SELECT ?x { ?x <a:p> 'a' FILTER(?x < 1) } LIMIT 2").shape


@pytest.mark.parametrize(
    "query",
    [
        "ASK {" + "?s ?p ?o ." * 10_001 + "}",
        "ASK { ?s " + "?p ?o;" * 10_001 + "}",
        "ASK { ?s " + "/".join(["<p:>"] * 10_001) + " ?o }",
        "ASK { FILTER(" + "||".join(["?x"] * 10_002) + ") }",
        "ASK {" + "optional{}" * 10_001 + "}",
        "ASK {" + "BIND(1 AS ?v)" * 10_001 + "}",
        "ASK {" + "filter(1)" * 10_001 + "}",
    ],
)
def test_the_number_of_parts_is_bounded(query: str) -> None:
    with pytest.raises(QueryRefused, match="more than 10000 patterns"):
        inspect(query)


def test_rows_and_lists_may_be_long() -> None:
    inspect("ASK { VALUES (?x ?y) {" + "(1 -2.5)" * 20_000 + "} }")
    inspect("ASK { FILTER(?x IN (" + "<a:b>," * 30_000 + "1)) }")


def test_what_is_kept_of_queries_is_bounded() -> None:
    for n in range(20):
        inspect("ASK { FILTER(?x IN (" + "1," * 5000 + f"{n})) }}")
    kept = guard._inspect_long.cache_info()
    assert kept.currsize <= 16
    assert inspect("ASK {}") is inspect("ASK {}")


GAPS = [
    ("SELECT (COALESCE (1, 2) AS ?x) {}", "SELECT (COALESCE( 1, 2) AS ?x) {}"),
    ("SELECT (concat  ('a', 'b') AS ?x) {}", "SELECT (concat(  'a', 'b') AS ?x) {}"),
    ("SELECT (BNODE\n () AS ?x) {}", "SELECT (BNODE(\n  ) AS ?x) {}"),
    ("SELECT (COALESCE # (\n (?y) AS ?x) {}", "SELECT (COALESCE(    \n  ?y) AS ?x) {}"),
    ("SELECT * {} ORDER BY CONCAT ('a') COALESCE (1)",
     "SELECT * {} ORDER BY CONCAT( 'a') COALESCE( 1)"),
    ("SELECT (CONCAT (CONCAT ('a'), BNODE ()) AS ?x) {}",
     "SELECT (CONCAT( CONCAT( 'a'), BNODE( )) AS ?x) {}"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "text"), GAPS)
def test_a_gap_that_the_parser_refuses_is_closed(query: str, text: str) -> None:
    assert inspect(query).engine_text == text
    assert len(query.split("\n")[-1]) == len(text.split("\n")[-1])
    EMPTY.query(text)
    with pytest.raises(SyntaxError):
        EMPTY.query(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ('COALESCE (1)' AS ?x) {}",
        "SELECT * { ?s <http://e/CONCAT#> (1) }",
        "PREFIX e: <http://e/> SELECT * { ?s e:CONCAT (1) }",
        "SELECT * {} # CONCAT (",
        "SELECT (STR (1) AS ?CONCAT) {}",
    ],
)
def test_no_other_gap_is_touched(query: str) -> None:
    assert inspect(query).engine_text == query
    EMPTY.query(query)


def test_what_is_known_of_a_long_query_is_known_without_its_tokens() -> None:
    query = "SELECT ?a (COALESCE (?b, 1) AS ?c) FROM <g:> { ?b ?a ?d " + " " * 10_000 + "}"
    found = inspect(query)
    assert "tokens" not in vars(found)
    assert (found.form, found.volatile, found.star) == ("select", False, None)
    assert found.variables == ("a", "b", "c", "d")
    assert found.dataset.default == ("g:",)
    assert "COALESCE( ?b" in found.engine_text
