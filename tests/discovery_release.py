"""Helpers for tests of discovery on the default release: its store, and its index."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from clusterloom.api.discovery_index import folder_of
from clusterloom.discovery import index as indexing
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.release import Release

ID = "https://w3id.org/clusterloom/id"
PREFIX = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#> "
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
)
CALL = "cos-cluster-2018-3-02"
CHAINS = ("batteries", "mining", "textiles")
EVERY = 1000

_models: dict[str, Model] = {}


@dataclass(frozen=True)
class Graph:
    """The store of the release, asked directly."""

    store: ox.Store

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Rows of a SELECT as plain values."""
        found = self.store.query(query if query.startswith("PREFIX") else PREFIX + query)
        assert isinstance(found, ox.QuerySolutions)
        return [tuple("" if t is None else t.value for t in row) for row in found]

    def column(self, query: str) -> set[str]:
        """The last segments of the first column."""
        return {key(row[0]) for row in self.rows(query)}

    def has(self, iri: str) -> bool:
        """Whether anything is said of, or by, a thing."""
        return bool(self.store.query(f"ASK {{ {{ <{iri}> ?p ?o }} UNION {{ ?s ?p <{iri}> }} }}"))

    def stages(self, chain: str) -> set[str]:
        """The keys of the stages of a chain."""
        return self.column(
            f"SELECT ?s WHERE {{ ?s a cloom:Stage ; cloom:inChain <{ID}/value-chain/{chain}> }}"
        )


def key(iri: str) -> str:
    """The last segment."""
    return iri.rsplit("/", 1)[1]


def store_of(release: Release) -> Graph:
    """The store of a release."""
    return Graph(ox.Store.read_only(str(release.store_path)))


def model_of_release(release: Release, settings: Settings, folder: Path) -> Model:
    """A release by the index that is kept beside it, else by one built in the folder; once in a
    run."""
    if release.id not in _models:

        async def build() -> Index:
            engine = EmbeddedEngine(1, settings.query_memory)
            async with await engine.open(release) as session:
                return await indexing.build(session.columns, release.id, folder)

        try:
            kept = f"{release.id}-{indexing.VERSION}"
            index = indexing.open_index(folder_of(settings.data_dir) / kept)
        except indexing.BadIndex:
            index = asyncio.run(build())
        _models[release.id] = Model(index)
    return _models[release.id]


def altered(model: Model, **arrays: Any) -> Model:
    """The same index with other arrays in place of some."""
    index = model.index
    return Model(Index(index.release, index.things, {**index.arrays, **arrays}))


def adds_up(answer: Answer) -> None:
    """The value of each hit is the sum of its parts."""
    for item in answer.items:
        assert item.value is not None
        assert math.isclose(sum(p.value for p in item.explanation), item.value, abs_tol=1e-9)


def proven(graph: Graph, answer: Answer) -> None:
    """Each hit names what it rests on, and that is in the store."""
    assert answer.items
    for item in answer.items:
        assert item.evidence
        named = {*item.evidence, *(iri for part in item.explanation for iri in part.evidence)}
        assert [iri for iri in sorted(named) if not graph.has(iri)] == []
