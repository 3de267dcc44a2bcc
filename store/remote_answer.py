"""One answer of a SPARQL endpoint: its clocks, its bytes, and what its errors mean to a client."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import Executor

import httpx

from clusterloom.errors import (
    ClusterloomError,
    EngineDown,
    EngineFailed,
    QueryOutOfMemory,
    QueryRefused,
    QueryTimeout,
)
from clusterloom.store.convert import Conversion, Head, Wanted
from clusterloom.store.engine import Limits

log = logging.getLogger(__name__)

RETRY_AFTER = 5
"""Seconds after which a client may try an endpoint again that could not be reached."""
_SHOWN = 160
_TIMED_OUT = re.compile(r"time[d -]?(out|limit)|S1T00|SR171", re.IGNORECASE)
_NO_MEMORY = re.compile(r"out of memory|memory limit|too large|SR454", re.IGNORECASE)


class RemoteAnswer:
    """The bytes of one answer, read under the clocks of its limits.

    The deadline's clock runs while the endpoint is waited for, not while the client is slow to
    read; a second one bounds that. `ended` is called once, with the reason of an early end.
    """

    def __init__(
        self, client: httpx.AsyncClient, threads: Executor, limits: Limits, wanted: Wanted,
        ended: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._client = client
        self._threads = threads
        self._limits = limits
        self._wanted = wanted
        self._ended = ended
        self._left = limits.seconds
        self._pause_left = limits.pause
        self._pause: asyncio.TimerHandle | None = None
        self._paused_at = 0.0
        self._response: httpx.Response | None = None
        self._conversion: Conversion | None = None
        self._thread: asyncio.Future[None] | None = None
        self._over = False
        self._paused_out = False
        self._closing: asyncio.Task[None] | None = None

    def __aiter__(self) -> RemoteAnswer:
        return self

    async def begin(self, request: httpx.Request) -> Head:
        """Sends the request and reads the head of the answer."""
        try:
            head = await self._timed(self._begin(request))
        except BaseException as error:
            await self._finish(_reason(error))
            raise
        assert isinstance(head, Head)
        self._wait_for_reader()
        return head

    async def __anext__(self) -> bytes:
        if self._paused_out:
            raise QueryTimeout("The answer was not read fast enough and has been ended.")
        if self._over:
            raise StopAsyncIteration
        self._reader_is_there()
        assert self._conversion is not None
        try:
            item = await self._timed(self._conversion.queue.get())
            if isinstance(item, Exception):
                raise _meaning(item)
        except asyncio.CancelledError:
            self._wait_for_reader()
            raise
        except Exception as error:
            await self._finish(_reason(error))
            raise
        if item is None:
            await self._finish("")
            raise StopAsyncIteration
        assert isinstance(item, bytes)
        self._wait_for_reader()
        return item

    async def aclose(self) -> None:
        """Ends the query unless it has ended: the connection to the endpoint is closed."""
        await self._finish("closed")
        if self._closing is not None:
            await self._closing

    async def _timed(self, work: object) -> object:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(max(0.0, self._left)):
                return await work  # type: ignore[misc]
        except TimeoutError:
            raise QueryTimeout(
                f"The query was ended after {self._limits.seconds:g} s, the time limit. "
                "Ask for less: a selective pattern first, LIMIT, no ORDER BY over a cross join."
            ) from None
        finally:
            self._left -= loop.time() - began

    async def _begin(self, request: httpx.Request) -> object:
        response = self._response = await _send(self._client, request)
        if response.status_code != 200:
            raise await _refusal(response)
        _check(response, self._wanted)
        self._conversion = Conversion(response.aiter_bytes(), self._wanted)
        loop = asyncio.get_running_loop()
        self._thread = loop.run_in_executor(self._threads, self._conversion.run)
        item = await self._conversion.queue.get()
        if isinstance(item, Exception):
            raise _meaning(item)
        return item

    def _wait_for_reader(self) -> None:
        loop = asyncio.get_running_loop()
        self._paused_at = loop.time()
        self._pause = loop.call_later(max(0.0, self._pause_left), self._expire)

    def _reader_is_there(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
            self._pause_left -= asyncio.get_running_loop().time() - self._paused_at

    def _expire(self) -> None:
        self._paused_out = True
        self._closing = asyncio.ensure_future(self._finish("pause"))

    async def _finish(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self._reader_is_there()
        if self._conversion is not None:
            self._conversion.close()
        try:
            if self._thread is not None:
                await asyncio.shield(self._thread)
            if self._response is not None:
                await self._response.aclose()
        finally:
            self._ended(reason)


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    attempts = 2
    while True:
        attempts -= 1
        try:
            return await client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            # the endpoint may close a connection that was kept open just as it is used again
            if not attempts:
                raise _unreachable(error) from error
        except httpx.TransportError as error:
            raise _unreachable(error) from error


def _unreachable(error: Exception) -> EngineDown:
    log.warning("the SPARQL endpoint cannot be reached: %s: %s", type(error).__name__, error)
    return EngineDown("The engine behind this service cannot be reached.", retry_after=RETRY_AFTER)


async def _refusal(response: httpx.Response) -> ClusterloomError:
    """What a status other than 200 means, in our words and a short excerpt of the endpoint's."""
    body = b""
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > 4096:
                break
    except httpx.HTTPError:
        pass
    said = excerpt(body)
    log.warning("the SPARQL endpoint answered %s: %s", response.status_code, said)
    status = response.status_code
    if _TIMED_OUT.search(said) or status in {408, 504}:
        return QueryTimeout(f"The engine ended the query at its own time limit: {said}")
    if _NO_MEMORY.search(said) or status == 507:
        return QueryOutOfMemory(f"The query needed more memory than the engine gives it: {said}")
    if status in {429, 502, 503}:
        after = response.headers.get("retry-after", "")
        wait = int(after) if after.isdecimal() else RETRY_AFTER
        return EngineDown("The engine behind this service is busy.", retry_after=wait)
    if status in {400, 413, 414, 422}:
        return QueryRefused(f"The engine behind this service refuses the query: {said}")
    return EngineFailed(f"The engine behind this service failed with status {status}: {said}")


def excerpt(body: bytes) -> str:
    """The first line of an error text, short, without markup, addresses or control characters.

    >>> excerpt(b"<html><b>Error</b> SR171 at http://10.0.0.1:1/x" + bytes(3))
    'Error SR171 at ...'
    """
    text = re.sub(r"<[^>]*>|[\x00-\x09\x0b-\x1f\x7f]", " ", body.decode("utf-8", "replace"))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    first = next((line for line in lines if line), "no reason given")
    return re.sub(r"\bhttps?://\S+", "...", first)[:_SHOWN]


def _check(response: httpx.Response, wanted: Wanted) -> None:
    """That the answer is of the form asked for, and its end can be told from a cut."""
    headers = response.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    graph = wanted.form in {"construct", "describe"}
    known = {"application/n-triples", "text/plain", "text/ntriples"}
    known = known if graph else {wanted.dialect.rows, "application/json"}
    if kind not in known:
        raise EngineFailed(f"The engine answered in {kind or 'no format'}, which was not asked.")
    framed = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "")
    if graph and not framed and response.http_version == "HTTP/1.1":
        raise EngineFailed("The engine does not say where its answer ends: it may have been cut.")
    cut = headers.get("x-sparql-maxrows", "")
    if cut.isdecimal() and (wanted.rows is None or wanted.rows >= int(cut)):
        raise EngineFailed(
            f"The engine cut its answer after {cut} rows (ResultSetMaxRows). Ask for fewer rows "
            "with max_rows, or have the limit of the engine raised."
        )
    if "x-sql-state" in headers:
        raise EngineFailed("The engine ended the query early and answered a part of it.")


def _meaning(error: Exception) -> Exception:
    """The error of the conversion's thread as ours."""
    if isinstance(error, ClusterloomError):
        return error
    log.warning("the answer of the SPARQL endpoint broke: %s: %s", type(error).__name__, error)
    if isinstance(error, httpx.HTTPError | httpx.StreamError):
        return EngineFailed("The engine behind this service broke off its answer.")
    return EngineFailed("The engine's answer is no whole answer: it was cut or holds an error.")


def _reason(error: BaseException) -> str:
    if isinstance(error, QueryTimeout):
        return "deadline"
    if isinstance(error, asyncio.CancelledError):
        return "closed"
    return "lost"
