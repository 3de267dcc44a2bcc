"""Relatedness, density, what a partner adds, and its size-adjusted z."""

from __future__ import annotations

import doctest
import json
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from scipy.optimize import root

from clusterloom.discovery import binary, configuration_model
from clusterloom.discovery import relatedness as rel

Case = tuple[np.ndarray, np.ndarray, np.ndarray]
BITS = st.integers(0, 1)
MATRICES = hnp.arrays(np.int64, st.tuples(st.integers(1, 8), st.integers(1, 7)), elements=BITS)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A profile, the profiles of partners and a relatedness, with undefined ones among them."""
    sectors = draw(st.integers(1, 6))
    partners = draw(st.integers(1, 5))
    mine = draw(hnp.arrays(np.int64, sectors, elements=BITS))
    theirs = draw(hnp.arrays(np.int64, (partners, sectors), elements=BITS))
    amounts = st.sampled_from([0.0, 0.0, 0.25, 1.0, 3.5, np.nan])
    phi = draw(hnp.arrays(np.float64, (sectors, sectors), elements=amounts))
    np.fill_diagonal(phi, 0.0)
    return mine, theirs, phi


@pytest.fixture
def golden(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "golden" / "discovery.json").read_text())["W1"]
    return found


def _phi(golden: dict[str, Any]) -> np.ndarray:
    return rel.steijn(rel.cooccurrences(golden["M"]))


@pytest.mark.parametrize("module", [rel, configuration_model, binary])
def test_doctests(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_golden_density(golden: dict[str, Any]) -> None:
    density = rel.density(golden["M"], _phi(golden))
    np.testing.assert_allclose(density, golden["density_steijn_weighted_pct"], atol=0.00501)


def test_golden_added(golden: dict[str, Any]) -> None:
    m, regions = np.array(golden["M"]), golden["regions"]
    added = golden["added_pct_R1_from"]
    assert len(added) == 4
    for name, expected in added.items():
        partner = m[regions.index(name)]
        found = rel.added_density(m[0], partner, _phi(golden))
        np.testing.assert_allclose(found, expected, atol=0.00501)


def test_golden_mean_added(golden: dict[str, Any]) -> None:
    m = np.array(golden["M"])
    found = [rel.mean_added(mine, m, _phi(golden)) for mine in m]
    np.testing.assert_allclose(found, golden["mean_added_over_missing_pct"], atol=0.000501)


@given(MATRICES)
def test_proximity_is_the_lesser_conditional(m: np.ndarray) -> None:
    phi = rel.proximity(m)
    for i, j in product(range(m.shape[1]), repeat=2):
        n_i, n_j = m[:, i].sum(), m[:, j].sum()
        if i == j:
            assert phi[i, j] == 0
        elif n_i == 0 or n_j == 0:
            assert np.isnan(phi[i, j])
        else:
            both = (m[:, i] & m[:, j]).sum()
            assert phi[i, j] == pytest.approx(min(both / n_i, both / n_j))


@given(MATRICES)
def test_steijn_expects_all_pairs(m: np.ndarray) -> None:
    """What is expected adds up to what was observed, over the pairs of sectors that co-occur."""
    c = rel.cooccurrences(m)
    phi = rel.steijn(c)
    alone = c.sum(axis=1) == 0
    off = ~np.eye(len(c), dtype=bool)
    assert (np.isnan(phi) == (off & (alone[:, None] | alone[None, :]))).all()
    assert (phi.diagonal() == 0).all()
    np.testing.assert_array_equal(phi, phi.T)
    expected, s = 0.0, c.sum(axis=1)
    for i, j in product(np.flatnonzero(~alone), repeat=2):
        if i != j:
            drawn = s[i] / s.sum() * s[j] / (s.sum() - s[i])
            expected += drawn * s.sum()
            both = (drawn + s[j] / s.sum() * s[i] / (s.sum() - s[j])) * s.sum() / 2
            assert phi[i, j] == pytest.approx(c[i, j] / both)
    assert expected == pytest.approx(c.sum())


def _by_loop(mine: np.ndarray, theirs: np.ndarray, phi: np.ndarray) -> np.ndarray:
    n = len(mine)
    found = np.full(theirs.shape, np.nan)
    for s in range(len(theirs)):
        for i in range(n):
            above = below = 0.0
            for j in range(n):
                if not np.isnan(phi[j, i]):
                    above += theirs[s, j] * (1 - mine[j]) * phi[j, i]
                    below += phi[j, i]
            if below > 0:
                found[s, i] = 100 * above / below
    return found


def _loop_mean(mine: np.ndarray, added: np.ndarray) -> np.ndarray:
    found = []
    for row in added:
        lacking = [a for a, has in zip(row, mine, strict=True) if not has and not np.isnan(a)]
        found.append(sum(lacking) / len(lacking) if lacking else np.nan)
    return np.array(found)


@given(cases())
def test_triple_loop_agrees(case: Case) -> None:
    mine, theirs, phi = case
    expected = _by_loop(mine, theirs, phi)
    for form in (theirs, sparse.csr_array(theirs), sparse.coo_matrix(theirs)):
        found = rel.added_density(mine, form, phi)
        np.testing.assert_allclose(found, expected, atol=1e-9)
        mean = rel.mean_added(mine, form, phi)
        np.testing.assert_allclose(mean, _loop_mean(mine, expected), atol=1e-9)
    np.testing.assert_allclose(rel.added_density(mine, theirs[0], phi), expected[0], atol=1e-9)
    nobody = np.zeros_like(mine)
    own = _by_loop(nobody, theirs, phi)
    np.testing.assert_allclose(rel.density(theirs, phi), own, atol=1e-9)
    np.testing.assert_allclose(rel.density(sparse.csr_array(theirs), phi), own, atol=1e-9)


@given(cases())
def test_union_is_own_and_added(case: Case) -> None:
    mine, theirs, phi = case
    union = rel.density(np.maximum(mine, theirs), phi)
    own_and_added = rel.density(mine, phi) + rel.added_density(mine, theirs, phi)
    np.testing.assert_allclose(own_and_added, union, atol=1e-9)


@given(cases())
def test_subset_adds_nothing(case: Case) -> None:
    mine, theirs, phi = case
    added = rel.added_density(mine, theirs * mine, phi)
    assert (added[~np.isnan(added)] == 0).all()
    mean = rel.mean_added(mine, theirs * mine, phi)
    assert (mean[~np.isnan(mean)] == 0).all()


@given(cases())
def test_contributions_add_up(case: Case) -> None:
    mine, theirs, phi = case
    for partner in theirs:
        parts, mean = rel.contributions(mine, partner, phi), rel.mean_added(mine, partner, phi)
        assert np.isnan(parts).any() == np.isnan(mean)
        if not np.isnan(mean):
            assert abs(parts.sum() - mean) < 1e-9
            assert not parts[(partner == 0) | (mine == 1)].any()
            assert (parts >= 0).all()


@given(cases(), st.integers(0, 2**32 - 1))
def test_relabelling_only_moves_values(case: Case, seed: int) -> None:
    mine, theirs, phi = case
    order = np.random.default_rng(seed).permutation(len(mine))
    moved = rel.added_density(mine[order], theirs[:, order], phi[np.ix_(order, order)])
    np.testing.assert_allclose(moved, rel.added_density(mine, theirs, phi)[:, order], atol=1e-9)
    c = rel.cooccurrences(theirs)
    for measure, matrix in ((rel.steijn, c), (rel.proximity, theirs)):
        around = order if matrix is theirs else np.ix_(order, order)
        shuffled = measure(matrix[:, around] if matrix is theirs else matrix[around])
        np.testing.assert_allclose(shuffled, measure(matrix)[np.ix_(order, order)], atol=1e-9)


@given(cases(), st.sampled_from([0.01, 5.0]))
def test_constant_of_relatedness_does_not_matter(case: Case, factor: float) -> None:
    mine, theirs, phi = case
    scaled = rel.added_density(mine, theirs, phi * factor)
    np.testing.assert_allclose(scaled, rel.added_density(mine, theirs, phi), atol=1e-9)


@given(cases(), st.data())
def test_interval_holds_every_reading(case: Case, data: st.DataObject) -> None:
    mine, _, phi = case
    hidden = data.draw(hnp.arrays(np.bool_, mine.shape))
    low, high = rel.density_interval(np.where(hidden, -1, mine), phi)
    readings = []
    for values in product((0, 1), repeat=int(hidden.sum())):
        reading = mine.copy()
        reading[hidden] = values
        readings.append(rel.density(reading, phi))
    # Every bound is met by some reading, and none lies outside.
    defined = ~np.isnan(low)
    assert (defined == ~np.isnan(high)).all()
    np.testing.assert_allclose(np.min(readings, axis=0)[defined], low[defined], atol=1e-9)
    np.testing.assert_allclose(np.max(readings, axis=0)[defined], high[defined], atol=1e-9)


STATUSES = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 4), st.integers(2, 4)), elements=st.sampled_from([1, 0, 2])
)


@given(MATRICES)
def test_statuses_that_are_all_known_are_counted_as_they_are(m: np.ndarray) -> None:
    np.testing.assert_array_equal(rel.known_cooccurrences(m), rel.cooccurrences(m))
    borderline = np.where(m == 0, 2, m)
    np.testing.assert_array_equal(rel.known_cooccurrences(borderline), rel.cooccurrences(m))
    phi = rel.steijn(rel.cooccurrences(m))
    for bound in rel.steijn_interval(m):
        np.testing.assert_allclose(bound, phi, rtol=1e-12)


@given(STATUSES, st.data())
def test_co_occurrences_are_those_of_regions_where_both_are_known(
    status: np.ndarray, data: st.DataObject
) -> None:
    status = np.where(data.draw(hnp.arrays(np.bool_, status.shape)), -1, status)
    found = rel.known_cooccurrences(status)
    regions, sectors = status.shape
    for i, j in product(range(sectors), repeat=2):
        known = [(a, b) for a, b in zip(status[:, i], status[:, j], strict=True) if min(a, b) >= 0]
        if i == j:
            assert found[i, j] == 0
        elif known:
            share = sum(a == b == 1 for a, b in known) / len(known)
            assert found[i, j] == pytest.approx(regions * share)
        else:
            assert np.isnan(found[i, j])


def test_regions_that_are_not_known_at_all_change_no_relatedness() -> None:
    rng = np.random.default_rng(8)
    status = rng.choice([0, 1, 2], size=(30, 6))
    longer = np.vstack([status, np.full((25, 6), -1)])
    phi = rel.steijn(rel.known_cooccurrences(status))
    np.testing.assert_allclose(rel.steijn(rel.known_cooccurrences(longer)), phi)


def test_what_is_hidden_by_chance_is_found_again() -> None:
    """Most statuses of two sectors are unknown, in the same regions: what is known is near to the
    truth, while unknown read as "not" is far from it."""
    rng = np.random.default_rng(9)
    base = rng.random((4000, 1)) < 0.5
    status = (rng.random((4000, 6)) < np.where(base, [0.8, 0.7, 0.6, 0.2, 0.3, 0.5], 0.3)) * 1
    hidden = rng.random(status.shape) < np.array([0.8, 0.0, 0.0, 0.5, 0.0, 0.0])
    hidden[:, 3] = hidden[:, 0]
    truth = rel.cooccurrences(status)
    seen = np.where(hidden, -1, status)
    known = rel.known_cooccurrences(seen)
    plain = rel.cooccurrences(seen == 1)
    off = ~np.eye(6, dtype=bool)
    assert np.abs(known[off] / truth[off] - 1).max() < 0.1
    assert np.abs(plain[off] / truth[off] - 1).max() > 0.5
    phi = rel.steijn(truth)
    assert np.abs(rel.steijn(known) - phi).max() < 0.1
    assert np.abs(rel.steijn(plain) - phi).max() > 0.3


@settings(max_examples=60)
@given(STATUSES, st.data())
def test_the_interval_holds_the_relatedness_of_every_reading(
    status: np.ndarray, data: st.DataObject
) -> None:
    hidden = np.argwhere(data.draw(hnp.arrays(np.bool_, status.shape)))[:6]
    status = status.copy()
    status[tuple(hidden.T)] = -1
    low, high = rel.steijn_interval(status)
    off = ~np.eye(status.shape[1], dtype=bool)
    assert (np.isnan(low) == np.isnan(high)).all()
    for values in product((0, 1), repeat=len(hidden)):
        reading = np.where(status == 1, 1, 0)
        reading[tuple(hidden.T)] = values
        phi = rel.steijn(rel.cooccurrences(reading))
        defined = off & ~np.isnan(phi)
        assert not np.isnan(low[defined]).any()
        assert (low[defined] <= phi[defined] * (1 + 1e-12)).all()
        assert (high[defined] >= phi[defined] * (1 - 1e-12)).all()


def test_an_unknown_co_occurrence_takes_no_part() -> None:
    known = np.array([[0.0, 2, 0, 1], [2, 0, 1, 0], [0, 1, 0, 3], [1, 0, 3, 0]])
    part = known.copy()
    part[0, 2] = part[2, 0] = np.nan
    phi = rel.steijn(part)
    assert np.isnan(phi).tolist() == [[False, False, True, False], [False] * 4,
                                      [True, False, False, False], [False] * 4]  # fmt: skip
    np.testing.assert_array_equal(phi[~np.isnan(phi)], rel.steijn(known)[~np.isnan(phi)])


def test_undefined_is_not_zero() -> None:
    phi = rel.steijn(rel.cooccurrences([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    assert np.isnan(rel.density([1, 0, 0], phi)).tolist() == [False, False, True]
    assert rel.density([1, 0, 0], phi)[:2].tolist() == [0, 100]
    empty = sparse.csr_array((2, 3), dtype=np.int8)
    assert np.isnan(rel.density(empty, phi)[:, 2]).all()
    assert np.isnan(rel.mean_added([1, 1, 1], empty, phi)).all()
    assert np.isnan(rel.mean_added([1, 1, 0], empty, phi)).all(), "only an undefined one is lacking"
    assert rel.mean_added([1, 0, 0], empty, phi).tolist() == [0, 0]


@given(MATRICES)
def test_bicm_has_the_degrees(m: np.ndarray) -> None:
    p = rel.bicm(m)
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), m.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(p.sum(axis=0), m.sum(axis=0), atol=1e-9)
    np.testing.assert_array_equal(rel.bicm(sparse.csr_array(m)), p)
    for first, second in product(range(len(m)), repeat=2):
        if m[first].sum() == m[second].sum():
            np.testing.assert_array_equal(p[first], p[second])


@given(MATRICES)
def test_bicm_has_the_form_of_the_model(m: np.ndarray) -> None:
    """Where four cells are undecided, the odds of rows and columns multiply."""
    p = rel.bicm(m)
    open_cells = (p > 0) & (p < 1)
    with np.errstate(divide="ignore"):
        logit = np.log(p) - np.log1p(-p)
    for r, s in product(range(p.shape[0]), repeat=2):
        for a, b in product(range(p.shape[1]), repeat=2):
            if open_cells[np.ix_([r, s], [a, b])].all():
                gap = logit[r, a] + logit[s, b] - logit[r, b] - logit[s, a]
                assert abs(gap) < 1e-8


@settings(max_examples=25)
@given(hnp.arrays(np.int64, (3, 4), elements=BITS))
def test_bicm_is_certain_where_all_matrices_of_the_degrees_agree(m: np.ndarray) -> None:
    every = np.array(list(product((0, 1), repeat=12))).reshape(-1, 3, 4)
    same = (every.sum(axis=2) == m.sum(axis=1)).all(axis=1)
    same &= (every.sum(axis=1) == m.sum(axis=0)).all(axis=1)
    share = every[same].mean(axis=0)
    p = rel.bicm(m)
    np.testing.assert_array_equal(p == 0, share == 0)
    np.testing.assert_array_equal(p == 1, share == 1)


def test_bicm_of_a_skewed_matrix() -> None:
    rng = np.random.default_rng(5)
    m = rng.random((400, 60)) < rng.beta(0.5, 2, (400, 1)) * rng.beta(0.5, 2, (1, 60)) * 1.5
    p = rel.bicm(m)
    assert np.abs(p.sum(axis=1) - m.sum(axis=1)).max() < 1e-9
    assert np.abs(p.sum(axis=0) - m.sum(axis=0)).max() < 1e-9


def test_z_by_sampling_the_model() -> None:
    rng = np.random.default_rng(3)
    m = (rng.random((12, 7)) < 0.4).astype(int)
    phi, p = rel.steijn(rel.cooccurrences(m)), rel.bicm(m)
    z = rel.size_adjusted_z(m[0], m, phi, p)
    drawn = (rng.random((20000, *m.shape)) < p).astype(np.int8)
    for s in range(1, 6):
        values = rel.mean_added(m[0], drawn[:, s], phi)
        observed = rel.mean_added(m[0], m[s], phi)
        assert z[s] == pytest.approx((observed - values.mean()) / values.std(), abs=0.06)


def _solved(m: np.ndarray) -> np.ndarray:
    """The bipartite configuration model by the equations as published, one unknown for each row
    and column, solved by MINPACK; the sum of what rows and columns share is free, so one is set."""
    rows, columns = m.shape

    def missing(logs: np.ndarray) -> np.ndarray:
        x, y = np.exp(logs[:rows]), np.exp(logs[rows:])
        p = np.outer(x, y) / (1 + np.outer(x, y))
        found = np.concatenate([p.sum(axis=1) - m.sum(axis=1), p.sum(axis=0) - m.sum(axis=0)])
        # the degrees of rows and columns have one sum: the last equation follows from the others
        found[-1] = logs[0]
        return found

    solved = root(missing, np.zeros(rows + columns), method="hybr", options={"xtol": 1e-13})
    assert np.abs(missing(solved.x)).max() < 1e-8, solved.message
    x, y = np.exp(solved.x[:rows]), np.exp(solved.x[rows:])
    return np.asarray(np.outer(x, y) / (1 + np.outer(x, y)))


def _without_certain_cells(seed: int) -> np.ndarray | None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(5, 14), rng.integers(5, 10)
    m = (rng.random(shape) < rng.uniform(0.35, 0.65)).astype(int)
    p = rel.bicm(m)
    return m if ((p > 0.02) & (p < 0.98)).all() else None


def test_bicm_is_the_root_of_the_published_equations() -> None:
    cases = [m for seed in range(60) if (m := _without_certain_cells(seed)) is not None]
    assert len(cases) >= 15
    for m in cases:
        np.testing.assert_allclose(rel.bicm(m), _solved(m), atol=1e-8)


def test_z_is_that_of_all_rows_there_can_be() -> None:
    """Mean and deviation over every row of 0 and 1 that a partner could have, each with the
    weight that the root of the published equations gives it."""
    tried = 0
    for seed in range(60):
        m = _without_certain_cells(seed)
        if m is None:
            continue
        phi = rel.steijn(rel.cooccurrences(m))
        every = np.array(list(product((0, 1), repeat=m.shape[1])))
        mine = m[0]
        value = rel.mean_added(mine, every, phi)
        z = rel.size_adjusted_z(mine, m, phi, rel.bicm(m))
        for s, p in enumerate(_solved(m)):
            weight = np.where(every == 1, p, 1 - p).prod(axis=1)
            assert weight.sum() == pytest.approx(1)
            mean = float(weight @ value)
            deviation = float(np.sqrt(weight @ (value - mean) ** 2))
            observed = float(rel.mean_added(mine, m[s], phi))
            if deviation < 1e-12:
                assert np.isnan(z[s])
            else:
                assert z[s] == pytest.approx((observed - mean) / deviation, abs=1e-6)
                tried += 1
    assert tried > 100


def test_z_by_rows_of_one_degree() -> None:
    rng = np.random.default_rng(4)
    m = (rng.random((40, 7)) < 0.4).astype(int)
    phi, p = rel.steijn(rel.cooccurrences(m)), rel.bicm(m)
    _, first, group = np.unique(m.sum(axis=1), return_index=True, return_inverse=True)
    short = rel.size_adjusted_z(m[0], sparse.csr_array(m), phi, p[first], group)
    np.testing.assert_allclose(short, rel.size_adjusted_z(m[0], m, phi, p))


def test_z_is_undefined_without_variance() -> None:
    m = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
    phi = np.ones((4, 4)) - np.eye(4)
    z = rel.size_adjusted_z(m[0], m, phi, rel.bicm(m))
    assert np.isnan(z).tolist() == [False, True, True, False, False]
    assert np.isnan(rel.size_adjusted_z(m[1], m, phi, rel.bicm(m))).all()


PHI = [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rel.cooccurrences([1, 0]), "1 dimensions"),
        (lambda: rel.proximity([[0, 2]]), "other than 0 and 1"),
        (lambda: rel.steijn([[0, 1, 2]]), "not square"),
        (lambda: rel.steijn([[0, 1], [2, 0]]), "not symmetric"),
        (lambda: rel.steijn([[1, 1], [1, 0]]), "zero diagonal"),
        (lambda: rel.steijn([[0, -1], [-1, 0]]), "negative"),
        (lambda: rel.steijn([[0, np.inf], [np.inf, 0]]), "infinite"),
        (lambda: rel.known_cooccurrences([[0, 3]]), "none of 1, 0, 2, -1"),
        (lambda: rel.known_cooccurrences([0, 1]), "1 dimensions"),
        (lambda: rel.steijn_interval([[0, -2]]), "none of 1, 0, 2, -1"),
        (lambda: rel.density([1, 0, 1], PHI), "3 sectors, phi 2"),
        (lambda: rel.density([1, np.nan], PHI), "other than 0 and 1"),
        (lambda: rel.density([1, 0], [[0, -1], [1, 0]]), "negative"),
        (lambda: rel.density([1, 0], [[0, 1]]), "not square"),
        (lambda: rel.density_interval([2, 0], PHI), "none of 1, 0, -1"),
        (lambda: rel.added_density([1], [[1, 0]], PHI), "mine has 1 sectors"),
        (lambda: rel.added_density([1, 0], [[1, 0, 0]], PHI), "theirs has 3 sectors"),
        (lambda: rel.mean_added([[1, 0]], [[1, 0]], PHI), "mine has 2 dimensions"),
        (lambda: rel.contributions([1, 0], [[1, 0]], PHI), "theirs has 2 dimensions"),
        (lambda: rel.bicm([[0.5]]), "other than 0 and 1"),
        (lambda: rel.size_adjusted_z([1, 0], [[0, 1]], PHI, [[0, 2]]), "outside 0 to 1"),
        (lambda: rel.size_adjusted_z([1, 0], [[0, 1]], PHI, [[0, 1, 1]]), "P has 3 sectors"),
        (lambda: rel.size_adjusted_z([1, 0], [[0, 1]], PHI, [[0, 1]] * 3), "1 partners, 3 rows"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_cell_named_twice_is_refused() -> None:
    twice = sparse.csr_array(([1, 1], [0, 0], [0, 2]), shape=(1, 2))
    with pytest.raises(ValueError, match="other than 0 and 1"):
        rel.density(twice, PHI)
    assert twice.nnz == 2, "the matrix of the caller is left as it was"
