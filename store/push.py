"""Puts a release on a SPARQL endpoint that is not being served, checks it, and then serves it.

The graphs are sent by the SPARQL 1.1 Graph Store Protocol in bounded pieces. Whatever fails, the
endpoint that is served and the pointer to it stay as they were.
"""

from __future__ import annotations

import fcntl
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import httpx
import orjson
import pyoxigraph as ox

from clusterloom.errors import ClusterloomError, EngineDown, EngineFailed, UsageError
from clusterloom.namespaces import GRAPH
from clusterloom.progress import Progress
from clusterloom.store.endpoints import Endpoint, Holding, read_holdings, write_holdings
from clusterloom.store.engine import JSON
from clusterloom.store.normalise import DEFAULT_COPY, NOWHERE, Dialect, dialect_of
from clusterloom.store.release import Release
from clusterloom.store.remote import GRAPHS
from clusterloom.store.remote_answer import excerpt

PIECE = 20_000
"""Triples in one request."""
SAMPLES = 20
"""Statements that are asked for after loading."""
_SYSTEM = ("http://www.openlinksw.com/", "http://localuriqaserver/", "http://www.w3.org/ns/ldp#")
"""Beginnings of the graphs that Virtuoso makes for itself."""


class Target:
    """One endpoint while it is written to and asked; close it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.client = httpx.Client(timeout=httpx.Timeout(10.0, read=600.0, write=600.0))
        self.dialect: Dialect = dialect_of("")

    def rows(self, query: str, default: str = "") -> list[dict[str, str]]:
        """The rows of a SELECT as plain strings; a true ASK gives one."""
        form = {"query": query, **({"default-graph-uri": default} if default else {})}
        answer = self._send("POST", self.endpoint.query, data=form, headers={"Accept": JSON})
        self.dialect = dialect_of(answer.headers.get("server", ""))
        if cut := answer.headers.get("x-sparql-maxrows"):
            raise EngineFailed(
                f"{self.endpoint.query} cuts answers after {cut} rows; raise ResultSetMaxRows"
            )
        try:
            found = orjson.loads(answer.content)
            if "boolean" in found:
                return [{}] if found["boolean"] else []
            return [
                {name: cell["value"] for name, cell in row.items()}
                for row in found["results"]["bindings"]
            ]
        except (ValueError, KeyError, TypeError):
            raise EngineFailed(f"{self.endpoint.query} answers no SPARQL JSON") from None

    def sizes(self) -> dict[str, int]:
        """The named graphs and how many triples each holds."""
        # an engine without named graphs may answer one row of nothing
        return {row["g"]: int(row["n"]) for row in self.rows(GRAPHS) if "g" in row}

    def default_size(self) -> int:
        """How many triples the default graph of the release holds there."""
        default = "" if self.dialect.own_default else DEFAULT_COPY
        (row,) = self.rows("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }", default)
        return int(row["n"])

    def log_in(self) -> None:
        """Chooses the way of authentication that the graph store asks for."""
        if self.endpoint.credentials is None:
            return
        user, password = self.endpoint.credentials
        store = self.endpoint.graph_store
        # a graph that is never there; some stores answer a HEAD with a body
        asked = self._send("DELETE", store, params={"graph": NOWHERE}, fail=False)
        if asked.status_code == 401:
            way = asked.headers.get("www-authenticate", "").lower()
            digest = way.startswith("digest")
            self.client.auth = (
                httpx.DigestAuth(user, password) if digest else httpx.BasicAuth(user, password)
            )

    def write(self, graph: str | None, triples: Iterable[ox.Triple]) -> Iterator[int]:
        """Adds to a graph; gives the number of triples after each piece that has been sent.

        Statements with blank nodes go last and together, since each request names them anew.
        """
        held: list[ox.Triple] = []
        plain = _pieces(_without_blank_nodes(triples, held))
        sent = 0
        # the second list is looked at when the first has ended
        for piece in chain(plain, (part for part in [held] if part)):
            self._post(graph, piece)
            sent += len(piece)
            yield sent

    def clear(self, graph: str | None) -> None:
        """Removes a graph, which need not be there."""
        params = {"default": ""} if graph is None else {"graph": graph}
        answer = self._send("DELETE", self.endpoint.graph_store, params=params, fail=False)
        if answer.status_code >= 300 and answer.status_code != 404:
            raise self._failed(answer)

    def _post(self, graph: str | None, triples: list[ox.Triple]) -> None:
        params = {"default": ""} if graph is None else {"graph": graph}
        self._send(
            "POST",
            self.endpoint.graph_store,
            params=params,
            # N-Triples is Turtle, and every graph store reads Turtle
            content=ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES),
            headers={"Content-Type": "text/turtle"},
        )

    def _send(self, method: str, url: str, fail: bool = True, **request: object) -> httpx.Response:
        try:
            answer = self.client.request(method, url, **request)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            raise EngineDown(f"{url} does not answer: {type(error).__name__}") from error
        if fail and answer.status_code >= 300:
            raise self._failed(answer)
        return answer

    def _failed(self, answer: httpx.Response) -> ClusterloomError:
        url = str(answer.url.copy_with(query=None))
        if answer.status_code in {401, 403}:
            return UsageError(
                f"{url} answers {answer.status_code}: it wants other credentials; set "
                "CLUSTERLOOM_ENDPOINT_CREDENTIALS=user:password"
            )
        said = excerpt(answer.content[:4096])
        return EngineFailed(
            f"{url} answers {answer.status_code} to {answer.request.method}: {said}"
        )


def _without_blank_nodes(
    triples: Iterable[ox.Triple], held: list[ox.Triple]
) -> Iterator[ox.Triple]:
    for triple in triples:
        if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
            held.append(triple)
        else:
            yield triple


def _pieces(triples: Iterator[ox.Triple]) -> Iterator[list[ox.Triple]]:
    while piece := list(islice(triples, PIECE)):
        yield piece


def publish(
    data_dir: Path, release: Release, endpoint: Endpoint, wait: float, progress: Progress
) -> None:
    """Loads the release into the endpoint, verifies it and serves it from there.

    An endpoint that was in use until lately is given `wait` seconds to finish its queries. One
    that holds the release already is only verified. UsageError where the endpoint is served.
    """
    with _locked(data_dir):
        holdings = read_holdings(data_dir)
        before = holdings.endpoints.get(endpoint.query, Holding())
        if holdings.served == endpoint.query and before.release != release.id:
            raise UsageError(
                f"{endpoint.query} is being served (release {before.release}); publish to another "
                "endpoint, so that this one can answer until the new release is ready"
            )
        store = ox.Store.read_only(str(release.store_path))
        target = Target(endpoint)
        try:
            sizes = target.sizes()
            graphs = _graphs(store)
            if before.release != release.id:
                _own(target, sizes, before, graphs)
                write_holdings(
                    data_dir, holdings.entered(endpoint.query, Holding("", before.graphs))
                )
                if before.release:
                    progress.step(f"waiting {wait:g} s for queries on release {before.release}")
                    time.sleep(wait)
                _load(target, store, graphs, sizes, before, progress)
            _verify(target, store, graphs, progress)
        finally:
            target.client.close()
        done = Holding(release.id, tuple(sorted(graphs)))
        write_holdings(data_dir, holdings.entered(endpoint.query, done, serve=True))
        progress.step(f"release {release.id} is served from {endpoint.query}")


def _graphs(store: ox.Store) -> dict[str, int]:
    """The named graphs of the release and their sizes."""
    sizes: dict[str, int] = {}
    for graph in store.named_graphs():
        sizes[graph.value] = sum(1 for _ in store.quads_for_pattern(None, None, None, graph))
    return sizes


def _own(target: Target, sizes: Mapping[str, int], before: Holding, graphs: Iterable[str]) -> None:
    """That nothing on the endpoint is another's: it would be lost, or show in answers."""
    if not target.endpoint.graph_store:
        raise UsageError(
            f"no Graph Store address is known for {target.endpoint.query}; set "
            "CLUSTERLOOM_GRAPH_STORES (Virtuoso: .../sparql-graph-crud-auth, Oxigraph: .../store, "
            "Fuseki: .../<dataset>/data)"
        )
    ours = {*before.graphs, *graphs}
    foreign = sorted(g for g in sizes if not g.startswith((GRAPH, *_SYSTEM)) and g not in ours)
    if foreign:
        raise UsageError(
            f"{target.endpoint.query} holds graphs that are not Clusterloom's, such as "
            f"{foreign[0]}; it needs an endpoint of its own"
        )
    known = any(graph.startswith(GRAPH) for graph in sizes) or before.graphs
    if target.dialect.own_default and not known and target.default_size():
        raise UsageError(
            f"the default graph of {target.endpoint.query} holds data that is not Clusterloom's; "
            "it needs an endpoint of its own"
        )


def _load(
    target: Target, store: ox.Store, graphs: Mapping[str, int], sizes: Iterable[str],
    before: Holding, progress: Progress,
) -> None:  # fmt: skip
    target.log_in()
    copy = None if target.dialect.own_default else DEFAULT_COPY
    for graph in sorted(g for g in sizes if g.startswith(GRAPH) or g in before.graphs):
        target.clear(graph)
    target.clear(copy)
    whole = [(name, store.quads_for_pattern(None, None, None, ox.NamedNode(name)))
             for name in sorted(graphs)]  # fmt: skip
    named = sum(graphs.values())
    progress.step(f"loading {len(graphs)} graphs of {named:,} triples, then the default graph")
    before_this = 0
    for graph, quads in whole:
        for sent in target.write(graph, (quad.triple for quad in quads)):
            progress.rows("named graphs", before_this + sent, named)
        before_this += graphs[graph]
    every = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
    for sent in target.write(copy, (quad.triple for quad in every)):
        progress.rows("default graph", sent)


def _verify(target: Target, store: ox.Store, graphs: Mapping[str, int], progress: Progress) -> None:
    """Compares the size of every graph, and asks for statements taken at random."""
    held = target.sizes()
    for graph, size in graphs.items():
        if held.get(graph, 0) != size:
            raise EngineFailed(
                f"{target.endpoint.query} holds {held.get(graph, 0)} of the {size} triples of "
                f"{graph}; what was served before is served still"
            )
    chosen: list[ox.Triple] = []
    size = 0
    dice = random.Random(size)  # noqa: S311
    for quad in store.quads_for_pattern(None, None, None, ox.DefaultGraph()):
        size += 1
        place = size - 1 if size <= SAMPLES else dice.randrange(size)
        if place < SAMPLES:
            chosen[place : place + 1] = [quad.triple]
    found = target.default_size()
    if found != size:
        raise EngineFailed(
            f"{target.endpoint.query} holds {found} of the {size} triples of the default graph; "
            "what was served before is served still"
        )
    default = "" if target.dialect.own_default else DEFAULT_COPY
    for triple in _without_blank_nodes(chosen, []):
        if not target.rows(f"ASK {{ {triple} }}", default):
            raise EngineFailed(f"{target.endpoint.query} does not find the statement {triple}")
    progress.step(f"verified {len(graphs)} graphs, {size:,} triples and {len(chosen)} statements")


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Held by the one publication that may run."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / ".endpoints.lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterloomError("another publication is running; wait for it") from None
        yield
