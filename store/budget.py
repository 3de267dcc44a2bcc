"""What all queries of an engine share: slots, turns, time and memory.

Of `workers` slots two are always left for short queries. A query is *slow* once it is older than
250 ms and has used that much processor time; one that waits for others on a busy machine has not,
and gets a second where it streams, three where it is silent. At most `workers - 2` may be slow;
when one more becomes slow, one of them is ended, the first found of:

1. an answer whose client has not read for 10 s, or for 60 s in all: it holds a worker that does
   nothing. Its status line is gone, so its connection is broken off;
2. the youngest whose status line is still to be sent: 503 and Retry-After;
3. the youngest: its connection is broken off.

Such a stalled answer is also ended when a query waits for a slot.

Whether a query will be short is guessed from the last one of the same shape (the same text but
for IRIs, strings and numbers). Those expected to be slow wait for a slot of the slow ones; those
never seen leave one slot to those known to be short. So a crowd of killers cannot keep look-ups
waiting for the quarter of a second that it takes to know a killer.

The memory of workers is measured ten times a second while they run for longer than 250 ms. Where
the sum is over the limit, idle workers give back what they have kept of the image and of
earlier queries; where that is not enough, the biggest query is ended.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from clusterloom.errors import Busy
from clusterloom.store.engine import Limits

SHORT = 0.25
"""Seconds of work after which a query is slow."""
LONG, BLOCKED = 1.0, 3.0
"""Seconds of age after which it is, whatever it did: where it streams, and where it is silent."""
PATIENCE = 10.0
"""Seconds a query may wait for a worker before it is told to come back."""
STALLED, STALLED_IN_ALL = 10.0, 60.0
"""Seconds a client may leave an answer waiting while slots are not wanted by others."""
TICK = 0.05
REMEMBERED = 4096

Expected = Literal["short", "unknown", "slow"]
Reason = Literal[
    "deadline", "closed", "pause", "memory", "budget", "stopping",
    "limit", "system", "stack", "crash", "lost",
]  # fmt: skip
"""Why a query was ended: by us, or (from "limit" on) its worker without our doing."""


class Measured(Protocol):
    """A worker process that can be measured."""

    def seconds(self) -> float:
        """Processor time used so far."""
        ...

    def megabytes(self) -> int:
        """Memory of its own."""
        ...


@dataclass(eq=False)
class Slot:
    """One query at work, as the budget sees it; `end` is called to end it, and leaves the slot.

    The clock of the query runs while its worker is waited for, not while its client is slow to
    read: then the worker is stopped by its full pipe, and a second clock bounds that.
    """

    expected: Expected
    limits: Limits
    began: float
    end: Callable[[Reason], None] | None = None
    worker: Measured | None = None
    told: bool = False
    slow: bool = False
    ended: Reason | None = None
    megabytes: int = 0
    shape: object = None
    reading: bool = False
    _since: float = 0.0
    _used: float = 0.0
    _paused: float = 0.0
    _seconds: float | None = None

    def work(self, worker: Measured, end: Callable[[Reason], None], now: float) -> None:
        """Notes that a worker has been given the query."""
        self.worker, self.end = worker, end
        self.began = self._since = now

    def switch(self, reading: bool, now: float) -> None:
        """Notes that the client reads, or that the worker is waited for."""
        if reading == self.reading:
            return
        if self.reading:
            self._paused += now - self._since
        else:
            self._used += now - self._since
        self.reading, self._since = reading, now

    def used(self, now: float) -> float:
        """Seconds the worker has been waited for."""
        return self._used + (0.0 if self.reading else now - self._since)

    def paused(self, now: float) -> float:
        """Seconds the client has been waited for."""
        return self._paused + (now - self._since if self.reading else 0.0)

    def over(self, now: float) -> Reason | None:
        """The limit of its own that the query has passed."""
        if self.used(now) > self.limits.seconds:
            return "deadline"
        return "pause" if self.paused(now) > self.limits.pause else None

    def stalled(self, now: float) -> bool:
        """Whether its client keeps the worker from working."""
        current = now - self._since if self.reading and self.told else 0.0
        return current > STALLED or (current > 0 and self.paused(now) > STALLED_IN_ALL)

    def turns_slow(self, now: float) -> bool:
        """Whether it is slow and was not known to be."""
        if self.slow or self.worker is None:
            return False
        if self._seconds is None:  # the worker may be older than the query
            self._seconds = self.worker.seconds()
        age = now - self.began
        if age > SHORT:
            used = self.worker.seconds() - self._seconds
            self.slow = used > SHORT - TICK or age > (LONG if self.told else BLOCKED)
        return self.slow


@dataclass(eq=False)
class _Waiter:
    expected: Expected
    limits: Limits
    granted: asyncio.Future[Slot] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Budget:
    """The slots of an engine; `queue` bounds the waiting queries of each expectation."""

    def __init__(self, workers: int, megabytes: int, queue: int | None = None) -> None:
        self.workers = workers
        self.megabytes = megabytes
        self.queue = 4 * workers if queue is None else queue
        self.measured: int | None = None
        self._slots: dict[Slot, None] = {}
        self._queues: dict[Expected, deque[_Waiter]] = {
            "short": deque(), "unknown": deque(), "slow": deque()
        }  # fmt: skip
        self._shapes: OrderedDict[object, Expected] = OrderedDict()
        self._held: dict[object, tuple[Callable[[], int], Callable[[], None] | None]] = {}
        self._ticking: asyncio.AbstractEventLoop | None = None
        self._measure_next = False
        few = workers < 3  # no service, but a single command: nothing is left free
        self._most_slow = workers if few else workers - 2
        self._most_unproven = workers if few else workers - 1

    @property
    def busy(self) -> int:
        """Queries at work."""
        return len(self._slots)

    @property
    def slow(self) -> int:
        """Those of them that are slow."""
        return sum(slot.slow for slot in self._slots)

    @property
    def waiting(self) -> int:
        """Queries that wait for a slot."""
        return sum(map(len, self._queues.values()))

    def expect(self, shape: object) -> Expected:
        """What is known of queries of that shape."""
        return self._shapes.get(shape, "unknown")

    def learn(self, shape: object, slow: bool) -> None:
        """Takes note of how the last query of that shape was."""
        self._shapes[shape] = "slow" if slow else "short"
        self._shapes.move_to_end(shape)
        if len(self._shapes) > REMEMBERED:
            self._shapes.popitem(last=False)

    def hold(
        self, owner: object, megabytes: Callable[[], int], free: Callable[[], None] | None = None
    ) -> None:
        """Counts memory that no query uses, such as the image's; `free` is called to have it."""
        self._held[owner] = (megabytes, free)

    def drop(self, owner: object) -> None:
        """No longer counts what `hold` was told."""
        self._held.pop(owner, None)

    async def enter(self, expected: Expected, limits: Limits) -> Slot:
        """A slot for one query; raises Busy when the queue is full or patience runs out."""
        queue = self._queues[expected]
        if not queue and self._room(expected):
            return self._start(expected, limits)
        if len(queue) >= self.queue:
            raise Busy("Every query worker and the queue are full.", retry_after=1)
        waiter = _Waiter(expected, limits)
        queue.append(waiter)
        try:
            async with asyncio.timeout(PATIENCE):
                return await waiter.granted
        except BaseException as error:
            if waiter in queue:
                queue.remove(waiter)
            elif waiter.granted.done() and not waiter.granted.cancelled():
                self.leave(waiter.granted.result())
            if isinstance(error, TimeoutError):
                raise Busy("No query worker became free in time.", retry_after=2) from None
            raise

    def leave(self, slot: Slot) -> None:
        """Gives a slot back; may be called twice."""
        if slot in self._slots:
            del self._slots[slot]
            self._admit()

    def _start(self, expected: Expected, limits: Limits) -> Slot:
        loop = asyncio.get_running_loop()
        slot = Slot(expected, limits, loop.time())
        self._slots[slot] = None
        if self._ticking is not loop:
            self._ticking = loop
            loop.call_later(TICK, self._tick)
        return slot

    def _room(self, expected: Expected) -> bool:
        if len(self._slots) >= self.workers:
            return False
        if expected == "short":
            return True
        unproven = sum(s.slow or s.expected != "short" for s in self._slots)
        if unproven >= self._most_unproven:
            return False
        heavy = sum(s.slow or s.expected == "slow" for s in self._slots)
        return expected == "unknown" or heavy < self._most_slow

    def _admit(self) -> None:
        for expected, queue in self._queues.items():
            while queue and self._room(expected):
                waiter = queue.popleft()
                if not waiter.granted.done():
                    waiter.granted.set_result(self._start(waiter.expected, waiter.limits))

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._slots:
            self._ticking = None
            return
        loop.call_later(TICK, self._tick)
        now = loop.time()
        for slot in self._at_work():
            if reason := slot.over(now):
                self._end(slot, reason)
        for slot in self._at_work():
            if slot.turns_slow(now):
                self._make_room(now)
        if self.waiting:
            self._end_stalled(now)
        self._measure_next = not self._measure_next
        if self._measure_next:
            self._measure(now)

    def _at_work(self) -> Iterator[Slot]:
        return iter([slot for slot in self._slots if slot.end is not None])

    def _end(self, slot: Slot, reason: Reason) -> None:
        if slot.end is not None:
            slot.end(reason)

    def _make_room(self, now: float) -> None:
        slow = [slot for slot in self._at_work() if slot.slow]
        if len(slow) <= self._most_slow:
            return
        if self._end_stalled(now):
            return
        silent = [slot for slot in slow if not slot.told]
        self._end(max(silent or slow, key=lambda slot: slot.began), "budget")

    def _end_stalled(self, now: float) -> bool:
        stalled = [slot for slot in self._at_work() if slot.stalled(now)]
        if stalled:
            self._end(max(stalled, key=lambda slot: slot.paused(now)), "budget")
        return bool(stalled)

    def _measure(self, now: float) -> None:
        total = sum(megabytes() for megabytes, _ in self._held.values())
        old = [s for s in self._at_work() if s.worker is not None and now - s.began > SHORT]
        for slot in old:
            slot.megabytes = slot.worker.megabytes() if slot.worker is not None else 0
            total += slot.megabytes
        self.measured = total
        if total <= self.megabytes:
            return
        freed = 0
        for megabytes, free in self._held.values():
            if free is not None and megabytes():
                freed += megabytes()
                free()
        if total - freed > self.megabytes and old:
            self._end(max(old, key=lambda slot: slot.megabytes), "memory")
