"""Pairs of members that appear together: golden numbers, exact tails, false discoveries."""

from __future__ import annotations

import doctest
import json
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from clusterloom.discovery import cooccurrence as co

INCIDENCES = hnp.arrays(
    np.int64, st.tuples(st.integers(0, 8), st.integers(1, 6)), elements=st.integers(0, 1)
)


def _incidence(partnerships: list[str]) -> np.ndarray:
    return np.array([[int(letter in names) for letter in "ABCDE"] for names in partnerships])


def _cell(matrix: np.ndarray, pair: str) -> float:
    first, second = ("ABCDE".index(letter) for letter in pair)
    assert matrix[first, second] == matrix[second, first]
    return float(matrix[first, second])


def test_doctests() -> None:
    found = doctest.testmod(co)
    assert found.attempted > 0
    assert found.failed == 0


def test_golden_pairs(shared: Path) -> None:
    """The population is all eight partnerships, that of E alone included."""
    golden = json.loads((shared / "golden" / "discovery.json").read_text())["W4"]
    incidence = _incidence(golden["partnerships"])
    z, p = co.teece(incidence), co.lower_tail(incidence)
    assert len(golden["z"]) == 6
    assert {pair: round(_cell(z, pair), 4) for pair in golden["z"]} == golden["z"]
    assert {pair: round(_cell(p, pair), 6) for pair in golden["p_lower"]} == golden["p_lower"]
    without = incidence[incidence.sum(axis=1) > 1]
    assert _cell(co.teece(without), "BD") != pytest.approx(golden["z"]["BD"], abs=1e-3)


@given(INCIDENCES)
def test_moments_and_tail_by_enumeration(incidence: np.ndarray) -> None:
    population = len(incidence)
    z, p = co.teece(incidence), co.lower_tail(incidence)
    assert np.isnan(z.diagonal()).all()
    assert np.isnan(p.diagonal()).all()
    for i, j in combinations(range(incidence.shape[1]), 2):
        a, b = int(incidence[:, i].sum()), int(incidence[:, j].sum())
        seen = int(incidence[:, i] @ incidence[:, j])
        ways = [comb(a, k) * comb(population - a, b - k) for k in range(b + 1)]
        share = np.array(ways) / comb(population, b)
        mean = share @ np.arange(b + 1)
        variance = share @ (np.arange(b + 1) - mean) ** 2
        if variance < 1e-12:
            assert np.isnan([z[i, j], p[i, j], z[j, i], p[j, i]]).all()
            continue
        assert z[i, j] == z[j, i] == pytest.approx((seen - mean) / np.sqrt(variance), abs=1e-9)
        assert p[i, j] == p[j, i] == pytest.approx(share[: seen + 1].sum())


@given(INCIDENCES, st.integers(0, 2**32 - 1))
def test_relabelling_only_moves_values(incidence: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (rng.permutation(n) for n in incidence.shape)
    for measure in (co.teece, co.lower_tail):
        moved = measure(incidence[np.ix_(rows, columns)])
        np.testing.assert_allclose(moved, measure(incidence)[np.ix_(columns, columns)], atol=1e-9)


@given(INCIDENCES)
def test_sparse_is_as_dense(incidence: np.ndarray) -> None:
    given_sparse = sparse.csr_matrix(incidence)
    np.testing.assert_array_equal(co.teece(given_sparse), co.teece(incidence))
    np.testing.assert_array_equal(co.lower_tail(given_sparse), co.lower_tail(incidence))


P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=12)


@given(P_VALUES)
def test_benjamini_hochberg_by_definition(p: list[float]) -> None:
    tests = sorted(value for value in p if not np.isnan(value))
    adjusted = co.benjamini_hochberg(p)
    for value, found in zip(p, adjusted, strict=True):
        if np.isnan(value):
            assert np.isnan(found)
        else:
            steps = [q * len(tests) / k for k, q in enumerate(tests, 1) if q >= value]
            assert found == pytest.approx(min(1.0, *steps))


@given(P_VALUES)
def test_tests_named_twice_change_nothing(p: list[float]) -> None:
    once, twice = co.benjamini_hochberg(p), co.benjamini_hochberg([p, p])
    np.testing.assert_allclose(twice, [once, once])


def test_nothing_tested_is_no_discovery() -> None:
    certain = np.array([[1, 0, 1], [1, 0, 1]])
    assert np.isnan(co.teece(certain)).all()
    assert np.isnan(co.benjamini_hochberg(co.lower_tail(certain))).all()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="other than 0 and 1"):
        co.teece([[0, 2]])
    with pytest.raises(ValueError, match="other than 0 and 1"):
        co.teece(np.array([[0.0, np.nan]]))
    twice = sparse.csr_array(([1, 1], [0, 0], [0, 2]), shape=(1, 2))
    with pytest.raises(ValueError, match="other than 0 and 1"):
        co.counts(twice)
    assert twice.nnz == 2, "the matrix of the caller is left as it was"
    with pytest.raises(ValueError, match="1 dimensions"):
        co.counts([0, 1])
    with pytest.raises(ValueError, match="more than 8"):
        co.pair_z(0, 9, 2, 8)
    with pytest.raises(ValueError, match="more than its members"):
        co.pair_lower_tail(3, 4, 2, 8)
    with pytest.raises(ValueError, match="whole numbers"):
        co.pair_z(0.5, 4, 2, 8)
    with pytest.raises(ValueError, match="outside 0 to 1"):
        co.benjamini_hochberg([0.5, 1.5])
