"""Rows of a SELECT over the store being built, as rules read them."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES


def select(store: ox.Store, query: str) -> Iterator[tuple[str, ...]]:
    """Each row as the plain text of its terms, blank where a variable is unbound.

    The prefixes of `clusterloom.namespaces` need no PREFIX lines.
    """
    solutions = store.query(query, prefixes=PREFIXES)
    assert isinstance(solutions, ox.QuerySolutions)
    for solution in solutions:
        yield tuple(
            "" if term is None or isinstance(term, ox.Triple) else term.value for term in solution
        )
