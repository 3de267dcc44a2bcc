"""One suite for every engine: what comes over HTTP is what the library computes in process.

`tests/compliance/*.rq` hold the cases, each after a line `#= name`; a `!` after the name says that
the order of its rows is total. The queries of the library are run over the default release.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import pyoxigraph as ox
import pytest

import endpoint_help
from clusterloom.queries.library import library
from clusterloom.settings import Settings
from clusterloom.store.engine import GRAPH_TYPES, TABLE_TYPES
from clusterloom.store.release import Release
from fixtures_api import serving

FOLDER = Path(__file__).parent / "compliance"
ENGINES = ("disk", "memory", "native")
RELEASE = "00000000000000cc"
FORMATS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}


@dataclass(frozen=True)
class Case:
    """One query; `ordered` where the order of its rows is total."""

    name: str
    query: str
    ordered: bool


def read_cases() -> list[Case]:
    """The cases of every file, in order."""
    prologue = (FOLDER / "prologue.rq").read_text("utf-8")
    cases = []
    for path in sorted(FOLDER.glob("*.rq")):
        for part in path.read_text("utf-8").split("#= ")[1:]:
            head, _, text = part.partition("\n")
            name, _, mark = head.partition(" ")
            query = f"{prologue}{text}"
            cases.append(Case(f"{path.stem}/{name}", query, mark == "!"))
    return cases


CASES = read_cases()
LIBRARY = [Case(name, query.sparql, True) for name, query in library().items()]


def test_there_are_at_least_300_cases_of_different_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 300
    assert len(LIBRARY) >= 60


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release of the cases' data."""
    parsed = ox.parse((FOLDER / "data.trig").read_bytes(), format=ox.RdfFormat.TRIG)
    quads = [f"{quad} ." for quad in parsed]
    return endpoint_help.release_of(quads, tmp_path_factory.mktemp("cases") / "releases", RELEASE)


@pytest.fixture(scope="module")
def store(small: Release) -> ox.Store:
    """The store of the cases' data, in process."""
    return ox.Store.read_only(str(small.store_path))


@contextmanager
def service(engine: str, release: Release, folder: Path) -> Iterator[httpx.Client]:
    """A client of the service over that release by that engine."""
    data_dir = folder / "data"
    copy = endpoint_help.linked_release(release, data_dir)
    with ExitStack() as stack:
        if engine == "native":
            server = stack.enter_context(endpoint_help.oxigraph(folder, release.store_path))
            endpoint_help.hold(data_dir, server, copy)
            settings = endpoint_help.remote_settings(data_dir, server)
        else:
            settings = Settings.model_validate(
                {"data_dir": data_dir, "workers": 4, "store": engine, "public_url": "http://test"}
            )
        yield stack.enter_context(serving(settings))


@pytest.fixture(scope="module", params=ENGINES)
def asked(
    request: pytest.FixtureRequest, small: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of the service over the cases' data, by each engine in turn."""
    engine: str = request.param
    with service(engine, small, tmp_path_factory.mktemp(engine)) as client:
        yield client


@pytest.fixture(scope="module", params=("disk", "native"))
def asked_library(
    request: pytest.FixtureRequest,
    default_release: Release,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    engine: str = request.param
    with service(engine, default_release, tmp_path_factory.mktemp(engine)) as client:
        yield client


def answer(client: httpx.Client, query: str, form: str) -> bytes:
    """The body of a complete answer."""
    response = client.post("/sparql", data={"query": query, "format": form})
    assert response.status_code == 200, response.text
    return response.content


Rows = list[tuple[str, ...]]


def rows(solutions: ox.QuerySolutions, names: list[str]) -> Rows:
    """The rows as N-Triples terms in the columns given; a blank node is only that."""
    return [
        tuple("_:" if isinstance(row[n], ox.BlankNode) else str(row[n] or "") for n in names)
        for row in solutions
    ]


def same(found: Rows, wanted: Rows, ordered: bool) -> None:
    """Asserts that the rows are equal, as a multiset unless their order is total."""
    if ordered:
        assert found == wanted
    assert Counter(found) == Counter(wanted)


def written(results: ox.QuerySolutions | ox.QueryBoolean, form: str) -> bytes:
    """The results as the library writes them."""
    return cast(bytes, results.serialize(format=FORMATS[form]))


def parsed(body: bytes, form: str) -> ox.QuerySolutions | ox.QueryBoolean:
    """The results of a body; CSV is read by no parser."""
    return ox.parse_query_results(body, FORMATS[form])


Run = Callable[[], "ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples"]


def compare(client: httpx.Client, case: Case, run: Run, forms: tuple[str, ...]) -> None:
    """Asserts that the answers over HTTP are what `run` gives."""
    wanted = run()
    if isinstance(wanted, ox.QueryTriples):
        expected = canonical(wanted)
        for form in ("nt", "ttl", "rdf"):
            media = ox.RdfFormat.from_media_type(GRAPH_TYPES[form])
            body = answer(client, case.query, form)
            statements = (quad.triple for quad in ox.parse(body, format=media))
            if form != "rdf" or ok_in_rdf(expected):
                assert canonical(statements) == expected
        return
    if isinstance(wanted, ox.QueryBoolean):
        for form in forms:
            if form in {"json", "xml"}:
                assert bool(parsed(answer(client, case.query, form), form)) == bool(wanted)
        return
    names = [variable.value for variable in wanted.variables]
    kept = written(wanted, "json")
    expected_rows = rows(cast(ox.QuerySolutions, parsed(kept, "json")), names)
    for form in forms:
        body = answer(client, case.query, form)
        if form == "csv":
            again = written(cast(ox.QuerySolutions, parsed(kept, "json")), "csv")
            if "* {" not in case.query:  # in process, its columns are in another order
                assert lines(body) == lines(again)
            continue
        got = parsed(body, form)
        assert isinstance(got, ox.QuerySolutions)
        assert {v.value for v in got.variables} == set(names)
        same(rows(got, names), expected_rows, case.ordered)


def lines(body: bytes) -> Counter[str]:
    """The records of a CSV, without the names of blank nodes."""
    text = body.decode("utf-8")
    return Counter(
        ",".join("_:" if cell.startswith("_:") else cell for cell in line.split(","))
        for line in text.split("\r\n")
    )


def canonical(triples: object) -> set[ox.Quad]:
    """A graph whose blank nodes have names made from their statements."""
    graph = ox.Dataset(
        ox.Quad(t.subject, t.predicate, t.object) for t in cast(Iterator[ox.Triple], triples)
    )
    graph.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return set(graph)


def ok_in_rdf(graph: set[ox.Quad]) -> bool:
    """Whether RDF/XML can hold it: it has no control characters."""
    buffer = io.BytesIO()
    ox.serialize((quad.triple for quad in graph), buffer, ox.RdfFormat.RDF_XML)
    try:
        return len(list(ox.parse(buffer.getvalue(), format=ox.RdfFormat.RDF_XML))) == len(graph)
    except SyntaxError:
        return False


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(asked: httpx.Client, store: ox.Store, case: Case) -> None:
    compare(asked, case, lambda: store.query(case.query), tuple(TABLE_TYPES))


@pytest.mark.parametrize("case", LIBRARY, ids=lambda case: case.name)
def test_library_query(asked_library: httpx.Client, default_release: Release, case: Case) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    compare(asked_library, case, lambda: store.query(case.query), ("json",))
