"""The cache of answers, work done once for many, and both as `/sparql` uses them."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest
from starlette.types import Message

from clusterloom.api.answer_cache import AnswerCache, Flights, Stored
from clusterloom.api.stream import ClientGone
from clusterloom.errors import QueryTimeout
from engine_help import COUNT, EX, Served, eventually
from sparql_help import DIRECT, SEVEN, get, problem, sparql_server

HIT = "x-clusterloom-cache"


def stored(size: int) -> Stored:
    return Stored((), b"x" * size, '"t"')


def test_the_least_lately_used_go_first() -> None:
    cache = AnswerCache(1)
    for name in "abcdefghijk":
        cache.put(name, stored(100_000))
        assert cache.size <= 1 << 20
        cache.get("a")
    assert cache.get("a") is not None
    assert cache.get("b") is None
    assert cache.get("k") is not None
    assert len(cache) == 10


def test_what_is_large_or_not_wanted_is_not_kept() -> None:
    cache = AnswerCache(1)
    cache.put("large", stored(200_000))
    AnswerCache(0).put("none", stored(0))
    assert len(cache) == len(AnswerCache(0)) == cache.size == 0


def test_an_entry_replaced_or_dropped_leaves_nothing_behind() -> None:
    cache = AnswerCache(1)
    for _ in range(3):
        cache.put("a", stored(1000))
    size = cache.size
    for number in range(100):
        cache.alias(f"spelling {number}", "a", 1000)
    assert size + 5000 < cache.size < size + 10_000
    cache.alias("too long", "a", 20_000)
    assert cache.get_alias("too long") is None
    assert cache.get_alias("spelling 99") is not None
    assert cache.get_alias("spelling 0") is None
    assert len(cache._keys) < 10
    cache.alias("spelling", "unknown")
    assert cache.get_alias("spelling") is None
    for number in range(30):
        cache.put(number, stored(100_000))
    assert cache.get("a") is None
    assert cache.get_alias("spelling 99") is None
    assert cache._keys == {}
    cache.clear()
    assert cache.size == 0
    assert size < 4000


class Client:
    """A client that stays until it is told to leave."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that ends when it is told to; counts how often it began and was cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = self.cancelled = 0
        self.done = asyncio.Event()
        self.error = error

    async def __call__(self) -> str:
        self.begun += 1
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return "answer"


def crowd(
    flights: Flights[str], work: Work, clients: list[Client], shareable: bool = True
) -> list[asyncio.Task[str]]:
    """Every client asks for the same work, in order."""
    return [
        asyncio.ensure_future(flights.share("k", c.receive, work, lambda _: shareable))
        for c in clients
    ]


async def outcomes(tasks: list[asyncio.Task[str]]) -> list[str | BaseException]:
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_work_wanted_by_many_is_done_once() -> None:
    async def run() -> None:
        flights, work, clients = Flights[str](), Work(), [Client() for _ in range(5)]
        tasks = crowd(flights, work, clients)
        await asyncio.sleep(0.05)
        work.done.set()
        assert await outcomes(tasks) == ["answer"] * 5
        assert work.begun == 1
        assert flights._flights == {}

    asyncio.run(run())


def test_a_failure_is_shared_as_errors_of_their_own() -> None:
    async def run() -> None:
        flights, work = Flights[str](), Work(QueryTimeout("too long", seconds=3))
        tasks = crowd(flights, work, [Client() for _ in range(3)])
        await asyncio.sleep(0.05)
        work.done.set()
        errors = await outcomes(tasks)
        assert all(isinstance(e, QueryTimeout) and e.extra == {"seconds": 3} for e in errors)
        assert len({id(error) for error in errors}) == 3
        assert work.begun == 1

    asyncio.run(run())


def test_what_cannot_be_shared_is_made_for_each() -> None:
    async def run() -> None:
        flights, work = Flights[str](), Work()
        tasks = crowd(flights, work, [Client() for _ in range(3)], shareable=False)
        await asyncio.sleep(0.05)
        work.done.set()
        assert await outcomes(tasks) == ["answer"] * 3
        assert work.begun == 3

    asyncio.run(run())


def test_the_first_client_may_leave_and_the_others_are_served() -> None:
    async def run() -> None:
        flights, work, clients = Flights[str](), Work(), [Client() for _ in range(3)]
        tasks = crowd(flights, work, clients)
        await asyncio.sleep(0.05)
        clients[0].left.set()
        clients[1].left.set()
        await asyncio.sleep(0.05)
        assert work.cancelled == 0
        work.done.set()
        answers = await outcomes(tasks)
        assert answers[2] == "answer"
        assert isinstance(answers[1], ClientGone)
        assert work.begun == 1

    asyncio.run(run())


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_when_all_have_left_the_work_ends(order: tuple[int, ...]) -> None:
    async def run() -> None:
        flights, work, clients = Flights[str](), Work(), [Client() for _ in range(3)]
        tasks = crowd(flights, work, clients)
        await asyncio.sleep(0.05)
        for number in order:
            assert work.cancelled == 0
            clients[number].left.set()
            await asyncio.sleep(0.05)
        assert work.cancelled == 1
        assert all(isinstance(outcome, ClientGone) for outcome in await outcomes(tasks))
        assert flights._flights == {}

    asyncio.run(run())


def test_a_leader_that_is_ended_from_outside_leaves_the_work_to_the_others() -> None:
    async def run() -> None:
        flights, work = Flights[str](), Work()
        tasks = crowd(flights, work, [Client(), Client()])
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        await asyncio.sleep(0.05)
        work.done.set()
        answers = await outcomes(tasks)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1] == "answer"
        assert work.begun == 2

    asyncio.run(run())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with sparql_server(tmp_path_factory) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


def test_a_repeated_query_needs_no_worker(client: httpx.Client, server: Served) -> None:
    query = f"{SEVEN} LIMIT 71"
    first = get(client, query)
    assert HIT not in first.headers
    begun = server.session
    assert begun is not None
    again = [
        get(client, query),
        get(client, query.replace(" ", "\n")),
        client.post("/sparql", data={"query": query}),
        client.post("/sparql", content=query.encode(), headers=DIRECT),
        client.request("QUERY", "/sparql", content=query.encode(), headers=DIRECT),
        client.head("/sparql", params={"query": query}),
    ]
    for answer in again:
        assert answer.headers[HIT] == "hit"
        assert answer.headers["etag"] == first.headers["etag"]
        assert answer.headers["content-length"] == first.headers["content-length"]
        assert answer.content == (b"" if answer is again[-1] else first.content)


@pytest.mark.parametrize(
    "other",
    [
        {"accept": "text/csv"},
        {"max_rows": "1"},
        {"named-graph-uri": EX + "two"},
        {"default-graph-uri": EX + "two"},
        {"format": "xml"},
    ],
)
def test_another_request_is_another_entry(client: httpx.Client, other: dict[str, str]) -> None:
    query = f"{SEVEN} LIMIT 72"
    get(client, query)
    assert HIT not in get(client, query, **other).headers
    assert get(client, query, **other).headers[HIT] == "hit"


def test_another_host_is_another_entry(client: httpx.Client) -> None:
    def subject(host: str) -> str:
        query = "SELECT (<x> AS ?x) {}"
        answer = client.get("/sparql", params={"query": query}, headers={"Host": host})
        return str(answer.json()["results"]["bindings"][0]["x"]["value"])

    assert [subject(h) for h in ("a.org", "b.org", "a.org")] == [
        "http://a.org/x", "http://b.org/x", "http://a.org/x"
    ]  # fmt: skip


def test_each_coding_has_its_entry(client: httpx.Client) -> None:
    query = f"SELECT * {{ ?s <{EX}p> ?n FILTER(?n < 100) }}"

    def ask(coding: str) -> tuple[str, bytes, str | None]:
        headers = {"Accept-Encoding": coding}
        with client.stream("GET", "/sparql", params={"query": query}, headers=headers) as answer:
            body = b"".join(answer.iter_raw())
            return answer.headers["etag"], body, answer.headers.get(HIT)

    plain, packed = ask("identity"), ask("gzip")
    assert plain[2] is packed[2] is None
    assert gzip.decompress(packed[1]) == plain[1]
    assert ask("gzip") == (packed[0], packed[1], "hit")
    assert ask("identity") == (plain[0], plain[1], "hit")
    assert packed[0] == plain[0][:-1] + '-gzip"'


@pytest.mark.parametrize("name", ["Cache-Control", "Pragma"])
def test_a_client_may_want_it_fresh(client: httpx.Client, name: str) -> None:
    params = {"query": f"{SEVEN} LIMIT 73"}
    client.get("/sparql", params=params)
    fresh = client.get("/sparql", params=params, headers={name: "no-cache"})
    assert fresh.status_code == 200
    assert HIT not in fresh.headers


@pytest.mark.parametrize(
    "query",
    ["SELECT (RAND() AS ?x) {}", "SELECT (NOW() AS ?x) {}", "CONSTRUCT { [] <e:p> 1 } {}"],
)
def test_what_changes_each_time_is_never_kept(client: httpx.Client, query: str) -> None:
    answers = [get(client, query) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 3
    for answer in answers:
        assert HIT not in answer.headers
        assert "etag" not in answer.headers


def test_failures_and_long_answers_are_not_kept(client: httpx.Client) -> None:
    for _ in range(2):
        assert HIT not in problem_of(get(client, "SELECT * { broken"))
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 20000"
    for _ in range(2):
        answer = get(client, query, "text/csv")
        assert HIT not in answer.headers
        assert len(answer.content) > 500_000


def problem_of(answer: httpx.Response) -> httpx.Headers:
    problem(answer, 400, "sparql-syntax")
    return answer.headers


def test_a_cached_answer_is_304_to_who_has_it(client: httpx.Client) -> None:
    params = {"query": f"{SEVEN} LIMIT 74"}
    tag = client.get("/sparql", params=params).headers["etag"]
    for sent in (tag, f"W/{tag}", "*"):
        again = client.get("/sparql", params=params, headers={"If-None-Match": sent})
        assert again.status_code == 304
        assert again.headers["etag"] == tag
        assert again.content == b""


def test_the_same_query_at_once_takes_one_worker(client: httpx.Client, server: Served) -> None:
    def ask(_: int) -> int:
        return get(client, COUNT + " LIMIT 75").status_code

    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(ask, range(6))
        assert eventually(lambda: server.busy() == 1, 1)
        time.sleep(0.5)
        assert server.busy() == 1
        assert set(answers) == {504}


def test_a_shared_query_outlives_the_client_that_asked_first(server: Served) -> None:

    def ask() -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/sparql?" + urlencode({"query": COUNT + " LIMIT 76"}))
        return connection

    first, second = ask(), None
    try:
        assert eventually(lambda: server.busy() == 1, 1)
        second = ask()
        time.sleep(0.2)
        first.close()
        time.sleep(0.2)
        assert server.busy() == 1
        assert second.getresponse().status == 504  # its own answer, and at its time
        assert eventually(lambda: server.busy() == 0, 1)
        third = ask()
        assert eventually(lambda: server.busy() == 1, 1)
        third.close()
        assert eventually(lambda: server.busy() == 0, 1)
    finally:
        first.close()
        if second is not None:
            second.close()
