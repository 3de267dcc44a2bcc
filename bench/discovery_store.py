"""Benchmark `discovery --store`: the index of a release made from its store, as a server makes it.

A release of a made-up graph is published; that is not counted. Then a process of its own opens it
by an engine that reads it on disk, and builds the index through `Session.columns`. Its seconds are
measured, and the memory that it and its query workers had at most. The index is compared with one
made of the rows of the graph, without a store.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from clusterloom.discovery.index import Index, assemble, build, open_index
from clusterloom.settings import Settings
from clusterloom.store.engines import engine_of

from . import graphs, made_up
from .measure import OURS, BenchFailed, Measurement, Outcome

_EVERY = 0.1
"""Seconds between two looks at the memory of workers, which may end before the index is there."""


def run(sizes: Sequence[int]) -> Outcome:
    """Publishes a graph of each size and has its index made once."""
    found, notes = [], {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            data, folder = Path(name) / "data", Path(name) / "index"
            began = time.perf_counter()
            made_up.publish(Settings(data_dir=data), size)
            published = time.perf_counter() - began
            told = _in_a_process(data, folder)
            rows = graphs.graph(size)
            same = _same(open_index(folder), Index(made_up.ID, *assemble(rows)))
        group = f"{size} clusters, {size * graphs.FIRMS} SMEs"
        seconds = {OURS: told["seconds"]}
        found.append(Measurement("index from a store", group, size, same, seconds))
        notes[group] = (
            f"the process held {told['own']:.0f} MB at most, its largest query worker "
            f"{told['largest']:.0f} MB, all its workers {told['workers']:.0f} MB; "
            f"publishing took {published:.0f} s, which is not counted"
        )
        if not same:
            notes[f"index, {size}"] = "it is not the one that the rows of the graph give"
        if empty := [name for name, lines in rows.items() if not lines]:
            notes[f"graph, {size}"] = f"nothing of it is read by: {', '.join(empty)}"
    title = "the discovery index made from a store on disk, seconds"
    return Outcome("discovery", title, "clusters", found, notes=notes)


def _in_a_process(data: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.discovery_store", str(data), str(folder)]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"the index was not made: {done.stderr[-1000:]}")
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _same(one: Index, other: Index) -> bool:
    alike = one.things == other.things and one.arrays.keys() == other.arrays.keys()
    return alike and all(
        np.array_equal(array, other.arrays[name], equal_nan=array.dtype.kind == "f")
        for name, array in one.arrays.items()
    )


async def _made(data: Path, folder: Path) -> dict[str, float]:
    settings = Settings(data_dir=data, store="disk")
    release = made_up.release(settings)
    peaks: dict[int, float] = {}
    session = await engine_of(settings).open(release)
    watching = asyncio.create_task(_watch(peaks))
    try:
        began = time.perf_counter()
        await build(session.columns, release.id, folder)
        seconds = time.perf_counter() - began
    finally:
        watching.cancel()
        await session.aclose()
    workers = list(peaks.values())
    return {"seconds": seconds, "own": _peak(os.getpid()), "largest": max(workers, default=0.0),
            "workers": sum(workers)}  # fmt: skip


async def _watch(peaks: dict[int, float]) -> None:
    while True:
        for child in _children():
            with contextlib.suppress(OSError):
                peaks[child] = max(peaks.get(child, 0.0), _peak(child))
        await asyncio.sleep(_EVERY)


def _children() -> Iterator[int]:
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            yield from map(int, (task / "children").read_text("ascii").split())


def _peak(process: int) -> float:
    """Megabytes of memory that a process had at most."""
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_made(Path(sys.argv[1]), Path(sys.argv[2])))))
