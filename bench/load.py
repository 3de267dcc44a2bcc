"""Load on a server: many connections kept open that ask one address after the other.

Made by `wrk` where it is installed, else by this module as a program, in as many processes as
there are cores: `python -m bench.load ADDRESSES ACCEPT PLACE PORT CONNECTIONS SECONDS`.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .measure import BenchFailed

_SCRIPT = Path(__file__).with_name("load.lua")
_SLACK = 60.0
"""Seconds that a request may take, and a client beyond its time."""


@dataclass(frozen=True)
class Load:
    """What came of it: answers, the seconds they took together, how many were failures."""

    requests: int
    seconds: float
    failed: int
    p99: float


def maker() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "a client in Python"


def put(
    port: int, addresses: Path, accept: str, place: int, connections: int, seconds: float
) -> Load:
    """Asks the server on that port for the addresses of a file, beginning at that place."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", f"{_SLACK:.0f}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
        return _said([[*command, "--", str(addresses), accept, str(place)]], seconds)
    processes = min(connections, os.cpu_count() or 1)
    shares = [(connections + n) // processes for n in range(processes)]
    commands = [
        [sys.executable, "-m", "bench.load", str(addresses), accept, str(place + 997 * n),
         str(port), str(share), str(seconds)]
        for n, share in enumerate(shares)
    ]  # fmt: skip
    return _said(commands, seconds)


def _said(commands: list[list[str]], seconds: float) -> Load:
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
    loads = []
    for process in running:
        out, _ = process.communicate(timeout=seconds + 2 * _SLACK)
        lines = out.splitlines()
        if process.returncode or not lines:
            raise BenchFailed(f"the load could not be made: {process.args!r} said {out!r}")
        loads.append(Load(**json.loads(lines[-1])))
    longest = max(load.seconds for load in loads)
    return Load(
        sum(load.requests for load in loads),
        longest,
        sum(load.failed for load in loads),
        max(load.p99 for load in loads),
    )


class _Client:
    """One connection in a thread."""

    def __init__(self, port: int, accept: str, addresses: list[str], place: int) -> None:
        self.took: list[float] = []
        self.failed = 0
        self._port, self._accept = port, accept
        self._addresses, self._place = addresses, place

    def run(self, step: int, until: float) -> None:
        """Asks every `step`-th address until that time."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_SLACK)
        while (began := time.perf_counter()) < until:
            address = self._addresses[self._place % len(self._addresses)]
            self._place += step
            try:
                connection.request("GET", address, headers={"Accept": self._accept})
                answer = connection.getresponse()
                answer.read()
                self.failed += answer.status != 200
            except (OSError, http.client.HTTPException):
                connection.close()
                self.failed += 1
            self.took.append(time.perf_counter() - began)


def main(arguments: list[str]) -> None:
    """The Python client."""
    addresses = Path(arguments[0]).read_text("utf-8").splitlines()
    accept, place, port = arguments[1], int(arguments[2]), int(arguments[3])
    connections, seconds = int(arguments[4]), float(arguments[5])
    clients = [_Client(port, accept, addresses, place + n) for n in range(connections)]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=client.run, args=(connections, began + seconds))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = sorted(second for client in clients for second in client.took)
    failed = sum(client.failed for client in clients)
    p99 = took[len(took) * 99 // 100] if took else 0.0
    seconds = time.perf_counter() - began
    print(json.dumps({"requests": len(took), "seconds": seconds, "failed": failed, "p99": p99}))


if __name__ == "__main__":
    main(sys.argv[1:])
