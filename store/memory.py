"""Workers forked from the memory image: there while the image is, started again after it died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import Protocol

from clusterloom.errors import ClusterloomError
from clusterloom.store.budget import Budget
from clusterloom.store.image_client import Image
from clusterloom.store.pool import Pool
from clusterloom.store.process import Worker

log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 30.0, 300.0)
"""Seconds before an image that died is filled again; longer each time it soon dies again."""
STEADY = 600.0
"""Seconds of life after which the first pause stands again."""
COPIED = 64
"""MB that a worker may have kept for itself to be given another query; a new one is cheap."""


class Owner(Protocol):
    """The session the image belongs to."""

    megabytes: int
    budget: Budget
    pool: Pool


class Memory:
    """Keeps an image alive; `pool` is there while it can fork workers."""

    def __init__(self, store: Path, owner: Owner, spares: int) -> None:
        self.pool: Pool | None = None
        self.image: Image | None = None
        self._store = store
        self._owner = owner
        self._spares = spares
        self._started = 0
        self._keeper: asyncio.Task[None] | None = None

    @property
    def started(self) -> int:
        """How many workers were forked so far."""
        return self._started + (self.pool.started if self.pool else 0)

    def start(self) -> None:
        """Begins to fill the image."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        failures = 0
        while True:
            image = self.image = Image(self._store, self._owner.megabytes)
            began = time.monotonic()
            try:
                await image.serve(lambda image=image: self._ready(image))  # type: ignore[misc]
            except (ClusterloomError, OSError) as error:
                log.error("%s; queries are answered from disk meanwhile", error)
            finally:
                self._owner.budget.drop(image)
                await self._close()
            failures = 0 if time.monotonic() - began > STEADY else failures + 1
            await asyncio.sleep(PAUSES[min(max(failures, 1), len(PAUSES)) - 1])

    def _ready(self, image: Image) -> None:
        budget = self._owner.budget
        # a worker that keeps what it has copied saves the next query the copying
        share = max(COPIED, (budget.megabytes * 3 // 4 - image.megabytes) // budget.workers)

        def fit(worker: Worker, told: dict[str, int]) -> bool:
            own = told["megabytes"] - worker.base
            worker.kept = min(told["touched"], own + image.megabytes)
            # memory an allocator has kept would be missing to the next query
            return worker.kept < share and own < self._owner.megabytes // 2

        self.pool = Pool(image.fork, fit, self._spares, budget.workers)
        budget.hold(image, lambda: image.megabytes)
        budget.hold(self, self.pool.megabytes, self.pool.free)
        self.pool.fill()
        self._owner.pool.resize(1, 1)  # few queries go to disk from now on

    async def _close(self) -> None:
        self._owner.budget.drop(self)
        pool, self.pool = self.pool, None
        if pool is not None:
            self._owner.pool.resize(self._spares, self._owner.budget.workers)
            self._started += pool.started
            await pool.aclose()

    async def aclose(self) -> None:
        """Ends the image and its workers."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
