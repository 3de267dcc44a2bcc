"""Nearness in a network: worked example, agreement with networkx, relabelling."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from itertools import combinations
from math import fsum
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from clusterloom.discovery import network
from clusterloom.discovery.network import (
    adamic_adar,
    adamic_adar_parts,
    degree,
    jaccard,
    personalised_pagerank,
    projection,
    resource_allocation,
)

Score = Callable[[Any, int], NDArray[np.float64]]
SCORES: list[Score] = [adamic_adar, resource_allocation, jaccard, personalised_pagerank]
GRAPHS = [(n, p, seed) for seed, (n, p) in enumerate([(2, 0.5), (12, 0.1), (30, 0.1), (40, 0.4)])]

_INCIDENCE = st.tuples(st.integers(1, 8), st.integers(1, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.booleans(), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


def members_of(partnerships: list[str]) -> tuple[list[str], Any]:
    names = sorted(set("".join(partnerships)))
    rows = [[int(name in partnership) for partnership in partnerships] for name in names]
    return names, sparse.csr_matrix(rows)


def drawn(n: int, p: float, seed: int) -> tuple[Any, Any]:
    graph = nx.gnp_random_graph(n, p, seed=seed)
    return graph, sparse.csr_matrix(nx.to_scipy_sparse_array(graph, dtype=float, format="csr"))


def test_doctests() -> None:
    result = doctest.testmod(network)
    assert result.attempted > 0
    assert result.failed == 0


def test_worked_example(shared: Path) -> None:
    golden = json.loads((shared / "golden/discovery.json").read_text())["W3"]
    names, incidence = members_of(golden["partnerships"])
    adj = projection(incidence)
    assert dict(zip(names, degree(adj).tolist(), strict=True)) == {
        "A": 3,
        "B": 3,
        "C": 3,
        "D": 3,
        "E": 2,
    }
    for pair, value in golden["adamic_adar"].items():
        a, b = (names.index(name) for name in pair)
        assert round(float(adamic_adar(adj, a)[b]), 6) == value
        assert round(float(adamic_adar(adj, b)[a]), 6) == value


@pytest.mark.parametrize(("n", "p", "seed"), GRAPHS)
def test_networkx_agrees(n: int, p: float, seed: int) -> None:
    graph, adj = drawn(n, p, seed)
    pairs = list(combinations(range(n), 2))
    for score, reference in (
        (adamic_adar, nx.adamic_adar_index),
        (resource_allocation, nx.resource_allocation_index),
        (jaccard, nx.jaccard_coefficient),
    ):
        found = np.array([score(adj, a) for a in range(n)])
        assert np.isnan(found.diagonal()).all()
        for a, b, value in reference(graph, pairs):
            if score is jaccard and graph.degree(a) == graph.degree(b) == 0:
                # Nothing over nothing, which networkx calls 0.
                assert np.isnan(found[a, b])
                assert np.isnan(found[b, a])
            else:
                assert found[a, b] == pytest.approx(value, abs=1e-12)
                assert found[b, a] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("damping", [0.5, 0.85, 0.95])
@pytest.mark.parametrize(("n", "p", "seed"), GRAPHS)
def test_networkx_agrees_on_pagerank(n: int, p: float, seed: int, damping: float) -> None:
    graph, adj = drawn(n, p, seed)
    for node in range(n):
        found = personalised_pagerank(adj, node, damping)
        expected = nx.pagerank(
            graph, damping, personalization={node: 1.0}, tol=1e-13 / n, max_iter=2000
        )
        assert np.abs(found - [expected[i] for i in range(n)]).max() < 1e-8


@given(_INCIDENCE)
def test_projection_is_who_meets_whom(rows: list[list[bool]]) -> None:
    dense = projection(sparse.csr_matrix(np.array(rows))).toarray()
    for a, first in enumerate(rows):
        for b, second in enumerate(rows):
            meet = a != b and any(x and y for x, y in zip(first, second, strict=True))
            assert dense[a, b] == float(meet)


@given(_INCIDENCE)
def test_parts_sum_to_the_score_largest_first(rows: list[list[bool]]) -> None:
    adj = projection(sparse.csr_matrix(np.array(rows)))
    ties = degree(adj)
    for a, b in combinations(range(len(rows)), 2):
        parts = adamic_adar_parts(adj, a, b)
        assert abs(fsum(part for _, part in parts) - adamic_adar(adj, a)[b]) < 1e-9
        assert parts == sorted(parts, key=lambda part: (-part[1], part[0]))
        assert all(adj[a, c] == adj[b, c] == 1 for c, _ in parts)
        assert [part for _, part in parts] == [pytest.approx(1 / np.log(ties[c])) for c, _ in parts]


@given(_INCIDENCE, st.data())
def test_names_do_not_matter(rows: list[list[bool]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    incidence = sparse.csr_matrix(np.array(rows))
    adj, renamed = projection(incidence), projection(incidence[order])
    for score in SCORES:
        for new, old in enumerate(order):
            expected = score(adj, old)[order]
            assert np.allclose(score(renamed, new), expected, atol=1e-8, equal_nan=True)


@given(_INCIDENCE)
def test_pagerank_is_a_share_and_keeps_to_the_component(rows: list[list[bool]]) -> None:
    adj = projection(sparse.csr_matrix(np.array(rows)))
    _, component = sparse.csgraph.connected_components(adj, directed=False)
    for node in range(len(rows)):
        found = personalised_pagerank(adj, node)
        assert found.sum() == pytest.approx(1)
        assert ((found > 0) == (component == component[node])).all()


def test_weights_of_memberships_do_not_count() -> None:
    once = sparse.csr_matrix([[1, 0], [1, 1], [0, 1]])
    heavy = sparse.csr_matrix(np.array([[100, 0], [100, 100], [0, 100]], dtype=np.int8))
    assert (projection(once) != projection(heavy)).nnz == 0
    adj = projection(once)
    for score in SCORES:
        assert np.array_equal(score(adj, 0), score(adj * 3.0, 0), equal_nan=True)


def test_a_lone_member() -> None:
    adj = projection(sparse.csr_matrix([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]))
    assert degree(adj).tolist() == [0, 1, 1, 0]
    assert np.isnan(jaccard(adj, 0)).tolist() == [True, False, False, True]
    assert adamic_adar(adj, 0)[1:].tolist() == [0, 0, 0]
    assert personalised_pagerank(adj, 0).tolist() == [1, 0, 0, 0]
    # A pair by itself: each is of degree 1 and no neighbour of two others.
    assert adamic_adar(adj, 1)[[0, 2, 3]].tolist() == [0, 0, 0]


def test_bad_arguments() -> None:
    adj = projection(sparse.csr_matrix([[1], [1]]))
    for score in SCORES:
        with pytest.raises(ValueError, match="no member 2 among 2"):
            score(adj, 2)
        with pytest.raises(ValueError, match="no member -1 among 2"):
            score(adj, -1)
        with pytest.raises(ValueError, match="not a square CSR"):
            score(adj.tocoo(), 0)
        with pytest.raises(ValueError, match="not a square CSR"):
            score(adj[:1], 0)
    with pytest.raises(ValueError, match="no score with itself: 1"):
        adamic_adar_parts(adj, 1, 1)
    for damping in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="damping"):
            personalised_pagerank(adj, 0, damping)
    with pytest.raises(ValueError, match="incidence: shape"):
        projection(np.zeros(3))
