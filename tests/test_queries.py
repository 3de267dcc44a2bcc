"""Every library query on the default release: columns, least rows, asserted rows, no false no."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from clusterloom import namespaces as ns
from clusterloom.queries.library import LibraryQuery, library, render
from clusterloom.store.release import Release

CASES = Path(__file__).parent / "cases" / "queries"
NEGATION = re.compile(r"\bMINUS\b|\bNOT\s+(?:EXISTS|IN)\b|!\s*BOUND\b|=\s*0\b", re.IGNORECASE)
NAMES = sorted(library())


@pytest.fixture(scope="module")
def store(default_release: Release) -> ox.Store:
    return ox.Store.read_only(str(default_release.store_path))


def answer(store: ox.Store, text: str) -> tuple[list[str], list[dict[str, str]]]:
    solutions = store.query(text)
    assert isinstance(solutions, ox.QuerySolutions)
    columns = [v.value for v in solutions.variables]
    found = [
        {c: short(term.value) for c, term in zip(columns, row, strict=True) if term is not None}
        for row in solutions
    ]
    return columns, found


def short(value: str) -> str:
    return value.removeprefix(ns.ID)


def contains(found: list[dict[str, str]], wanted: dict[str, Any]) -> bool:
    """A row that has the wanted cells; a cell wanted as null or blank must be unbound."""
    return any(
        all(row.get(c, "") == ("" if v is None else str(v)) for c, v in wanted.items())
        for row in found
    )


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return loaded


def test_the_library_has_forty_queries_and_a_case_for_each() -> None:
    assert len(NAMES) >= 40
    assert {p.stem for p in CASES.glob("*.json")} == set(NAMES)
    assert sum("competency" in library()[n].header.tags for n in NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_query_runs_unchanged(name: str, store: ox.Store) -> None:
    query, expected = library()[name], case(name)
    columns, found = answer(store, query.sparql)
    check(query, columns, found, expected)
    least = max(query.header.expect.min_rows, expected.get("min_rows", 1))
    assert len(found) >= least
    if "max_rows" in expected:
        assert len(found) <= expected["max_rows"]


PARAMETERISED = [(n, i) for n in NAMES for i in range(len(case(n).get("parameters", [])))]


@pytest.mark.parametrize(("name", "index"), PARAMETERISED)
def test_query_with_parameters(name: str, index: int, store: ox.Store) -> None:
    query, expected = library()[name], case(name)["parameters"][index]
    values = {
        key: [str(v) for v in (value if isinstance(value, list) else [value])]
        for key, value in expected["values"].items()
    }
    columns, found = answer(store, render(query, values))
    check(query, columns, found, expected)


def check(
    query: LibraryQuery, columns: list[str], found: list[dict[str, str]], expected: dict[str, Any]
) -> None:
    assert set(columns) == set(query.columns)
    for wanted in expected["rows"]:
        assert contains(found, wanted), f"no row {wanted} among {len(found)}: {found[:3]}"


@pytest.mark.parametrize("name", NAMES)
def test_a_negation_says_how_much_is_known(name: str) -> None:
    """An incomplete list never yields a no: a query that negates shows known n of N."""
    query = library()[name]
    body = "\n".join(line.partition("# ")[0] for line in query.sparql.splitlines())
    if NEGATION.search(body) and not (query.header.model_extra or {}).get("negation"):
        assert {"known", "total"} <= set(query.columns)


@pytest.mark.parametrize("name", NAMES)
def test_no_query_walks_a_path_of_any_length(name: str) -> None:
    body = "\n".join(line.partition("#")[0] for line in library()[name].sparql.splitlines())
    assert not re.search(r"(?:[A-Za-z_]:\w+|>)\s*[*+](?!\s*[\d?(])", body)
    assert not re.search(r"NOT\s+EXISTS", body, re.IGNORECASE)
