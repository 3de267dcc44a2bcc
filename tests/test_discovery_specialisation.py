"""Location quotients, status and likeness of profiles: golden numbers, identities, edges."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clusterloom.discovery import specialisation as sp
from clusterloom.loaders import specialisation as loader

NAN = np.nan
AMOUNTS = st.integers(0, 5000).map(float)
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=AMOUNTS)
HOLED = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.one_of(AMOUNTS, st.just(NAN)),
)
PAIRS = st.integers(1, 8).flatmap(
    lambda n: st.tuples(*[hnp.arrays(np.float64, n, elements=AMOUNTS) for _ in range(2)])
)


def test_doctests() -> None:
    found = doctest.testmod(sp)
    assert found.attempted > 0
    assert found.failed == 0


def test_golden_matrix(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "discovery.json").read_text())["W1"]
    lq = sp.location_quotients(golden["X"])
    status = sp.specialised(lq, golden["X"], floor=0, band=(1, 1))
    assert status.tolist() == golden["M"]


@given(TABLES)
def test_complete_table_is_balassa(x: np.ndarray) -> None:
    lq = sp.location_quotients(x)
    for (r, j), value in np.ndenumerate(lq):
        row, column = x[r].sum(), x[:, j].sum()
        if row and column:
            assert value == pytest.approx((x[r, j] / row) / (column / x.sum()))
        else:
            assert np.isnan(value)


@given(HOLED)
def test_holed_table_agrees_with_the_loader(x: np.ndarray) -> None:
    table = {
        f"AA{r}": {str(j): None if np.isnan(v) else int(v) for j, v in enumerate(row)}
        for r, row in enumerate(x)
    }
    shares = loader.reference_shares(table)
    lq = sp.location_quotients(x)
    for row, found in zip(table.values(), lq, strict=True):
        expected = [
            NAN if v is None else v for v in loader.location_quotients(row, shares).values()
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(HOLED, st.sampled_from([0.001, 0.5, 3.0, 1e6]))
def test_scale_does_not_matter(x: np.ndarray, factor: float) -> None:
    np.testing.assert_allclose(
        sp.location_quotients(x * factor), sp.location_quotients(x), rtol=1e-9
    )


@given(HOLED, st.integers(0, 2**32 - 1))
def test_relabelling_only_moves_quotients(x: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(x.shape[0]), rng.permutation(x.shape[1])
    moved = sp.location_quotients(x[np.ix_(rows, columns)])
    np.testing.assert_allclose(moved, sp.location_quotients(x)[np.ix_(rows, columns)], rtol=1e-9)


@given(TABLES)
def test_quotients_average_to_one(x: np.ndarray) -> None:
    """Weighted by the size of the regions, the quotients of a sector have the mean 1."""
    x = x + 1
    mean = x.sum(axis=1) @ sp.location_quotients(x) / x.sum()
    np.testing.assert_allclose(mean, 1)


def test_unknown_is_not_zero() -> None:
    unknown = sp.location_quotients(np.array([[30, NAN, 10], [10, 20, 30]]))
    nothing = sp.location_quotients([[30, 0, 10], [10, 20, 30]])
    assert np.isnan(unknown[0, 1])
    assert nothing[0, 1] == 0
    assert unknown[0, 0] != pytest.approx(nothing[0, 0])


@pytest.mark.parametrize(
    ("lq", "size", "expected"),
    [
        (1.1, 100, 1),
        (1.0999, 1e6, 2),
        (0.9, 1e6, 2),
        (0.8999, 1e6, 0),
        (3.0, 99, 2),
        (0.1, 3, 0),
        (NAN, 500, -1),
        (3.0, NAN, -1),
        (0.1, NAN, -1),
    ],
)
def test_status_at_the_edges(lq: float, size: float, expected: int) -> None:
    found = sp.specialised([lq], [size])
    assert found.dtype == np.int8
    assert found.tolist() == [expected]


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 300)), min_size=1))
def test_status_agrees_with_the_loader(cells: list[tuple[float, int]]) -> None:
    names = {"specialised": 1, "not": 0, "borderline": 2}
    expected = [names[loader.status(quotient, size, 1.0)] for quotient, size in cells]
    lq, employment = zip(*cells, strict=True)
    assert sp.specialised(lq, employment).tolist() == expected


@given(PAIRS)
def test_likeness_identities(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    distance, shared, angle = sp.krugman(x, y), sp.finger_kreinin(x, y), sp.cosine(x, y)
    if not x.any() or not y.any():
        assert np.isnan([distance, shared, angle]).all()
        return
    assert shared == pytest.approx(1 - distance / 2)
    assert -1e-12 <= distance <= 2 + 1e-12
    assert angle == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    for measure, value in ((sp.krugman, distance), (sp.cosine, angle)):
        assert measure(y, x) == pytest.approx(value)
        assert measure(x * 7, y) == pytest.approx(value)
        assert measure(x[::-1], y[::-1]) == pytest.approx(value)
    assert sp.krugman(x, x) == 0
    assert sp.cosine(x, x) == pytest.approx(1)


def test_likeness_of_profiles_known_in_part() -> None:
    assert sp.krugman([30, 10, NAN], [10, 30, 900]) == sp.krugman([30, 10], [10, 30]) == 1
    assert sp.finger_kreinin([30, 10, NAN], [10, 30, 900]) == 0.5
    assert np.isnan(sp.cosine([30, NAN], [NAN, 10]))
    assert sp.krugman([1e-200, 0], [0, 1e-200]) == 2
    assert sp.cosine([1e-200, 1e-200], [3, 3]) == pytest.approx(1)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="1 dimensions"):
        sp.location_quotients([1, 2])
    with pytest.raises(ValueError, match="negative or infinite"):
        sp.location_quotients([[1, -2]])
    with pytest.raises(ValueError, match="negative or infinite"):
        sp.cosine([1, np.inf], [1, 1])
    with pytest.raises(ValueError, match="one length"):
        sp.krugman([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="employment"):
        sp.specialised([1, 2], [1])
    with pytest.raises(ValueError, match="reversed"):
        sp.specialised([1], [1], band=(1.1, 0.9))
