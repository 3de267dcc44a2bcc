"""Several server processes behind one socket, for machines with cores to spare.

Each is a whole service with its own share of workers and memory; the system hands a connection to
whichever is free. One that dies is replaced. They end with this process, however it ends.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from clusterloom.api.app import create_app
from clusterloom.api.operation import log_to
from clusterloom.api.server import GRACE, run
from clusterloom.settings import Settings
from clusterloom.store.confine import bind

_log = logging.getLogger(__name__)

_SOON = 5.0
"""Seconds below which the life of a process counts as a failed start."""
_FAILURES = 5
"""Failed starts in a row after which there is no point in another."""


def shares(settings: Settings) -> dict[str, str]:
    """The variables of one process of them: its part of workers, memory and connections."""
    count = settings.processes
    # each process keeps two of its workers free for short queries, so each gets two beside its part
    own = settings.workers // count + (2 if count > 1 else 0)
    return {
        "CLUSTERLOOM_PROCESSES": "1",
        "CLUSTERLOOM_PUBLIC_URL": settings.public_url,
        "CLUSTERLOOM_WORKERS": str(max(3, own)),
        "CLUSTERLOOM_MEMORY": str(max(512, settings.memory // count)),
        "CLUSTERLOOM_CONNECTIONS": str(max(10, settings.connections // count)),
    }


class Supervisor:
    """Keeps `settings.processes` of them running until it is told to end."""

    def __init__(self, settings: Settings, listening: socket.socket) -> None:
        self._environment = os.environ | shares(settings)
        self._count = settings.processes
        self._listening = listening
        self._running: dict[subprocess.Popen[bytes], float] = {}
        self._failures = 0
        self._ending = False

    def run(self) -> int:
        """The exit code: 0 when told to end, 1 when the processes will not start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while not self._ending and self._failures < _FAILURES:
            while len(self._running) < self._count:
                self._running[self._start()] = time.monotonic()
            self._wait()
        for process in self._running:
            process.terminate()
        until = time.monotonic() + GRACE + 5
        for process in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        if not self._ending:
            _log.error("every server process ended within %g s of its start; giving up", _SOON)
        return 0 if self._ending else 1

    def _end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._ending = True

    def _start(self) -> subprocess.Popen[bytes]:
        descriptor = self._listening.fileno()
        command = [sys.executable, "-m", "clusterloom.api.processes"]
        return subprocess.Popen(
            [*command, str(descriptor), str(os.getpid())],
            env=self._environment,
            pass_fds=[descriptor],
            # a Ctrl-C on the terminal is told to them by this process only
            start_new_session=True,
        )

    def _wait(self) -> None:
        """Until one has died or the end is called for."""
        while not self._ending:
            for process, began in [*self._running.items()]:
                if process.poll() is not None:
                    del self._running[process]
                    soon = time.monotonic() - began < _SOON
                    self._failures = self._failures + 1 if soon else 0
                    return
            time.sleep(0.1)


def main(arguments: list[str]) -> None:
    """One of them: serves on the descriptor that it inherits."""
    descriptor, parent = map(int, arguments)
    bind(parent, badness=0)
    settings = Settings()
    log_to(requests=settings.log == "requests")
    run(create_app(settings, warm=True), settings, socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main(sys.argv[1:])
