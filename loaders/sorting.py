"""Byte-sorted, duplicate-free lines of any number in flat memory (external merge sort)."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO

RUN = 1_000_000
"""Lines sorted in memory at a time (about 250 MB)."""


def sorted_unique(lines: Iterable[bytes], run: int = RUN) -> Iterator[bytes]:
    """The lines in byte order, each once. Lines end in a newline; ties cannot matter.

    >>> list(sorted_unique([b"b\\n", b"a\\n", b"b\\n"], run=2))
    [b'a\\n', b'b\\n']
    """
    source = iter(lines)
    with ExitStack() as stack:
        spilled: list[IO[bytes]] = []
        chunk = sorted(set(islice(source, run)))
        while following := list(islice(source, run)):
            handle = stack.enter_context(tempfile.TemporaryFile())
            handle.writelines(chunk)
            handle.seek(0)
            spilled.append(handle)
            chunk = sorted(set(following))
        previous = b""
        for line in heapq.merge(*spilled, chunk):
            if line != previous:
                yield line
                previous = line
