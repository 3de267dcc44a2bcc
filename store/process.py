"""Worker processes as their parent sees them: started, fed, measured, ended, mourned.

They are started with `subprocess`, not `multiprocessing`: each needs MALLOC_ARENA_MAX in its
environment before it starts (without it the address-space limit hits RocksDB's start), must not
inherit the server's memory or descriptors, and should import a few modules only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from clusterloom.errors import ClusterloomError
from clusterloom.store.frame_reader import FrameReader

START_SECONDS = 60.0

_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


class Process(Protocol):
    """What a worker's parent can do to it."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def kill(self) -> None:
        """Ends it now, whatever it does."""
        ...

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        ...


def spawn(
    module: str, arguments: list[str], passed: list[int], errors: IO[bytes] | int, arenas: int = 1
) -> subprocess.Popen[bytes]:
    """Starts a module of ours as a process bound to the life of the calling thread.

    `arenas` are the heaps that the system's allocator may make for its threads.
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-m", module, *arguments],
        env={**environment, "MALLOC_ARENA_MAX": str(arenas)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=passed,
        start_new_session=True,
    )


@dataclass(eq=False)
class Worker:
    """One worker process and the connection to it.

    `shared` are the MB it shares with the image it was forked from, 0 for a worker on disk;
    `kept` those of its own that its last query has left.
    """

    kind: Literal["disk", "memory"]
    process: Process
    frames: FrameReader
    errors: IO[bytes]
    isolated: bool
    base: int
    shared: int = 0
    kept: int = 0
    _resident: int = 0

    def __post_init__(self) -> None:
        if self.shared:
            with contextlib.suppress(OSError):
                self._resident = self._statm()[1]

    @classmethod
    async def on_disk(cls, store: Path, megabytes: int) -> Worker:
        """A worker that has opened the store; raises ClusterloomError when it cannot."""
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by reap)
        arguments = [str(theirs.fileno()), str(store.absolute()), str(megabytes), str(os.getpid())]
        try:
            module = "clusterloom.store.worker"
            process = spawn(module, arguments, [theirs.fileno()], errors)
        except BaseException:
            ours.close()
            errors.close()
            raise
        finally:
            theirs.close()
        try:
            reader = await FrameReader.over(ours)
        except BaseException:
            process.kill()
            process.wait()
            ours.close()
            errors.close()
            raise
        worker = cls("disk", process, reader, errors, isolated=False, base=0)
        try:
            ready = await first_frame(reader)
        except (EOFError, TimeoutError):
            _, said = await worker.reap()
            raise ClusterloomError(f"A query worker did not start: {said or store}") from None
        except BaseException:
            await worker.reap()
            raise
        worker.isolated, worker.base = ready["isolated"], ready["megabytes"]
        return worker

    @property
    def alive(self) -> bool:
        """Whether its connection stands."""
        return not self.frames.lost

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self.process.pid

    def kill(self) -> None:
        """Ends the process now, whatever it does."""
        self.process.kill()

    async def reap(self) -> tuple[int, str]:
        """Waits until the process is gone; its exit code and the last it wrote to stderr."""
        if self.frames.lost:
            # it is dying by itself: its own exit code tells more than our signal
            for _ in range(200):
                if self.process.poll() is not None:
                    break
                await asyncio.sleep(0.005)
        self.kill()
        while (code := self.process.poll()) is None:
            await asyncio.sleep(0.002)
        self.frames.close()
        said = ""
        if not self.errors.closed:
            self.errors.seek(0)
            said = self.errors.read()[-2000:].decode("utf-8", "replace").strip()
            self.errors.close()
        return code, said

    def seconds(self) -> float:
        """The processor time it has used so far; 0 where that is unknown."""
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0

    def megabytes(self) -> int:
        """The memory of its own, without what it shares with the image or with files.

        Page faults tell how much it has copied of what it shared: reading the page tables for an
        exact figure takes 10 ms, this 0.03 ms.
        """
        try:
            _, resident, files = self._statm()
        except OSError:
            return 0
        if not self.shared:
            return (resident - files) * _PAGE >> 20
        fields = self._stat()
        faults = int(fields[7]) if fields else 0
        grown = max(0, resident - self._resident)
        return (grown * _PAGE >> 20) + min(max(0, faults - grown) * _PAGE >> 20, self.shared)

    def _statm(self) -> tuple[int, int, int]:
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as handle:
            total, resident, files = handle.read().split()[:3]
        return int(total), int(resident), int(files)

    def _stat(self) -> list[str]:
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as handle:
                return handle.read().rpartition(")")[2].split()
        except OSError:
            return []


async def first_frame(reader: FrameReader) -> dict[str, Any]:
    """What a process says when it is ready."""
    async with asyncio.timeout(START_SECONDS):
        _, body = await reader.read()
    ready: dict[str, Any] = json.loads(body)
    return ready
