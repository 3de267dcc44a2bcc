"""Slots, turns and memory that queries share: nobody keeps look-ups out, nobody takes it all."""

from __future__ import annotations

import asyncio
import time

import pytest

from clusterloom.errors import Busy, ClusterloomError, QueryOutOfMemory, QueryTimeout
from clusterloom.store import budget as rules
from clusterloom.store.budget import Budget, Reason, Slot
from clusterloom.store.embedded import EmbeddedEngine, EmbeddedSession
from clusterloom.store.engine import CSV, JSON, Limits, Query, Result, hold
from clusterloom.store.release import Release
from engine_help import COUNT, CROSS, EX, SORT, busy, make_release, with_session

KILLER = Limits(seconds=30)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("budget"))


class Body:
    """Stands for a worker: the processor time and memory it says it has used."""

    def __init__(self, megabytes: int = 0) -> None:
        self.used = 0.0
        self.mb = megabytes

    def seconds(self) -> float:
        return self.used

    def megabytes(self) -> int:
        return self.mb


class Bench:
    """A budget with queries whose work, age and reading the test decides."""

    def __init__(self, workers: int, megabytes: int = 1000, queue: int = 2) -> None:
        self.budget = Budget(workers, megabytes, queue)
        self.ended: dict[Slot, Reason] = {}

    async def query(self, age: float = 0.0, megabytes: int = 0, expected: str = "short") -> Slot:
        slot = await self.budget.enter(expected, Limits())  # type: ignore[arg-type]
        now = asyncio.get_running_loop().time()

        def end(reason: Reason) -> None:
            self.ended[slot] = reason
            self.budget.leave(slot)

        slot.work(Body(megabytes), end, now - age)
        return slot

    async def tick(self) -> None:
        await asyncio.sleep(rules.TICK * 4)


def test_slots_are_kept_for_the_short() -> None:
    async def run() -> None:
        bench = Bench(4)
        budget = bench.budget
        slow = [await bench.query(expected="slow") for _ in range(2)]
        third = asyncio.ensure_future(bench.query(expected="slow"))
        unknown = await bench.query(expected="unknown")
        fourth = asyncio.ensure_future(bench.query(expected="unknown"))
        short = await bench.query()
        await asyncio.sleep(0)
        assert (budget.busy, budget.waiting) == (4, 2)
        assert not third.done()
        assert not fourth.done()
        budget.leave(unknown)
        budget.leave(unknown)
        await asyncio.wait_for(fourth, 1)
        assert not third.done()
        budget.leave(slow[0])
        await asyncio.wait_for(third, 1)
        budget.leave(short)
        assert (budget.busy, budget.waiting) == (3, 0)

    asyncio.run(run())


def test_queues_are_bounded_each_and_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PATIENCE", 0.2)

    async def run() -> None:
        bench = Bench(4, queue=2)
        held = [await bench.query() for _ in range(4)]
        waiting = [
            asyncio.ensure_future(bench.query(expected=expected))
            for expected in ("short", "unknown", "slow", "slow")
        ]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="full"):
            await bench.query(expected="slow")
        last = asyncio.ensure_future(bench.query())
        await asyncio.sleep(0)
        last.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [Busy] * 4
        assert all(error.extra["retry_after"] for error in results if isinstance(error, Busy))
        for slot in held:
            bench.budget.leave(slot)
        assert (bench.budget.busy, bench.budget.waiting) == (0, 0)

    asyncio.run(run())


def test_the_youngest_that_can_still_be_told_is_ended() -> None:
    async def run() -> None:
        bench = Bench(4)
        oldest, streaming = await bench.query(age=5), await bench.query(age=4)
        streaming.told = True
        await bench.tick()
        assert bench.budget.slow == 2
        assert not bench.ended
        young = await bench.query(age=3.5)
        await bench.tick()
        assert bench.ended == {young: "budget"}
        bench.budget.leave(young)
        # a new one that streams already: the older one that does not is told to come back
        swift = await bench.query(age=2)
        swift.told = True
        await bench.tick()
        assert bench.ended == {young: "budget", oldest: "budget"}
        bench.budget.leave(oldest)
        # all stream: the youngest is cut
        last = await bench.query(age=1.5)
        last.told = True
        await bench.tick()
        assert bench.ended[last] == "budget"
        assert set(bench.ended) == {young, oldest, last}

    asyncio.run(run())


def test_a_reader_that_stalls_goes_first() -> None:
    async def run() -> None:
        bench = Bench(4)
        now = asyncio.get_running_loop().time()
        stalled, reading = await bench.query(age=25), await bench.query(age=25)
        for slot, since in ((stalled, 15), (reading, 5)):
            slot.told = True
            slot.switch(reading=True, now=now - since)
        await bench.tick()
        assert not bench.ended  # as long as no other wants the slot
        await bench.query(age=3.5)
        await bench.tick()
        assert bench.ended == {stalled: "budget"}
        # and when one waits that is known to be slow
        bench.budget.leave(stalled)
        reading.switch(reading=False, now=now)
        reading.switch(reading=True, now=now - 20)
        waiting = asyncio.ensure_future(bench.query(expected="slow"))
        await bench.tick()
        assert bench.ended == {stalled: "budget", reading: "budget"}
        waiting.cancel()
        reading.switch(reading=False, now=now)
        assert reading.paused(now) == pytest.approx(25, abs=0.5)

    asyncio.run(run())


def test_waiting_for_a_processor_is_not_being_slow() -> None:
    async def run() -> None:
        bench = Bench(4)
        slots = [await bench.query(age=0.3) for _ in range(4)]
        await asyncio.sleep(rules.TICK * 2)
        assert bench.budget.slow == 0
        worker = slots[0].worker
        assert isinstance(worker, Body)
        worker.used = 0.3
        await asyncio.sleep(rules.TICK * 2)
        assert slots[0].slow
        assert not slots[1].slow

    asyncio.run(run())


def test_the_sum_of_memory_ends_the_biggest() -> None:
    async def run() -> None:
        bench = Bench(4, megabytes=1000)
        small, big = await bench.query(0.4, 300), await bench.query(0.4, 500)
        await bench.tick()
        assert bench.budget.measured == 800
        assert not bench.ended
        bench.budget.hold("image", lambda: 250)
        await bench.tick()
        assert bench.ended == {big: "memory"}
        bench.budget.leave(big)
        bench.budget.drop("image")
        await bench.tick()
        assert bench.budget.measured == 300
        assert small not in bench.ended
        # what idle workers have kept is given back before a query is ended
        kept = [800]
        bench.budget.hold("idle", lambda: sum(kept), kept.clear)
        await bench.tick()
        assert bench.budget.measured == 300
        assert (kept, list(bench.ended)) == ([], [big])

    asyncio.run(run())


def test_shapes_are_remembered_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "REMEMBERED", 2)
    budget = Budget(4, 1000)
    assert budget.expect("a") == "unknown"
    budget.learn("a", slow=True)
    budget.learn("b", slow=False)
    assert (budget.expect("a"), budget.expect("b")) == ("slow", "short")
    budget.learn("a", slow=False)
    budget.learn("c", slow=True)
    assert [budget.expect(shape) for shape in "abc"] == ["short", "unknown", "slow"]


async def look_up(session: EmbeddedSession, number: int) -> float:
    """Seconds until a look-up is answered, by a worker: it has a LIMIT."""
    began = time.monotonic()
    text = f"SELECT ?n {{ <{EX}s{number}> <{EX}p> ?n }} LIMIT 9"
    answer = await (await session.run(Query(text), Limits(), CSV)).read()
    assert answer.split() == [b"n", str(number).encode()]
    return time.monotonic() - began


async def kill(session: EmbeddedSession, text: str) -> type[BaseException]:
    """How a query that would run for 30 seconds ended."""
    with pytest.raises(ClusterloomError) as caught:
        await (await session.run(Query(text), KILLER, JSON)).read()
    return caught.type


def test_killers_do_not_keep_look_ups_out(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        quiet = sorted([await look_up(session, n) for n in range(20)])[10]
        texts = [COUNT, COUNT.replace("?n", "?m"), COUNT.replace("?a", "?x"), SORT]
        killers = [asyncio.ensure_future(kill(session, texts[n % 4])) for n in range(8)]
        took = []
        for n in range(60):
            took.append(await look_up(session, n))
            assert session.state().slow <= 2
            await asyncio.sleep(0.02)
        assert sum(not killer.done() for killer in killers) >= 2
        assert sorted(took)[30] < max(0.25, 20 * quiet)
        assert {k.result() for k in killers if k.done()} <= {Busy, QueryOutOfMemory}
        assert session.state().killed["budget"] >= 1
        for killer in killers:
            killer.cancel()
        await asyncio.gather(*killers, return_exceptions=True)
        assert session.state().busy == 0

    with_session(release, test, workers=4)


def test_streaming_answers_leave_two_slots(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        async def stream(text: str) -> Result:
            result = await session.run(Query(text), KILLER, CSV)
            await hold(result, seconds=None)
            return result

        results = [await stream(CROSS), await stream(CROSS.replace("?a", "?x"))]
        await asyncio.sleep(1.2)
        assert session.state().slow == 2
        with pytest.raises(Busy):  # the one that can be told so
            await session.run(Query(COUNT), KILLER, JSON)
        assert await look_up(session, 7) < 5
        for result in results:
            assert await anext(result.chunks)
            await result.aclose()

    with_session(release, test, workers=4)


def test_memory_in_sum_ends_a_real_query(release: Release) -> None:
    async def run() -> None:
        engine = EmbeddedEngine(workers=4, megabytes=4000, memory=400)
        async with await engine.open(release) as session:
            with pytest.raises(QueryOutOfMemory, match="together"):
                await (await session.run(Query(SORT), KILLER, CSV)).read()
            assert session.state().killed == {"memory": 1}
            assert await look_up(session, 7) < 5

    asyncio.run(run())


def test_sessions_share_the_budget_and_close_alone(release: Release) -> None:
    async def run() -> None:
        engine = EmbeddedEngine(workers=2, megabytes=512, queue=0)
        first, second = await engine.open(release), await engine.open(release, pinned=True)
        running = [
            asyncio.ensure_future(s.run(Query(COUNT), KILLER, JSON)) for s in (first, second)
        ]
        await busy(first)
        await busy(second)
        assert first.state().busy == second.state().busy == 2
        with pytest.raises(Busy):
            await look_up(second, 7)
        await first.aclose()
        with pytest.raises(Busy, match="shutting down"):
            await running[0]
        assert await look_up(second, 7) < 5
        assert not running[1].done()
        await second.aclose()
        with pytest.raises(Busy):
            await running[1]

    asyncio.run(run())


def test_what_costs_much_is_remembered_as_slow(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        with pytest.raises(QueryTimeout):
            await session.run(Query(COUNT), Limits(seconds=0.2), JSON)
        assert list(session.budget._shapes.values()) == ["slow"]
        assert await look_up(session, 7) < 5
        assert list(session.budget._shapes.values()) == ["slow", "short"]

    with_session(release, test)


@pytest.mark.parametrize("limits", [Limits(), Limits(pause=0.3)])
def test_a_slot_is_free_once_its_query_is_ended_whoever_reads(
    release: Release, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    if limits.pause > 1:
        monkeypatch.setattr(rules, "STALLED", 0.2)

    async def test(session: EmbeddedSession) -> None:
        # their clients read no more: whoever sends them the answers is stuck
        results = [await session.run(Query(CROSS), limits, CSV) for _ in range(2)]
        for result in results:
            await hold(result, seconds=None)
        async with asyncio.timeout(3):
            assert await look_up(session, 7) < 3
        assert sum(session.state().killed.values()) >= 1
        ended = [result for result in results if result.chunks not in session._answers]
        for result in ended:
            with pytest.raises(ClusterloomError):
                async for _ in result.chunks:
                    pass
        for result in results:
            await result.aclose()
        with pytest.raises(ClusterloomError):  # never a clean end of what was cut
            await anext(results[0].chunks)
        assert session.state().busy == 0

    with_session(release, test, workers=2)


def test_an_answer_that_was_sent_before_its_end_is_whole_and_its_worker_not_used_again(
    release: Release,
) -> None:
    async def test(session: EmbeddedSession) -> None:
        text = "SELECT * { ?s ?p ?o } ORDER BY ?o"
        result = await session.run(Query(text), Limits(), CSV)
        worker = session.pool.busy[0] if session.pool.busy else None
        if worker is not None:  # else it came at once
            await asyncio.sleep(0.2)
            next(iter(session._answers)).kill("budget")
            assert worker not in session.pool._idle
        assert (await result.read()).count(b"\r\n") == 3002
        assert await look_up(session, 7) < 5
        assert "lost" not in session.state().killed

    with_session(release, test)
