"""Answers that come while they are made: held, streamed, and ended when the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clusterloom.errors import ClusterloomError
from clusterloom.store.engine import Held, Result

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed the connection before there was an answer."""


class AnswerCut(Exception):
    """The answer failed after its status line: the server must close without a clean end."""


async def gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; cancels it and raises ClientGone when the client goes first."""
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        watcher.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class ResultResponse(Response):
    """A Result whose first part is held already; closing it is this response's duty."""

    def __init__(
        self, result: Result, held: Held, headers: Mapping[str, str], content_type: str, head: bool
    ) -> None:
        self.result = result
        self.held = held
        self.head_only = head
        super().__init__(content=None, headers=dict(headers))
        self.headers["content-type"] = content_type
        del self.headers["content-length"]
        if held.ended:
            self.headers["content-length"] = str(sum(map(len, held.chunks)))

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002
        receive: Receive,
        send: Send,
    ) -> None:
        """Sends what is held, then what comes."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            if self.head_only:
                await send(start)
                await send({"type": "http.response.body", "body": b""})
                return
            await send(start)
            first = b"".join(self.held.chunks)
            more = not self.held.ended
            await send({"type": "http.response.body", "body": first, "more_body": more})
            if more:
                await unless_gone(receive, self._rest(send))
                await send({"type": "http.response.body", "body": b""})
        except ClientGone:
            return
        except ClusterloomError as error:
            raise AnswerCut(f"{type(error).__name__}: {error.detail}") from error
        finally:
            await self.result.aclose()

    async def _rest(self, send: Send) -> None:
        async for chunk in self.result.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
