"""Technical coefficients of an input-output table."""

from __future__ import annotations

import csv

import pytest

from clusterloom.loaders.coefficients import coefficients
from clusterloom.loaders.registry import data_folder
from clusterloom.loaders.supply import activities


def test_flow_over_output_of_the_user() -> None:
    assert coefficients({("a", "b"): 5.0}, {"a": 100.0, "b": 20.0}) == {("a", "b"): 0.25}


def test_no_coefficient_without_output() -> None:
    flows = {("a", "b"): 5.0, ("a", "c"): 5.0, ("a", "d"): 5.0}
    assert coefficients(flows, {"b": 0.0, "c": -1.0}) == {}


def test_a_flow_of_nothing_is_known_to_be_nothing() -> None:
    assert coefficients({("a", "b"): 0.0}, {"b": 4.0}) == {("a", "b"): 0.0}


def _column(table: str, *columns: str) -> list[list[str]]:
    with open(data_folder() / table, encoding="utf-8", newline="") as handle:
        return [[row[c] for c in columns] for row in csv.DictReader(handle)]


def test_the_czech_table_uses_less_than_it_makes() -> None:
    flows = {
        (a, b): float(f)
        for a, b, f in _column("supply_table_cz_2015.csv", "from_cpa", "to_cpa", "flow_million_czk")
    }
    outputs = {
        cpa: float(o)
        for cpa, o in _column("supply_output_cz_2015.csv", "cpa", "output_million_czk")
    }
    found = coefficients(flows, outputs)
    assert len(found) == len(flows) == 3342
    assert found["A01", "C10-12"] == pytest.approx(95687 / 313801)
    for user in outputs:
        assert sum(a for (_, b), a in found.items() if b == user) < 1


def test_every_activity_is_in_one_group_at_most() -> None:
    titles = dict(_column("nace_rev2.csv", "code", "title_en"))
    groups = [cpa for (cpa,) in _column("supply_output_cz_2015.csv", "cpa")]
    codes = [code for group in groups for code in activities(group, titles)]
    assert all(activities(group, titles) for group in groups)
    assert len(codes) == len(set(codes))
