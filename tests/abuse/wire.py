"""HTTP by hand: requests that no library would send, and answers read to see how they end."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

KEPT = 1 << 20
"""Bytes of a body that are kept to be looked at; the rest is counted."""


@dataclass
class Answer:
    """One answer: `ending` is complete, cut, closed (nothing came), left (by us) or hung."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    ending: str = "closed"
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """The value of a header, its lines joined; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

    def take(self, data: bytes) -> None:
        """Counts a part of the body and keeps the first ones."""
        self.size += len(data)
        self.body += data[: max(0, KEPT - len(self.body))]


class _Ended(Exception):
    """The connection ended, or our patience with it; `args[0]` is the ending."""


class Wire:
    """A connection, its bytes both ways, and a deadline for all of it."""

    def __init__(self, port: int, seconds: float, small_window: bool = False) -> None:
        self.began = time.monotonic()
        self.until = self.began + seconds
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if small_window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.broken = False
        self._buffer = bytearray()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends until all is gone or the server no longer takes it."""
        view = memoryview(data)
        while view and not self.broken:
            self.socket.settimeout(max(0.01, self.until - time.monotonic()))
            try:
                view = view[self.socket.send(view[:65536]) :]
            except (TimeoutError, OSError):
                self.broken = True

    def drip(self, data: bytes, every: float, size: int) -> None:
        """Sends a few bytes at a time until all is gone or the server has had enough."""
        for start in range(0, len(data), size):
            if self.broken or time.monotonic() > self.until or self._said_something():
                return
            self.send(data[start : start + size])
            time.sleep(every)

    def sip(self, every: float, size: int, seconds: float) -> None:
        """Reads a few bytes at a time for that long; what was read is kept for `answer`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._fill(size)
            except _Ended:
                return
            time.sleep(every)

    def half_close(self) -> None:
        """Ends our side of the connection."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def _said_something(self) -> bool:
        self.socket.settimeout(0)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK)) or True
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def answer(self, head: bool = False, leave_after: int | None = None) -> Answer:
        """Reads one answer to its end, however it ends."""
        found = Answer()
        try:
            self._head(found)
            for part in self._body(found, head):
                found.take(part)
                if leave_after is not None and found.size >= leave_after:
                    raise _Ended("left")
            found.ending = "complete"
        except _Ended as end:
            found.ending = "cut" if end.args[0] == "closed" and found.status else end.args[0]
        found.seconds = time.monotonic() - self.began
        return found

    def _head(self, found: Answer) -> None:
        while True:
            text = self._until(b"\r\n\r\n").decode("latin-1")
            first, *lines = text.split("\r\n")
            match = re.fullmatch(r"HTTP/1\.[01] (\d{3})( .*)?", first)
            assert match, f"no status line: {first[:200]!r}"
            if match[1].startswith("1"):
                continue
            found.status = int(match[1])
            for line in lines:
                name, colon, value = line.partition(":")
                assert colon, f"no header: {line[:200]!r}"
                found.headers.append((name.strip().lower(), value.strip()))
            return

    def _body(self, found: Answer, head: bool) -> Iterator[bytes]:
        if head or found.status in {204, 304}:
            return
        if "chunked" in found.header("transfer-encoding"):
            while size := int(self._until(b"\r\n").partition(b";")[0], 16):
                yield from self._exactly(size)
                assert self._until(b"\r\n") == b""
            while self._until(b"\r\n"):
                pass
        else:
            length = found.header("content-length")
            assert length.isdecimal(), "an answer with neither length nor chunks cannot be whole"
            yield from self._exactly(int(length))

    def _until(self, mark: bytes) -> bytes:
        while (place := self._buffer.find(mark)) < 0:
            self._fill()
        found = bytes(self._buffer[:place])
        del self._buffer[: place + len(mark)]
        return found

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._buffer:
                self._fill()
            part = bytes(self._buffer[:size])
            del self._buffer[:size]
            size -= len(part)
            yield part

    def _fill(self, size: int = 1 << 18) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise _Ended("hung")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(size)
        except TimeoutError:
            raise _Ended("hung") from None
        except OSError:
            raise _Ended("closed") from None
        if not data:
            raise _Ended("closed")
        self._buffer += data
