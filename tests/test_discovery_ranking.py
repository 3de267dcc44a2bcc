"""Ranks, their fusion and the first few: the definitions counted out, and the same order always."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom.discovery import ranking
from clusterloom.discovery.ranking import borda, ranks, top

NAN = float("nan")
# Few values, so that ties are common.
_VALUE = st.sampled_from([NAN, -2.0, -0.0, 0.0, 0.5, 1.0, float("inf"), float("-inf")])
_VALUES = st.lists(_VALUE, max_size=25)
_KEYED = st.lists(st.tuples(_VALUE, st.sampled_from("abcdeéz") | st.text("ab", max_size=3)))
_RANKED = st.one_of(st.just(NAN), st.integers(1, 5).map(float))
_LISTS = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.lists(_RANKED, min_size=n, max_size=n), min_size=1, max_size=4)
)


def test_doctests() -> None:
    result = doctest.testmod(ranking)
    assert result.attempted > 0
    assert result.failed == 0


@given(_VALUES, st.booleans())
def test_a_rank_counts_the_better(values: list[float], descending: bool) -> None:
    found = ranks(values, descending)
    for value, rank in zip(values, found.rank.tolist(), strict=True):
        if np.isnan(value):
            assert np.isnan(rank)
        else:
            better = [v for v in values if (v > value if descending else v < value)]
            assert rank == 1 + len(better)
    assert sorted(found.order.tolist()) == [i for i, v in enumerate(values) if not np.isnan(v)]


@given(_KEYED)
def test_ties_stand_by_key(items: list[tuple[float, str]]) -> None:
    values, keys = [v for v, _ in items], [k for _, k in items]
    found = ranks(values, keys=keys)
    expected = sorted(found.order.tolist(), key=lambda i: (-values[i], keys[i], i))
    assert found.order.tolist() == expected
    for i, value in enumerate(values):
        tied = [j for j in expected if values[j] == value and j != i]
        assert found.tied_with(i) == tied


@given(st.lists(st.tuples(_VALUE, st.integers())), st.randoms())
def test_the_order_of_arrival_does_not_matter(items: list[tuple[float, int]], rng: object) -> None:
    items = list({key: (value, key) for value, key in items}.values())
    mixed = list(items)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    listings = []
    for some in (items, mixed):
        values, keys = [v for v, _ in some], [k for _, k in some]
        found = ranks(values, keys=keys)
        order = [(keys[i], found.rank[i]) for i in found.order]
        first = [keys[i] for i in top(values, 3, keys)]
        listings.append((order, first))
    assert listings[0] == listings[1]


@given(_KEYED, st.integers(0, 30), st.booleans(), st.sampled_from(["none", "list", "array"]))
def test_the_first_are_those_of_the_ranking(
    items: list[tuple[float, str]], n: int, descending: bool, kind: str
) -> None:
    values = [v for v, _ in items]
    names = [k for _, k in items]
    keys = {"none": None, "list": names, "array": np.array(names, dtype=np.str_)}[kind]
    expected = ranks(values, descending, keys).order[:n]
    assert top(values, n, keys, descending).tolist() == expected.tolist()


def test_published_example_of_ties() -> None:
    found = ranks([10, 8, 8, 5])
    assert found.rank.tolist() == [1, 2, 2, 4]
    assert [found.tied_with(i) for i in range(4)] == [[], [2], [1], []]
    assert ranks([10, 8, 8, 5], descending=False).rank.tolist() == [4, 2, 2, 1]
    assert ranks([]).rank.tolist() == []


def test_borda_of_full_lists() -> None:
    # 3, 2, 1, 0 points for four places.
    assert borda([[1, 2, 3, 4]]).tolist() == [3, 2, 1, 0]
    assert borda([[1, 2, 3, 4], [4, 3, 2, 1]]).tolist() == [3, 3, 3, 3]


def test_borda_of_the_missing() -> None:
    # Places 3 and 4 are left, of 1 and 0 points.
    assert borda([[1, 2, NAN, NAN], [1, 2, 3, 4]]).tolist() == [6, 4, 1.5, 0.5]
    # Nobody knows the last.
    assert np.isnan(borda([[1, 2, NAN], [2, 1, NAN]])).tolist() == [False, False, True]


@given(_LISTS)
def test_every_list_gives_the_same_points_in_all(lists: list[list[float]]) -> None:
    n = len(lists[0])
    anyone = np.arange(n, dtype=float) + 1
    assert borda([*lists, anyone]).sum() == pytest.approx((len(lists) + 1) * n * (n - 1) / 2)


@given(_LISTS)
def test_only_the_order_counts(lists: list[list[float]]) -> None:
    stretched = [[rank**3 + 7 for rank in one] for one in lists]
    again = [ranks(one, descending=False).rank for one in lists]
    assert np.array_equal(borda(lists), borda(stretched), equal_nan=True)
    assert np.array_equal(borda(lists), borda(again), equal_nan=True)


@given(_LISTS, st.data())
def test_borda_knows_no_names_and_no_order_of_lists(
    lists: list[list[float]], data: st.DataObject
) -> None:
    places = data.draw(st.permutations(range(len(lists[0]))))
    mixed = [[one[i] for i in places] for one in reversed(lists)]
    expected = [borda(lists)[i] for i in places]
    assert np.allclose(borda(mixed), expected, equal_nan=True)


@given(_LISTS)
def test_better_in_every_list_is_better_in_all(lists: list[list[float]]) -> None:
    points = borda(lists)
    for a in range(len(points)):
        for b in range(len(points)):
            if all(one[a] < one[b] or (one[a] > 0 and np.isnan(one[b])) for one in lists):
                assert points[a] > points[b] or np.isnan(points[b])


@given(_LISTS)
def test_a_list_that_ranks_nothing_changes_no_order(lists: list[list[float]]) -> None:
    n = len(lists[0])
    more = borda([*lists, [NAN] * n])
    assert np.allclose(more, borda(lists) + (n - 1) / 2, equal_nan=True)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="values: shape"):
        ranks([[1.0, 2.0]])
    with pytest.raises(ValueError, match="keys: 1 for 2 values"):
        ranks([1.0, 2.0], keys=["a"])
    with pytest.raises(ValueError, match="keys: 1 for 2 values"):
        top([1.0, 2.0], 1, keys=["a"])
    with pytest.raises(ValueError, match="n is -1"):
        top([1.0], -1)
    with pytest.raises(ValueError, match="index: no item 1 among 1"):
        ranks([1.0]).tied_with(1)
    with pytest.raises(ValueError, match="none to fuse"):
        borda([])
    with pytest.raises(ValueError, match="number 1 has shape"):
        borda([[1, 2], [1]])
    with pytest.raises(ValueError, match="number 0, item 1"):
        borda([[1, float("inf")]])
