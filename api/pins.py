"""Releases that requests ask for by id: few sessions, opened on demand, closed when idle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clusterloom.errors import Busy, ClusterloomError
from clusterloom.store.engine import Session
from clusterloom.store.release import Release

if TYPE_CHECKING:
    from clusterloom.api.serving import Served

_log = logging.getLogger(__name__)

MOST = 3
"""Sessions of pinned releases at a time, those being opened or closed among them."""
WAITING = 16
"""Requests that wait for such a session; the next one is told to come back."""
PATIENCE = 10.0
"""Seconds that a request waits for such a session."""
IDLE = 60.0
"""Seconds after its last request that such a session is closed."""


class _Held:
    def __init__(self, release: Release, opening: asyncio.Task[Served]) -> None:
        self.release = release
        self.stamp = release.stamp()
        self.opening = opening
        self.users = 0
        self.closed = False
        self.timer: asyncio.TimerHandle | None = None


class Pins:
    """Lends sessions of releases that are not the served one.

    Requests for more releases than `MOST` wait for a session that nobody uses, the one used
    least recently first; so whatever is asked for, no more than that many are open.
    """

    def __init__(
        self, opens: Callable[[Release], Awaitable[Served]], replaced: Callable[[], None]
    ) -> None:
        self._opens = opens
        self._replaced = replaced
        self._held: dict[str, _Held] = {}
        self._leaving: set[_Held] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._waiting = 0

    @property
    def open(self) -> int:
        """How many sessions there are, those being opened or closed among them."""
        return len(self._held) + len(self._leaving) + len(self._closing)

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are open and take requests."""
        tasks = [held.opening for held in self._held.values()]
        done = [t for t in tasks if t.done() and not t.cancelled() and t.exception() is None]
        return [task.result().session for task in done]

    @asynccontextmanager
    async def lease(self, release: Release) -> AsyncIterator[Served]:
        """The session of a release that is on disk; it stays open until the lease ends.

        Busy when none becomes free in time, or too many requests wait already.
        """
        held = await self._take(release)
        try:
            yield await self._opened(held)
        finally:
            held.users -= 1
            if not held.users:
                self._rest(held)

    async def aclose(self) -> None:
        """Closes every session."""
        for held in [*self._held.values()]:
            self._let_go(held)
        for held in [*self._leaving]:
            self._close(held)
        while self._closing:
            await asyncio.gather(*self._closing)

    async def _take(self, release: Release) -> _Held:
        """The holder of the release's session, its use counted."""
        if (held := self._usable(release)) is None:
            if self._waiting >= WAITING:
                raise _busy()
            self._waiting += 1
            try:
                async with asyncio.timeout(PATIENCE):
                    while (held := self._usable(release)) is None:
                        self._freed.clear()
                        await self._freed.wait()
            except TimeoutError:
                raise _busy() from None
            finally:
                self._waiting -= 1
        held.users += 1
        if held.timer is not None:
            held.timer.cancel()
        # the last in the order is the one used last
        self._held[release.id] = self._held.pop(release.id)
        return held

    def _usable(self, release: Release) -> _Held | None:
        """The session at hand, else a new one; None while there is no room."""
        held = self._held.get(release.id)
        if held is not None and held.stamp != release.stamp():
            self._replaced()  # another folder has its name now
            self._let_go(held)
            held = None
        if held is None and self.open >= MOST:
            idle = next((h for h in self._held.values() if not h.users), None)
            if idle is not None and not self._closing:
                self._let_go(idle)
        if held is None and self.open < MOST:
            held = _Held(release, asyncio.ensure_future(self._open(release)))
            self._held[release.id] = held
        return held

    async def _open(self, release: Release) -> Served:
        return await self._opens(release)

    async def _opened(self, held: _Held) -> Served:
        try:
            # shielded: the client that asked first may go away, the others still wait
            return await asyncio.shield(held.opening)
        except (ClusterloomError, OSError, ValueError) as error:
            if self._held.get(held.release.id) is held:
                self._let_go(held)
            if isinstance(error, ClusterloomError):
                raise
            _log.exception("release %s cannot be opened", held.release.id)
            raise ClusterloomError(f"release {held.release.id} cannot be opened") from error

    def _rest(self, held: _Held) -> None:
        if held.closed:
            return
        if held in self._leaving:
            self._close(held)
            return
        held.timer = asyncio.get_running_loop().call_later(IDLE, self._let_go, held)
        self._freed.set()

    def _let_go(self, held: _Held) -> None:
        """Takes no more requests; closes once nobody uses it."""
        if held.timer is not None:
            held.timer.cancel()
        if self._held.get(held.release.id) is held:
            del self._held[held.release.id]
        self._leaving.add(held)
        if not held.users:
            self._close(held)

    def _close(self, held: _Held) -> None:
        self._leaving.discard(held)
        held.closed = True
        task = asyncio.ensure_future(self._end(held))
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        self._freed.set()

    async def _end(self, held: _Held) -> None:
        try:
            served = await held.opening
        except (ClusterloomError, OSError, ValueError):
            return  # whoever waited for it has been told
        await served.aclose()


def _busy() -> Busy:
    return Busy(
        f"Other releases are being asked for, and no more than {MOST} pinned ones are open at a "
        "time. Come back soon, or ask for the served release.",
        retry_after=5,
    )
