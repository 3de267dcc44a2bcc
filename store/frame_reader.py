"""The parent's side of the frames; apart from `frames.py` so that workers start without asyncio."""

from __future__ import annotations

import asyncio

from clusterloom.store.frames import HEADER


class FrameReader:
    """Reads frames; a wait may be cancelled and begun again without losing its place."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._header: tuple[bytes, int] | None = None

    async def read(self) -> tuple[bytes, bytes]:
        """The next frame; raises EOFError or ConnectionError when the other side is gone."""
        if self._header is None:
            kind, length = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            self._header = (kind, length)
        kind, length = self._header
        body = await self._reader.readexactly(length)
        self._header = None
        return kind, body

    def at_end(self) -> bool:
        """Whether the other side is known to be gone."""
        return self._reader.at_eof()
