"""Benchmark `discovery`: operations over the index at several sizes, and SPARQL for the same.

The graphs are made up (`graphs.py`), the SPARQL is that of `references.py`. In the row "network"
the index ranks by resource allocation, as SPARQL can; "network, Adamic-Adar" is the axis's own.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clusterloom.discovery.completion import completion
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.index import Index, assemble
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import of_cluster
from clusterloom.discovery.regions import region_partners
from clusterloom.namespaces import ID

from . import graphs, references
from .measure import OURS, BenchFailed, Measurement, Outcome
from .references import LIMIT, Ask, Hits

SIZES = (1_000, 10_000, 100_000)
LARGEST_STORE = 10_000
"""Clusters beyond which no store is filled for SPARQL."""
ASKED = 30


@dataclass(frozen=True)
class Task:
    """One question about each of some things: by the index, and as SPARQL where it can be said."""

    name: str
    about: Sequence[str]
    ask: Callable[[str], Hits]
    question: Callable[[str], str] | None = None


@dataclass
class Told:
    """Which engine gave no answer to what, and further figures."""

    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def run(sizes: Sequence[int], repetitions: int, without: Sequence[str] = ()) -> Outcome:
    """Measures every operation at each size; times are medians over many things.

    SPARQL is asked about as many of them as there are to be repetitions.
    """
    found: list[Measurement] = []
    told = Told()
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
        told.notes[f"{size} clusters"] = (
            f"arrays in {taken:.1f} s, matrices in {warmed:.1f} s, {peak} MB at most with the rows "
            "they are made of, without the reading of them"
        )
        with tempfile.TemporaryDirectory() as folder:
            if size > LARGEST_STORE:
                found += [_measured(task, size, 0, {}, told) for task in _tasks(model)]
                continue
            with references.engines(rows, size, Path(folder), without) as engines:
                found += [
                    _measured(task, size, repetitions, engines, told) for task in _tasks(model)
                ]
    title = "discovery, seconds for an answer of ten explained hits, in one process"
    return Outcome("discovery", title, "hits", found, told.missing, "answers per s", told.notes)


def _tasks(model: Model) -> list[Task]:
    index = model.index
    able = np.flatnonzero(np.diff(model.capabilities.indptr) > 1)
    both = np.intersect1d(able, np.flatnonzero(np.diff(model.ties.indptr) > 1))
    keys = [index.things["clusters"].key(int(n)) for n in both[:: max(1, len(both) // ASKED)]]
    keys = keys[:ASKED]

    def search(axis: str, rank_by: str = "") -> Callable[[str], Hits]:
        def ask(key: str) -> Hits:
            who = of_cluster(index, key)
            items = partners(model, who, axis, rank_by=rank_by, limit=LIMIT).items
            return [(i.iri, float((i.measures[rank_by] if rank_by else i.value) or 0))
                    for i in items]  # fmt: skip

        return ask

    def about(name: str) -> Callable[[str], str]:
        return lambda key: references.question(name, cluster=f"{ID}org/{key}")

    def complete(region: str) -> Hits:
        return [(i.iri, float(i.value or 0)) for i in completion(model, "v1", region).items]

    def completed(region: str) -> str:
        where = {"region": f"{ID}region/{region}", "chain": f"{ID}value-chain/v1"}
        return references.question("completion", **where)

    def compose(chain: str) -> Hits:
        return [(i.iri, 1.0) for i in consortium(model, Wanted(chain, runners_up=0)).items]

    def of_region(region: str) -> Hits:
        items = region_partners(model, region, "a1", limit=LIMIT).items
        return [(i.iri, float(i.value or 0)) for i in items]

    def about_region(region: str) -> str:
        where = {"region": f"{ID}region/{region}", "area": f"{ID}area/a1"}
        return references.question("regions", **where)

    places = [f"R{n:03d}" for n in range(0, 300, 30)]
    return [
        *(
            Task(f"partners, {axis}", keys, search(axis, rank_by), about(axis))
            for axis, rank_by in (
                ("similarity", ""),
                ("network", "resource_allocation"),
                ("complementarity", ""),
                ("supply", ""),
            )
        ),
        Task("partners, network, Adamic-Adar", keys, search("network")),
        Task("partners, borda", keys, search("borda")),
        Task("partners of a region", places, of_region, about_region),
        Task("completion", places, complete, completed),
        Task("consortium", ["v1", "v2", "v3"], compose),
    ]


def _measured(
    task: Task, size: int, repetitions: int, engines: dict[str, Ask], told: Told
) -> Measurement:
    task.ask(task.about[0])
    taken, ours = references.timed(task.ask, task.about)
    seconds = {OURS: statistics.median(taken)}
    agree = None
    asked = [task.question(one) for one in task.about[:repetitions]] if task.question else []
    for name, engine in engines.items() if asked else ():
        try:
            engine(asked[0])
            taken, theirs = references.timed(engine, asked)
        except (BenchFailed, OSError) as error:
            told.missing[f"{name}, {task.name}, {size}"] = str(error)[:200]
            continue
        seconds[name] = statistics.median(taken)
        same = all(map(references.alike, ours, theirs))
        if not same:
            told.notes[f"{name}, {task.name}, {size}"] = "its answer differs"
        agree = same and agree is not False
    return Measurement(task.name, f"{size}", LIMIT, agree, seconds)
