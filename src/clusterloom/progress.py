"""Progress of long work: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Shows steps and row counts on `stream` (standard error); quiet shows nothing."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._moving = self._stream.isatty()
        self._began = time.monotonic()
        self._shown = 0.0
        self._open = False

    def step(self, text: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._clear()
            print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=self._stream)
            self._stream.flush()

    def rows(self, source: str, rows: int, total: int = 0) -> None:
        """Rows read of a source; where the total is known, with the rate and the time left."""
        now = time.monotonic()
        if self._quiet or now - self._shown < (0.1 if self._moving else 10):
            return
        self._shown = now
        rate = rows / max(now - self._began, 1e-9)
        left = f", {(total - rows) / rate:.0f} s left" if total and rate else ""
        text = f"  {source}: {rows:,} rows, {rate:,.0f} rows/s{left}"
        if self._moving:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
            self._open = True
        else:
            print(text, file=self._stream)

    def _clear(self) -> None:
        if self._open:
            self._stream.write("\r\033[K")
            self._open = False
