"""The service as an operator runs it: `clusterloom serve` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 60.0
END_SECONDS = 20.0


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Service:
    """A running server: its address, its processes and what it has printed."""

    process: subprocess.Popen[str]
    port: int
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address, without a final slash."""
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """Process ids of everything the server has started that still lives."""
        return descendants(self.process.pid)

    def megabytes(self) -> dict[int, float]:
        """Resident memory of the server and of each of its processes, shared pages divided."""
        pids = [self.process.pid, *self.workers()]
        return {pid: size for pid in pids if (size := _proportional(pid)) is not None}


@contextmanager
def running(data_dir: Path, **settings: object) -> Iterator[Service]:
    """The service over a data folder; `settings` are fields of Settings, given by environment.

    It is ended by SIGTERM and must then leave no process behind.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLUSTERLOOM_")}
    given = {"data_dir": data_dir, **settings}
    environment |= {f"CLUSTERLOOM_{name.upper()}": str(value) for name, value in given.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "clusterloom.cli", "serve", "--port", "0"],
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    service = Service(process, 0)
    reader = threading.Thread(target=_listen, args=(service,), daemon=True)
    reader.start()
    left: list[int] = []
    try:
        if not eventually(lambda: service.port > 0 and _answers(service), START_SECONDS):
            raise RuntimeError("the service did not start:\n" + "".join(service.printed))
        yield service
    finally:
        left = service.workers()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            reader.join(5)
            assert process.stdout is not None
            process.stdout.close()
    assert eventually(lambda: not any(map(_lives, left)), 5), "processes outlive the server"


def _listen(service: Service) -> None:
    assert service.process.stdout is not None
    for line in service.process.stdout:
        service.printed.append(line)
        if not service.port and (found := re.search(r"http://127\.0\.0\.1:(\d+)/", line)):
            service.port = int(found[1])


def _answers(service: Service) -> bool:
    import httpx

    if service.process.poll() is not None:
        raise RuntimeError("the service ended at its start:\n" + "".join(service.printed))
    try:
        return httpx.get(f"{service.url}/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def descendants(pid: int) -> list[int]:
    """Process ids of the children of a process, their children, and so on."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in listed.read_text("ascii").split()]
        except OSError:  # the thread has ended
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _proportional(pid: int) -> float | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return None
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else None
