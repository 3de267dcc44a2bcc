"""The strongest supply paths against brute force, and tables whose circles gain."""

from __future__ import annotations

import doctest
import time
from itertools import pairwise, permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from clusterloom.discovery import strongest_path as module
from clusterloom.discovery.input_output import leontief
from clusterloom.discovery.strongest_path import (
    MOST,
    MOST_AT_ONCE,
    TooManyPaths,
    strongest_path,
    strongest_paths,
)

Floats = NDArray[np.float64]


def test_doctests() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_bad_arguments() -> None:
    table = np.zeros((2, 2))
    with pytest.raises(ValueError, match="source: no sector 2 among 2"):
        strongest_path(table, 2, 0)
    with pytest.raises(ValueError, match="target: no sector -1 among 2"):
        strongest_path(table, 0, -1)
    with pytest.raises(ValueError, match="same sector, 1"):
        strongest_path(table, 1, 1)
    with pytest.raises(ValueError, match="longest is 0"):
        strongest_path(table, 0, 1, longest=0)
    with pytest.raises(ValueError, match="inverse: shape"):
        strongest_path([[0, 1], [0, 0]], 0, 1, inverse=np.eye(3))


def every_path(a: Floats, source: int, target: int, longest: int) -> dict[tuple[int, ...], float]:
    """All elementary paths of positive steps, by trying every order of every choice of sectors."""
    others = [i for i in range(len(a)) if i not in (source, target)]
    found = {}
    for between in range(min(longest, len(others) + 1)):
        for middle in permutations(others, between):
            nodes = (source, *middle, target)
            steps = [float(a[i, j]) for i, j in pairwise(nodes)]
            if min(steps) > 0:
                found[nodes] = float(np.prod(steps))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_paths_agree_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    # Every third table has coefficients up to 2 and so cycles that gain; a few are negative.
    a = rng.random((n, n)) * (2.0 if seed % 3 == 0 else 0.9)
    a[rng.random((n, n)) < 0.35] = 0.0
    a[rng.random((n, n)) < 0.05] *= -1
    longest = int(rng.integers(1, 7))
    for source, target in permutations(range(n), 2):
        expected = every_path(a, source, target, longest)
        best = strongest_path(a, source, target, longest)
        if not expected:
            assert best is None
            continue
        assert best is not None
        assert best.product == pytest.approx(max(expected.values()), rel=1e-12)
        assert expected[best.nodes] == pytest.approx(best.product, rel=1e-12)
        paths = strongest_paths(a, source, target, 12, longest)
        assert len(paths) == len({path.nodes for path in paths}) == min(12, len(expected))
        ordered = sorted(expected.values(), reverse=True)[:12]
        assert [path.product for path in paths] == pytest.approx(ordered, rel=1e-12)
        assert [expected[path.nodes] for path in paths] == pytest.approx(ordered, rel=1e-12)


def test_a_cycle_that_gains_is_not_taken() -> None:
    # 1 -> 2 -> 1 gains eight times; a walk would turn in it, a path may not.
    a = np.zeros((4, 4))
    a[0, 1], a[1, 2], a[2, 1], a[1, 3], a[0, 3] = 0.5, 4.0, 2.0, 0.5, 0.1
    best = strongest_path(a, 0, 3)
    assert best is not None
    assert (best.nodes, best.product) == ((0, 1, 3), 0.25)
    assert np.isnan(best.share)


def test_equal_products_come_shortest_then_lowest() -> None:
    a = np.triu(np.ones((60, 60)), 1)
    nodes = [path.nodes for path in strongest_paths(a, 0, 59, 4)]
    assert nodes == [(0, 59), (0, 1, 59), (0, 2, 59), (0, 3, 59)]


def test_a_single_way_is_found_out_at_once() -> None:
    # Strong ties among all, yet only the source sells to the target: no second path to look for.
    a = np.full((100, 100), 0.009)
    a[:, 99] = 0.0
    a[0, 99] = 0.5
    assert [path.nodes for path in strongest_paths(a, 0, 99, 5)] == [(0, 99)]


def test_shares_of_all_paths_never_exceed_the_requirement() -> None:
    a = np.array([[0.1, 0.3, 0.2], [0.2, 0.1, 0.3], [0.1, 0.2, 0.1]])
    paths = strongest_paths(a, 0, 2, 10)
    assert [path.nodes for path in paths] == [(0, 2), (0, 1, 2)]
    # The rest of the requirement runs through cycles.
    assert sum(path.share for path in paths) < 1
    assert paths[0].share == pytest.approx(0.2 / np.linalg.inv(np.eye(3) - a)[0, 2])
    assert strongest_paths(a, 0, 2, 0) == []


def gaining() -> Floats:
    """A hundred sectors of which two gain a thousandfold in a circle, far from the target.

    Walks that turn in the circle promise more than any path keeps.
    """
    a = np.random.default_rng(7).random((100, 100)) * 0.9
    a[3, 4] = a[4, 3] = 1000.0
    return a


def test_circles_that_gain_are_answered_or_said_but_never_looked_at_for_ever() -> None:
    with pytest.raises(ValueError, match="no inverse: the spectral radius of the table is 10"):
        leontief(gaining())
    began = time.process_time()
    for longest in range(1, 4):
        best = strongest_path(gaining(), 0, 99, longest)
        assert best is not None
        assert np.isnan(best.share)
    for longest in (6, 12):
        with pytest.raises(TooManyPaths, match="circles of supply whose product is above 1"):
            strongest_path(gaining(), 0, 99, longest)
    assert time.process_time() - began < 60


def test_tables_that_have_an_inverse_never_have_too_many_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", MOST_AT_ONCE // 10)
    monkeypatch.setattr(module, "MOST", MOST // 2)
    rng = np.random.default_rng(3)
    for density in (1.0, 0.3):
        a = rng.random((130, 130)) * (rng.random((130, 130)) < density)
        a *= 0.99 / np.abs(np.linalg.eigvals(a)).max()
        assert len(strongest_paths(a, 0, 129, 50, 12)) == 50
