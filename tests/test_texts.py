"""Long texts are read beside the event loop, which goes on meanwhile, and not without bound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from clusterloom.errors import Busy, QuerySyntaxError
from clusterloom.store import syntax, texts
from clusterloom.store.guard import examine, inspect
from clusterloom.store.once import Once
from clusterloom.store.texts import beside


def lag(work: Callable[[], Any]) -> float:
    """The longest time for which the event loop stood still while the work was done."""

    async def run() -> float:
        task = asyncio.ensure_future(work())
        longest = 0.0
        while not task.done():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)
        await asyncio.gather(task, return_exceptions=True)
        return longest

    return asyncio.run(run())


@pytest.mark.alone
def test_a_long_query_is_read_while_others_are_answered() -> None:
    query = "SELECT * { VALUES ?x {" + " 1" * 100_000 + "} }"
    began = time.perf_counter()
    inspect(query + " ")
    alone = time.perf_counter() - began

    async def work() -> None:
        await examine(query)

    assert lag(work) < max(0.05, 0.7 * alone)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "QUEUE", 3)

    async def run() -> list[Any]:
        jobs = [beside(lambda: time.sleep(0.05)) for _ in range(5)]
        first = await asyncio.gather(*jobs, return_exceptions=True)
        return [*first, await beside(lambda: "again")]

    found = asyncio.run(run())
    assert found[:3] == [None] * 3
    assert found[5] == "again"
    assert all(isinstance(error, Busy) for error in found[3:5])


@pytest.mark.alone
def test_an_error_at_the_end_of_a_very_long_query_is_told_at_once() -> None:
    query = "SELECT * {\n" + "?a ?b ?c . " * 20_000 + "}}"
    told: list[QuerySyntaxError] = []

    async def work() -> None:
        told.append(await syntax.explained(query, f'error at 2:{len(query) - 11}: expected "}}"'))

    began = time.perf_counter()
    assert lag(work) < 0.05
    assert time.perf_counter() - began < 0.2
    assert told[0].extra["line"] == 2
    assert told[0].extra["column"] == len(query) - 11
    assert "50000 characters" in str(told[0].extra["hint"])


class Sum:
    made = 0

    @Once
    def total(self) -> int:
        """The total."""
        self.made += 1
        return 7


def test_once() -> None:
    one = Sum()
    assert (one.total, one.total, one.made) == (7, 7, 1)
    assert Sum.__dict__["total"].__doc__ == "The total."
