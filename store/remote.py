"""The remote engine: one release on one SPARQL 1.1 endpoint, asked over HTTP.

What the guard refuses never leaves this machine; what the endpoint answers is parsed and written
anew, so that a client gets the same formats as from the embedded engine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import orjson
import pyoxigraph as ox

from clusterloom.errors import (
    Busy,
    ClusterloomError,
    EngineDown,
    NotAcceptable,
    QueryRefused,
    UsageError,
)
from clusterloom.settings import Settings
from clusterloom.store import syntax
from clusterloom.store.convert import Wanted
from clusterloom.store.endpoints import (
    FILE,
    Endpoint,
    Holding,
    Holdings,
    configured,
    read_holdings,
)
from clusterloom.store.engine import (
    GRAPH_TYPES,
    JSON,
    TABLE_TYPES,
    TSV,
    Limits,
    Query,
    Result,
    State,
    tsv_columns,
)
from clusterloom.store.guard import Inspection, examine
from clusterloom.store.normalise import (
    Dialect,
    dataset,
    dialect_of,
    needs_base,
    refuse_extensions,
    truth_variables,
)
from clusterloom.store.release import Release, current_release, open_release
from clusterloom.store.remote_answer import RETRY_AFTER, RemoteAnswer
from clusterloom.store.texts import LONG, beside

QUEUE = 64
"""Queries that may wait for a free connection."""
WAIT = 10.0
"""Seconds that a query waits for one."""
MAX_FOREIGN = 50
"""Graphs of others that may stand beside a release, the engine's own ones included."""
_PATH_PARTS = 5000
GRAPHS = "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
"""The named graphs and their sizes; Virtuoso takes minutes for `SELECT DISTINCT ?g`."""


class RemoteEngine:
    """Opens releases on the endpoints that hold them, as `endpoints.json` says."""

    def __init__(
        self, data_dir: Path, endpoints: Sequence[Endpoint], connections: int = 16
    ) -> None:
        if not endpoints:
            raise UsageError("CLUSTERLOOM_ENGINE=remote needs CLUSTERLOOM_ENDPOINTS")
        self.data_dir = data_dir
        self.endpoints = tuple(endpoints)
        self.connections = connections
        self._stamp = (0, 0)
        self._holdings = Holdings()

    @classmethod
    def from_settings(cls, settings: Settings) -> RemoteEngine:
        """The engine an operator's settings describe."""
        return cls(settings.data_dir, configured(settings), settings.workers)

    def current(self, folder: Path) -> Release | None:
        """The release that the served endpoint holds, or `current` where nothing is published."""
        release_id = self.holdings().release
        return open_release(folder, release_id) if release_id else current_release(folder)

    def holdings(self) -> Holdings:
        """What `endpoints.json` says now of the endpoints that are configured; cheap."""
        try:
            found = (self.data_dir / FILE).stat()
            stamp = (found.st_mtime_ns, found.st_ino)
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp:
            read = read_holdings(self.data_dir)
            usable = {e.query for e in self.endpoints}
            held = {url: holding for url, holding in read.endpoints.items() if url in usable}
            self._stamp, self._holdings = stamp, Holdings(read.served, held)
        return self._holdings

    async def open(self, release: Release, pinned: bool = False) -> RemoteSession:  # noqa: ARG002
        """A session over the endpoint that holds the release; EngineDown where none does."""
        session = RemoteSession(release, self.holdings, self.connections)
        try:
            await session.target()
        except BaseException:
            await session.aclose()
            raise
        return session


@dataclass(frozen=True)
class Target:
    """The endpoint that holds the release, and what was found out about it."""

    url: str
    graphs: tuple[str, ...]
    foreign: tuple[str, ...]
    dialect: Dialect


class RemoteSession:
    """Queries over one release, by whichever endpoint holds it."""

    def __init__(
        self, release: Release, holdings: Callable[[], Holdings], connections: int = 16
    ) -> None:
        self._release = release
        self._holdings = holdings
        self._targets: dict[tuple[str, Holding], Target] = {}
        self._connections = connections
        self._free = asyncio.Semaphore(connections)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="remote")
        self._client = httpx.AsyncClient(
            # the answer's own clock bounds the reading
            timeout=httpx.Timeout(5.0, read=None, write=30.0, pool=None),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=5.0),
            headers={"Accept-Encoding": "identity", "User-Agent": "clusterloom"},
            follow_redirects=False,
        )
        self._answers: set[RemoteAnswer] = set()
        self._waiting = 0
        self._killed: Counter[str] = Counter()

    @property
    def release(self) -> Release:
        """The release every answer comes from."""
        return self._release

    @property
    def isolated(self) -> None:
        """Unknown: the engine is another's."""
        return

    def variant(self, query: Query) -> str:  # noqa: ARG002
        """Always "remote"."""
        return "remote"

    def at_once(self, query: Query, media_type: str) -> bytes | None:  # noqa: ARG002
        """Never: every answer is waited for."""
        return None

    def state(self) -> State:
        """How many queries run and wait, and why others were ended early."""
        busy = self._connections - self._free._value
        killed = dict(self._killed)
        return State("remote", None, self._connections, busy, 0, self._waiting, 0, killed, None)

    async def target(self) -> Target:
        """The endpoint that holds the release now; EngineDown where none does."""
        holdings = self._holdings()
        url = holdings.holder(self._release.id)
        if not url:
            raise EngineDown(
                f"Release {self._release.id} is on none of the endpoints; "
                f"`clusterloom publish --release {self._release.id}` puts it on one."
            )
        key = (url, holdings.endpoints[url])
        if key not in self._targets:
            self._targets[key] = await self._survey(url, holdings.endpoints[url].graphs)
        return self._targets[key]

    async def _survey(self, url: str, graphs: tuple[str, ...]) -> Target:
        try:
            answer = await self._client.post(
                url, data={"query": GRAPHS}, headers={"Accept": JSON}, timeout=60.0
            )
            answer.raise_for_status()
            bindings = orjson.loads(answer.content)["results"]["bindings"]
            found = {binding["g"]["value"] for binding in bindings if "g" in binding}
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise EngineDown(
                f"The endpoint that holds release {self._release.id} does not answer "
                f"({type(error).__name__}).",
                retry_after=RETRY_AFTER,
            ) from error
        foreign = tuple(sorted(found - set(graphs)))
        if len(foreign) > MAX_FOREIGN:
            raise EngineDown(
                f"The endpoint holds {len(foreign)} graphs beside release {self._release.id}; "
                "it needs an endpoint of its own."
            )
        return Target(url, graphs, foreign, dialect_of(answer.headers.get("server", "")))

    async def run(self, query: Query, limits: Limits, media_type: str) -> Result:
        """Starts a query and waits for the head of its answer."""
        inspection = await examine(query.text)
        if len(query.text) >= LONG:  # its tokens are forgotten, and wanted here
            inspection = read = Inspection(query.text)
            await beside(lambda: read.tokens)
        _fit(inspection, media_type)
        await _parse(query, inspection)
        target = await self.target()
        dialect = target.dialect
        request = self._request(target, query, inspection)
        wanted = Wanted(
            inspection.form or "select",
            media_type,
            limits.rows,
            inspection.variables if inspection.star is not None else (),
            truth_variables(inspection) if dialect.tidies else frozenset(),
            dialect,
        )
        await self._turn(limits)
        answer = RemoteAnswer(
            self._client, self._threads, limits, wanted, lambda reason: self._done(answer, reason)
        )
        self._answers.add(answer)
        head = await answer.begin(request)
        return Result(
            kind=head.kind,
            variables=head.variables,
            media_type=media_type,
            chunks=answer,
            truncated=head.truncated,
            on_close=answer.aclose,
            variant="remote",
        )

    def _request(self, target: Target, query: Query, inspection: Inspection) -> httpx.Request:
        told = dataset(query, inspection, target.graphs, target.foreign, target.dialect)
        text = query.text
        if query.base and needs_base(inspection):
            text = f"BASE <{query.base}>\n{text}"
        form = {
            "query": told.pragmas + text,
            "default-graph-uri": list(told.default),
            "named-graph-uri": list(told.named),
        }
        graph = inspection.form in {"construct", "describe"}
        accept = target.dialect.triples if graph else target.dialect.rows
        return self._client.build_request("POST", target.url, data=form, headers={"Accept": accept})

    async def _turn(self, limits: Limits) -> None:
        if self._waiting >= QUEUE:
            raise Busy("Too many queries are waiting for the engine.", retry_after=2)
        self._waiting += 1
        try:
            async with asyncio.timeout(min(WAIT, limits.seconds)):
                await self._free.acquire()
        except TimeoutError:
            raise Busy("No connection to the engine became free in time.", retry_after=2) from None
        finally:
            self._waiting -= 1

    def _done(self, answer: RemoteAnswer, reason: str) -> None:
        self._answers.discard(answer)
        self._free.release()
        if reason:
            self._killed[reason] += 1

    async def columns(self, query: str) -> dict[str, list[str]]:
        """The columns of a SELECT, its terms as SPARQL TSV writes them; no deadline to speak of."""
        limits = Limits(seconds=3600.0, pause=3600.0)
        return await tsv_columns(await self.run(Query(query), limits, TSV))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self, grace: float = 0.0) -> None:
        """Closes the connections; running queries have `grace` seconds to finish."""
        until = asyncio.get_running_loop().time() + grace
        while self._answers and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        await asyncio.gather(*(answer.aclose() for answer in list(self._answers)))
        await self._client.aclose()
        self._threads.shutdown(wait=False)


def _fit(inspection: Inspection, media_type: str) -> None:
    graph = inspection.form in {"construct", "describe"}
    known = GRAPH_TYPES if graph else TABLE_TYPES
    if media_type not in known.values():
        what = (inspection.form or "this").upper()
        raise NotAcceptable(f"{media_type} is not written for {what} queries.")


async def _parse(query: Query, inspection: Inspection) -> None:
    """Refuses what is not SPARQL, before an engine with a wider grammar sees it."""
    refuse_extensions(inspection)
    parts = sum(token.text in {"/", "|"} for token in inspection.tokens)
    if parts > _PATH_PARTS:
        raise QueryRefused(f"The query has property paths of {parts} parts; use VALUES instead.")
    text = inspection.engine_text
    fault = await asyncio.to_thread(syntax_fault, text, query.base) or _unclosed(inspection)
    if fault:
        raise await syntax.explained(query.text, fault)


def _unclosed(inspection: Inspection) -> str:
    """The parser's message on a text that ends within brackets, which `syntax_fault` passes."""
    last = inspection.tokens[-1] if inspection.tokens else None
    if last is None or last.depth + (last.text in {"{", "(", "["}) == 0:
        return ""
    lines = inspection.text.split("\n")
    return f'error at {len(lines)}:{len(lines[-1]) + 1}: expected "}}"'


def syntax_fault(text: str, base: str | None = None) -> str:
    """The parser's message on the text, empty where it is SPARQL; nothing is evaluated.

    >>> syntax_fault("ASK {}"), syntax_fault("DEFINE x SELECT * {}")[:13]
    ('', 'error at 1:10')
    """
    try:
        # a character that no query has: where the parser stops at it, the rest was well formed
        ox.Store().query(f"{text}\n\x01", base_iri=base)
    except SyntaxError as error:
        end = f"error at {text.count(chr(10)) + 2}:"
        return "" if str(error).startswith(end) else str(error)
    except ValueError as error:
        return str(error)
    raise ClusterloomError("The query ends in a way that cannot be checked.")
