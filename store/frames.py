"""The frames a query worker and its parent exchange: one letter, a length, the bytes.

Parent to worker: `Q` with a JSON request. Worker to parent: `R` once, when it is ready; then per
request either `X` (an error, JSON) or `H` (head, JSON), any number of `D` (bytes of the answer),
and `E` (end, JSON). An `X` may also come after some `D`: the answer is broken.
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, Final

REQUEST: Final = b"Q"
READY: Final = b"R"
HEAD: Final = b"H"
DATA: Final = b"D"
END: Final = b"E"
ERROR: Final = b"X"

HEADER: Final = struct.Struct(">cI")


def pack(kind: bytes, body: bytes) -> bytes:
    """One frame as bytes."""
    return HEADER.pack(kind, len(body)) + body


def pack_json(kind: bytes, body: dict[str, Any]) -> bytes:
    """One frame with a JSON body."""
    return pack(kind, json.dumps(body).encode("utf-8"))


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
