"""How the workers of the embedded engine begin and end: alone, without network."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusterloom.errors import (
    Busy,
    ClusterloomError,
)
from clusterloom.store.embedded import EmbeddedEngine, EmbeddedSession
from clusterloom.store.engine import CSV, Limits, Query
from clusterloom.store.release import Release
from engine_help import (
    COUNT,
    eventually,
    gone,
    make_release,
    with_session,
)
from engine_help import workers_of_this_process as workers


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("engine"))


def test_workers_without_network(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        if not session.isolated:
            pytest.skip("this system lets no process give up its network")
        for pid in workers():
            ours, theirs = (os.readlink(f"/proc/{p}/ns/net") for p in ("self", pid))
            assert ours != theirs

    with_session(release, test)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    async def run() -> None:
        missing = Release("0" * 16, tmp_path)
        await EmbeddedEngine(workers=2, megabytes=512).open(missing)

    with pytest.raises(ClusterloomError, match="did not start"):
        asyncio.run(run())
    assert workers() == []


def test_grace_lets_running_queries_finish(release: Release) -> None:
    async def run() -> None:
        session = await EmbeddedEngine(workers=2, megabytes=512).open(release)
        text = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 20000"
        result = await session.run(Query(text), Limits(), CSV)
        closing = asyncio.ensure_future(session.aclose(grace=5))
        await asyncio.sleep(0.05)
        assert not closing.done()
        assert (await result.read()).count(b"\r\n") == 20001
        await closing
        with pytest.raises(Busy):
            await session.run(Query("ASK {}"), Limits(), CSV)

    asyncio.run(run())
    assert workers() == []


def test_workers_die_with_their_parent(release: Release) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.engine import Limits, Query
from clusterloom.store.release import Release
async def main():
    session = await EmbeddedEngine(3, 512).open(Release("0", Path(sys.argv[1])))
    task = asyncio.ensure_future(session.run(Query(sys.argv[2]), Limits(), "text/csv"))
    while not session.pool.busy:
        await asyncio.sleep(0.05)
    print(*[w.pid for w in session.pool.busy], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, str(release.path), COUNT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        process.kill()
        assert eventually(lambda: gone(pid))
