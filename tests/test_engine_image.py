"""The memory image: the same answers, workers that nothing outlives, disk where it is not there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

import pytest

from clusterloom.errors import Busy, ClusterloomError, QueryOutOfMemory, QueryTimeout
from clusterloom.settings import Settings
from clusterloom.store import embedded, image_client
from clusterloom.store.embedded import EmbeddedEngine, EmbeddedSession
from clusterloom.store.engine import CSV, GRAPH_TYPES, JSON, TSV, Limits, Query
from clusterloom.store.image_client import Image, fits
from clusterloom.store.process import Worker
from clusterloom.store.release import Release
from engine_help import (
    COUNT,
    CROSS,
    EX,
    ROWS,
    SORT,
    busy,
    eventually,
    gone,
    make_release,
    workers_of_this_process,
)

ALL = Query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
GRAPHS = Query("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, pidfds and /proc")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("image"))


def with_image(
    release: Release, test: Callable[[EmbeddedSession], Awaitable[None]], **options: int
) -> None:
    """Runs an async test over a session whose image is filled; no process may outlive it."""
    seen: list[int] = []

    async def run() -> None:
        engine = EmbeddedEngine(**{"workers": 4, "megabytes": 512, **options}, store="memory")
        async with await engine.open(release) as session:
            await filled(session)
            try:
                await test(session)
            finally:
                seen.extend([image(session), *(w.pid for w in forked(session))])

    asyncio.run(run())
    assert workers_of_this_process() == []
    # the last ones die with the image, which nobody waits for
    assert eventually(lambda: all(gone(pid) for pid in seen))


async def filled(session: EmbeddedSession) -> None:
    """Waits until the image answers."""
    async with asyncio.timeout(30):
        while session.state().store != "memory":
            await asyncio.sleep(0.02)


def image(session: EmbeddedSession) -> int:
    """The process id of the image."""
    memory = session._memory
    assert memory is not None
    assert memory.image is not None
    return memory.image.pid


def forked(session: EmbeddedSession) -> list[Worker]:
    """The workers forked from the image."""
    assert session._memory is not None
    pool = session._memory.pool
    return [] if pool is None else [*pool.busy, *pool._idle]


async def count(session: EmbeddedSession, query: Query) -> tuple[str, str]:
    """The number a query gives, and the kind of store that gave it."""
    result = await session.run(query, Limits(), CSV)
    return (await result.read()).split()[1].decode(), result.variant


def test_memory_answers_as_disk_does(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        assert await count(session, ALL) == (str(ROWS + 1), "memory")
        assert await count(session, GRAPHS) == (str(ROWS + 2), "disk")
        for query in (
            Query(f"SELECT (COUNT(*) AS ?n) FROM <{EX}two> {{ ?s ?p ?o }}"),
            Query(f"SELECT (COUNT(*) AS ?n) FROM NAMED <{EX}two> {{ GRAPH ?g {{ ?s ?p ?o }} }}"),
            Query(f"PREFIX e: <{EX}> SELECT (COUNT(*) AS ?n) {{ GRAPHe:two {{ ?s ?p ?o }} }}"),
            Query(ALL.text, default_graphs=(EX + "two",)),
            Query(GRAPHS.text, named_graphs=(EX + "two",)),
        ):
            assert session.variant(query) == "disk"
            assert await count(session, query) == ("2", "disk")
        assert session.variant(ALL) == "memory"
        assert session.variant(Query("SELECT ?from ?graph { ?from ?p 'GRAPH' }")) == "memory"
        assert session.variant(Query("SELECT * { SERVICE <a:b> {} }")) == "disk"
        numbers = (await session.columns("SELECT ?o { ?s ?p ?o } ORDER BY ?o"))["o"]
        assert numbers[:3] == ["0", "1", "2"]
        with pytest.raises(ClusterloomError) as caught:
            await session.run(Query("SELECT (<http://e/f>(1) AS ?x) {}"), Limits(), JSON)
        assert caught.value.status == 400
        assert "http://e/f" in caught.value.detail

    with_image(release, test)


SPREAD = [
    "SELECT * { ?s ?p ?o }",
    "SELECT ?o (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?o HAVING (?o < 5)",
    "SELECT * { <s1> ?p ?o }",
    f"BASE <{EX}> SELECT * {{ <s1> <p>* ?o }}",
    f"BASE <{EX}> SELECT * {{ ?s <p>* 7 }}",
    f"SELECT * {{ <{EX}nowhere> <{EX}p>* ?o }}",
    "SELECT * { ?s !<a:b> ?o FILTER(isLiteral(?o) && LANG(?o) = 'en') }",
    f"SELECT * {{ ?s ?p 7 OPTIONAL {{ ?s <{EX}name> ?name }} MINUS {{ ?s ?p 8 }} }}",
    "SELECT * { VALUES ?o { 7 8 UNDEF } ?s ?p ?o } ORDER BY ?o LIMIT 9",
    "SELECT * { _:b ?p 7 }",
    "ASK { ?s ?p 7 FILTER NOT EXISTS { ?s ?p 8 } }",
    f"DESCRIBE <{EX}s7> <{EX}odd>",
    "DESCRIBE ?s { ?s ?p 7 } # GRAPH",
    "CONSTRUCT { ?s <a:n> ?p } WHERE { ?s ?p ?o FILTER(isIRI(?s)) }",
    "CONSTRUCT WHERE { ?s ?p 7 }",
]


def test_a_spread_of_queries_gives_the_same_rows_from_both(release: Release) -> None:
    async def lines(session: EmbeddedSession, text: str, kind: str) -> list[str]:
        graph = text.partition("{")[0].lstrip().startswith(("DESCRIBE", "CONSTRUCT"))
        query = Query(text, base=EX)
        result = await session.run(query, Limits(), GRAPH_TYPES["nt"] if graph else TSV)
        assert result.variant in {kind, session.variant(query)}
        return sorted((await result.read()).decode().split("\n"))

    async def run() -> None:
        disk = await EmbeddedEngine(workers=3, megabytes=512).open(release)
        memory = await EmbeddedEngine(workers=3, megabytes=512, store="memory").open(release)
        try:
            await filled(memory)
            for text in SPREAD:
                expected = await lines(disk, text, "disk")
                assert len(expected) > 1 or text.startswith("ASK")
                assert await lines(memory, text, "memory") == expected, text
        finally:
            await disk.aclose()
            await memory.aclose()

    asyncio.run(run())


def test_disk_answers_until_the_image_is_filled(release: Release) -> None:
    async def run() -> None:
        engine = EmbeddedEngine(workers=3, megabytes=512, store="memory")
        async with await engine.open(release) as session:
            assert session.state().store == "loading"
            assert session.variant(ALL) == "disk"
            assert (await count(session, ALL))[1] == "disk"
            await filled(session)
            assert (await count(session, ALL))[1] == "memory"
        pinned = await engine.open(release, pinned=True)
        assert pinned.state().store == "disk"
        await pinned.aclose()

    asyncio.run(run())


def test_limits_hold_in_forked_workers(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        with pytest.raises(QueryTimeout):
            await (await session.run(Query(COUNT), Limits(seconds=0.3), CSV)).read()
        with pytest.raises(QueryOutOfMemory, match="300 MB"):
            await (await session.run(Query(SORT), Limits(megabytes=300), CSV)).read()
        result = await session.run(Query(CROSS), Limits(), CSV)
        pid = forked(session)[0].pid
        await result.aclose()
        assert await count(session, ALL) == (str(ROWS + 1), "memory")
        assert eventually(lambda: gone(pid))
        assert session.state().killed == {"deadline": 1, "memory": 1, "closed": 1}

    with_image(release, test)


def test_forked_workers_have_no_network(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        await count(session, ALL)
        if not session.isolated:
            pytest.skip("this system lets no process give up its network")
        ours = os.readlink("/proc/self/ns/net")
        assert forked(session)
        for worker in forked(session):
            assert os.readlink(f"/proc/{worker.pid}/ns/net") != ours

    with_image(release, test)


def test_an_image_that_dies_is_filled_again(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clusterloom.store.memory.PAUSES", (0.3,))

    async def test(session: EmbeddedSession) -> None:
        running = asyncio.ensure_future(session.run(Query(COUNT), Limits(), CSV))
        await busy(session, 0.4)
        first = image(session)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Busy, match="retried"):
            await running
        for _ in range(5):  # whether the end has been noticed or not
            assert (await count(session, ALL))[0] == str(ROWS + 1)
        assert session.state().store == "loading"
        await filled(session)
        assert image(session) != first
        assert (await count(session, ALL))[1] == "memory"

    with_image(release, test)


def test_a_worker_that_dies_idle_is_not_used(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        await count(session, ALL)
        for worker in forked(session):
            os.kill(worker.pid, signal.SIGKILL)
        for _ in range(3):  # from disk, where the end of one has not been noticed yet
            assert (await count(session, ALL))[0] == str(ROWS + 1)
        await asyncio.sleep(0.1)
        assert await count(session, ALL) == (str(ROWS + 1), "memory")

    with_image(release, test)


def test_a_worker_that_has_copied_much_is_replaced(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(session: EmbeddedSession) -> None:
        await count(session, ALL)
        memory = session._memory
        assert memory is not None
        assert memory.pool is not None
        assert memory.image is not None
        worker = forked(session)[0]
        told = {"megabytes": worker.base, "touched": 100}
        assert memory.pool.fit(worker, told)
        assert worker.kept <= memory.image.megabytes  # there is no more to copy
        memory.image.megabytes = 400
        assert memory.pool.fit(worker, told)
        assert worker.kept == 100
        assert not memory.pool.fit(worker, {**told, "touched": 399})
        assert not memory.pool.fit(worker, {"megabytes": worker.base + 300, "touched": 100})
        monkeypatch.setattr(memory.pool, "fit", lambda *_: False)
        used = set()
        for _ in range(6):
            before = {worker.pid for worker in forked(session)}
            assert await count(session, ALL) == (str(ROWS + 1), "memory")
            used |= before - {worker.pid for worker in forked(session)}
        assert len(used) >= 5

    with_image(release, test, memory=2000)


def test_nothing_outlives_the_server(release: Release) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.engine import Limits, Query
from clusterloom.store.release import Release
async def main():
    session = await EmbeddedEngine(4, 512, store="memory").open(Release("0", Path(sys.argv[1])))
    while session.state().store != "memory":
        await asyncio.sleep(0.02)
    task = asyncio.ensure_future(session.run(Query(sys.argv[2]), Limits(), "text/csv"))
    pool = session._memory.pool
    while not pool.busy:
        await asyncio.sleep(0.05)
    print(session._memory.image.pid, *[w.pid for w in pool.busy + pool._idle], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, str(release.path), COUNT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) >= 2
        assert not any(gone(pid) for pid in pids)
        process.kill()
        assert eventually(lambda: all(gone(pid) for pid in pids))


def test_auto_asks_for_room(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fits(release.store_path, None)  # so small that disk does
    assert not fits(release.store_path, 49_000)
    assert fits(release.store_path, 60_000)
    assert not fits(release.store_path, 10**12)
    asked: list[int | None] = []

    def no_room(_: Path, triples: int | None) -> bool:
        asked.append(triples)
        return False

    monkeypatch.setattr(embedded, "fits", no_room)

    async def run() -> None:
        engine = EmbeddedEngine.from_settings(Settings(data_dir=release.path, workers=3))
        async with await engine.open(release) as session:
            assert session.state().store == "disk"

    asyncio.run(run())
    assert asked == [None]


def test_an_image_that_is_ended_at_once_leaves_no_process(release: Release) -> None:
    async def run(steps: int) -> None:
        serving = asyncio.ensure_future(Image(release.store_path, 512).serve(lambda: None))
        for _ in range(steps):
            await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert workers_of_this_process() == []

    for steps in range(5):
        asyncio.run(run(steps))


def test_a_fork_that_fails_is_one_worker_less_and_not_the_image(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import errno, os, sys
from clusterloom.store import image
fork, calls = os.fork, []
def failing():
    calls.append(1)
    if len(calls) == 2:
        raise OSError(errno.EAGAIN, "no more processes")
    return fork()
os.fork = failing
image.main(sys.argv[1:])
"""

    def spawn_failing(
        module: str, arguments: list[str], passed: list[int], errors: IO[bytes], arenas: int
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments], pass_fds=passed, stderr=errors
        )

    monkeypatch.setattr(image_client, "spawn", spawn_failing)

    async def run() -> None:
        engine = EmbeddedEngine(workers=3, megabytes=512, store="memory")
        async with await engine.open(release) as session:
            await filled(session)
            first = image(session)
            async with asyncio.timeout(10):
                while len(forked(session)) < 2:
                    await asyncio.sleep(0.05)
            assert image(session) == first
            assert not gone(first)
            assert await count(session, ALL) == (str(ROWS + 1), "memory")

    asyncio.run(run())
