"""Input-output analysis against published tables, brute force and the identities it must keep."""

from __future__ import annotations

import csv
import doctest
import gzip
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from clusterloom.discovery import input_output
from clusterloom.discovery.input_output import (
    allocations,
    average_propagation_length,
    backward_linkages,
    coefficients,
    forward_linkages,
    ghosh,
    leontief,
    multipliers,
    upstreamness,
)
from clusterloom.discovery.ranking import ranks
from clusterloom.discovery.strongest_path import strongest_path, strongest_paths

Floats = NDArray[np.float64]

_PRODUCT_TABLE = "Input-Output table (domestic use, basic prices, product by product)"
_COEFFICIENTS = "Matrix of coefficients (product by product)"
_INVERSE = "Leontief Inverse (product by product)"
_COST = "Employment cost"
_GROUPS = [
    f"{name}_group"
    for name in (
        "agriculture",
        "manufacturing",
        "construction",
        "trade",
        "business_services",
        "other_services",
    )
]

# Columns below one, so that an inverse exists, and no entry so small that only rounding is tested.
_PRODUCTIVE = st.integers(1, 6).flatmap(
    lambda n: arrays(np.float64, (n, n), elements=st.integers(0, 100).map(float)).map(
        lambda z: z / (z.sum(0) + 10)
    )
)


class UK(NamedTuple):
    labels: list[str]
    flows: Floats
    output: Floats
    a: Floats
    inverse: Floats
    totals: Floats
    cost: Floats
    value_added: Floats
    published: dict[str, dict[str, str]]

    def column(self, name: str) -> Floats:
        return np.array([float(self.published[label][name]) for label in self.labels])


@pytest.fixture(scope="module")
def uk(shared: Path) -> UK:
    cells: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    label: dict[str, str] = {}
    with gzip.open(shared / "golden/uk_2010_table.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cells[row["indicator"]][row["uk_row"], row["uk_col"]] = float(row["values"])
            if row["indicator"] == _INVERSE:
                label.setdefault(row["uk_row"], row["uk_row_lab"])
    with open(shared / "golden/uk_2010_results.csv", encoding="utf-8") as file:
        published = {row["uk_row_label"]: row for row in csv.DictReader(file)}
    products = [code for code in label if code != "Total"]

    def block(indicator: str, rows: list[str]) -> Floats:
        # Cells of zero are left out of the published tables.
        return np.array([[cells[indicator].get((i, j), 0.0) for j in products] for i in rows])

    tax, cost, surplus, output = block(
        _PRODUCT_TABLE,
        [
            "Taxes less subsidies on production",
            "Compensation of employees",
            "Gross Operating Surplus",
            "Total output",
        ],
    )
    return UK(
        [label[code] for code in products],
        block(_PRODUCT_TABLE, products),
        output,
        block(_COEFFICIENTS, products),
        block(_INVERSE, products),
        block(_INVERSE, ["Total"])[0],
        cost,
        tax + cost + surplus,
        published,
    )


def test_doctests() -> None:
    result = doctest.testmod(input_output)
    assert result.attempted > 0
    assert result.failed == 0


def test_uk_2010_inverse(uk: UK) -> None:
    a, empty = coefficients(uk.flows, uk.output)
    assert a.shape == (127, 127)
    assert not empty.any()
    assert np.count_nonzero(uk.inverse) > 10_000
    assert np.abs(a - uk.a).max() < 1e-9
    inverse = leontief(a)
    assert np.abs(inverse - uk.inverse).max() < 1e-9
    assert np.abs(backward_linkages(inverse) - uk.totals).max() < 1e-9


def test_uk_2010_multipliers_and_all_ranks(uk: UK) -> None:
    inverse = leontief(coefficients(uk.flows, uk.output)[0])
    cost = multipliers(inverse, uk.cost / uk.output)
    added = multipliers(inverse, uk.value_added / uk.output)
    # The published table has both spellings: the second column of the multiplier is its rank.
    found = {
        "output_multiplier_rank": ("Output multiplier", backward_linkages(inverse)),
        "gva_multiplier_rank": ("GVA multiplier", added.ratio),
        "gva_effects_rank": ("GVA effects", added.effects),
        "employment_cost_effects_rank": (f"{_COST} effects", cost.effects),
        "employment_cost_multiplier": (f"{_COST} multiplier", cost.ratio),
    }
    for rank, (name, values) in found.items():
        known = ~np.isnan(values)
        assert np.abs(values - uk.column(name))[known].max() < 1e-9
        assert (ranks(values).rank == uk.column(rank))[known].all()
        # No employees, so no ratio: published as 0 and last, here undefined and without rank.
        undefined = [uk.labels[i] for i in np.flatnonzero(~known)]
        homes = "Owner-Occupiers' Housing Services"
        assert undefined == ([homes] if rank == "employment_cost_multiplier" else [])
        if undefined:
            assert uk.published[homes][name] == "0"
            assert uk.published[homes][rank] == "127"


def test_uk_2010_paths(uk: UK) -> None:
    electricity = uk.labels.index("Electricity, transmission and distribution")
    target = uk.labels.index("Dairy products")
    paths = strongest_paths(uk.a, electricity, target, 10, inverse=uk.inverse)
    assert len(paths) == 10
    assert paths[0] == strongest_path(uk.a, electricity, target, inverse=uk.inverse)
    assert sum(path.share for path in paths) <= 1
    for path in paths:
        steps = pairwise(path.nodes)
        assert path.product == pytest.approx(np.prod([uk.a[i, j] for i, j in steps]))
        assert path.share == pytest.approx(path.product / uk.inverse[electricity, target])


def test_germany_1995(shared: Path) -> None:
    golden = json.loads((shared / "golden/discovery.json").read_text())["W2_germany_1995"]
    with open(shared / "golden/germany_1995_beutel_15_4.csv", encoding="utf-8") as file:
        rows = {row["iotables_row"]: row for row in csv.DictReader(file)}

    def row(name: str) -> Floats:
        return np.array([float(rows[name][group]) for group in _GROUPS])

    flows = np.array([row(group) for group in _GROUPS])
    bought, sold = row("output_bp"), np.array([float(rows[g]["output_bp"]) for g in _GROUPS])
    inverse = leontief(coefficients(flows, bought)[0])
    found = {
        "backward": backward_linkages(inverse),
        # Output differs between margins of the published table (manufacturing, by rounding).
        "forward_computed": forward_linkages(ghosh(flows, sold)),
        "gva_multiplier": multipliers(inverse, row("gva_bp") / bought).effects,
        "employment_multiplier": multipliers(inverse, row("employment_total") / bought).effects,
    }
    assert found.keys() == golden.keys()
    for name, values in found.items():
        assert values.round(4).tolist() == golden[name]


@given(_PRODUCTIVE)
def test_the_inverse_inverts(a: Floats) -> None:
    size = np.eye(len(a))
    assert np.allclose((size - a) @ leontief(a), size, atol=1e-9)
    assert (leontief(a) >= size - 1e-12).all()


@given(_PRODUCTIVE, st.data())
def test_other_units_rescale_the_inverse(a: Floats, data: st.DataObject) -> None:
    n = len(a)
    output = data.draw(arrays(np.float64, n, elements=st.floats(1, 1000)))
    scale = data.draw(arrays(np.float64, n, elements=st.floats(0.01, 100)))
    flows = a * output
    rescaled = leontief(coefficients(scale[:, None] * flows, scale * output)[0])
    expected = scale[:, None] * leontief(a) / scale
    assert np.allclose(rescaled, expected, rtol=1e-7, atol=1e-9)


@given(_PRODUCTIVE, st.data())
def test_one_unit_for_all_changes_nothing(a: Floats, data: st.DataObject) -> None:
    output = data.draw(arrays(np.float64, len(a), elements=st.floats(1, 1000)))
    scale = data.draw(st.floats(0.01, 100))
    again = coefficients(scale * a * output, scale * output)[0]
    assert np.allclose(leontief(again), leontief(a), rtol=1e-7)


@given(_PRODUCTIVE)
def test_value_added_is_all_there_is(a: Floats) -> None:
    effects = multipliers(leontief(a), 1 - a.sum(0)).effects
    assert np.allclose(effects, 1.0, atol=1e-9)


@given(_PRODUCTIVE)
def test_ghosh_and_upstreamness(a: Floats) -> None:
    # Output that meets one unit of final demand each: sales add up, so every sector is productive.
    output = leontief(a).sum(1)
    flows = a * output
    expected = np.linalg.inv(np.eye(len(a)) - a) * output / output[:, None]
    assert np.allclose(ghosh(flows, output), expected, rtol=1e-7, atol=1e-9)
    distance = upstreamness(flows, output)
    assert (distance >= 1 - 1e-9).all()
    assert np.allclose(distance, 1 + allocations(flows, output)[0] @ distance, rtol=1e-7)


@given(_PRODUCTIVE)
def test_propagation_length_is_the_mean_number_of_rounds(a: Floats) -> None:
    found = average_propagation_length(leontief(a))
    # The rounds one by one: A, A^2, A^3 and so on, each weighted by what it carries.
    carried, weighted, power = np.zeros_like(a), np.zeros_like(a), np.eye(len(a))
    for number in range(1, 1500):
        power = power @ a
        carried += power
        weighted += number * power
    linked = carried > 1e-9
    assert np.allclose(found[linked], (weighted / np.where(linked, carried, 1))[linked], rtol=1e-3)
    assert np.isnan(found[carried == 0]).all()


def test_sectors_without_output_are_named() -> None:
    a, empty = coefficients([[1, 2], [3, 4]], [10, 0])
    assert a.tolist() == [[0.1, 0.0], [0.3, 0.0]]
    assert empty.tolist() == [False, True]
    b, empty = allocations([[1, 2], [3, 4]], [10, 0])
    assert b.tolist() == [[0.1, 0.2], [0.0, 0.0]]
    assert empty.tolist() == [False, True]
    assert np.isnan(upstreamness([[1, 2], [3, 4]], [10, 0])).tolist() == [False, True]


def test_an_unknown_effect_stays_where_it_is_needed() -> None:
    inverse = leontief([[0.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    effects, ratio = multipliers(inverse, [np.nan, 1.0, 1.0])
    assert np.isnan(effects).tolist() == [True, True, False]
    assert np.isnan(ratio).tolist() == [True, True, False]
    assert effects[2] == ratio[2] == 2.0


@pytest.mark.parametrize(
    ("table", "radius"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], "1"),
        ([[0.0, 2.0], [2.0, 0.0]], "2"),
        ([[1.25]], "1.25"),
    ],
)
def test_no_inverse_names_the_radius(table: list[list[float]], radius: str) -> None:
    with pytest.raises(ValueError, match=rf"radius of the table is {radius},"):
        leontief(table)


def test_a_coefficient_above_one_may_have_an_inverse() -> None:
    assert leontief([[0.0, 4.0], [0.2, 0.0]]).round(9).tolist() == [[5.0, 20.0], [1.0, 5.0]]


@pytest.mark.parametrize(
    ("flows", "output", "message"),
    [
        ([[1, 2]], [1], "flows: shape"),
        ([[1.0]], [1, 2], "output: shape"),
        ([[1.0, np.nan], [0, 0]], [1, 1], "row 0, column 1"),
        ([[1.0]], [-1.0], "output: sector 0 is -1"),
        ([[1.0]], [np.nan], "output: sector 0 is nan"),
    ],
)
def test_bad_tables(flows: list[list[float]], output: list[float], message: str) -> None:
    for function in (coefficients, allocations, ghosh, upstreamness):
        with pytest.raises(ValueError, match=message):
            function(flows, output)


def test_bad_arguments() -> None:
    table = np.zeros((2, 2))
    with pytest.raises(ValueError, match="direct: shape"):
        multipliers(table, [1.0])
    with pytest.raises(ValueError, match="direct: sector 1 is infinite"):
        multipliers(table, [1.0, np.inf])
