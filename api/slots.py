"""Heavy work of one kind: how much of it is done at a time, and how many requests wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clusterloom.errors import Busy


class Slots:
    """Lets `most` work at a time and `waiting` wait, each for `patience` seconds at the longest.

    Whoever finds no room is told `said`, as Busy, and to come back in `retry_after` seconds.
    """

    def __init__(
        self, most: int, waiting: int, patience: float, said: str, retry_after: int = 5
    ) -> None:
        self._free = asyncio.Semaphore(most)
        self._most_waiting = waiting
        self._waiting = 0
        self._patience = patience
        self._said = said
        self._retry_after = retry_after

    async def take(self) -> None:
        """Waits for a slot; `give_back` must follow. Raises Busy."""
        if self._waiting >= self._most_waiting:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """The work is over."""
        self._free.release()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """A slot for as long as the block lasts."""
        await self.take()
        try:
            yield
        finally:
            self.give_back()

    def _busy(self) -> Busy:
        return Busy(self._said, retry_after=self._retry_after)
