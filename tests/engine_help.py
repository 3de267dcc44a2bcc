"""A small release and a real server on an ephemeral port, for the tests of engine and protocol."""

from __future__ import annotations

import asyncio
import csv
import io
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pyoxigraph as ox
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response

from clusterloom.api.problems import install
from clusterloom.api.server import config
from clusterloom.api.sparql import SparqlEndpoint, sparql_router
from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine, EmbeddedSession
from clusterloom.store.engine import CSV, Limits, Query
from clusterloom.store.release import Release

EX = "http://example.org/"
ROWS = 3000
CROSS = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
SORT = "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?c DESC(?a)"


def node(name: str) -> ox.NamedNode:
    return ox.NamedNode(EX + name)


def make_release(folder: Path, rows: int = ROWS) -> Release:
    """`rows` numbered things in graph one; graph two repeats the first and adds one of its own."""
    path = folder / "00000000000000ee"
    path.mkdir()
    store = ox.Store(str(path / "oxigraph"))
    triples = [(node(f"s{i}"), node("p"), ox.Literal(i)) for i in range(rows)]
    odd = (node("odd"), node("name"), ox.Literal('tab\t quote" line\n é', language="en"))
    quads = [ox.Quad(*t, node("one")) for t in triples]
    quads += [ox.Quad(*t, node("two")) for t in (triples[0], odd)]
    quads += [ox.Quad(*t, ox.DefaultGraph()) for t in (*triples, odd)]
    store.bulk_extend(quads)
    store.flush()
    return Release(path.name, path)


async def rows(session: EmbeddedSession, text: str, **query: object) -> list[list[str]]:
    """The rows of a SELECT as CSV cells, its header first."""
    result = await session.run(Query(text, **query), Limits(), CSV)  # type: ignore[arg-type]
    return list(csv.reader(io.StringIO((await result.read()).decode("utf-8"))))


def with_session(
    release: Release,
    test: Callable[[EmbeddedSession], Awaitable[None]],
    workers: int = 3,
    megabytes: int = 512,
    queue: int | None = None,
) -> None:
    """Runs an async test over a session of its own; no worker may outlive it."""

    async def run() -> None:
        engine = EmbeddedEngine(workers=workers, megabytes=megabytes, queue=queue)
        async with await engine.open(release) as session:
            await test(session)

    asyncio.run(run())
    assert workers_of_this_process() == []


def workers_of_this_process() -> list[int]:
    """Process ids of living query workers that this process is the parent of."""
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        found += [int(pid) for pid in children.read_text("ascii").split()]
    return [
        pid
        for pid in found
        if (line := Path(f"/proc/{pid}/cmdline")).exists()
        and b"clusterloom.store." in line.read_bytes()
    ]


async def busy(session: EmbeddedSession, seconds: float = 0.0) -> int:
    """The process id of the worker at work, once there is one and it has worked that long."""
    async with asyncio.timeout(20):
        while not (workers := [answer.worker for answer in session._answers]):
            await asyncio.sleep(0.01)
    await asyncio.sleep(seconds)
    return workers[0].pid


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return True


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


class Served:
    """A running server: its address and the session behind it."""

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.port = port
        self.session: EmbeddedSession | None = None

    def busy(self) -> int:
        """How many workers are at work."""
        assert self.session is not None
        return len(self.session.pool.busy)


@contextmanager
def served(release: Release, settings: Settings, page: bool = False) -> Iterator[Served]:
    """The router and the problem handlers in a small app, served by uvicorn on loopback."""
    alone = workers_of_this_process() == []
    # with the protocol named, asyncio switches Nagle's delay off
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    running = Served(f"http://127.0.0.1:{port}", port)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with await EmbeddedEngine.from_settings(settings).open(release) as session:
            running.session = session
            yield

    def session() -> EmbeddedSession:
        assert running.session is not None
        return running.session

    def render(request: Request, query: str) -> Response:
        return HTMLResponse(f"<pre>{query}</pre>")

    app = FastAPI(lifespan=lifespan)
    app.include_router(sparql_router(SparqlEndpoint(session, settings, render if page else None)))
    install(app)

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("secret")

    @app.get("/number")
    def number(n: int) -> int:
        return n

    options = {"log_level": "critical", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(config(app, settings, **options))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        assert eventually(lambda: server.started, 20)
        yield running
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
    assert not thread.is_alive()
    assert not alone or eventually(lambda: workers_of_this_process() == [])
