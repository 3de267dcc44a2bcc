"""Slots: so much at a time, so many waiting, and the rest told to come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import fixtures_api as small
from clusterloom.api.differences import PATIENCE, STREAMS, Differences
from clusterloom.api.slots import Slots
from clusterloom.errors import Busy
from clusterloom.store.release import Release


def test_one_works_one_waits_and_the_next_is_told_to_come_back() -> None:
    asyncio.run(_one_waits())


async def _one_waits() -> None:
    slots = Slots(1, 1, 5.0, "Too many.", retry_after=7)
    await slots.take()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    with pytest.raises(Busy, match="Too many") as caught:
        await slots.take()
    assert caught.value.extra["retry_after"] == 7
    slots.give_back()
    await waiting
    slots.give_back()
    async with slots.taken():
        pass


def test_patience_ends_and_who_goes_away_keeps_no_place() -> None:
    asyncio.run(_patience_ends())


async def _patience_ends() -> None:
    slots = Slots(1, 1, 0.01, "Too many.")
    async with slots.taken():
        with pytest.raises(Busy):
            await slots.take()
        gone = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(Busy):  # after its patience, not at once: there is room to wait
            await slots.take()
    await slots.take()


def test_slow_readers_of_differences_leave_the_figures_to_others(tmp_path: Path) -> None:
    before = small.make_release(tmp_path, release_id="00000000000000aa")
    graphs = {("clusters", "asserted"): "<org/pic-9> a cloom:SME ."}
    after = small.make_release(tmp_path, graphs, "00000000000000bb")
    asyncio.run(_figures_beside_slow_readers(before, after))


async def _figures_beside_slow_readers(before: Release, after: Release) -> None:
    differences = Differences()
    readers = [differences.side(before, after, "removed") for _ in range(STREAMS)]
    for reader in readers:
        assert await anext(reader)
    async with asyncio.timeout(PATIENCE / 2):
        assert (await differences.figures(before, after)).removed > 0
    for reader in readers:
        await reader.aclose()
