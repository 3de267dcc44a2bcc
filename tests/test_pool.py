"""The stock of workers: none is ended and started again while as many are in use as may be."""

from __future__ import annotations

import asyncio
from typing import cast

from clusterloom.store.pool import Pool
from clusterloom.store.process import Worker


class _Worker:
    """What the pool sees of a worker, without a process."""

    alive = True
    kept = 0

    def kill(self) -> None:
        """Ends nothing."""

    async def reap(self) -> tuple[int, str]:
        """Is gone soon."""
        await asyncio.sleep(0.001)
        return 0, ""


def _fit(_worker: Worker, _told: dict[str, int]) -> bool:
    return True


async def _start() -> Worker:
    await asyncio.sleep(0)
    return cast(Worker, _Worker())


def test_a_full_house_starts_no_more_than_its_spares_beside_it() -> None:
    async def run() -> None:
        pool = Pool(_start, _fit, spares=2, most=8)
        await pool.open()
        for _ in range(4):
            workers = [await asyncio.wait_for(pool.take(), 5) for _ in range(8)]
            await asyncio.sleep(0.001)  # the spares come
            for worker in workers:
                pool.give(worker, healthy=True)
        assert pool.started <= 10
        await pool.aclose()

    asyncio.run(asyncio.wait_for(run(), 20))
