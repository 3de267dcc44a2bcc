"""Location quotients from tables with unknown cells."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from clusterloom.loaders.specialisation import (
    completed,
    location_quotients,
    of_newer_regions,
    reference_shares,
    status,
)

CELL = st.one_of(st.none(), st.integers(0, 100_000))
ROW = st.dictionaries(st.sampled_from(["10", "13", "26", "28"]), CELL, min_size=1)


def test_textbook_value() -> None:
    """Balassa (1965): a share twice that of the reference economy is a quotient of 2."""
    table: dict[str, dict[str, int | None]] = {
        "AA1": {"10": 200, "26": 800},
        "BB1": {"10": 800, "26": 9200 - 1000},
    }
    shares = reference_shares(table)
    assert math.isclose(shares["10"], 0.1)
    found = location_quotients(table["AA1"], shares)
    assert found["10"] is not None
    assert math.isclose(found["10"], 2.0)


@given(ROW)
def test_unknown_stays_unknown(row: dict[str, int | None]) -> None:
    found = location_quotients(row, {"10": 0.25, "13": 0.25, "26": 0.25, "28": 0.25})
    assert all(found[d] is None for d, v in row.items() if v is None)


@given(ROW)
def test_quotients_average_to_one_over_the_known_base(row: dict[str, int | None]) -> None:
    shares = {"10": 0.1, "13": 0.2, "26": 0.3, "28": 0.4}
    found = {d: q for d, q in location_quotients(row, shares).items() if q is not None}
    if found:
        expected = sum(shares[d] for d in found)
        assert math.isclose(sum(q * shares[d] / expected for d, q in found.items()), 1.0)


@given(ROW, st.sampled_from(["10", "13", "26", "28"]))
def test_a_withheld_cell_is_not_a_zero(row: dict[str, int | None], division: str) -> None:
    shares = {"10": 0.25, "13": 0.25, "26": 0.25, "28": 0.25}
    withheld = location_quotients({**row, division: None}, shares)
    assert withheld[division] is None
    assert status(withheld[division], None, 1.0) == "unknown"


def test_children_fill_a_region_only_when_all_are_known() -> None:
    table: dict[str, dict[str, int | None]] = {
        "AA1": {"10": None, "13": None, "26": 5},
        "AA11": {"10": 1, "13": 1, "26": 1},
        "AA12": {"10": 2, "13": None, "26": 1},
    }
    assert completed(table)["AA1"] == {"10": 3, "13": None, "26": 5}


def test_a_newer_region_needs_all_its_parts() -> None:
    table: dict[str, dict[str, int | None]] = {"FRF1": {"10": 1}, "FRF3": {"10": 2}}
    assert of_newer_regions(table, {"FRF": {"FRF1", "FRF2", "FRF3"}}) == {}
    assert of_newer_regions(table, {"FRF": {"FRF1", "FRF3"}}) == {"FRF": {"10": 3}}
