"""The frames a query worker and its parent exchange: one letter, a length, the bytes.

Parent to worker: `Q` with a JSON request. Worker to parent: `R` once, when it is ready; then per
request either `X` (an error, JSON) or `H` (head, JSON), any number of `D` (bytes of the answer),
and `E` (end, JSON). An `X` may also come after some `D`: the answer is broken. A short answer
comes in one piece. The image reports the end of a forked worker to its parent by `G` (gone, JSON).
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

REQUEST: Final = b"Q"
READY: Final = b"R"
HEAD: Final = b"H"
DATA: Final = b"D"
END: Final = b"E"
ERROR: Final = b"X"
GONE: Final = b"G"

HEADER: Final = struct.Struct(">cI")


def pack(kind: bytes, body: bytes) -> bytes:
    """One frame as bytes."""
    return HEADER.pack(kind, len(body)) + body


def pack_json(kind: bytes, body: dict[str, Any]) -> bytes:
    """One frame with a JSON body."""
    return pack(kind, json.dumps(body).encode("utf-8"))
