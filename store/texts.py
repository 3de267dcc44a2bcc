"""Long query texts are read beside the event loop: in one thread, and not without bound.

Python runs one thread at a time anyway, and each more that computes makes the event loop wait
longer for its turn, with every call to the system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from clusterloom.errors import Busy

T = TypeVar("T")

LONG = 10_000
"""Characters from which on a text is read beside the event loop: about 10 ms."""
QUEUE = 50
"""Readings that may wait; of the longest texts the thread reads ten a second."""

_READER = ThreadPoolExecutor(1, thread_name_prefix="texts")


class _Waiting:
    count = 0


async def beside(work: Callable[[], T]) -> T:
    """What `work` gives, from beside the event loop; Busy where too many others wait."""
    if _Waiting.count >= QUEUE:
        raise Busy("Too many long texts are waiting to be read; come back.", retry_after=2)
    _Waiting.count += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_READER, work)
    finally:
        _Waiting.count -= 1
