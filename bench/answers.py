"""Benchmark `queries`: our HTTP endpoint against the native Oxigraph server on the same store.

Pyoxigraph in this process, without any server, is measured too: what the answer itself costs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import pyoxigraph as ox

from clusterloom.namespaces import CLOOM, ID, META_GRAPH, PREFIXES
from clusterloom.queries.library import library
from clusterloom.settings import Settings
from clusterloom.store.release import Release

from .measure import OURS, BenchFailed, Measurement, Outcome, medians
from .servers import clusterloom_server, native_server, native_version

NATIVE = "oxigraph server"
FLOOR = "in process"
LOOKUP_ROUNDS = 20
"""Lookups take a millisecond, so each is repeated that many times as often."""

_RDFS, _DCTERMS = PREFIXES["rdfs"], PREFIXES["dcterms"]

LOOKUPS = {
    "about a thing": f"SELECT ?p ?o {{ <{ID}area/hydrogen-valleys> ?p ?o }}",
    "links to a thing": f"SELECT ?s ?p {{ ?s ?p <{ID}area/hydrogen-valleys> }}",
    "by code": f'SELECT ?r ?l {{ ?r <{CLOOM}nutsCode> "NL11" ; <{_RDFS}label> ?l }}',
    "yes or no": f"ASK {{ <{ID}area/hydrogen-valleys> <{CLOOM}leadRegion> <{ID}region/NL1> }}",
    "proof of a statement": f"""SELECT ?kind ?dataset ?cite {{
      GRAPH ?g {{ <{ID}area/hydrogen-valleys> <{CLOOM}leadRegion> <{ID}region/NL1> .
        OPTIONAL {{ <{ID}area/hydrogen-valleys> <{_DCTERMS}source> ?cite }} }}
      GRAPH <{META_GRAPH}> {{ ?g <{CLOOM}kind> ?kind ; <{_DCTERMS}source> ?dataset }} }}""",
}

Ask = Callable[[str], bytes]


def run(settings: Settings, release: Release, repetitions: int, only: Sequence[str]) -> Outcome:
    """Measures every lookup and every library query as its file has it, or those in `only`."""
    tasks = _tasks(only)
    with ExitStack() as stack:
        contenders: dict[str, Ask] = {}
        missing = {}
        contenders[OURS] = stack.enter_context(clusterloom_server(settings.data_dir)).ask
        if native_version() is None:
            missing[NATIVE] = "the native server is not installed: pip install oxigraph"
        else:
            contenders[NATIVE] = stack.enter_context(native_server(release)).ask
        contenders[FLOOR] = in_process(release)
        measurements = [
            _measure(name, group, query, contenders, repetitions) for group, name, query in tasks
        ]
    title = "SPARQL over HTTP on loopback, whole answers in JSON, none from a cache"
    return Outcome("queries", title, "rows", measurements, missing)


def in_process(release: Release) -> Ask:
    """Answers from a read-only store in this process."""
    store = ox.Store.read_only(str(release.store_path))

    def ask(query: str) -> bytes:
        results = store.query(query)
        if isinstance(results, ox.QueryTriples):
            raise BenchFailed("only SELECT and ASK are measured")
        return results.serialize(format=ox.QueryResultsFormat.JSON) or b""

    return ask


def rows(answer: bytes) -> Counter[str]:
    """The rows of an answer in SPARQL JSON whatever their order; of an ASK its truth value."""
    read = json.loads(answer)
    if "boolean" in read:
        return Counter([json.dumps(read["boolean"])])
    return Counter(json.dumps(row, sort_keys=True) for row in read["results"]["bindings"])


def _tasks(only: Sequence[str]) -> list[tuple[str, str, str]]:
    tasks = [("lookup", name, query) for name, query in LOOKUPS.items()]
    tasks += [("library", name, query.sparql) for name, query in library().items()]
    unknown = set(only) - {name for _, name, _ in tasks}
    if unknown:
        raise BenchFailed(f"no such query: {', '.join(sorted(unknown))}")
    return [task for task in tasks if not only or task[1] in only]


def _measure(
    name: str, group: str, query: str, contenders: Mapping[str, Ask], repetitions: int
) -> Measurement:
    answers = {contender: rows(ask(query)) for contender, ask in contenders.items()}
    ours = answers[OURS]
    rounds = repetitions * (LOOKUP_ROUNDS if group == "lookup" else 1)
    seconds = medians({c: _asking(ask, query) for c, ask in contenders.items()}, rounds)
    agree = all(answer == ours for answer in answers.values())
    return Measurement(name, group, ours.total(), agree, seconds)


def _asking(ask: Ask, query: str) -> Callable[[], bytes]:
    return lambda: ask(query)
