"""Writes the store of a release: N-Quads in, named graphs and the duplicate-free default graph."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import pyoxigraph as ox

from clusterloom.store import subjects


class StoreWriter:
    """A store being built. Every quad is written twice: in its graph and in the default graph,
    where a triple stands once however many graphs hold it. Without a path it is in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self.store = ox.Store(str(path)) if path else ox.Store()
        self._subjects = path.with_name(subjects.FILE) if path else None

    def load_family(self, path: Path) -> None:
        """Loads one `<family>.nq.gz`."""
        with gzip.open(path, "rb") as quads:
            stream = cast("IO[bytes]", _Reader(_twice(quads)))
            self.store.bulk_load(stream, ox.RdfFormat.N_QUADS)

    def finish(self) -> int:
        """Compacts the store, writes the table of subjects beside it; returns the triples."""
        self.store.optimize()
        self.store.flush()
        quads = self.store.quads_for_pattern(None, None, None, ox.DefaultGraph())
        return subjects.write(quads, self._subjects) if self._subjects else sum(1 for _ in quads)

    def close(self) -> None:
        """Lets go of the store, so that its folder can be moved and opened read-only."""
        self.store.flush()
        del self.store


def _twice(lines: Iterable[bytes]) -> Iterator[bytes]:
    # in one stream, since each load gives blank nodes names of its own; and a serialised graph
    # name has no space, so the last one before the full stop precedes it
    for line in lines:
        yield line
        yield line[: line.rindex(b" <")] + b" .\n"


class _Reader(io.RawIOBase):
    """A file object over an iterator of lines, as `bulk_load` wants one."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            line = next(self._lines, None)
            if line is None:
                break
            parts.append(line)
            have += len(line)
        data = b"".join(parts)
        if size < 0:
            self._rest = b""
            return data
        self._rest = data[size:]
        return data[:size]
