"""The embedded engine: an Oxigraph store read by worker processes.

A query runs alone in a worker; it is ended by killing the worker, the one way that always works,
and a spare takes its place. Workers of two kinds answer: those on disk everything, those forked
from the memory image (`memory.py`) what asks the default graph only, once the image is filled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from clusterloom.errors import Busy, NotAcceptable
from clusterloom.settings import Settings
from clusterloom.store import direct, frames
from clusterloom.store.answer import Answer, WorkerLost
from clusterloom.store.budget import PATIENCE, Budget
from clusterloom.store.engine import (
    GRAPH_TYPES,
    TABLE_TYPES,
    TSV,
    Limits,
    Query,
    Result,
    State,
    tsv_columns,
)
from clusterloom.store.guard import Inspection, examine, inspect
from clusterloom.store.image_client import fits
from clusterloom.store.memory import Memory
from clusterloom.store.pool import Pool, PoolClosed
from clusterloom.store.process import Worker
from clusterloom.store.release import Current, Release

_COSTLY = {"deadline", "memory", "limit", "stack"}
_COUNTED = {"limit": "memory", "system": "memory", "stack": "lost", "crash": "lost"}


class EmbeddedEngine:
    """Opens releases on this machine; its sessions share one budget.

    `store` is "disk", "memory", or "auto": memory where there is plenty of room for it.
    """

    def __init__(
        self,
        workers: int,
        megabytes: int,
        spares: int = 2,
        queue: int | None = None,
        memory: int | None = None,
        store: str = "disk",
    ) -> None:
        self.megabytes = megabytes
        self.spares = spares
        self.store = store
        self.budget = Budget(workers, memory or workers * megabytes, queue)
        self._current: dict[Path, Current] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> EmbeddedEngine:
        """The engine an operator's settings describe."""
        workers, megabytes = settings.workers, settings.query_memory
        return cls(workers, megabytes, memory=settings.memory, store=settings.store)

    def current(self, folder: Path) -> Release | None:
        """The release that was published last, or rolled back to.

        The same object as long as it is the same folder.
        """
        if folder not in self._current:
            self._current[folder] = Current(folder)
        return self._current[folder].get()

    async def open(self, release: Release, pinned: bool = False) -> EmbeddedSession:
        """A session whose first worker has opened the store."""
        filled = self.store == "memory" or (self.store == "auto" and _fits(release))
        filled = filled and not pinned and sys.platform == "linux"
        session = EmbeddedSession(release, self, filled, pinned)
        await session.open()
        return session


def _fits(release: Release) -> bool:
    try:
        triples = release.report().get("triples")
    except (OSError, ValueError):
        triples = None
    return fits(release.store_path, triples if isinstance(triples, int) else None)


class EmbeddedSession:
    """Queries over one release by its own workers, within the budget of the engine."""

    def __init__(
        self, release: Release, engine: EmbeddedEngine, filled: bool, pinned: bool
    ) -> None:
        self.megabytes = engine.megabytes
        self.budget = engine.budget
        self.killed: dict[str, int] = {}
        self._release = release
        self._answers: set[Answer] = set()
        self._isolated = False
        self._closing = False
        self._last = asyncio.Event()
        spares = 0 if pinned else engine.spares
        most = 1 if pinned else engine.budget.workers
        self.pool = Pool(self._start_on_disk, self._fit, spares, most)
        self._memory = Memory(release.store_path, self, engine.spares) if filled else None
        self._direct: direct.DirectStore | None = None

    async def open(self) -> None:
        """Starts the first worker, and the filling of the image."""
        worker = await self.pool.open()
        try:
            self._direct = direct.DirectStore(self._release.store_path)
        except BaseException:
            await self.pool.aclose()
            raise
        self.budget.hold(self, self.pool.megabytes, self.pool.free)
        self._isolated = worker.isolated
        if self._memory is not None:
            self._memory.start()

    @property
    def release(self) -> Release:
        """The release every answer comes from."""
        return self._release

    @property
    def isolated(self) -> bool:
        """Whether the workers have no network."""
        return self._isolated

    async def _start_on_disk(self) -> Worker:
        return await Worker.on_disk(self._release.store_path, self.megabytes)

    def _fit(self, worker: Worker, told: dict[str, int]) -> bool:
        worker.kept = told["resident"]
        # memory an allocator has kept would be missing to the next query
        return told["megabytes"] < worker.base + (self.megabytes - worker.base) // 2

    def variant(self, query: Query) -> str:
        """The kind of store that would answer this query now: "disk" or "memory"."""
        if self._memory is None or self._memory.pool is None:
            return "disk"
        try:
            return self._variant(query, inspect(query.text))
        except Exception:  # refused: it has no answer of any kind
            return "disk"

    def _variant(self, query: Query, inspection: Inspection) -> str:
        named = query.default_graphs or query.named_graphs or inspection.names_graphs
        ready = self._memory is not None and self._memory.pool is not None
        # what the server may answer itself comes from disk, also where it is left to a worker
        return "memory" if ready and not named and not direct.read(query.text) else "disk"

    def state(self) -> State:
        """What the session and the shared budget are doing."""
        budget, memory = self.budget, self._memory
        return State(
            store="disk" if memory is None else "memory" if memory.pool else "loading",
            isolated=self._isolated,
            workers=budget.workers,
            busy=budget.busy,
            slow=budget.slow,
            waiting=budget.waiting,
            started=self.pool.started + (memory.started if memory else 0),
            killed=dict(self.killed),
            megabytes=budget.measured,
        )

    async def run(self, query: Query, limits: Limits, media_type: str) -> Result:
        """Starts a query and waits for the head of its answer.

        With `limits.rows` the rows have then been counted; a truth value is known; other answers
        are still to come.
        """
        if (found := self._look_up(query, limits, media_type)) is not None:
            return found
        if limits.megabytes > self.megabytes:
            limits = replace(limits, megabytes=self.megabytes)
        text = query.text
        inspection = await examine(text)
        _fit_type(inspection, media_type)
        request = _request(query, inspection, limits, media_type)
        variant = self._variant(query, inspection)
        key = (variant, inspection.shape)
        attempts = 3
        while True:
            if self._closing:
                raise Busy("The server is shutting down.", retry_after=1)
            slot = await self.budget.enter(self.budget.expect(key), limits)
            slot.shape = key
            pool = self.pool
            if variant == "memory" and self._memory is not None and self._memory.pool is not None:
                pool = self._memory.pool
            try:
                worker = pool.take_idle()
                if worker is None:
                    async with asyncio.timeout(PATIENCE):
                        worker = await pool.take()
            except BaseException as error:
                self.budget.leave(slot)
                if isinstance(error, PoolClosed) and pool is not self.pool:
                    variant = "disk"
                    continue
                if isinstance(error, PoolClosed | TimeoutError):
                    raise Busy("No query worker is there.", retry_after=2) from None
                raise
            answer = Answer(slot, pool, worker, query, self._ended)
            self._answers.add(answer)
            try:
                head = await answer.begin(request)
            except WorkerLost:
                attempts -= 1
                if not attempts:
                    raise
                variant = "disk"  # where the image has died, so have all its workers
            except BaseException:
                await answer.aclose()
                raise
            else:
                return Result(
                    kind=head["kind"],
                    variables=tuple(head["variables"]),
                    media_type=media_type,
                    chunks=answer,
                    truncated=head["truncated"],
                    variant=worker.kind,
                    whole=answer.whole,
                    on_told=answer.told,
                    on_close=answer.aclose,
                )

    def at_once(self, query: Query, media_type: str) -> bytes | None:
        """The answer to a look-up that needs no worker."""
        if query.default_graphs or query.named_graphs or self._closing or self._direct is None:
            return None
        lookup = direct.read(query.text)
        return self._direct.answer(lookup, query.base, media_type) if lookup else None

    def _look_up(self, query: Query, limits: Limits, media_type: str) -> Result | None:
        lookup = direct.read(query.text) if limits.rows is None else None
        body = self.at_once(query, media_type) if lookup else None
        if lookup is None or body is None:
            return None
        return Result(
            kind=lookup.kind,
            variables=lookup.variables,
            media_type=media_type,
            chunks=_once(body),
            variant="disk",
            whole=body,
        )

    def _ended(self, answer: Answer) -> None:
        """Gives back what a query had, and learns how it was."""
        slot = answer.slot
        self._answers.discard(answer)
        self.budget.leave(slot)
        costly = slot.slow or slot.ended in _COSTLY
        if slot.ended is None or costly:
            self.budget.learn(slot.shape, costly)
        if slot.ended is not None:
            reason = _COUNTED.get(slot.ended, slot.ended)
            self.killed[reason] = self.killed.get(reason, 0) + 1
        if self._closing and not self._answers:
            self._last.set()

    async def columns(self, query: str) -> dict[str, list[str]]:
        """The columns of a SELECT, its terms as SPARQL TSV writes them; no deadline to speak of."""
        limits = Limits(seconds=3600.0, megabytes=self.megabytes, pause=3600.0)
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
        """Ends the workers; running queries have `grace` seconds to finish, then get a 503."""
        self._closing = True
        if self._answers and grace > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._last.wait()
        for answer in list(self._answers):
            answer.kill("stopping")
        self.budget.drop(self)
        await self.pool.aclose()
        if self._memory is not None:
            await self._memory.aclose()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _fit_type(inspection: Inspection, media_type: str) -> None:
    graph = inspection.form in {"construct", "describe"}
    known = GRAPH_TYPES if graph else TABLE_TYPES
    if media_type not in known.values():
        what = (inspection.form or "this").upper()
        raise NotAcceptable(f"{media_type} is not written for {what} queries.")


def _request(query: Query, inspection: Inspection, limits: Limits, media_type: str) -> bytes:
    default, named = query.default_graphs, query.named_graphs
    plain = not default and not named
    if plain and inspection.names_graphs and len(inspection.dataset.default) > 1:
        # the engine's own union of several FROM would count some triples more than once
        default, named = inspection.dataset.default, inspection.dataset.named
    request = {
        "text": inspection.engine_text,
        "default": list(dict.fromkeys(default)),
        "named": list(dict.fromkeys(named)),
        "base": query.base,
        "media_type": media_type,
        "rows": limits.rows,
        "megabytes": limits.megabytes,
        "star": inspection.star,
        "variables": list(inspection.variables) if inspection.star is not None else [],
    }
    return frames.pack(frames.REQUEST, json.dumps(request).encode("utf-8"))
