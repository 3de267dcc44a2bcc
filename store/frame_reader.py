"""The parent's side of the frames; apart from `frames.py` so that workers start without asyncio.

A protocol on the transport itself, not a StreamReader: a short answer is one call, no task switch
between its frames.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import cast

from clusterloom.store.frames import DATA, END, HEADER

_ENOUGH = 256 * 1024
"""Bytes held for a slow reader before the other side is no longer listened to."""


class FrameReader(asyncio.Protocol):
    """Reads frames; a wait may be cancelled and begun again without losing its place."""

    def __init__(self) -> None:
        self.lost = False
        self._frames: deque[tuple[bytes, bytes]] = deque()
        self._held = 0
        self._rest = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False

    @classmethod
    async def over(cls, connection: socket.socket) -> FrameReader:
        """A reader over a connected socket, which it closes."""
        loop = asyncio.get_running_loop()
        _, reader = await loop.create_unix_connection(cls, sock=connection)
        return reader

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        given: bytes | bytearray = data
        if self._rest:
            self._rest += data
            given = self._rest
        at, size = 0, len(given)
        while size - at >= HEADER.size:
            kind, length = HEADER.unpack_from(given, at)
            end = at + HEADER.size + length
            if end > size:
                break
            self._frames.append((kind, bytes(given[at + HEADER.size : end])))
            self._held += length
            at = end
        self._rest = bytearray(given[at:])
        if self._held > _ENOUGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self._frames:
            self._wake()

    def eof_received(self) -> None:
        """Called by the loop."""
        self.lost = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Called by the loop."""
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def write(self, data: bytes) -> None:
        """Sends bytes; they are lost where the other side is."""
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    def take(self) -> tuple[bytes, bytes] | None:
        """The next frame where it is already here."""
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._held -= len(frame[1])
        if self._paused and self._held <= _ENOUGH // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return frame

    def whole(self) -> tuple[bytes, bytes] | None:
        """All data and the body of the end, where the end of the answer is already here."""
        if not self._frames or self._frames[-1][0] != END:
            return None
        data = b"".join([body for kind, body in self._frames if kind == DATA])
        end = self._frames[-1][1]
        while self.take() is not None:
            pass
        return data, end

    async def read(self) -> tuple[bytes, bytes]:
        """The next frame; raises EOFError when the other side is gone."""
        while (frame := self.take()) is None:
            if self.lost:
                raise EOFError
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:  # else another wait has begun since it was cancelled
                    self._waiter = None
        return frame

    def close(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()
