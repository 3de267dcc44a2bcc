"""How the service is run: uvicorn on uvloop, under a protocol with the limits that it lacks.

A client may not make the server hold a head without end, wait for a head or a body that never
comes, or keep an answer that nobody reads; connections are limited in number.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import socket
import sys
from typing import Any

import httptools
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from clusterloom.api.forwarded import Forwarded
from clusterloom.api.problems import problem
from clusterloom.api.stream import AnswerCut
from clusterloom.settings import Settings

_log = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024
"""Bytes of a request line and its headers."""
HEADERS = 100
"""Header lines of a request."""
HEAD_SECONDS = 10.0
"""Seconds until a head is whole, from its first byte or from the opening of the connection."""
BODY_SECONDS = 30.0
"""Seconds until a body is whole, from the end of its head."""
STALL_SECONDS = 120.0
"""Seconds a client may leave a full buffer unread."""
IDLE_SECONDS = 15.0
"""Seconds between the requests of a connection."""
GRACE = 5
"""Seconds that running requests have when the server is told to end."""
SWITCH_SECONDS = 0.0005
"""Seconds that the event loop waits, after each call to the system, for a thread that computes."""
COLLECT = (10_000, 20, 20)
"""After how many new objects the youngest are looked through, then the older ones."""
_DISMISSAL = 1.0
"""Seconds in which a refused client may read why, its own data thrown away."""


class _Calm:
    """An app whose answers may end early: by a failure on the way, or by a client that has left."""

    def __init__(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        self._cycle = cycle
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        cycle = self._cycle

        async def send_open(message: Message) -> None:
            if cycle.transport.is_closing():
                cycle.disconnected = True  # the loop will say so a moment later
            await send(message)

        try:
            await self._app(scope, receive, send_open)
        except AnswerCut as cut:
            _log.warning("answer cut: %s", cut)
            cycle.disconnected = True
            cycle.transport.close()


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with limits of time and size."""

    max_connections = 1000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_size = 0
        self._refusal: Response | None = None
        self._dismissed = False
        self._surplus = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock of the first head."""
        super().connection_made(transport)
        if len(self.connections) > 2 * self.max_connections:
            transport.abort()  # no time to say why
            return
        self._surplus = len(self.connections) > self.max_connections
        self._clock = self.loop.call_later(HEAD_SECONDS, self._late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops every clock."""
        for timer in (self._clock, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser and refuses what is too much."""
        if self._dismissed:
            return
        if self._in_head:
            self._head_size += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request is answered, the connection stays as it is
        except httptools.HttpParserError:
            self._refuse(400, "bad-request", "Bad request", "This is no HTTP/1.1 request.")
        if self._in_head and self._head_size > HEAD_BYTES:
            self._refuse_head()
        if self._refusal is not None:
            self._dismiss(self._refusal)
        elif self._in_head and self._head_size and self._clock is None:
            self._clock = self.loop.call_later(HEAD_SECONDS, self._late_head)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        calm: Any = _Calm(cycle, app)
        super()._start_asgi_task(cycle, calm)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if not self._in_head:
            self._in_head, self._head_size = True, 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header line if there is room for it."""
        if len(self.headers) >= HEADERS:
            self._refuse_head()
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Lets the request be answered, its head being whole and in bounds."""
        self._in_head = False
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > HEAD_BYTES:
            self._refuse_head()
        if self._refusal is not None:
            return
        if self._surplus:
            self._refuse(503, "busy", "Busy", "Too many connections are open; ask again.", 2)
            return
        super().on_headers_complete()
        self._clock = self.loop.call_later(BODY_SECONDS, self._late_body)

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stops the clock of the body."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._refusal is None:
            super().on_message_complete()

    def eof_received(self) -> None:
        """A refused client has nothing more to say."""
        if self._dismissed:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read as fast as is written."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def shutdown(self) -> None:
        """Ends the connection once its request has been answered."""
        super().shutdown()
        if self._dismissed:
            self.transport.abort()

    def _late_head(self) -> None:
        self._clock = None
        if self._head_size == 0:
            self.transport.close()  # it never asked
            return
        self._refuse(408, "request-timeout", "Request timeout",
                     f"The head of a request must be whole in {HEAD_SECONDS:g} s.")  # fmt: skip
        self._dismiss(self._refusal)

    def _late_body(self) -> None:
        self._clock = None
        if self.cycle is not None and self.cycle.response_complete:
            self.transport.close()  # it has its answer and sends a body that nobody wants
            return
        if self.flow.read_paused:  # it is we who do not read
            self._clock = self.loop.call_later(BODY_SECONDS, self._late_body)
            return
        self._refuse(408, "request-timeout", "Request timeout",
                     f"A request body must be whole in {BODY_SECONDS:g} s.")  # fmt: skip
        self._dismiss(self._refusal)

    def _refuse_head(self) -> None:
        detail = (
            f"Request line and headers may have {HEAD_BYTES >> 10} kB and {HEADERS} lines. "
            "Send a long query by POST."
        )
        self._refuse(431, "head-too-large", "Request head too large", detail)

    def _refuse(
        self, status: int, slug: str, title: str, detail: str, retry_after: int | None = None
    ) -> None:
        if self._refusal is None:
            headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
            self._refusal = problem(status, slug, title, detail, None, headers)

    def _dismiss(self, answer: Response | None) -> None:
        """Says why, unless an answer is under way, and closes the connection."""
        self._dismissed = True
        if self.cycle is not None and not self.cycle.response_complete:
            begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if begun:
                self.transport.close()
                return
        if answer is None or self.transport.is_closing():
            return
        lines = [STATUS_LINE[answer.status_code]]
        for name, value in [*self.server_state.default_headers, *answer.raw_headers]:
            lines += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", bytes(answer.body)]))
        # closed at once with data unread, the system would reset the connection before it is read
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_DISMISSAL, self.transport.abort)


def config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """How uvicorn runs the app; `options` are further ones of `uvicorn.Config`."""
    protocol = type("LimitedProtocol", (Protocol,), {"max_connections": settings.connections})
    chosen: dict[str, Any] = {
        "http": protocol,
        "loop": "uvloop",
        "ws": "none",
        "lifespan": "on",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # `Forwarded` does it, for those who are trusted
        "timeout_keep_alive": int(IDLE_SECONDS),
        "timeout_graceful_shutdown": GRACE,
    }
    if settings.trusted_proxies:
        app = Forwarded(app, settings.trusted_proxies)
    return uvicorn.Config(app, **{**chosen, **options})


def run(app: ASGIApp, settings: Settings, listening: socket.socket) -> None:
    """Serves on that socket until the process is told to end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a descriptor for each connection
    sys.setswitchinterval(SWITCH_SECONDS)
    # looking through everything for rings of garbage would hold all up for a tenth of a second
    gc.set_threshold(*COLLECT)
    gc.collect()
    gc.freeze()
    uvicorn.Server(config(app, settings)).run(sockets=[listening])
