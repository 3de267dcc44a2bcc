"""Small queries that find out why a large one has no answer: few rows, one clock for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from clusterloom.api.rows import Row, read_json
from clusterloom.api.serving import Served
from clusterloom.errors import (
    Busy,
    ClusterloomError,
    QueryOutOfMemory,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
)
from clusterloom.store.engine import JSON, Limits, Query
from clusterloom.store.patterns import QueryParts
from clusterloom.store.query_terms import prologue

T = TypeVar("T")

NTRIPLES = "application/n-triples"

SLICE = 0.3
"""Share of the time that one probe may take: a slow one must leave some for the others."""


class Probes:
    """Runs probes over the dataset of a query until its seconds are over.

    A probe that did not end is None, which is neither true nor false; then `complete` is false.
    """

    def __init__(
        self,
        served: Served,
        parts: QueryParts,
        seconds: float,
        base: str | None = None,
        default_graphs: Iterable[str] = (),
        named_graphs: Iterable[str] = (),
    ) -> None:
        self.served = served
        self.parts = parts
        self.tried = 0
        self.complete = True
        self._base = base
        self._began = time.monotonic()
        self._seconds = seconds
        self._until = self._began + seconds
        graphs = [f"FROM <{iri}>" for iri in default_graphs]
        graphs += [f"FROM NAMED <{iri}>" for iri in named_graphs]
        if not graphs:  # a dataset of the request takes the place of the one in the text
            graphs = [f"FROM {term.text}" for term in parts.default]
            graphs += [f"FROM NAMED {term.text}" for term in parts.named]
        self.dataset = "".join(f"{graph} " for graph in graphs)

    @property
    def seconds(self) -> float:
        """Seconds since the first probe."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds until all must be over."""
        return self._until - time.monotonic()

    def ask_text(self, pattern: str, everywhere: bool = False) -> str:
        """The ASK for a pattern, as a reader can run it; `everywhere` leaves FROM out."""
        body = f"ASK {'' if everywhere else self.dataset}{{ {pattern} }}"
        return prologue(self.parts, body) + body

    def select_text(self, head: str, pattern: str, tail: str = "", everywhere: bool = False) -> str:
        """The SELECT for a pattern, as a reader can run it."""
        dataset = "" if everywhere else self.dataset
        body = f"SELECT {head} {dataset}WHERE {{ {pattern} }} {tail}".rstrip()
        return prologue(self.parts, body) + body

    async def ask(self, pattern: str, everywhere: bool = False) -> bool | None:
        """Whether the pattern has a solution."""
        rows = await self.rows(self.ask_text(pattern, everywhere))
        return None if rows is None else bool(rows)

    async def rows(
        self,
        text: str,
        rows: int | None = None,
        graphs: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
        share: float = SLICE,
        strict: bool = False,
    ) -> list[Row] | None:
        """The rows of a whole query; None where it did not end in its time.

        `strict` raises what the query itself is refused for.
        """
        left = min(self.left, share * self._seconds)
        if left <= 0.01:
            self.complete = False
            return None
        self.tried += 1
        limits = self.served.limits
        limits = Limits(left, limits.megabytes, rows, left)
        try:
            result = await self.served.session.run(
                Query(text, *graphs, base=self._base), limits, JSON
            )
            return read_json(await result.read())
        except (QuerySyntaxError, QueryRefused, Busy):
            if strict:
                raise
            self.complete = False
            return None
        except ClusterloomError:
            self.complete = False
            return None

    async def makes_nothing(self, query: Query, share: float) -> bool | None:
        """Whether a CONSTRUCT or DESCRIBE gives no triple; raises what it is refused for."""
        self.tried += 1
        seconds = max(0.01, min(self.left, share * self._seconds))
        limits = Limits(seconds, self.served.limits.megabytes, 1, seconds)
        try:
            result = await self.served.session.run(query, limits, NTRIPLES)
            async with result:
                async for chunk in result.chunks:
                    if chunk.strip():
                        return False
                return True
        except (QueryTimeout, QueryOutOfMemory):
            self.complete = False
            return None

    async def known(self, key: object, make: Callable[[Served], Awaitable[T]]) -> T | None:
        """What is worked out once for a release; None while that takes too long.

        It goes on without us, and the next analysis has it.
        """
        if self.left <= 0.01:
            return None
        try:
            async with asyncio.timeout(max(0.01, 0.8 * self.left)):
                return await self.served.once(key, make)
        except (TimeoutError, ClusterloomError):
            self.complete = False
            return None
