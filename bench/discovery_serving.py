"""Benchmark `discovery-serving`: partners over HTTP, another cluster in each request.

A release of a made-up graph is served by `clusterloom serve` with its own settings. Beside it, in
the same rounds, stands a plain FastAPI route that sends one of our answers as it is, with as many
processes: what the framework alone costs.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clusterloom.settings import Settings

from . import load, made_up
from .measure import OURS, BenchFailed, Measurement, Outcome
from .servers import Client, clusterloom_server, free_port, running

CLUSTERS = 10_000
CONNECTIONS = (1, 8)
AXES = ("similarity", "complementarity")
PLAIN = "plain FastAPI route"
JSON_TYPE = "application/json"
_PREPARED = 300.0


def run(
    repetitions: int,
    seconds: float,
    clusters: int = CLUSTERS,
    connections: Sequence[int] = CONNECTIONS,
) -> Outcome:
    """Requests for partners of clusters drawn at random, none twice while they last."""
    found, notes = [], {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        settings = Settings(data_dir=folder / "data")
        keys = made_up.publish(settings, clusters)
        ours = stack.enter_context(clusterloom_server(settings.data_dir))
        size = _prepared(ours, keys, folder / "answer.json")
        plain = stack.enter_context(_plain(folder / "answer.json", Settings().processes))
        for axis in AXES:
            path = folder / f"{axis}.txt"
            path.write_text("".join(f"{_address(key, axis)}\n" for key in keys), "utf-8")
            place = 0
            for many in connections:
                taken: dict[str, list[float]] = {OURS: [], PLAIN: []}
                worst = []
                for _ in range(repetitions):
                    done = load.put(ours.port, path, JSON_TYPE, place, many, seconds)
                    place += done.requests + many
                    if done.failed:
                        raise BenchFailed(f"{axis}: {done.failed} of {done.requests} failed")
                    taken[OURS].append(done.seconds / done.requests)
                    worst.append(done.p99)
                    done = load.put(plain.port, path, JSON_TYPE, 0, many, seconds)
                    taken[PLAIN].append(done.seconds / done.requests)
                times = {who: statistics.median(each) for who, each in taken.items()}
                found.append(Measurement(f"partners, {axis}", f"{many} x", size, True, times))
                slow = statistics.median(worst) * 1000
                notes[f"{axis}, {many} connections"] = f"99 of 100 answers within {slow:.1f} ms"
            if place > len(keys):
                notes[axis] = f"after {len(keys)} requests they began anew, and came from the cache"
    title = f"partners over HTTP, {clusters} clusters, seconds per answer under load by "
    return Outcome(
        "discovery-serving", title + load.maker(), "bytes", found, {}, "answers per s", notes
    )


def _address(key: str, axis: str) -> str:
    return f"/api/v1/clusters/{key}/partners?axis={axis}"


def _prepared(client: Client, keys: Sequence[str], answer: Path) -> int:
    """Waits until the index is made; writes an answer of middling size and gives its bytes."""
    until = time.monotonic() + _PREPARED
    while True:
        try:
            client.fetch(_address(keys[0], AXES[0]), JSON_TYPE)
            break
        except (OSError, BenchFailed):
            if time.monotonic() > until:
                raise
            time.sleep(1)
    answers = sorted((client.fetch(_address(k, AXES[1]), JSON_TYPE) for k in keys[:25]), key=len)
    answer.write_bytes(answers[12])
    return len(answers[12])


@contextmanager
def _plain(answer: Path, processes: int) -> Iterator[Client]:
    """The peer: a route of FastAPI that sends bytes at hand, under the same HTTP server."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--log-level", "error", "--port", str(port),
               "--workers", str(processes), "bench.plain_route:app"]  # fmt: skip
    told, root = str(answer), os.getcwd()
    with running(
        command, Client(port, "/"), CLUSTERLOOM_BENCH_ANSWER=told, PYTHONPATH=root
    ) as client:
        yield client
