"""One answer of a query worker: its frames, its clocks, and what the worker's end means.

The clock of a query runs while the worker is waited for, not while the client is slow to read:
then the worker is stopped by its full pipe, and a second clock bounds that.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from clusterloom.errors import ClusterloomError, QueryOutOfMemory, QueryRefused, QueryTimeout
from clusterloom.store import frames, syntax
from clusterloom.store.engine import Limits, Query
from clusterloom.store.pool import Pool, Worker

log = logging.getLogger(__name__)


class WorkerLost(ClusterloomError):
    """The worker died before it began: another one may answer."""


class Answer:
    """The frames of one answer, read under the clocks of its limits."""

    def __init__(self, pool: Pool, worker: Worker, query: Query, limits: Limits) -> None:
        self._pool = pool
        self._worker = worker
        self._query = query
        self._limits = limits
        self._left = {"deadline": limits.seconds, "pause": limits.pause}
        self._timer: asyncio.TimerHandle | None = None
        self._clock, self._since = "pause", 0.0
        self._killed_by = ""
        self._begun = False
        self._over = False

    def __aiter__(self) -> Answer:
        return self

    async def begin(self, request: dict[str, Any]) -> dict[str, Any]:
        """Sends the request and reads the head; raises WorkerLost when it never got there."""
        self._worker.send(request)
        await self._frame()
        self._begun = True
        kind, body = await self._frame()
        if kind != frames.HEAD:
            raise await self._failure(json.loads(body))
        head: dict[str, Any] = json.loads(body)
        return head

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        kind, body = await self._frame()
        if kind == frames.DATA:
            return body
        if kind == frames.END:
            used: int = json.loads(body)["megabytes"]
            base = self._worker.base_megabytes
            # memory an allocator has kept would be missing to the next query
            self._finish(healthy=used < base + (self._pool.megabytes - base) // 2)
            raise StopAsyncIteration
        raise await self._failure(json.loads(body))

    async def aclose(self) -> None:
        """Kills the worker unless the answer has ended."""
        if not self._over:
            self._killed_by = "closed"
            self._finish(healthy=False)

    async def _frame(self) -> tuple[bytes, bytes]:
        self._switch("deadline")
        try:
            return await self._worker.frames.read()
        except (EOFError, OSError):
            raise await self._death() from None
        finally:
            self._switch("pause")

    def _switch(self, clock: str) -> None:
        """Stops the clock that runs and starts the other one, unless all is over."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is not None:
            self._timer.cancel()
            self._left[self._clock] -= now - self._since
            self._timer = None
        self._clock, self._since = clock, now
        if not self._over:
            self._timer = loop.call_later(max(0.0, self._left[clock]), self._expire, clock)

    def _expire(self, clock: str) -> None:
        self._killed_by = clock
        self._worker.kill()

    def _finish(self, healthy: bool) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pool.release(self._worker, healthy)

    async def _failure(self, told: dict[str, str]) -> ClusterloomError:
        """The error a worker reported; after a syntax error or a refusal it can go on."""
        kind, text = told["error"], told["text"]
        self._finish(healthy=kind in {"syntax", "refused"})
        if kind == "syntax":
            return await syntax.explained(self._query.text, text)
        if kind == "refused":
            return QueryRefused(text)
        if kind == "memory":
            return self._out_of_memory()
        log.error("query worker: %s", text)
        return ClusterloomError("The query engine failed on this query.")

    async def _death(self) -> ClusterloomError:
        """The error that a worker's end means."""
        code, said = await self._worker.reap()
        killed_by = self._killed_by
        if not self._over:
            self._finish(healthy=False)
        if not killed_by and not self._begun:
            return WorkerLost("The query worker was gone; the query may be retried.")
        if killed_by == "deadline":
            return QueryTimeout(
                f"The query was ended after {self._limits.seconds:g} s, the time limit. "
                "Ask for less: a selective pattern first, LIMIT, no ORDER BY over a cross join."
            )
        if killed_by == "pause":
            return QueryTimeout("The answer was not read fast enough and has been ended.")
        if killed_by == "closed":
            return ClusterloomError("The query was cancelled.")
        if code in {-6, -9} or "MemoryError" in said:
            return self._out_of_memory()
        log.error("query worker ended with exit code %s: %s", code, said)
        if code in {-11, -7}:
            return QueryRefused(
                "The query ended its worker: it chains or nests more parts than the engine's "
                "stack holds. Use VALUES or IN in place of long chains of the same pattern."
            )
        return ClusterloomError("The query worker ended unexpectedly; the query may be retried.")

    def _out_of_memory(self) -> ClusterloomError:
        return QueryOutOfMemory(
            f"The query needed more than {min(self._limits.megabytes, self._pool.megabytes)} MB, "
            "the memory limit. Ask for less: fewer columns, LIMIT, no ORDER BY over a cross join."
        )
