"""The embedded engine on a real store: answers, limits, kills, and nothing left behind."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import time
from pathlib import Path

import pytest

from clusterloom.errors import (
    Busy,
    ClusterloomError,
    QueryOutOfMemory,
    QueryRefused,
    QueryTimeout,
)
from clusterloom.store.embedded import EmbeddedEngine, EmbeddedSession
from clusterloom.store.engine import CSV, GRAPH_TYPES, JSON, Limits, Query, hold
from clusterloom.store.release import Release
from engine_help import (
    COUNT,
    CROSS,
    EX,
    ROWS,
    SORT,
    busy,
    make_release,
    rows,
    with_session,
)
from engine_help import workers_of_this_process as workers

ONE, TWO = EX + "one", EX + "two"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("engine"))


def test_answers_and_their_heads(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        assert session.release is release
        result = await session.run(Query(f"SELECT ?n {{ <{EX}s7> ?p ?n }}"), Limits(), JSON)
        assert (result.kind, result.variables, result.truncated) == ("bindings", ("n",), None)
        assert json.loads(await result.read())["results"]["bindings"][0]["n"]["value"] == "7"
        result = await session.run(Query("ASK { ?s ?p 7 }"), Limits(), JSON)
        assert result.kind == "boolean"
        assert json.loads(await result.read())["boolean"] is True
        result = await session.run(Query(f"DESCRIBE <{EX}s7>"), Limits(), GRAPH_TYPES["nt"])
        assert result.kind == "graph"
        assert (await result.read()).count(b"\n") == 1

    with_session(release, test)


def test_select_star_keeps_the_order_of_appearance(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        for text, header in [
            ("SELECT * { ?z ?y 7 }", ["z", "y"]),
            ("SELECT DISTINCT * { ?z ?y 7 . OPTIONAL { ?z ?a ?m } } ORDER BY ?m", list("zyam")),
            ("SELECT * { ?z ?y 7 FILTER NOT EXISTS { ?z ?b 8 } BIND(1 AS ?a) }", ["z", "y", "a"]),
            ("SELECT * { { SELECT ?z (1 AS ?a) { ?z ?hidden 7 } } }", ["z", "a"]),
            ("SELECT ?b ?a { ?b ?a 7 }", ["b", "a"]),
            ("SELECT * {}", []),
        ]:
            got = await rows(session, text)
            assert got[0] == header
            assert len(got) == 2

    with_session(release, test)


def test_datasets_are_unions_without_duplicates(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        count = "SELECT (COUNT(*) AS ?n) {0} {{ ?s ?p ?o }}"
        named = "SELECT (COUNT(*) AS ?n) {0} {{ GRAPH ?g {{ ?s ?p ?o }} }}"
        both: dict[str, tuple[str, ...]] = {"default_graphs": (ONE, TWO)}
        cases: list[tuple[str, dict[str, tuple[str, ...]], int]] = [
            (count.format(""), {}, ROWS + 1),
            (named.format(""), {}, ROWS + 2),
            (count.format(""), both, ROWS + 1),
            (count.format(""), {"default_graphs": (ONE, ONE)}, ROWS),
            (count.format(f"FROM <{ONE}> FROM <{TWO}>"), {}, ROWS + 1),
            (named.format(f"FROM <{ONE}> FROM <{TWO}> FROM NAMED <{TWO}>"), {}, 2),
            (named.format(""), both, 0),
            (named.format(""), {**both, "named_graphs": (TWO,)}, 2),
            (named.format(""), {"named_graphs": (TWO,)}, 2),
            (count.format(""), {"named_graphs": (TWO,)}, 0),
            (count.format(f"FROM <{ONE}>"), {"default_graphs": (TWO,)}, 2),
            (count.format(""), {"default_graphs": (EX + "none",)}, 0),
        ]
        for text, dataset, expected in cases:
            assert (await rows(session, text, **dataset))[1] == [str(expected)], (text, dataset)
        with pytest.raises(QueryRefused, match="absolute"):
            await rows(session, "ASK {}", default_graphs=("no iri",))

    with_session(release, test)


def test_rows_are_cut_only_when_asked_and_told(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        text = "SELECT * { ?s ?p ?o } ORDER BY ?o"
        whole = await rows(session, text)
        assert len(whole) == ROWS + 2
        for limit, truncated in [(1, 1), (ROWS, ROWS), (ROWS + 1, None), (ROWS + 5, None)]:
            result = await session.run(Query(text), Limits(rows=limit), CSV)
            assert result.truncated == truncated
            cells = list(csv.reader(io.StringIO((await result.read()).decode("utf-8"))))
            assert cells == whole[: limit + 1]
        result = await session.run(Query(text), Limits(rows=2), JSON)
        answer = json.loads(await result.read())
        assert answer["head"] == {"truncated": 2, "vars": ["s", "p", "o"]}
        assert len(answer["results"]["bindings"]) == 2
        construct = Query("CONSTRUCT WHERE { ?s ?p ?o }")
        result = await session.run(construct, Limits(rows=3), GRAPH_TYPES["nt"])
        assert result.truncated == 3
        assert (await result.read()).count(b"\n") == 3

    with_session(release, test)


@pytest.mark.parametrize("text", [CROSS, COUNT, SORT])
def test_a_deadline_ends_any_query_in_time(release: Release, text: str) -> None:
    async def test(session: EmbeddedSession) -> None:
        # far more memory than a sort can fill until the deadline
        limits = Limits(seconds=0.7, megabytes=8000)
        began = time.monotonic()
        with pytest.raises(QueryTimeout) as caught:
            await (await session.run(Query(text), limits, CSV)).read()
        assert time.monotonic() - began < 0.7 + 0.5
        assert caught.value.status == 504
        assert await rows(session, "ASK {}") == [["true"]]

    with_session(release, test, megabytes=8000)


def test_memory_is_capped(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        for limits in (Limits(megabytes=250), Limits(seconds=20)):
            with pytest.raises(QueryOutOfMemory) as caught:
                await (await session.run(Query(SORT), limits, CSV)).read()
            assert caught.value.status == 507
        assert await rows(session, "ASK {}") == [["true"]]

    with_session(release, test, megabytes=400)


def test_a_crash_is_one_refused_query_and_the_next_is_answered(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        for pid in workers():  # idle ones that die are noticed before they get a query
            os.kill(pid, signal.SIGKILL)
        assert await rows(session, "ASK {}") == [["true"]]
        running = asyncio.ensure_future(session.run(Query(COUNT), Limits(), JSON))
        os.kill(await busy(session, 0.4), signal.SIGTERM)
        with pytest.raises(ClusterloomError, match="retried"):
            await running
        assert await rows(session, "ASK {}") == [["true"]]

    with_session(release, test)


def test_a_kill_from_outside_is_not_the_query_s_fault(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        running = asyncio.ensure_future(session.run(Query(COUNT), Limits(), JSON))
        os.kill(await busy(session, 0.4), signal.SIGKILL)
        with pytest.raises(Busy, match="retried") as caught:
            await running
        assert caught.value.extra["retry_after"]
        result = await session.run(Query(CROSS), Limits(), CSV)
        await hold(result)
        os.kill(session.pool.busy[0].pid, signal.SIGKILL)
        with pytest.raises(Busy):
            async for _ in result.chunks:
                pass
        assert session.state().killed == {"lost": 2}
        # a short query is given to another worker, and its client sees nothing of it
        running = asyncio.ensure_future(session.run(Query("ASK { ?s ?p 7 }"), Limits(), JSON))
        await asyncio.sleep(0)
        while not session.pool.busy:
            await asyncio.sleep(0)
        os.kill(session.pool.busy[0].pid, signal.SIGKILL)
        assert json.loads(await (await running).read())["boolean"] is True

    with_session(release, test)


CHAINS = {
    "triple patterns": "ASK {" + "?s ?p ?o ." * 9_900 + "}",
    "||": "ASK { FILTER(" + "||".join(["?x"] * 9_900) + ") }",
    "/": "ASK { ?s " + "/".join(["<p:>"] * 9_900) + " ?o }",
    "UNION": "ASK {" + "UNION".join(["{?s ?p ?o}"] * 9_900) + "}",
    "BIND": "ASK {" + "".join(f"BIND(1 AS ?v{i})" for i in range(9_900)) + "}",
    "OPTIONAL": "ASK {" + "OPTIONAL{?s ?p ?o}" * 9_900 + "}",
}


def test_long_chains_do_not_overflow_the_stack(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        async def ask(name: str) -> str:
            try:
                await session.run(Query(CHAINS[name]), Limits(seconds=0.3), JSON)
            except QueryTimeout:  # the library takes square time for some of them
                pass
            except ClusterloomError as error:
                return f"{name}: {error}"
            return ""

        assert [said for name in CHAINS if (said := await ask(name))] == []
        assert "lost" not in session.state().killed
        # what still is too much, is refused
        with pytest.raises(QueryRefused, match="stack"):
            await session.run(Query("ASK { ?s ?p (" + "1 " * 120_000 + ") }"), Limits(), JSON)
        assert await rows(session, "ASK {}") == [["true"]]

    with_session(release, test, workers=2, megabytes=1024)


@pytest.mark.parametrize("store", ["disk", "memory"])
def test_ten_million_rows_pass_in_flat_memory(release: Release, store: str) -> None:
    def resident(pid: int) -> int:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4 // 1024

    async def run() -> None:
        engine = EmbeddedEngine(workers=3, megabytes=512, store=store)
        async with await engine.open(release) as session:
            async with asyncio.timeout(30):
                while session.state().store == "loading":
                    await asyncio.sleep(0.05)
            wanted = 10_000_000 if store == "memory" else 1_000_000
            text = f"SELECT ?c {{ ?a ?b ?c . ?d <{EX}p> ?f . ?g ?h ?i }} LIMIT {wanted}"
            result = await session.run(Query(text), Limits(seconds=100), CSV)
            assert result.variant == store
            before, most, lines = resident(os.getpid()), 0, 0
            pool = session.pool if session._memory is None else session._memory.pool
            assert pool is not None
            worker = pool.busy[0]
            at_first = resident(worker.pid)
            async for chunk in result.chunks:
                lines += chunk.count(b"\n")
                if worker in pool.busy:
                    most = max(most, resident(worker.pid))
            assert lines >= wanted + 1
            assert resident(os.getpid()) - before < 30
            assert most - at_first < 30

    asyncio.run(run())


def test_many_kills_in_a_row(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        async def killed() -> None:
            with pytest.raises(QueryTimeout):
                await (await session.run(Query(COUNT), Limits(seconds=0.02), CSV)).read()

        for _ in range(10):
            await asyncio.gather(*[killed() for _ in range(4)])
        assert await rows(session, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == [
            ["n"],
            [str(ROWS + 1)],
        ]
        assert len(workers()) <= session.budget.workers + session.pool.spares

    with_session(release, test, workers=4)


def test_closing_or_cancelling_ends_the_query(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        result = await session.run(Query(CROSS), Limits(), CSV)
        pid = session.pool.busy[0].pid
        held = await hold(result)
        assert not held.ended
        assert sum(map(len, held.chunks)) >= 256 * 1024
        await result.aclose()
        await result.aclose()
        assert not session.pool.busy
        sorting = asyncio.ensure_future(session.run(Query(SORT), Limits(rows=5), CSV))
        await busy(session)
        sorting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sorting
        assert not session.pool.busy
        await asyncio.sleep(0.1)
        assert not Path(f"/proc/{pid}").exists()

    with_session(release, test)


def test_hold_returns_after_a_second_of_output(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        result = await session.run(Query(CROSS), Limits(), CSV)
        began = time.monotonic()
        held = await hold(result, size=10**9, seconds=0.3)
        assert time.monotonic() - began < 2
        assert held.chunks
        assert not held.ended
        more = asyncio.ensure_future(anext(result.chunks))
        await asyncio.sleep(0.05)
        more.cancel()
        assert len(await anext(result.chunks)) > 0  # a cancelled wait has lost nothing
        await result.aclose()
        small = await hold(await session.run(Query("ASK {}"), Limits(), CSV))
        assert small.ended
        assert small.chunks == [b"true"]

    with_session(release, test)


def test_a_slow_reader_stops_the_worker_and_not_the_clock_of_others(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        result = await session.run(Query(CROSS), Limits(seconds=1, pause=2), CSV)
        await anext(result.chunks)
        await asyncio.sleep(1.2)  # longer than the deadline: a pause does not count as work
        await anext(result.chunks)
        await asyncio.sleep(1.2)
        with pytest.raises(QueryTimeout, match="not read"):
            async for _ in result.chunks:
                pass

    with_session(release, test)


def test_a_full_queue_says_when_to_come_back(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        running = [await session.run(Query(CROSS), Limits(), CSV) for _ in range(2)]
        waiting = asyncio.ensure_future(session.run(Query("ASK {}"), Limits(), CSV))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy) as caught:
            await session.run(Query("ASK {}"), Limits(), CSV)
        assert caught.value.status == 503
        assert caught.value.extra["retry_after"] == 1
        await running[0].aclose()
        assert await (await waiting).read() == b"true"
        await running[1].aclose()

    with_session(release, test, workers=2, queue=1)


def test_columns(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        columns = await session.columns("SELECT ?s ?o ?u { ?s ?p ?o } ORDER BY ?o")
        assert list(columns) == ["s", "o", "u"]
        assert columns["o"][:3] == ["0", "1", "2"]
        assert columns["s"][0] == f"<{EX}s0>"
        assert set(columns["u"]) == {""}
        assert len(columns["s"]) == ROWS + 1
        assert await session.columns("SELECT ?s { ?s a ?s }") == {"s": []}

    with_session(release, test)
