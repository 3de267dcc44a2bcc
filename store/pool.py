"""A stock of query workers: processes that are cheap to kill because spares stand ready."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from clusterloom.errors import ClusterloomError
from clusterloom.store.process import Worker

log = logging.getLogger(__name__)


class PoolClosed(ClusterloomError):
    """The pool has no workers any more: another pool may answer."""


class Pool:
    """Workers made by `start`: `spares` of them ready beyond those in use; of those that have been
    in use `most` are kept beside the spares.

    `fit` says by what a worker tells at the end of an answer whether it may take another query.
    How many are in use is bounded by the budget, not here.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Worker]],
        fit: Callable[[Worker, dict[str, int]], bool],
        spares: int,
        most: int,
    ) -> None:
        self.fit = fit
        self.spares = spares
        self.most = most
        self.started = 0
        self.busy: list[Worker] = []
        self._start = start
        self._idle: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._reaping: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def open(self) -> Worker:
        """Starts the first worker, so that what cannot be opened is known now."""
        worker = await self._start()
        self.started += 1
        self._idle.append(worker)
        self.fill()
        return worker

    def take_idle(self) -> Worker | None:
        """A worker for one query where one stands ready, the last used first."""
        if self._waiting or self._closed:
            return None
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return self._taken(worker)
            self._discard(worker)
        return None

    async def take(self) -> Worker:
        """A worker for one query; raises PoolClosed."""
        return self.take_idle() or self._taken(await self._next())

    def _taken(self, worker: Worker) -> Worker:
        if self._closed:  # after it was handed over, before its taker knew
            self._discard(worker)
            raise PoolClosed("The workers are ended.")
        self.busy.append(worker)
        if len(self._idle) < self.spares:
            self.fill()
        return worker

    async def _next(self) -> Worker:
        if self._closed:
            raise PoolClosed("The workers are ended.")
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self.fill()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.cancelled() and waiter.exception() is None:
                self._ready(waiter.result())
            raise

    def give(self, worker: Worker, healthy: bool) -> None:
        """Takes a worker back; one that is not healthy is ended and replaced."""
        if worker not in self.busy:
            return
        self.busy.remove(worker)
        if healthy and worker.alive and not self._closed:
            self._ready(worker)
        else:
            self._discard(worker)
            self.fill()

    def _ready(self, worker: Worker) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        if self._closed or len(self._idle) >= self.most + self.spares:
            self._discard(worker)
        else:
            self._idle.append(worker)

    def _discard(self, worker: Worker) -> None:
        worker.kill()
        task = asyncio.get_running_loop().create_task(worker.reap())
        self._reaping.add(task)
        task.add_done_callback(self._reaping.discard)

    def fill(self) -> None:
        """Starts workers until spares stand ready beyond those that are waited for."""
        if self._closed:
            return
        coming = len(self._idle) + len(self._starting)
        for _ in range(self.spares + len(self._waiting) - coming):
            task = asyncio.get_running_loop().create_task(self._start_one())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start_one(self) -> None:
        while not self._closed:
            try:
                worker = await self._start()
            except (ClusterloomError, OSError) as error:
                if not self._closed:
                    log.error("query worker: %s", error)
                await asyncio.sleep(1.0)  # not a tight loop while the machine has no room
                continue
            self.started += 1
            self._ready(worker)
            return

    def megabytes(self) -> int:
        """What the workers that stand ready have kept of their last queries."""
        return sum(worker.kept for worker in self._idle)

    def free(self) -> None:
        """Gives that back, where the running queries want it."""
        for worker in [worker for worker in self._idle if worker.kept]:
            self._idle.remove(worker)
            self._discard(worker)
        self.fill()

    def resize(self, spares: int, most: int) -> None:
        """Keeps so many spares and at most so many idle workers from now on."""
        self.spares, self.most = spares, most
        while len(self._idle) > most:
            self._discard(self._idle.pop(0))
        self.fill()

    async def aclose(self) -> None:
        """Ends every worker, those at work too."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(PoolClosed("The workers are ended."))
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._idle:
            self._discard(self._idle.pop())
        for worker in self.busy:
            self._discard(worker)
        while self._reaping:
            await asyncio.gather(*self._reaping, return_exceptions=True)
