"""Answers kept in memory, and work that several clients ask for at once done once.

Only whole answers are kept that will be the same when asked again. The least lately used go first
when their bytes are more than the setting `CLUSTERLOOM_CACHE` allows.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.types import Receive

from clusterloom.api.stream import UntilGone
from clusterloom.errors import ClusterloomError

T = TypeVar("T")

_ALIASES = 8
"""Spellings of a request that lead to one entry."""
_LONGEST = 10_000
"""Bytes of the longest spelling that is remembered."""
_OVERHEAD = 1500
"""Bytes an entry costs beside its body and its keys, about."""


@dataclass(frozen=True)
class Stored:
    """A whole answer as it is sent: headers, body in its coding, entity tag."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    tag: str


@dataclass
class _Entry:
    stored: Stored
    size: int
    aliases: dict[Hashable, int] = field(default_factory=dict)


class AnswerCache:
    """At most so many bytes of answers by key; `0` keeps none."""

    def __init__(self, megabytes: int) -> None:
        self._room = megabytes << 20
        self._size = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._keys: dict[Hashable, Hashable] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._size

    def get(self, key: Hashable) -> Stored | None:
        """The answer kept under the key."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.stored

    def get_alias(self, alias: Hashable) -> Stored | None:
        """The answer whose key that alias was given for."""
        key = self._keys.get(alias)
        return None if key is None else self.get(key)

    def put(self, key: Hashable, stored: Stored, key_size: int = 0) -> None:
        """Keeps an answer unless it is too large for what there is."""
        size = len(stored.body) + key_size + _OVERHEAD
        if size > self._room // 8:
            return
        self._drop(key)
        self._entries[key] = _Entry(stored, size)
        self._grow(size)

    def clear(self) -> None:
        """Forgets every answer."""
        for key in [*self._entries]:
            self._drop(key)

    def alias(self, alias: Hashable, key: Hashable, size: int = 0) -> None:
        """Lets the entry of the key be found by another name of that many bytes too."""
        entry = self._entries.get(key)
        if entry is None or alias in self._keys or size > _LONGEST:
            return
        if len(entry.aliases) == _ALIASES:
            oldest = next(iter(entry.aliases))
            del self._keys[oldest]
            freed = entry.aliases.pop(oldest)
            entry.size -= freed
            self._size -= freed
        entry.aliases[alias] = size
        entry.size += size
        self._keys[alias] = key
        self._grow(size)

    def _grow(self, size: int) -> None:
        self._size += size
        while self._size > self._room:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size
            for alias in entry.aliases:
                del self._keys[alias]


class _Flight(Generic[T]):
    """Work under way: who leads it, who waits for it."""

    def __init__(self, receive: Receive) -> None:
        self.followers = 0
        self.future: asyncio.Future[tuple[T | None, ClusterloomError | None]] = (
            asyncio.get_running_loop().create_future()
        )
        self.watch = UntilGone(receive, lambda: self.followers > 0)


class Flights(Generic[T]):
    """Does what several clients ask for at the same time once.

    The first client's request does the work; it goes on when that client leaves while others wait,
    and ends when all of them have left.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def share(
        self,
        key: Hashable,
        receive: Receive,
        make: Callable[[], Awaitable[T]],
        shareable: Callable[[T], bool],
    ) -> T:
        """What `make` gives, from whoever asked first; ClientGone when the client has left.

        A failure is shared too. What is not shareable is made anew for each.
        """
        flight = self._flights.get(key)
        if flight is None:
            return await self._lead(key, receive, make, shareable)
        value = await self._follow(flight, receive)
        if value is not None:
            return value
        async with UntilGone(receive):
            return await make()

    async def _lead(
        self,
        key: Hashable,
        receive: Receive,
        make: Callable[[], Awaitable[T]],
        shareable: Callable[[T], bool],
    ) -> T:
        flight = self._flights[key] = _Flight(receive)
        outcome: tuple[T | None, ClusterloomError | None] = (None, None)
        try:
            async with flight.watch:
                value = await make()
            if shareable(value):
                outcome = (value, None)
            return value
        except ClusterloomError as error:
            outcome = (None, error)
            raise
        finally:
            del self._flights[key]
            flight.future.set_result(outcome)

    async def _follow(self, flight: _Flight[T], receive: Receive) -> T | None:
        flight.followers += 1
        try:
            async with UntilGone(receive):
                value, error = await asyncio.shield(flight.future)
        finally:
            flight.followers -= 1
            if flight.followers == 0 and flight.watch.left:
                flight.watch.end()
        if error is not None:
            raise type(error)(error.detail, **error.extra)
        return value
