"""Checks of data: silent on the examples, and each one proven able to fail."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom.ontology import checks, vocabulary
from clusterloom.ontology.checks import Check
from clusterloom.ontology.modules import room

CASES = Path(__file__).parent / "cases" / "checks"
VALID = sorted((room() / "examples" / "valid").glob("*.ttl"))
FORMATS = {".ttl": ox.RdfFormat.TURTLE, ".trig": ox.RdfFormat.TRIG}


def load(store: ox.Store, path: Path) -> None:
    for quad in ox.parse(path=path, format=FORMATS[path.suffix], rename_blank_nodes=True):
        store.add(quad)


def examples() -> ox.Store:
    store = ox.Store()
    store.extend(vocabulary.ontology_quads())
    for path in VALID:
        load(store, path)
    return store


def case(check: Check) -> Path:
    found = list(CASES.glob(f"{check.name}.*"))
    assert len(found) == 1, f"write tests/cases/checks/{check.name}.ttl with a violation"
    return found[0]


def test_each_check_is_documented_and_has_its_case() -> None:
    assert len(checks.checks()) >= 70
    assert {path.stem for path in CASES.iterdir()} == {check.name for check in checks.checks()}
    for check in checks.checks():
        assert check.documentation.endswith((".", ")")), check.name
        assert check.severity in {"error", "warning"}
        assert check.scope in {"ontology", "data"}


@pytest.mark.parametrize("check", checks.checks(), ids=lambda c: c.name)
def test_check_is_able_to_fail(check: Check) -> None:
    store = examples() if check.scope == "data" else ox.Store()
    load(store, case(check))
    assert len(checks.rows(store, check)) >= 1


def test_data_checks_find_nothing_in_the_valid_examples() -> None:
    assert checks.run_checks(examples(), "data") == []


def test_violation_names_check_severity_and_values() -> None:
    store = examples()
    load(store, CASES / "organisation-twice.ttl")
    (found,) = [v for v in checks.run_checks(store, "data") if v.check == "organisation-twice"]
    assert found.severity == "error"
    assert found.row["pic"] == "900000001"
    assert found.row["other"].endswith("example-textile-cluster")


def test_two_named_graphs_with_one_statement_are_no_violation() -> None:
    store = examples()
    load(store, CASES / "graph-without-kind.trig")
    found = {v.check for v in checks.run_checks(store, "data")}
    assert {"graph-without-kind", "graph-not-in-default"} == found
