"""Differences of releases, by a program beside the event loop: few at a time, ended in time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from clusterloom.api.slots import Slots
from clusterloom.errors import ClusterloomError
from clusterloom.store import difference
from clusterloom.store.release import Release, Stamp

_log = logging.getLogger(__name__)

MOST = 2
"""Programs that work out figures or a page at a time."""
STREAMS = 4
"""Programs whose lines are read by clients at a time: a slow reader keeps his, and no other."""
WAITING = 8
"""Requests that wait for one; the next is told to come back."""
PATIENCE = 10.0
"""Seconds a request waits for its turn."""
LONGEST = 600.0
"""Seconds a program may take, the reader's pauses among them."""
KEPT = 64
"""Pairs of releases whose figures are remembered."""
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Figures:
    """How much changed, by family and by graph: (added, removed); and what was left out."""

    families: dict[str, tuple[int, int]]
    graphs: dict[str, tuple[int, int]]
    withheld: tuple[str, ...]

    @property
    def added(self) -> int:
        """Statements of the later release only."""
        return sum(added for added, _ in self.families.values())

    @property
    def removed(self) -> int:
        """Statements of the earlier release only."""
        return sum(removed for _, removed in self.families.values())


class Differences:
    """What changed between releases that are on disk."""

    def __init__(self) -> None:
        said = "Other differences are being worked out; ask again soon."
        self._figures = Slots(MOST, WAITING, PATIENCE, said)
        self._streams = Slots(STREAMS, WAITING, PATIENCE, said)
        self._known: dict[tuple[str, Stamp | None, str, Stamp | None], Figures] = {}

    async def figures(self, before: Release, after: Release) -> Figures:
        """The figures of a pair; releases do not change, so they are worked out once."""
        key = before.id, before.stamp(), after.id, after.stamp()
        if key not in self._known:
            families = await asyncio.to_thread(difference.families, before, after)
            counts: dict[str, Any] = {"families": {}, "graphs": {}}
            if families.open:
                counts = json.loads(await self._whole(before, after, "counts"))
            self._known[key] = Figures(
                {name: (pair[0], pair[1]) for name, pair in counts["families"].items()},
                {name: (pair[0], pair[1]) for name, pair in counts["graphs"].items()},
                families.withheld,
            )
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        return self._known[key]

    async def page(
        self, before: Release, after: Release, family: str, skip: int, limit: int
    ) -> list[difference.Change]:
        """Up to `limit` changes, from that family on without its first `skip`."""
        found = await self._whole(before, after, "page", family, str(skip), str(limit))
        changes = []
        for line in found.splitlines(keepends=True):
            name, sign, quad = line.split(b"\t", 2)
            changes.append(difference.Change(name.decode(), sign == b"+", quad))
        return changes

    async def side(self, before: Release, after: Release, side: str) -> AsyncGenerator[bytes, None]:
        """All lines that were `added` or `removed`; ClusterloomError where they end too early."""
        async with self._streams.taken(), _running(before, after, side) as child:
            assert child.stdout is not None
            while block := await child.stdout.read(_BLOCK):
                yield block
            await _ended(child)

    async def _whole(self, before: Release, after: Release, *what: str) -> bytes:
        async with self._figures.taken(), _running(before, after, *what) as child:
            found, _ = await asyncio.gather(_read(child), _ended(child))
            return found


@asynccontextmanager
async def _running(
    before: Release, after: Release, *what: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program; it is ended, whatever happens, when its answer is no longer wanted."""
    command = ["-m", "clusterloom.store.difference", str(before.path), str(after.path)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *command, *what,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    # no asyncio.timeout: an answer that is streamed may be read on in another task
    timer = asyncio.get_running_loop().call_later(LONGEST, _kill, child)
    try:
        yield child
    finally:
        timer.cancel()
        _kill(child)
        await child.communicate()


def _kill(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()


async def _read(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    return await child.stdout.read()


async def _ended(child: asyncio.subprocess.Process) -> None:
    assert child.stderr is not None
    said = (await child.stderr.read()).decode("utf-8", "replace").strip()
    if await child.wait():
        _log.error("difference of releases: %s", said)
        raise ClusterloomError(said.splitlines()[-1] if said else "the difference was not made")
