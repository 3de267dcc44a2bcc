"""What an engine that answers SPARQL over one release must offer.

`Engine.open(release)` gives a Session; `await session.run(query, limits, media_type)` gives a
Result whose bytes come as they are made. Nothing above `store/` knows which engine it is; the
embedded one is in `embedded.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol, Self

from clusterloom.store.release import Release

Kind = Literal["bindings", "boolean", "graph"]

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
    """

    kind: Kind
    variables: tuple[str, ...]
    media_type: str
    chunks: AsyncIterator[bytes]
    truncated: int | None = None
    on_close: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)

    async def read(self) -> bytes:
        """The whole answer; closes."""
        async with self:
            return b"".join([chunk async for chunk in self.chunks])

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


class Session(Protocol):
    """Queries over one release."""

    @property
    def release(self) -> Release:
        """The release every answer of this session comes from."""
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

    async def open(self, release: Release) -> Session:
        """A session over a release, ready for its first query."""
        ...


@dataclass
class Held:
    """The first part of an answer; `ended` when it is all of it, else `result.chunks` goes on."""

    chunks: list[bytes]
    ended: bool


async def hold(result: Result, size: int = 256 * 1024, seconds: float | None = 1.0) -> Held:
    """Reads until the answer has ended, `size` bytes are there, or `seconds` after the first ones.

    Until it returns, an error is still an error the client can be told by a status line.
    """
    chunks: list[bytes] = []
    until: float | None = None
    try:
        while sum(map(len, chunks)) < size:
            async with asyncio.timeout_at(until):
                chunk = await anext(result.chunks, None)
            if chunk is None:
                return Held(chunks, ended=True)
            chunks.append(chunk)
            if until is None and seconds is not None:
                until = asyncio.get_running_loop().time() + seconds
    except TimeoutError:
        pass
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
