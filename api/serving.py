"""Which release is served: opens its session, moves to a new one, drops no running request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom.api import pin
from clusterloom.api.aside import aside
from clusterloom.api.pins import Pins
from clusterloom.api.problems import from_error
from clusterloom.api.rows import Row, read_json
from clusterloom.errors import Busy, ClusterloomError
from clusterloom.settings import Settings
from clusterloom.store.engine import JSON, Engine, Limits, Query, Session
from clusterloom.store.release import Release, Stamp, open_release

_log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT = 1000
"""Things worked out of a release that are remembered, such as totals of filters."""
PATIENCE = 10.0
"""Seconds that a look-up waits for its turn before the client is told to come back."""
OPENING = 1.0
"""Seconds a request waits for a new release to open before the old one answers it."""

RETRY = 30.0
"""Seconds after which a release that could not be opened is tried again."""

_ROW = 100
"""Bytes of a row of an answer, about."""


class NotReady(ClusterloomError):
    """No release is open yet."""

    status: ClassVar[int] = 503
    title, slug = "Not ready", "not-ready"


class Served:
    """One release while it is served: its session, and what was worked out of it once."""

    def __init__(
        self, session: Session, limits: Limits, turns: int = 8, stamp: Stamp | None = None
    ) -> None:
        self.session = session
        self.limits = limits
        self.stamp = stamp
        self.users = 0
        self.retired = False
        self.replaced = False
        self.report: dict[str, Any] = session.release.report()
        self._known: dict[object, asyncio.Task[Any]] = {}
        # one request makes several look-ups: in the engine's queue, few requests would fill it
        # and many be refused when they are half done
        self._turns = asyncio.Semaphore(turns)

    @property
    def release(self) -> Release:
        """The release every answer comes from."""
        return self.session.release

    async def select(self, text: str) -> list[Row]:
        """The rows of a SELECT or ASK, read to the end."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy("No query worker became free in time.", retry_after=2) from None
        try:
            result = await self.session.run(Query(text), self.limits, JSON)
            answer = await result.read()
        finally:
            self._turns.release()
        return await aside(len(answer) // _ROW, lambda: read_json(answer))

    async def once(self, key: object, make: Callable[[Served], Awaitable[T]]) -> T:
        """What `make` gives for this release, worked out once and kept while it is asked for.

        A failure is not kept, nor what was not asked for the longest once there is too much.
        """
        # shielded: the client that asked first may go away, the others still wait
        value: T = await asyncio.shield(self.prepare(key, make))
        return value

    def prepare(self, key: object, make: Callable[[Served], Awaitable[T]]) -> asyncio.Task[T]:
        """Begins what `once` waits for, unless it is there or under way."""
        task = self._known.pop(key, None)
        if task is None:
            task = asyncio.ensure_future(_awaited(make(self)))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        self._known[key] = task
        if len(self._known) > KEPT:
            oldest = next((k for k, t in self._known.items() if t.done()), key)
            del self._known[oldest]
        return task

    def ready(self, key: object) -> Any:
        """What `once` gives for the key where it is there already, else None."""
        task = self._known.get(key)
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    def _forget_failed(self, key: object, done: asyncio.Task[Any]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._known.get(key) is done:
            del self._known[key]

    async def aclose(self) -> None:
        """Ends the session and whatever is still being worked out."""
        for task in list(self._known.values()):
            task.cancel()
        await self.session.aclose()


async def _awaited(value: Awaitable[T]) -> T:
    return await value


class Serving:
    """Holds the served release; a request takes it with `lease` and keeps it to its end."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._folder = settings.releases
        self._limits = Limits(seconds=settings.query_timeout, megabytes=settings.query_memory)
        self._engine = engine
        self._turns = settings.workers
        self._now: Served | None = None
        self._moving: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._failed: tuple[object, float] = (None, 0.0)
        self.pins = Pins(self._open_pinned, self._forget)
        self.replaced: Callable[[], None] | None = None
        """Called when a release was put there anew: what is kept under its id may be wrong."""
        self.begun: Callable[[Served], object] | None = None
        """Called when a release begins to be served, to make ready what would be waited for."""

    async def start(self) -> None:
        """Opens the current release where there is one."""
        self._notice()
        await self._moved()

    def current(self) -> Release | None:
        """The release that is to be served, whether it is open yet or not; cheap."""
        return self._engine.current(self._folder)

    def open_session(self, release: Release) -> Session | None:
        """The session of that very release while it is the served one."""
        now = self.served_of(release)
        return now.session if now is not None else None

    def served_of(self, release: Release) -> Served | None:
        """That very release while it is the served one."""
        now = self._now
        return now if now is not None and now.release is release else None

    def sessions(self) -> list[Session]:
        """The open sessions, the one of the served release first."""
        served = [self._now.session] if self._now is not None else []
        return served + self.pins.sessions

    @asynccontextmanager
    async def lease(self, release_id: str = "") -> AsyncIterator[Served]:
        """A release, the served one by default; it stays open until the lease ends.

        NotReady when none is served, Gone or NotFound for an id that is not kept, Busy when too
        many others are asked for.
        """
        await self._settled()
        served = self._now
        if release_id not in {"", pin.CURRENT} and (
            served is None or served.release.id != release_id
        ):
            async with self.pins.lease(open_release(self._folder, release_id)) as found:
                yield found
            return
        if served is None:
            raise NotReady("no release has been published; run `clusterloom build`")
        served.users += 1
        try:
            yield served
        finally:
            served.users -= 1
            self._close_idle(served)

    async def aclose(self) -> None:
        """Closes the served release and those that were retired."""
        if self._moving is not None:
            self._moving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._moving
        await asyncio.gather(*self._closing)
        await self.pins.aclose()
        if self._now is not None:
            await self._now.aclose()
            self._now = None

    async def _settled(self) -> None:
        self._notice()
        if self._now is None:
            await self._moved()
        elif self._moving is not None and not self._moving.done():
            # opening takes a tenth of a second; a slow one is not waited for
            await asyncio.wait({self._moving}, timeout=OPENING)

    def _notice(self) -> None:
        # a look at the disk a request: cheaper than a timer, and right from the first request on,
        # also when the folder was replaced by one of the same name
        release = self.current()
        if self._now is not None and release is self._now.release:
            return
        stamp = release.stamp() if release else None
        if release is None or stamp is None:
            return
        failed, until = self._failed
        if (release.id, stamp) == failed and asyncio.get_running_loop().time() < until:
            return
        now = self._now
        same = now is not None and (now.release.id, now.stamp) == (release.id, stamp)
        if not same and (self._moving is None or self._moving.done()):
            self._moving = asyncio.create_task(self._move(release, stamp))

    async def _moved(self) -> None:
        if self._moving is not None:
            await asyncio.shield(self._moving)

    def _forget(self) -> None:
        if self.replaced is not None:
            self.replaced()

    async def _open_pinned(self, release: Release) -> Served:
        try:
            return await self._open(release, release.stamp(), pinned=True)
        except OSError:
            open_release(self._folder, release.id)  # it may have been pruned this moment
            raise

    async def _open(self, release: Release, stamp: Stamp | None, pinned: bool = False) -> Served:
        release.report()  # a release without one is not worth a session
        session = await self._engine.open(release, pinned=pinned)
        return Served(session, self._limits, self._turns, stamp)

    async def _move(self, release: Release, stamp: Stamp) -> None:
        try:
            served = await self._open(release, stamp)
        except (ClusterloomError, OSError, ValueError):
            # the old release goes on being served; a broken one is not tried at every request
            _log.exception("release %s cannot be opened", release.id)
            self._failed = ((release.id, stamp), asyncio.get_running_loop().time() + RETRY)
            return
        before, self._now = self._now, served
        if self.begun is not None:
            self.begun(served)
        if before is not None:
            _log.info("moved from release %s to %s", before.release.id, release.id)
            before.retired = True
            before.replaced = before.release.id == release.id
            if before.replaced:
                self._forget()
            self._close_idle(before)

    def _close_idle(self, served: Served) -> None:
        if served.retired and served.users == 0:
            if served.replaced:
                self._forget()  # its last answers may have been kept meanwhile
            task = asyncio.create_task(served.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


_lease: ContextVar[Served | None] = ContextVar("served", default=None)


class ReleaseMiddleware:
    """Takes a lease for each request and names the release in `X-Clusterloom-Release`.

    `?release=<id>` asks for another release than the served one. It stays in the addresses that
    the answer leads to by Location, Content-Location and Link.
    """

    def __init__(self, app: ASGIApp, serving: Serving, public_url: str = "") -> None:
        self._app = app
        self._serving = serving
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Static files, and every request while there is no release, go on without one."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        async with contextlib.AsyncExitStack() as stack:
            asked = ""
            try:
                if scope["query_string"] and not pin.is_free(scope["path"]):
                    asked, _ = pin.split(scope["query_string"])
                served = await stack.enter_async_context(self._serving.lease(asked))
            except NotReady:
                await self._app(scope, receive, send)
                return
            except ClusterloomError as error:
                await _refuse(error, scope, receive, send)
                return

            async def send_named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableHeaders(scope=message)
                    headers.setdefault("X-Clusterloom-Release", served.release.id)
                    if asked:
                        self._keep(headers)
                await send(message)

            tokens = _lease.set(served), pin.PIN.set(asked)
            try:
                await self._app(scope, receive, send_named)
            finally:
                _lease.reset(tokens[0])
                pin.PIN.reset(tokens[1])

    def _keep(self, headers: MutableHeaders) -> None:
        for name in ("location", "content-location"):
            if (address := headers.get(name)) and pin.is_own(address, self._public_url):
                headers[name] = pin.keep(address)
        if links := headers.getlist("link"):
            headers["link"] = pin.keep_links(", ".join(links), self._public_url)


async def _refuse(error: ClusterloomError, scope: Scope, receive: Receive, send: Send) -> None:
    """The error as any route would give it: a page for browsers, else problem JSON."""
    app = scope.get("app")
    handler = app.exception_handlers.get(ClusterloomError) if app is not None else None
    answer = await handler(Request(scope), error) if handler else from_error(error)
    await answer(scope, receive, send)


def served_now() -> Served:
    """The release of the request that is being answered; NotReady when none is open."""
    served = _lease.get()
    if served is None:
        raise NotReady("no release has been published; run `clusterloom build`")
    return served


def session_now() -> Session:
    """The session of the release of the request that is being answered."""
    return served_now().session
