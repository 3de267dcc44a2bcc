"""The parts of a query: compared with the algebra of another parser, and put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox
import pytest
from rdflib.paths import Path as RdfPath
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import BNode, Literal, URIRef, Variable

from clusterloom.queries.library import library
from clusterloom.store.pattern_reader import read
from clusterloom.store.patterns import Block, Conjunct, QueryParts, SubSelect, Triple, Values, walk
from clusterloom.store.query_terms import iri_of, literal_of, prologue
from clusterloom.store.token_reader import Misread

NAMES = sorted(library())
P = "PREFIX e: <http://e/> "


def triples(text: str) -> list[Triple]:
    return [part for part in walk(read(text).select.group) if isinstance(part, Triple)]


def texts(query: str) -> list[str]:
    return [part.text for part in walk(read(query).select.group)]


def test_a_group_is_told_apart() -> None:
    found = read(
        P + "SELECT ?a (COUNT(*) AS ?n) FROM e:d FROM NAMED <http://n> WHERE {\n"
        "  ?a e:p ?b , 1 ; a e:C . # a comment\n"
        "  OPTIONAL { ?b e:q/e:r+ ?c } FILTER (?b > 1 && (?b < 9 || ?b = 20) && !BOUND(?c))\n"
        "  MINUS { ?a e:gone true } BIND (?b + 1 AS ?d)\n"
        "  VALUES (?a ?x) { (e:one UNDEF) (e:two 'x'@en) }\n"
        "  { ?a e:u1 ?u } UNION { GRAPH ?g { ?a e:u2 -2.5 } }\n"
        "  { SELECT ?a { ?a e:z [ e:y ( 1 ?l ) ] } LIMIT 3 }\n"
        "} GROUP BY ?a HAVING (COUNT(*) > 1) ORDER BY DESC(?n) ?a LIMIT 5 OFFSET 2"
    )
    select, parts = found.select, found.select.group.parts
    assert [type(p).__name__ for p in parts] == (
        ["Triple"] * 3 + ["Block"] + ["Conjunct"] * 3
        + ["Block", "Bind", "Values", "Block", "SubSelect"]
    )  # fmt: skip
    assert [p.expression for p in parts if isinstance(p, Conjunct)] == [
        "?b > 1", "(?b < 9 || ?b = 20)", "!BOUND(?c)",
    ]  # fmt: skip
    assert (select.limit, select.offset, select.having) == (5, 2, "(COUNT(*) > 1)")
    assert (select.grouping, select.ordering) == ("GROUP BY ?a", "ORDER BY DESC(?n) ?a")
    assert select.columns == ("a", "n")
    assert select.aggregates
    assert [t.text for t in found.default + found.named] == ["e:d", "<http://n>"]
    values = next(p for p in parts if isinstance(p, Values))
    assert [[cell.text for cell in row] for row in values.rows] == [
        ["e:one", ""],
        ["e:two", "'x'@en"],
    ]
    assert values.binds == {"a", "x"}
    sub = next(p for p in parts if isinstance(p, SubSelect))
    inner = [t.text for t in sub.select.group.parts if isinstance(t, Triple)]
    assert inner[-1].startswith("?a e:z ?_b")
    assert len(inner) == 6


def test_places_are_those_of_the_text() -> None:
    text = P + "SELECT * {\n  ?a e:p ?b ;\n     e:q ?c .\n  FILTER (?b > 1 &&\n    ?c < 2) }"
    for part in walk(read(text).select.group):
        assert isinstance(part, Triple | Conjunct)
        begin = part.predicate if isinstance(part, Triple) else part.expression
        assert text.startswith(begin, part.start) or text.startswith("?a e:p", part.start)


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("ASK { ?s ?p 1.}", ["?s ?p 1 ."]),
        ("ASK { ?s ?p 1.5.}", ["?s ?p 1.5 ."]),
        ("ASK { ?s ?p -1 , +2 }", ["?s ?p -1 .", "?s ?p +2 ."]),
        ("ASK { ?s ^<a:b>|!(<a:c>|^a) ?o }", ["?s ^<a:b>|!(<a:c>|^a) ?o ."]),
        ("ASK { ?s <a:b>? ?o }", ["?s <a:b>? ?o ."]),
        ("ASK { _:x <a:b> _:x }", ["?_b_x <a:b> ?_b_x ."]),
        ("ASK { $s a 'it''' }", []),
        ("ASK { ?s ?p 'a'^^<a:b>, 'b'@en-GB }", ["?s ?p 'a'^^<a:b> .", "?s ?p 'b'@en-GB ."]),
        ("ASK { [] <a:b> [] . [ <a:c> 1 ] }", ["?_b1 <a:b> ?_b2 .", "?_b3 <a:c> 1 ."]),
        (
            "ASK { FILTER (1 IN (1, 2) && 2 NOT IN (3)) }",
            ["FILTER (1 IN (1, 2))", "FILTER (2 NOT IN (3))"],
        ),
        ("ASK { FILTER REGEX('a', 'b', 'i') }", ["FILTER (REGEX('a', 'b', 'i'))"]),
        ("ASK { FILTER (?a && ?b || ?c) }", ["FILTER (?a && ?b || ?c)"]),
        ("ASK { LATERAL { ?a ?b ?c } }", ["LATERAL { ?a ?b ?c }", "?a ?b ?c ."]),
    ],
)  # fmt: skip
def test_details(query: str, parts: list[str]) -> None:
    if not parts:
        with pytest.raises((Misread, ValueError)):
            read(query)
        return
    assert texts(query) == parts


@pytest.mark.parametrize(
    "query",
    [
        "DESCRIBE <a:b>",
        "CONSTRUCT WHERE { ?s ?p ?o }",
        "CONSTRUCT { ?s a ?o } { ?s ?p ?o }",
        "BASE <http://b/> ASK {}",
        "DESCRIBE ?x { ?x a <a:b> } LIMIT 1",
        "ASK FROM <a:b> {}",
    ],
)
def test_every_form_is_read(query: str) -> None:
    assert read(query).select.form == query.split()[-2 if query.startswith("BASE") else 0].lower()


@pytest.mark.parametrize("name", NAMES)
def test_triples_are_those_of_another_parser(name: str) -> None:
    text = library()[name].sparql
    theirs = Counter(_written(t) for t in _algebra(translateQuery(parseQuery(text)).algebra))
    parts = read(text)
    ours = Counter(
        _ours(parts, part) for part in walk(parts.select.group) if isinstance(part, Triple)
    )
    assert ours == theirs


@pytest.mark.parametrize("name", NAMES)
def test_parts_put_together_parse_again(name: str) -> None:
    parts = read(library()[name].sparql)
    text = " ".join(part.text for part in parts.select.group.parts)
    body = f"ASK {{ {text} }}"
    ox.Store().query(prologue(parts, body) + body)


def test_terms_are_known_by_what_they_mean() -> None:
    parts = read("BASE <http://b/c/> " + P + "PREFIX x: <d#> ASK {}")
    assert iri_of(parts, "e:a") == "http://e/a"
    assert iri_of(parts, "x:a\\-b") == "http://b/c/d#a-b"
    assert iri_of(parts, "<../e>") == "http://b/e"
    assert iri_of(parts, "a").endswith("#type")
    assert iri_of(parts, "<http://e/\\u003e%20>") == ""
    assert iri_of(parts, "nope:a") == iri_of(parts, "?x") == iri_of(parts, '"a:b"') == ""
    found = literal_of(parts, "'7'^^e:int")
    assert found is not None
    assert tuple(found) == ("7", "", "http://e/int")
    assert literal_of(parts, "e:a") is None
    assert literal_of(parts, "?x") is None


def test_blocks_bind_what_can_be_seen_outside() -> None:
    blocks = [p for p in read("ASK { ?a ?b ?c MINUS { ?m ?b 1 } GRAPH ?g { ?x ?y 1 } }").select
              .group.parts if isinstance(p, Block)]  # fmt: skip
    assert [sorted(block.binds) for block in blocks] == [[], ["g", "x", "y"]]


def _algebra(node: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(node, CompValue):
        if node.name == "BGP":
            yield from node["triples"]
            return
        if node.name == "TriplesBlock":  # an EXISTS that it leaves as it was parsed
            for row in node["triples"]:
                yield from zip(row[::3], row[1::3], row[2::3], strict=True)
            return
        for key, value in node.items():
            if key != "_vars":
                yield from _algebra(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _algebra(item)


def _written(triple: tuple[Any, Any, Any]) -> tuple[str, str, str]:
    subject, predicate, obj = triple
    path = "path" if isinstance(predicate, RdfPath) else _term(predicate)
    return _term(subject), path, _term(obj)


def _term(term: Any) -> str:
    if isinstance(term, Variable):
        return f"?{term}"
    if isinstance(term, BNode):
        return "_"
    assert isinstance(term, URIRef | Literal)
    return str(term)


def _ours(parts: QueryParts, triple: Triple) -> tuple[str, str, str]:
    def said(text: str) -> str:
        if text.startswith("?"):
            return "_" if text.startswith("?_b") else text
        literal = literal_of(parts, text)
        return literal.value if literal else iri_of(parts, text)

    path = "path" if triple.path else said(triple.predicate)
    return said(triple.subject), path, said(triple.object)
