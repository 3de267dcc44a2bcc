"""One query on its way through `/sparql`: run, held, named by its tag, written in its coding."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import lru_cache

from starlette.types import Send

from clusterloom.api.answer_cache import Stored
from clusterloom.api.compression import LARGE, SMALL, Wanted, coded_tag, compressed, compressed_now
from clusterloom.api.edges import CORS_LINES
from clusterloom.api.empty import help_link
from clusterloom.api.etag import VARY, etag, matched
from clusterloom.api.lane import HIT
from clusterloom.api.negotiation import Choice, choose
from clusterloom.api.request import Asked
from clusterloom.api.stream import ResultResponse
from clusterloom.errors import UsageError
from clusterloom.store import direct
from clusterloom.store.engine import JSON, Held, Limits, Query, Result, Session, hold
from clusterloom.store.guard import examine

WHOLE = 32 << 20
"""Bytes that are held for a client of HTTP/1.0."""


class Run:
    """One query on its way: what it asks for, how it is written, what it is known by."""

    def __init__(
        self,
        limits: Limits,
        session: Session,
        asked: Asked,
        endpoint: str,
        want: Wanted,
        whole: bool,
    ) -> None:
        assert asked.query is not None
        self._session = session
        self._asked = asked
        self._want = want
        self._whole = whole
        self._limits = replace(limits, rows=asked.max_rows) if asked.max_rows else limits
        self._query = Query(asked.query, asked.default_graphs, asked.named_graphs, endpoint)
        self._graph = False
        self.choice = Choice(JSON, JSON)
        self.key: Hashable = None
        self.keeps = False
        self.headers: list[tuple[bytes, bytes]] = []

    async def prepare(self, accept: str | None) -> None:
        """Reads the query; raises what tells that it cannot be run, or not be written."""
        if self.prepare_look_up(accept):
            return
        inspection = await examine(self._query.text)
        self._graph = inspection.form in {"construct", "describe"}
        if inspection.form:
            self.choice = _choice(accept, self._graph, self._asked.format)
        self.keeps = not inspection.volatile
        self._name(inspection.normal)

    def prepare_look_up(self, accept: str | None) -> bool:
        """The same without waiting, for a look-up of one pattern; False where it is none."""
        lookup = direct.read(self._query.text)
        if lookup is None:
            return False
        self.choice = _choice(accept, False, self._asked.format)
        self.keeps = True
        self._name(lookup.text)
        return True

    def _name(self, normal: str) -> None:
        """The key of the answer, and the headers that are known before it."""
        asked, session = self._asked, self._session
        # the endpoint resolves relative IRIs
        self.key = (session.release.id, normal, asked.default_graphs,
                    asked.named_graphs, asked.max_rows, self._query.base,
                    self.choice.content_type, self._want)  # fmt: skip
        cache = b"no-cache" if self.keeps else b"no-store"
        self.headers = [
            (b"content-type", self.choice.content_type.encode("ascii")),
            (b"cache-control", cache),
            (b"vary", VARY.encode("ascii")),
            (b"x-clusterloom-release", session.release.id.encode("ascii")),
            *CORS_LINES,
        ]

    def known(self, if_none_match: str) -> str | None:
        """The tag of the client's copy where that is the answer still."""
        if not self.keeps or if_none_match.strip() == "*":
            return None
        return matched(if_none_match, self._tag(self._session.variant(self._query)), self._want)

    def _tag(self, variant: str) -> str:
        return etag(self.key[:-1], variant) if isinstance(self.key, tuple) else ""

    async def answer(self) -> Stored | ResultResponse:
        """Runs the query; the whole answer where it could be held, else what streams it."""
        result = await self._session.run(self._query, self._limits, self.choice.media_type)
        try:
            held = await self._hold(result)
            headers = list(self.headers)
            if result.truncated is not None:
                headers.append((b"x-clusterloom-truncated", b"%d" % result.truncated))
            tag = self._tag(result.variant) if self.keeps else ""
            if not held.ended:
                if tag:
                    headers.append((b"etag", tag.encode("ascii")))
                return ResultResponse(result, held, headers)
            body = b"".join(held.chunks)
            coding = self._coding(body)
            coded = await compressed(coding, body) if coding else body
            stored = self._stored(body, coded, coding, headers, tag)
        except BaseException:
            await result.aclose()
            raise
        await result.aclose()
        return stored

    def look_up(self) -> Stored | None:
        """The whole answer to a look-up, without waiting; None where it takes the other way."""
        body = self._session.at_once(self._query, self.choice.media_type)
        if body is None or len(body) > LARGE:
            return None
        coding = self._coding(body)
        coded = compressed_now(coding, body) if coding else body
        return self._stored(body, coded, coding, list(self.headers), self._tag("disk"))

    def _coding(self, body: bytes) -> str:
        return self._want.coding if len(body) >= SMALL or not self._want.plain else ""

    def _stored(
        self, plain: bytes, body: bytes, coding: str, headers: list[tuple[bytes, bytes]], tag: str
    ) -> Stored:
        if link := help_link(self._asked, plain, self.choice.media_type):
            headers.append((b"link", link.encode("ascii")))
        if coding:
            headers.append((b"content-encoding", coding.encode("ascii")))
            tag = tag and coded_tag(tag, coding)
        headers.append((b"content-length", b"%d" % len(body)))
        if tag:
            headers.append((b"etag", tag.encode("ascii")))
        return Stored(tuple(headers), body, tag)

    async def _hold(self, result: Result) -> Held:
        if not self._whole:
            return await hold(result)
        # an HTTP/1.0 client takes a closed connection for the end: it gets a length or an error
        held = await hold(result, WHOLE, seconds=None)
        if not held.ended:
            raise UsageError(
                f"The answer has more than {WHOLE >> 20} MB, and HTTP/1.0 cannot tell a whole "
                "answer from a cut one. Ask by HTTP/1.1 (nginx: proxy_http_version 1.1)."
            )
        return held


@lru_cache(maxsize=128)
def _choice(accept: str | None, graph: bool, format_name: str | None) -> Choice:
    return choose(accept, graph, format_name)


async def send_stored(send: Send, stored: Stored, known: str, want: Wanted, hit: bool) -> None:
    """Sends a whole answer, or 304 to a client that has it."""
    status, body, headers = 200, stored.body, [*stored.headers]
    if known and stored.tag:
        tag = stored.tag if known.strip() == "*" else matched(known, _bare(stored.tag), want)
        if tag:
            dropped = {b"content-length", b"content-type", b"content-encoding", b"etag"}
            headers = [pair for pair in headers if pair[0] not in dropped]
            headers.append((b"etag", tag.encode("latin-1")))
            status, body = 304, b""
    if hit:
        headers.append(HIT)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _bare(tag: str) -> str:
    """The tag without the suffix of its coding."""
    return f'{tag[:-1].partition("-")[0]}"'
