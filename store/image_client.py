"""The parent's side of the memory image: started, asked for workers, started again when it dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from clusterloom.errors import ClusterloomError
from clusterloom.store.frame_reader import FrameReader
from clusterloom.store.process import Worker, first_frame, spawn

log = logging.getLogger(__name__)

FILL_SECONDS = 3600.0
KILOBYTES_PER_TRIPLE = 0.36
WORTHWHILE = 50_000
"""Triples below which every query is quick on disk too."""


class Forked:
    """A process that the image has forked: killed by its descriptor, its end told by the image."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._code: int | None = None

    def kill(self) -> None:
        """Ends it now; its number may long belong to another process, the descriptor cannot."""
        if self._descriptor >= 0:
            try:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            except ProcessLookupError:
                return

    def poll(self) -> int | None:
        """Its exit code once the image has told it."""
        return self._code

    def gone(self, code: int) -> None:
        """Takes note of its end."""
        if self._code is None:
            self._code = code
            os.close(self._descriptor)
            self._descriptor = -1


class Image:
    """One image process; `serve` lives as long as it does."""

    def __init__(self, store: Path, megabytes: int) -> None:
        self._store = store
        self._query_megabytes = megabytes
        self._orders: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._forked: dict[int, Forked] = {}
        self._ordered = 0
        self._early: dict[int, int] = {}
        self.isolated = False
        self.megabytes = 0
        self.ready = False

    @property
    def pid(self) -> int:
        """The number of its process, 0 before it has one."""
        return self._process.pid if self._process is not None else 0

    async def serve(self, on_ready: Callable[[], None]) -> None:
        """Fills the image, then hears of the ends of its workers until its own.

        Raises ClusterloomError when it ends; ends it when cancelled.
        """
        ours, theirs = socket.socketpair()
        reports, their_reports = socket.socketpair()
        with tempfile.TemporaryFile() as errors:
            passed = [theirs.fileno(), their_reports.fileno()]
            arguments = [*map(str, passed), str(self._store.absolute())]
            arguments += [str(self._query_megabytes), str(os.getpid())]
            try:
                self._process = spawn(
                    "clusterloom.store.image", arguments, passed, errors, arenas=2
                )
            except BaseException:
                ours.close()
                reports.close()
                raise
            finally:
                theirs.close()
                their_reports.close()
            ours.setblocking(False)
            self._orders = ours
            reader = None
            try:
                reader = await FrameReader.over(reports)
                async with asyncio.timeout(FILL_SECONDS):
                    ready = json.loads((await reader.read())[1])
                self.isolated, self.megabytes = ready["isolated"], ready["megabytes"]
                self.ready = True
                on_ready()
                while True:
                    _, body = await reader.read()
                    self._hear(json.loads(body))
            except (EOFError, TimeoutError):
                raise ClusterloomError(f"the memory image ended: {_tail(errors)}") from None
            finally:
                self.ready = False
                if reader is not None:
                    reader.close()
                ours.close()
                await self._end()

    def _hear(self, gone: dict[str, int]) -> None:
        forked = self._forked.pop(gone["pid"], None)
        if forked is not None:
            forked.gone(gone["code"])
        elif self._ordered:  # it may have said that it is ready, unheard so far
            self._early[gone["pid"]] = gone["code"]

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.kill()
        while process.poll() is None:
            await asyncio.sleep(0.002)
        for forked in self._forked.values():  # the kernel has killed them with their parent
            forked.gone(-signal.SIGKILL)
        self._forked.clear()

    async def fork(self) -> Worker:
        """A new worker; raises ClusterloomError when there will be none."""
        if self._orders is None or not self.ready:
            raise ClusterloomError("the memory image is not there")
        self._ordered += 1
        try:
            return await self._fork(self._orders)
        finally:
            self._ordered -= 1
            if not self._ordered:
                self._early.clear()

    async def _fork(self, orders: socket.socket) -> Worker:
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by reap)
        try:
            with theirs:
                socket.send_fds(orders, [b"F"], [theirs.fileno(), errors.fileno()])
            reader = await FrameReader.over(ours)
        except BaseException as error:
            ours.close()
            errors.close()
            if isinstance(error, OSError):
                raise ClusterloomError(f"the memory image took no order: {error}") from None
            raise
        try:
            ready = await first_frame(reader)
            # it was alive to say so, and the image has not told its end: the number is its own
            descriptor = os.pidfd_open(ready["pid"])
        except (EOFError, OSError, TimeoutError):
            reader.close()
            errors.seek(0)
            said = _tail(errors)
            errors.close()
            raise ClusterloomError(f"A query worker was not forked: {said}") from None
        except BaseException:
            reader.close()  # which ends it
            errors.close()
            raise
        forked = Forked(ready["pid"], descriptor)
        if (code := self._early.pop(forked.pid, None)) is not None or not self.ready:
            forked.gone(-signal.SIGKILL if code is None else code)
        else:
            self._forked[forked.pid] = forked
        base = ready["megabytes"]
        return Worker("memory", forked, reader, errors, self.isolated, base, self.megabytes)


def _tail(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read()[-2000:].decode("utf-8", "replace").strip()


def fits(store: Path, triples: int | None) -> bool:
    """Whether an image is worth its process, and takes at most a quarter of the memory now free.

    Where the number of triples is unknown, the bytes on disk stand for it: those hold all graphs.
    """
    if triples is None:
        triples = sum(file.stat().st_size for file in store.iterdir() if file.is_file()) // 200
    if triples < WORTHWHILE:
        return False
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return False
    return triples * KILOBYTES_PER_TRIPLE <= free / 4
