"""A pool of query workers: processes that are cheap to kill because spares stand ready.

Workers are started with `subprocess`, not `multiprocessing`: each needs MALLOC_ARENA_MAX in its
environment before it starts (without it the address-space limit hits RocksDB's start), must not
inherit the server's memory or descriptors, and should import a few modules only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from clusterloom.errors import Busy, ClusterloomError
from clusterloom.store import frames
from clusterloom.store.frame_reader import FrameReader

log = logging.getLogger(__name__)

START_SECONDS = 60.0
PATIENCE = 10.0
"""Seconds a query may wait for a worker before it is told to come back."""

_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL")


@dataclass
class Worker:
    """One worker process and the connection to it."""

    process: subprocess.Popen[bytes]
    frames: FrameReader
    writer: asyncio.StreamWriter
    errors: IO[bytes]
    isolated: bool = False
    base_megabytes: int = 0

    @classmethod
    async def start(cls, store: Path, megabytes: int) -> Worker:
        """A worker that has opened the store; raises ClusterloomError when it cannot."""
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by reap)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        command = [sys.executable, "-P", "-m", "clusterloom.store.worker", str(theirs.fileno())]
        try:
            # from the thread of the loop: the worker is bound to the life of this thread
            process = subprocess.Popen(
                [*command, str(store.absolute()), str(megabytes), str(os.getpid())],
                env={**environment, "MALLOC_ARENA_MAX": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            errors.close()
            raise
        finally:
            theirs.close()
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            process.kill()
            process.wait()
            ours.close()
            errors.close()
            raise
        worker = cls(process, FrameReader(reader), writer, errors)
        try:
            async with asyncio.timeout(START_SECONDS):
                _, body = await worker.frames.read()
        except (EOFError, OSError, TimeoutError):
            _, said = await worker.reap()
            raise ClusterloomError(f"A query worker did not start: {said or store}") from None
        except BaseException:
            await worker.reap()
            raise
        ready = json.loads(body)
        worker.isolated, worker.base_megabytes = ready["isolated"], ready["megabytes"]
        return worker

    @property
    def alive(self) -> bool:
        """Whether the process runs and its connection stands."""
        return self.process.poll() is None and not self.frames.at_end()

    def send(self, request: dict[str, Any]) -> None:
        """Hands a request over."""
        self.writer.write(frames.pack_json(frames.REQUEST, request))

    def kill(self) -> None:
        """Ends the process now, whatever it does."""
        self.process.kill()

    async def reap(self) -> tuple[int, str]:
        """Waits until the process is gone; its exit code and the last it wrote to stderr."""
        if self.frames.at_end():
            # it is dying by itself: its own exit code tells more than our signal
            for _ in range(200):
                if self.process.poll() is not None:
                    break
                await asyncio.sleep(0.005)
        self.kill()
        while (code := self.process.poll()) is None:
            await asyncio.sleep(0.002)
        self.writer.transport.abort()
        said = ""
        if not self.errors.closed:
            self.errors.seek(0)
            said = self.errors.read()[-2000:].decode("utf-8", "replace").strip()
            self.errors.close()
        return code, said


class Pool:
    """At most `size` workers at work, `spares` more standing ready, `queue` requests waiting."""

    def __init__(
        self, store: Path, megabytes: int, size: int, spares: int = 2, queue: int | None = None
    ) -> None:
        self.store = store
        self.megabytes = megabytes
        self.size = size
        self.spares = spares
        self.queue = 4 * size if queue is None else queue
        self.isolated = False
        self.started = 0
        self._slots = asyncio.Semaphore(size)
        self._waiting = 0
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._busy: list[Worker] = []
        self._wanted = 0
        self._starting: set[asyncio.Task[None]] = set()
        self._reaping: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def open(self) -> None:
        """Starts the first worker, so that a store that cannot be opened is known now."""
        worker = await Worker.start(self.store, self.megabytes)
        self.started += 1
        self.isolated = worker.isolated
        self._idle.put_nowait(worker)
        self._fill()

    async def acquire(self, patience: float = PATIENCE) -> Worker:
        """A worker for one query; raises Busy when the queue is full or patience runs out."""
        if self._closed:
            raise Busy("The server is shutting down.", retry_after=1)
        if self._slots.locked() and self._waiting >= self.queue:
            raise Busy("Every query worker and the queue are full.", retry_after=1)
        self._waiting += 1
        try:
            async with asyncio.timeout(patience):
                await self._slots.acquire()
                try:
                    worker = await self._ready_worker()
                except BaseException:
                    self._slots.release()
                    raise
        except TimeoutError:
            raise Busy("No query worker became free in time.", retry_after=2) from None
        finally:
            self._waiting -= 1
        self._busy.append(worker)
        self._fill()
        return worker

    async def _ready_worker(self) -> Worker:
        self._wanted += 1
        try:
            while True:
                self._fill()
                worker = await self._idle.get()
                if worker.alive:
                    return worker
                self._discard(worker)
        finally:
            self._wanted -= 1

    def release(self, worker: Worker, healthy: bool) -> None:
        """Takes a worker back; one that is not healthy is ended and replaced."""
        if worker not in self._busy:
            return
        self._busy.remove(worker)
        if healthy and not self._closed:
            self._idle.put_nowait(worker)
        else:
            self._discard(worker)
        self._slots.release()
        self._fill()

    def _discard(self, worker: Worker) -> None:
        worker.kill()
        task = asyncio.get_running_loop().create_task(worker.reap())
        self._reaping.add(task)
        task.add_done_callback(self._reaping.discard)

    def _fill(self) -> None:
        """Starts workers until spares stand ready beyond those that are waited for."""
        if self._closed:
            return
        coming = self._idle.qsize() + len(self._starting)
        room = self.size + self.spares - len(self._busy) - coming
        for _ in range(min(room, self.spares + self._wanted - coming)):
            task = asyncio.get_running_loop().create_task(self._start_one())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start_one(self) -> None:
        while not self._closed:
            try:
                worker = await Worker.start(self.store, self.megabytes)
            except (ClusterloomError, OSError) as error:
                log.error("query worker: %s", error)
                await asyncio.sleep(1.0)  # not a tight loop while the machine has no room
                continue
            self.started += 1
            self._idle.put_nowait(worker)
            return

    async def aclose(self, grace: float = 0.0) -> None:
        """Ends every worker; those at work have that many seconds to finish."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while not self._idle.empty():
            self._discard(self._idle.get_nowait())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                for _ in range(self.size):  # all slots are free when no query runs
                    await self._slots.acquire()
        for worker in self._busy:
            self._discard(worker)
        await asyncio.gather(*self._reaping, return_exceptions=True)
