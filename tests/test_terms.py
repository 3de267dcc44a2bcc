"""Serialised terms are held against the parser: what is written is what is read."""

from __future__ import annotations

from decimal import Decimal

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom import terms
from clusterloom.namespaces import PREFIXES

XSD = PREFIXES["xsd"]
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"]))


def read(term: str) -> ox.Literal:
    """The term as the parser reads it."""
    line = f"<http://a.example/s> <http://a.example/p> {term} ."
    (quad,) = ox.parse(line, format=ox.RdfFormat.N_TRIPLES)
    assert isinstance(quad.object, ox.Literal)
    return quad.object


@given(PLAIN)
def test_text_survives_the_parser(value: str) -> None:
    assert read(terms.text(value)).value == value


@given(st.text('\n\r\t\\"ab', max_size=12))
def test_escapes_survive_the_parser(value: str) -> None:
    assert read(terms.text(value)).value == value


@given(PLAIN, st.sampled_from(["en", "pt-BR", "sl"]))
def test_language_survives_the_parser(value: str, lang: str) -> None:
    literal = read(terms.text(value, lang))
    assert (literal.value, literal.language) == (value, lang.lower())


@given(st.integers())
def test_integer(value: int) -> None:
    literal = read(terms.integer(value))
    assert int(literal.value) == value
    assert literal.datatype.value == XSD + "integer"


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12
    )
)
def test_decimal_keeps_the_value(value: Decimal) -> None:
    literal = read(terms.decimal(value))
    assert Decimal(literal.value) == value
    assert "e" not in literal.value.lower()


@given(st.dates())
def test_day(value: object) -> None:
    assert read(terms.day(str(value))).value == str(value)


@given(PLAIN)
def test_iri_is_refused_or_survives(value: str) -> None:
    try:
        term = terms.iri("http://a.example/" + value)
    except terms.BadTerm:
        return
    line = f"{term} <http://a.example/p> <http://a.example/o> ."
    (quad,) = ox.parse(line, format=ox.RdfFormat.N_TRIPLES)
    assert str(quad.subject) == term


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (terms.iri, "no iri"),
        (terms.iri, "http://a.example/a b"),
        (terms.text, "bell \x07"),
        (terms.integer, "12a"),
        (terms.integer, ""),
        (terms.year, "20"),
        (terms.year, "3999"),
        (terms.decimal, "1,5"),
        (terms.decimal, "NaN"),
        (terms.day, "2020-02-30"),
        (terms.day, "2020-02"),
        (lambda v: terms.text("x", v), "not a tag"),
    ],
)
def test_bad_values_are_refused_by_name(make: object, bad: str) -> None:
    assert callable(make)
    with pytest.raises(terms.BadTerm) as error:
        make(bad)
    assert repr(bad)[1:-1].strip("'") in str(error.value) or "U+0007" in str(error.value)


@pytest.mark.parametrize(
    ("value", "written"),
    [("1.50", "1.5"), ("-0", "0"), ("1E+3", "1000"), ("0.000", "0"), ("007", "7"), ("-2.0", "-2")],
)
def test_decimal_has_one_form(value: str, written: str) -> None:
    assert read(terms.decimal(value)).value == written
