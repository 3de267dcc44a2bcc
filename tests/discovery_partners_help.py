"""Partners asked for in small random graphs, and the SPARQL of their hits run over the triples."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from functools import cache

from clusterloom.discovery import partners, reproduce
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Profile, of_cluster
from discovery_help import Graph, make, model_of

SEEDS = range(1000, 1200)
ALL = 100
"""More than there are clusters."""


@cache
def world(seed: int) -> tuple[Graph, Model]:
    graph = make(seed, named=True)
    return graph, asyncio.run(model_of(graph))


def worlds(step: int = 1) -> Iterator[tuple[Graph, Model]]:
    for seed in SEEDS[::step]:
        yield world(seed)


def profiles(model: Model) -> list[Profile]:
    clusters = model.index.things["clusters"]
    return [of_cluster(model.index, clusters.key(n)) for n in range(len(clusters))]


def ask(model: Model, who: Profile, axis: str, *, limit: int = ALL, **more: object) -> Answer:
    return partners.partners(model, who, axis, Filters(**more), limit=limit)  # type: ignore[arg-type]


def by_iri(answer: Answer) -> dict[str, float]:
    return {item.iri: float(item.value or 0) for item in answer.items}


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    near = (math.isclose(one[iri], other[iri], rel_tol=1e-9, abs_tol=1e-12) for iri in one)
    return one.keys() == other.keys() and all(near)


def others(graph: Graph, who: Profile) -> list[str]:
    return [iri for iri in graph.of("ClusterOrganisation") if iri != who.iri]


def wide(graph: Graph, capabilities: set[str]) -> set[str]:
    return capabilities.union(*(graph.all(c, "within") for c in capabilities))


def of_hit(graph: Graph, model: Model, who: Profile, axis: str, iri: str) -> list[dict[str, str]]:
    """Rows of the query of one cluster, be it a hit or not."""
    place = model.index.things["clusters"].place[iri]
    return run(graph, reproduce.query(axis, model, who, place))


def run(graph: Graph, query: str) -> list[dict[str, str]]:
    rows = graph.rows(query)
    if not rows:
        return []
    names = [part for part in query.split("SELECT")[1].split("WHERE")[0].replace("(", " ")
             .replace(")", " ").split() if part.startswith("?")]  # fmt: skip
    kept = [name[1:] for name in dict.fromkeys(names) if name not in {"?coefficient", "?other"}]
    return [{name: row[name].value for name in kept} for row in rows]


# values


@cache
def rich() -> tuple[Graph, Model]:
    """A graph with a profile that every axis answers."""
    for graph, model in worlds():
        for who in profiles(model):
            if all(ask(model, who, axis).items for axis in AXES) and len(who.capabilities) > 1:
                return graph, model
    raise AssertionError("no graph is rich enough")
