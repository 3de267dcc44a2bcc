"""One answer of a query worker: its frames, and what the worker's end means."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Callable
from typing import Any

from clusterloom.errors import (
    Busy,
    ClusterloomError,
    QueryOutOfMemory,
    QueryRefused,
    QueryTimeout,
)
from clusterloom.store import frames, syntax
from clusterloom.store.budget import SHORT, Reason, Slot
from clusterloom.store.engine import Query
from clusterloom.store.pool import Pool
from clusterloom.store.process import Worker

log = logging.getLogger(__name__)


class WorkerLost(Busy):
    """The worker died before it could answer, not by the query: another one may answer."""


def _killed_by_system() -> int:
    """How many processes the kernel has ended so far because the machine was out of memory."""
    try:
        with open("/proc/vmstat", encoding="ascii") as handle:
            return next((int(line.split()[1]) for line in handle if line[:9] == "oom_kill "), 0)
    except OSError:
        return 0


class Answer:
    """The frames of one answer; `whole` is all of it where it came in one piece with its head.

    Its slot and its worker are given back once, when the answer ends or is ended, whether somebody
    is reading it then or not; `over` says that they were.
    """

    def __init__(
        self,
        slot: Slot,
        pool: Pool,
        worker: Worker,
        query: Query,
        on_end: Callable[[Answer], None],
    ) -> None:
        self.slot = slot
        self.worker = worker
        self.whole: bytes | None = None
        self.over = False
        self._pool = pool
        self._query = query
        self._on_end = on_end
        self._complete = False
        self._now = asyncio.get_running_loop().time
        slot.work(worker, self.kill, self._now())

    def __aiter__(self) -> Answer:
        return self

    async def begin(self, request: bytes) -> dict[str, Any]:
        """Sends the request and reads the head; raises WorkerLost where another may answer."""
        self.worker.frames.write(request)
        kind, body = await self._frame()
        if kind != frames.HEAD:
            raise await self._failure(json.loads(body))
        if (rest := self.worker.frames.whole()) is not None:
            self.whole = rest[0]
            self._end(rest[1])
        head: dict[str, Any] = json.loads(body)
        return head

    async def __anext__(self) -> bytes:
        if self._complete:
            whole, self.whole = self.whole, None
            if whole:
                return whole
            raise StopAsyncIteration
        if self.over and self.slot.ended is None:  # the worker may be at another query
            raise ClusterloomError("The answer has failed.")
        kind, body = await self._frame()
        if kind == frames.DATA:
            return body
        if kind == frames.END:
            self._end(body)
            raise StopAsyncIteration
        raise await self._failure(json.loads(body))

    async def aclose(self) -> None:
        """Kills the worker unless the answer has ended."""
        self.whole = None
        self.kill("closed")

    async def _frame(self) -> tuple[bytes, bytes]:
        self.slot.switch(reading=False, now=self._now())
        try:
            return await self.worker.frames.read()
        except EOFError:
            raise await self._death() from None
        finally:
            self.slot.switch(reading=True, now=self._now())

    def told(self) -> None:
        """Notes that the status line is going out: a failure can only break the answer now."""
        self.slot.told = True

    def kill(self, reason: Reason) -> None:
        """Ends the query; its reader is told why, unless all of the answer is here already."""
        if not self.over:
            self.slot.ended = reason
            self._finish(healthy=False)

    def _end(self, body: bytes) -> None:
        self._complete = True
        self._finish(healthy=self._pool.fit(self.worker, json.loads(body)))

    def _finish(self, healthy: bool) -> None:
        if not self.over:
            self.over = True
            self._pool.give(self.worker, healthy)
            self._on_end(self)

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
        before = self._now() - self.slot.began
        code, said = await self.worker.reap()
        if not self.over:
            self.slot.ended = _cause(code, said)
            self._finish(healthy=False)
        limits = self.slot.limits
        match self.slot.ended:
            case "deadline":
                return QueryTimeout(
                    f"The query was ended after {limits.seconds:g} s, the time limit. "
                    "Ask for less: a selective pattern first, LIMIT, no ORDER BY over a cross join."
                )
            case "pause":
                return QueryTimeout("The answer was not read fast enough and has been ended.")
            case "closed":
                return ClusterloomError("The query was cancelled.")
            case "stopping":
                return Busy("The server is shutting down.", retry_after=5)
            case "budget":
                return Busy(
                    f"The query was ended after {self._now() - self.slot.began:.1f} s because too "
                    "many long queries were running. Come back later, or ask for less.",
                    retry_after=5,
                )
            case "memory":
                return QueryOutOfMemory(
                    "The query was ended because all queries together needed more memory than "
                    "there is for them, and it the most. Come back later, or ask for less."
                )
            case "limit":
                return self._out_of_memory()
            case "system":
                return QueryOutOfMemory(
                    "The system ended the query because the machine was out of memory. Come back "
                    "later, or ask for less."
                )
            case "stack":
                return QueryRefused(
                    "The query ended its worker: it chains or nests more parts than the engine's "
                    "stack holds. Use VALUES or IN in place of long chains of the same pattern."
                )
        log.error("query worker ended with exit code %s: %s", code, said)
        if self.slot.ended == "crash":
            return ClusterloomError("The query engine failed on this query.")
        if before < SHORT and not self.slot.told:
            return WorkerLost(
                "The query worker was ended from outside; the query may be retried.", retry_after=1
            )
        return Busy(
            "The query worker was ended from outside; the query may be retried.", retry_after=1
        )

    def _out_of_memory(self) -> ClusterloomError:
        return QueryOutOfMemory(
            f"The query needed more than {self.slot.limits.megabytes} MB, the memory limit. "
            "Ask for less: fewer columns, LIMIT, no ORDER BY over a cross join."
        )


class _SystemKills:
    """Whether the kernel has ended processes for lack of memory since this was last asked."""

    def __init__(self) -> None:
        self._seen = _killed_by_system()

    def more(self) -> bool:
        before, self._seen = self._seen, _killed_by_system()
        return self._seen > before


_system_kills = _SystemKills()


def _cause(code: int, said: str) -> Reason:
    """Why a worker died that we have not killed."""
    if code in {-signal.SIGSEGV, -signal.SIGBUS} or "stack overflow" in said:
        return "stack"
    if any(sign in said for sign in ("memory allocation", "bad_alloc", "MemoryError")):
        return "limit"
    if code == -signal.SIGKILL:
        return "system" if _system_kills.more() else "lost"
    return "crash" if code in {1, -signal.SIGABRT} else "lost"
