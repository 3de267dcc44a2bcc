"""Benchmark `serving`: requests per second over connections kept open, ours against three servers.

All of them hold the same release and run at the same time, and take turns at being asked. Ours is
`clusterloom serve` with its own settings, its memory image ready. A task whose requests vary asks
for something else each time, so that no answer comes out of a cache; a task that repeats is one a
cache may answer. The seconds are those of the round divided by the answers it brought.
"""

from __future__ import annotations

import csv
import http.client
import io
import itertools
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph as ox

from clusterloom.namespaces import CLOOM, PREFIXES
from clusterloom.queries.library import library, render
from clusterloom.settings import Settings
from clusterloom.store.engine import CSV, JSON
from clusterloom.store.release import Release

from . import load, peers
from .measure import OURS, BenchFailed, Measurement, Outcome
from .servers import Client, clusterloom_server, native_server, native_version

NATIVE, VIRTUOSO, RDFLIB = "oxigraph server", "Virtuoso", "rdflib-endpoint"
CONNECTIONS = (1, 8, 64)
TURTLE = "text/turtle"
COMPARED = 5
"""Requests of a task whose answers are compared."""
PATIENCE = 20.0
"""Seconds for one answer beyond which a server is not measured at a task."""
LONGEST = 40.0
"""Seconds of the longest round."""
_READY = 120.0
_ADDRESSES = 40_000


@dataclass
class Task:
    """Queries to ask for in turn, and how their answers are written."""

    name: str
    accept: str
    queries: Sequence[str]
    places: Counter[str] = field(default_factory=Counter)


def tasks(release: Release, only: Sequence[str] = ()) -> list[Task]:
    """The tasks by name, or those in `only`."""
    store = ox.Store.read_only(str(release.store_path))
    things = _iris(store, "?s rdfs:label ?l", _ADDRESSES)
    clusters = _iris(store, "?s cloom:covers ?l ; a cloom:ClusterOrganisation", 1000)
    partners = library()["partners-for-a-cluster"]
    searches = [
        # a bound that nobody reaches makes another text of the same work
        render(partners, {"cluster": [cluster], "most_shared": [str(1000 + n)]})
        for n, cluster in enumerate(itertools.islice(itertools.cycle(clusters), 20_000))
    ]
    aggregates = [_AGGREGATE + f"LIMIT {1_000_000 + n}" for n in range(20_000)]
    lookups = [f"SELECT ?p ?o {{ <{thing}> ?p ?o }}" for thing in things]
    constructs = [f"CONSTRUCT {{ <{t}> ?p ?o }} WHERE {{ <{t}> ?p ?o }}" for t in things]
    every = [
        Task("lookup", JSON, lookups),
        Task("lookup, repeated", JSON, lookups[:1]),
        Task("CONSTRUCT of a thing", TURTLE, constructs),
        Task("partner query", JSON, searches),
        Task("partner query, repeated", JSON, searches[:1]),
        Task("country x area aggregate", JSON, aggregates),
        Task("100k-row CSV", CSV, [_EXPORT]),
    ]
    unknown = set(only) - {task.name for task in every}
    if unknown:
        raise BenchFailed(f"no such task: {', '.join(sorted(unknown))}")
    return [task for task in every if not only or task.name in only]


_PREFIX = f"PREFIX cloom: <{CLOOM}> PREFIX rdfs: <{PREFIXES['rdfs']}> "
_EXPORT = f"{_PREFIX}SELECT ?thing ?region {{ ?thing cloom:ofRegion ?region }}"
_AGGREGATE = (
    f"{_PREFIX}SELECT ?country ?area (COUNT(DISTINCT ?region) AS ?regions) "
    "{ ?area cloom:participatingRegion ?region . ?region cloom:inCountry ?country } "
    "GROUP BY ?country ?area "
)


def run(
    settings: Settings,
    release: Release,
    repetitions: int,
    seconds: float,
    connections: Sequence[int] = CONNECTIONS,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Outcome:
    """Measures every task at each number of connections, in rounds of at least those seconds."""
    measurements = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chosen = tasks(release, only)
        servers, missing = _servers(stack, settings, release, folder, without)
        for number, task in enumerate(chosen):
            size, agree, alone = _compared(task, servers, missing)
            able = {name: servers[name] for name in alone}
            path = folder / f"{number}.txt"
            for many in connections:
                measured = {name: _Runner(task, path, many, able[name], name) for name in able}
                rounds = _rounds(measured, alone, repetitions, seconds, missing)
                measurements.append(Measurement(task.name, f"{many} x", size, agree, rounds))
    title = f"HTTP on loopback, seconds per answer under load by {load.maker()}"
    return Outcome("serving", title, "rows", measurements, missing, "answers per s")


def _servers(
    stack: ExitStack,
    settings: Settings,
    release: Release,
    folder: Path,
    without: Sequence[str],
) -> tuple[dict[str, Client], dict[str, str]]:
    why = {
        NATIVE: None if native_version() else "it is not installed: pip install oxigraph",
        VIRTUOSO: peers.virtuoso_missing(),
        RDFLIB: peers.rdflib_missing(),
    }
    why |= dict.fromkeys(without, "it was left out")
    missing = {name: reason for name, reason in why.items() if reason}
    servers = {OURS: stack.enter_context(clusterloom_server(settings.data_dir))}
    _in_memory(servers[OURS])
    if NATIVE not in missing:
        servers[NATIVE] = stack.enter_context(native_server(release))
    if {VIRTUOSO, RDFLIB} - set(missing):
        triples = peers.default_graph(release, folder)
        if VIRTUOSO not in missing:
            servers[VIRTUOSO] = stack.enter_context(peers.virtuoso_server(triples))
        if RDFLIB not in missing:
            servers[RDFLIB] = stack.enter_context(peers.rdflib_server(triples))
    return servers, missing


def _in_memory(client: Client) -> None:
    """Waits until the service answers from where it will."""
    until = time.monotonic() + _READY
    while json.loads(client.fetch("/health"))["store"] == "loading":
        if time.monotonic() > until:
            raise BenchFailed("the memory image of the service was not ready in time")
        time.sleep(0.2)


def _compared(
    task: Task, servers: Mapping[str, Client], missing: dict[str, str]
) -> tuple[int, bool, dict[str, float]]:
    """Rows of the first answer, whether the servers agree, and what one answer takes each."""
    found: dict[str, list[Counter[str]]] = {}
    alone: dict[str, float] = {}
    for name, client in servers.items():
        try:
            answers: list[bytes] = []
            for query in task.queries[:COMPARED]:
                began = time.perf_counter()
                answers.append(client.fetch(client.address(query), task.accept))
                alone[name] = time.perf_counter() - began
                if alone[name] > PATIENCE:
                    raise BenchFailed(f"one answer took {alone[name]:.0f} s")
        except (BenchFailed, OSError, http.client.HTTPException) as error:
            if name == OURS:
                raise
            alone.pop(name, None)
            missing[f"{name}, {task.name}"] = str(error)
            continue
        found[name] = [rows(answer, task.accept) for answer in answers]
        task.places[name] = COMPARED
    agree = True
    for name, tables in found.items():
        if tables != found[OURS]:
            agree = False
            missing[f"{name}, {task.name}"] = "its answer differs, and it was measured all the same"
    return found[OURS][0].total(), agree, alone


def rows(answer: bytes, accept: str) -> Counter[str]:
    """The rows of an answer whatever their order; numbers and truth values as plain values."""
    if accept == TURTLE:
        triples = ox.parse(answer, format=ox.RdfFormat.TURTLE)
        return Counter(f"{t.subject} {t.predicate} {_value(t.object)}" for t in triples)
    if accept == CSV:
        table = csv.reader(io.StringIO(answer.decode("utf-8")))
        next(table)
        return Counter(json.dumps(row) for row in table)
    bindings = json.loads(answer)["results"]["bindings"]
    return Counter(
        json.dumps({k: _plain(v["value"], v.get("datatype", "")) for k, v in row.items()},
                   sort_keys=True)
        for row in bindings
    )  # fmt: skip


def _value(term: object) -> str:
    if isinstance(term, ox.Literal):
        return _plain(term.value, term.datatype.value)
    return str(term)


def _plain(value: str, datatype: str) -> str:
    kind = datatype.removeprefix(PREFIXES["xsd"])
    if kind in {"decimal", "double", "float", "integer"}:
        return f"{float(value):.9g}"
    if kind == "boolean":
        return "true" if value in {"true", "1"} else "false"
    return value


class _Runner:
    """One server asked for one task over so many connections."""

    def __init__(self, task: Task, path: Path, connections: int, client: Client, name: str) -> None:
        self.task, self._path = task, path.with_stem(f"{path.stem}-{client.port}")
        self.connections, self._client, self._name = connections, client, name
        if not self._path.exists():
            addresses = (client.address(query) for query in task.queries)
            self._path.write_text("".join(f"{address}\n" for address in addresses), "utf-8")

    def round(self, seconds: float) -> load.Load:
        """One round, from where the last one ended."""
        place = self.task.places[self._name]
        done = load.put(
            self._client.port, self._path, self.task.accept, place, self.connections, seconds
        )
        self.task.places[self._name] += done.requests + self.connections
        return done


def _rounds(
    runners: Mapping[str, _Runner],
    alone: Mapping[str, float],
    repetitions: int,
    seconds: float,
    missing: dict[str, str],
) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for turn, name in _turns(list(runners), repetitions):
        runner = runners[name]
        # a round is to bring several answers on each connection
        length = min(LONGEST, max(seconds, 1.5 * alone[name] * runner.connections))
        done = runner.round(length)
        answers = done.requests - done.failed
        label = f"{name}, {runner.task.name}, {runner.connections} connections"
        if done.failed:
            missing[label] = f"{done.failed} of {done.requests} requests failed (round {turn + 1})"
        if answers > 0:
            taken[name].append(done.seconds / answers)
    if not taken[OURS]:
        raise BenchFailed(f"the service gave no answer: {missing}")
    return {name: statistics.median(found) for name, found in taken.items() if found}


def _turns(names: Sequence[str], repetitions: int) -> Iterator[tuple[int, str]]:
    for turn in range(repetitions):
        first = turn % len(names)
        yield from ((turn, name) for name in [*names[first:], *names[:first]])


def _iris(store: ox.Store, pattern: str, most: int) -> list[str]:
    found = store.query(f"{_PREFIX}SELECT DISTINCT ?s {{ {pattern} }} ORDER BY ?s LIMIT {most}")
    assert isinstance(found, ox.QuerySolutions)
    return [s.value for row in found if isinstance(s := row["s"], ox.NamedNode)]
