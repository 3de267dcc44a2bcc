"""What an engine that answers SPARQL over one release must offer.

`Engine.open(release)` gives a Session; `await session.run(query, limits, media_type)` gives a
Result whose bytes come as they are made. Nothing above `store/` knows which engine it is; the
embedded one is in `embedded.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from clusterloom.store.release import Release

Kind = Literal["bindings", "boolean", "graph"]
StoreKind = Literal["disk", "loading", "memory", "remote"]

JSON = "application/sparql-results+json"
XML = "application/sparql-results+xml"
CSV = "text/csv"
TSV = "text/tab-separated-values"
TURTLE = "text/turtle"

TABLE_TYPES = {"json": JSON, "xml": XML, "csv": CSV, "tsv": TSV}
"""Short names and media types in which rows and truth values are written."""

GRAPH_TYPES = {
    "ttl": TURTLE,
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "trig": "application/trig",
    "nq": "application/n-quads",
}
"""Short names and media types in which triples are written."""


@dataclass(frozen=True)
class Query:
    """A query and the dataset the request (not the text) names; `base` resolves short IRIs."""

    text: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    base: str | None = None


@dataclass(frozen=True)
class Limits:
    """How long a query may run, how much memory it may use, how many rows are wanted.

    `pause` bounds the time in all that a reader may leave a finished chunk waiting.
    """

    seconds: float = 30.0
    megabytes: int = 1024
    rows: int | None = None
    pause: float = 300.0


@dataclass
class Result:
    """An answer under way. Close it (or use `async with`): closing early ends the query.

    Reading `chunks` to the end gives the whole answer; a failure on the way is raised, so an
    answer that ends without an exception is complete. A wait for the next chunk may be cancelled
    and begun again. `truncated` is the number of rows given where `Limits.rows` cut some off.
    `variant` is what `Session.variant` said of the store that answers. `whole` is all of the
    answer where it was so short that it came at once; `chunks` has it too.
    """

    kind: Kind
    variables: tuple[str, ...]
    media_type: str
    chunks: AsyncIterator[bytes]
    truncated: int | None = None
    variant: str = "disk"
    whole: bytes | None = None
    on_told: Callable[[], None] | None = field(default=None, repr=False)
    on_close: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)

    async def read(self) -> bytes:
        """The whole answer; closes."""
        if self.whole is not None:
            return self.whole
        async with self:
            return b"".join([chunk async for chunk in self.chunks])

    def told(self) -> None:
        """To be called before the status line is sent while more is to come.

        Where workers run short, an engine ends queries first whose client can still be told so.
        """
        if self.on_told is not None:
            self.on_told()

    async def aclose(self) -> None:
        """Ends the query where it has not ended; may be called twice."""
        if self.on_close is not None:
            await self.on_close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


@dataclass(frozen=True)
class State:
    """What a session is doing, for `/health` and `/metrics`.

    `store` is the kind that answers ordinary queries now; "loading" is disk until memory is
    filled. `busy`, `slow` (running for longer than 250 ms) and `waiting` count the queries of all
    sessions that share the engine's budget, `started` the worker processes of this one so far.
    `killed` counts the workers of this session that were ended, by reason: deadline, closed (the
    client left), pause (it did not read), memory, budget (the slot was wanted), lost (by no doing
    of ours), stopping. `megabytes` is the memory of the image and of the queries that have run for
    longer than 250 ms when it was last measured, None before that.
    """

    store: StoreKind
    isolated: bool | None
    workers: int
    busy: int
    slow: int
    waiting: int
    started: int
    killed: dict[str, int]
    megabytes: int | None


class Session(Protocol):
    """Queries over one release."""

    @property
    def release(self) -> Release:
        """The release every answer of this session comes from."""
        ...

    @property
    def isolated(self) -> bool | None:
        """Whether the processes that evaluate queries have no network; None where it is unknown."""
        ...

    def variant(self, query: Query) -> str:
        """The kind of store that would answer this query now: "disk", "memory" or "remote".

        Rows without ORDER BY come in another order from each, so it belongs in an ETag; it says
        "disk" for text that would be refused.
        """
        ...

    def state(self) -> State:
        """What the session is doing now; cheap."""
        ...

    def at_once(self, query: Query, media_type: str) -> bytes | None:
        """The whole answer where it takes no waiting and little work, else None."""
        ...

    async def run(self, query: Query, limits: Limits, media_type: str) -> Result:
        """Starts a query; raises QueryRefused, QuerySyntaxError, QueryTimeout, Busy ..."""
        ...

    async def columns(self, query: str) -> dict[str, list[str]]:
        """The columns of a SELECT as serialised terms, '' where unbound; for building indexes."""
        ...

    async def aclose(self, grace: float = 0.0) -> None:
        """Ends the session, leaving running queries that many seconds to finish."""
        ...


class Engine(Protocol):
    """Opens sessions."""

    def current(self, folder: Path) -> Release | None:
        """The release in that folder that is to be served, None before there is one; cheap."""
        ...

    async def open(self, release: Release, pinned: bool = False) -> Session:
        """A session over a release, ready for its first query.

        A pinned one is an old release that few will ask for: it spends no memory on being fast.
        """
        ...


@dataclass
class Held:
    """The first part of an answer; `ended` when it is all of it, else `result.chunks` goes on."""

    chunks: list[bytes]
    ended: bool


async def hold(result: Result, size: int = 256 * 1024, seconds: float | None = 1.0) -> Held:
    """Reads until the answer has ended, `size` bytes are there, or `seconds` after the first ones.

    Until it returns, an error is still an error the client can be told by a status line; where
    more is to come, the status line is expected to go out then.
    """
    if result.whole is not None:
        return Held([result.whole] if result.whole else [], ended=True)
    chunks: list[bytes] = []
    until: float | None = None
    try:
        while sum(map(len, chunks)) < size:
            if until is None:  # a time-out without a time costs as much as one with
                chunk = await anext(result.chunks, None)
            else:
                async with asyncio.timeout_at(until):
                    chunk = await anext(result.chunks, None)
            if chunk is None:
                return Held(chunks, ended=True)
            chunks.append(chunk)
            if until is None and seconds is not None:
                until = asyncio.get_running_loop().time() + seconds
    except TimeoutError:
        pass
    result.told()
    return Held(chunks, ended=False)


async def tsv_columns(result: Result) -> dict[str, list[str]]:
    """The columns of a SELECT answered as TSV, its terms as they are written there."""
    text = (await result.read()).decode("utf-8")
    if not result.variables:
        return {}
    # not splitlines(): a literal may hold U+2028 and the like, never a bare line feed
    rows = [line.split("\t") for line in text.split("\n")[1:-1]]
    values = zip(*rows, strict=True) if rows else ((),) * len(result.variables)
    return {name: list(column) for name, column in zip(result.variables, values, strict=True)}
