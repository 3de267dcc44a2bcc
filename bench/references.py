"""The SPARQL that `discovery` is measured against: the reference queries of `queries/`.

Each engine answers the same question over the same statements, ten hits, and its answer is compared
with that of the index: the same values, and the same hits where no value is shared.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyoxigraph as ox

from clusterloom.queries.library import library, render

from . import graphs, peers
from .measure import BenchFailed
from .servers import Client

MEMORY, DISK, VIRTUOSO = "SPARQL in memory", "SPARQL on disk", "SPARQL on Virtuoso"
LIMIT = 10
BUDGET = 60.0
"""Seconds after which an engine is not asked any more for one task."""
NEAR = 1e-5
"""Virtuoso writes doubles with six digits."""

Hits = list[tuple[str, float]]
Ask = Callable[[str], Hits]


@contextmanager
def engines(
    rows: graphs.Rows, clusters: int, folder: Path, without: Sequence[str] = ()
) -> Iterator[dict[str, Ask]]:
    """Each engine that is there, filled with the graph, by name: a query gives its first hits."""
    path = folder / "graph.nt"
    with open(path, "w", encoding="utf-8") as out:
        for lines in (graphs.lines(rows, clusters), graphs.ties(rows)):
            out.writelines(f"{line} .\n" for line in lines)
    memory, disk = ox.Store(), ox.Store(str(folder / "store"))
    for store in (memory, disk):
        with open(path, "rb") as lines_of:
            store.bulk_load(lines_of, ox.RdfFormat.N_TRIPLES)
    disk.optimize()
    with ExitStack() as stack:
        found: dict[str, Ask] = {MEMORY: _in_process(memory), DISK: _in_process(disk)}
        if peers.virtuoso_missing() is None and "Virtuoso" not in without:
            found[VIRTUOSO] = _by_http(stack.enter_context(peers.virtuoso_server(path)))
        yield found


def question(name: str, **given: str) -> str:
    """A reference query about those IRIs, for its first hits."""
    text = render(library()[f"discovery-{name}"], {key: [iri] for key, iri in given.items()})
    return f"{text.rstrip()}\nLIMIT {LIMIT}"


def timed(ask: Ask, questions: Sequence[str]) -> tuple[list[float], list[Hits]]:
    """Seconds and hits of each question, as many as the budget allows; at least one."""
    taken, found = [], []
    until = time.perf_counter() + BUDGET
    for text in questions:
        began = time.perf_counter()
        found.append(ask(text))
        taken.append(time.perf_counter() - began)
        if time.perf_counter() > until:
            break
    return taken, found


def alike(one: Hits, other: Hits) -> bool:
    """Whether the values are the same, and the hits, those of the last place left aside.

    >>> alike([("a", 2.0), ("b", 1.0)], [("a", 2.0), ("c", 1.0)])
    True
    """
    pairs = list(zip(one, other, strict=False))
    if len(one) != len(other) or not all(math.isclose(a[1], b[1], rel_tol=NEAR) for a, b in pairs):
        return False
    if len(one) < LIMIT:
        return {iri for iri, _ in one} == {iri for iri, _ in other}
    last = min(value for _, value in one) * (1 + NEAR)
    return {i for i, value in one if value > last} == {i for i, value in other if value > last}


def _in_process(store: ox.Store) -> Ask:
    def ask(text: str) -> Hits:
        solutions = store.query(text)
        if not isinstance(solutions, ox.QuerySolutions):
            raise BenchFailed("a reference query gave no rows")
        column = _value(variable.value for variable in solutions.variables)
        return [(row[0].value, float(row[column].value)) for row in solutions]

    return ask


def _by_http(client: Client) -> Ask:
    def ask(text: str) -> Hits:
        answer = json.loads(client.ask_by_form(text))
        columns = answer["head"]["vars"]
        column = _value(columns)
        rows = answer["results"]["bindings"]
        return [(row[columns[0]]["value"], float(row[column]["value"])) for row in rows]

    return ask


def _value(columns: Iterator[str] | Sequence[str]) -> str:
    return next(name for name in columns if name in {"value", "shared", "stages"})
