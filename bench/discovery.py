"""Benchmark `discovery`: operations over the index at several sizes, and SPARQL for the same.

The graphs are made up (`graphs.py`). The SPARQL is the fastest spelling found of "which clusters
share most capabilities": its rows are compared with the answer of the index.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyoxigraph as ox

from clusterloom.discovery.completion import completion
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.index import Index, assemble
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import of_cluster

from . import graphs
from .measure import BenchFailed, Measurement, Outcome

SIZES = (1_000, 10_000, 100_000)
LARGEST_STORE = 10_000
"""Clusters beyond which no store is filled for SPARQL."""
ASKED = 30
LIMIT = 10

SHARED = """PREFIX cloom: <https://w3id.org/clusterloom/ontology#>
SELECT ?partner (COUNT(*) AS ?shared) WHERE {
  <%s> cloom:hasCapability ?c . ?partner cloom:hasCapability ?c .
  FILTER (?partner != <%s>)
} GROUP BY ?partner ORDER BY DESC(?shared) ?partner LIMIT 10"""


def run(sizes: Sequence[int] = SIZES) -> Outcome:
    """Measures every operation at each size; times are medians over many clusters."""
    found = []
    missing = {}
    for size in sizes:
        rows = graphs.graph(size)
        began = time.perf_counter()
        things, arrays = assemble(rows)
        taken = time.perf_counter() - began
        began = time.perf_counter()
        model = Model(Index("0" * 16, things, arrays))
        model.warm()
        warmed = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        missing[f"{size} clusters"] = (
            f"arrays in {taken:.1f} s, matrices in {warmed:.1f} s, {peak} MB at most with the rows "
            "they are made of, without the reading of them"
        )
        keys = [things["clusters"].key(int(n)) for n in _chosen(model)]
        with tempfile.TemporaryDirectory() as folder:
            stores = _stores(rows, Path(folder)) if size <= LARGEST_STORE else {}
            found += _measured(model, keys, size, stores)
            stores.clear()
    title = "discovery, seconds for an answer of ten explained hits, in one process"
    return Outcome("discovery", title, "hits", found, missing, "answers per s")


def _chosen(model: Model) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    able = np.flatnonzero(np.diff(model.capabilities.indptr) > 1)
    tied = np.flatnonzero(np.diff(model.ties.indptr) > 1)
    both = np.intersect1d(able, tied)
    return both[:: max(1, len(both) // ASKED)][:ASKED]


def _measured(
    model: Model, keys: list[str], size: int, stores: dict[str, ox.Store]
) -> list[Measurement]:
    found = []
    for axis in ("similarity", "network", "complementarity", "supply", "borda"):

        def ask(key: str, axis: str = axis) -> int:
            return len(partners(model, of_cluster(model.index, key), axis, limit=LIMIT).items)

        rounds = {"clusterloom": _median(ask, keys)}
        agree = True
        if axis == "similarity":
            for name, store in stores.items():

                def reference(key: str, store: ox.Store = store) -> int:
                    return len(_shared(store, key))

                rounds[name] = _median(reference, keys[:8])
            agree = all(_agrees(model, stores, key) for key in keys[:8])
        found.append(Measurement(f"partners, {axis}", f"{size}", LIMIT, agree, rounds))
    regions = [f"R{n:03d}" for n in range(0, 300, 30)]

    def complete(region: str) -> int:
        return len(completion(model, "v1", region, limit=LIMIT).items)

    def compose(chain: str) -> int:
        return len(consortium(model, Wanted(chain, runners_up=0)).items)

    times = {"clusterloom": _median(complete, regions)}
    found.append(Measurement("completion", f"{size}", LIMIT, True, times))
    times = {"clusterloom": _median(compose, ["v1", "v2", "v3"])}
    found.append(Measurement("consortium", f"{size}", 1, True, times))
    return found


def _median(ask: Callable[[str], int], keys: Sequence[str]) -> float:
    ask(keys[0])
    taken = []
    for key in keys:
        began = time.perf_counter()
        ask(key)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _stores(rows: graphs.Rows, folder: Path) -> dict[str, ox.Store]:
    memory = ox.Store()
    memory.bulk_extend(graphs.triples(rows))
    disk = ox.Store(str(folder / "store"))
    disk.bulk_extend(graphs.triples(rows))
    disk.optimize()
    return {"SPARQL in memory": memory, "SPARQL on disk": disk}


def _shared(store: ox.Store, key: str) -> list[tuple[str, int]]:
    iri = graphs._thing("org", key)
    solutions = store.query(SHARED % (iri, iri))
    if not isinstance(solutions, ox.QuerySolutions):
        raise BenchFailed("the reference query gave no rows")
    return [(str(row[0])[1:-1], int(str(row[1]).split('"')[1])) for row in solutions]


def _agrees(model: Model, stores: dict[str, ox.Store], key: str) -> bool:
    answer = partners(model, of_cluster(model.index, key), "similarity", limit=LIMIT)
    ours = [(item.iri, int(item.value or 0)) for item in answer.items]
    return all(_shared(store, key) == ours for store in stores.values())
