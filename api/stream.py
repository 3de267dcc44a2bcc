"""Answers that come while they are made: held, streamed, and ended when the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clusterloom.errors import ClusterloomError
from clusterloom.store.engine import Held, Result

NOTICED = 0.02
"""Seconds after which somebody looks whether the client is still there."""


class ClientGone(Exception):
    """The client closed the connection before there was an answer."""


class AnswerCut(Exception):
    """The answer failed after its status line: the server must close without a clean end."""


async def gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class UntilGone:
    """`async with UntilGone(receive)`: what is inside is cancelled when the client goes.

    It then raises ClientGone. While `wanted()` holds the work goes on all the same; whoever changes
    that calls `end()`.
    """

    def __init__(self, receive: Receive, wanted: Callable[[], bool] | None = None) -> None:
        self._receive = receive
        self._wanted = wanted
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ended = False
        self.left = False

    async def __aenter__(self) -> Self:
        # most answers are there before a task to watch the client would be worth its while
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(NOTICED, self._begin)
        return self

    def _begin(self) -> None:
        self._watcher = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        await gone(self._receive)
        self.left = True
        if self._wanted is None or not self._wanted():
            self.end()

    def end(self) -> None:
        """Cancels what is inside, if it has not ended."""
        if self._task is not None and not self._ended:
            self._ended = True
            self._task.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        task, self._task = self._task, None
        if self._ended and task is not None and task.uncancel() == 0 and (
            kind is not None and issubclass(kind, asyncio.CancelledError)
        ):  # fmt: skip
            raise ClientGone from None


class ResultResponse(Response):
    """A Result whose first part is held already; closing it is this response's duty."""

    def __init__(
        self,
        result: Result,
        held: Held,
        headers: Mapping[str, str] | Sequence[tuple[bytes, bytes]],
        content_type: str = "",
    ) -> None:
        self.result = result
        self.held = held
        self.status_code, self.background = 200, None
        if isinstance(headers, Mapping):
            headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
        self.raw_headers = [*headers]
        if content_type:
            self.raw_headers.append((b"content-type", content_type.encode("ascii")))
        if held.ended:
            length = sum(map(len, held.chunks))
            self.raw_headers.append((b"content-length", b"%d" % length))

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002
        receive: Receive,
        send: Send,
    ) -> None:
        """Sends what is held, then what comes."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        try:
            await send(start)
            first = b"".join(self.held.chunks)
            more = not self.held.ended
            await send({"type": "http.response.body", "body": first, "more_body": more})
            if more:
                async with UntilGone(receive):
                    async for chunk in self.result.chunks:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except ClientGone:
            return
        except ClusterloomError as error:
            raise AnswerCut(f"{type(error).__name__}: {error.detail}") from error
        finally:
            await self.result.aclose()
