"""Work that is too much for the event loop, done beside it: look-ups of others go on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

MANY = 1000
"""Rows or values whose reading would hold the event loop up for more than a few milliseconds."""

# one thread: Python runs one at a time anyway, and each more makes the event loop wait longer
_BESIDE = ThreadPoolExecutor(1, thread_name_prefix="aside")


async def aside(size: int, work: Callable[[], T]) -> T:
    """What `work` gives; beside the event loop where there are many rows."""
    if size < MANY:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_BESIDE, work)
