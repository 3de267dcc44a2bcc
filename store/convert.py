"""Turns the answer of an endpoint into the format a client wants, while it comes.

The library that parses and writes RDF pulls its input, so it runs in a thread of its own, which
waits on the event loop for each piece it reads or writes: a slow reader slows the endpoint, and
closing wakes the thread wherever it waits.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import threading
import traceback
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, TypeVar, cast

import orjson
import pyoxigraph as ox

from clusterloom.errors import EngineFailed
from clusterloom.namespaces import PREFIXES
from clusterloom.store.engine import Kind
from clusterloom.store.normalise import Dialect, rows_as_tsv

CHUNK = 65536
_JSON = ox.QueryResultsFormat.JSON
_READABLE = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG, ox.RdfFormat.RDF_XML)

T = TypeVar("T")


class Closed(Exception):
    """The answer was closed while the thread waited."""


class Bridge:
    """Lets one thread wait for the event loop, until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: concurrent.futures.Future[Any] | None = None
        self._closed = False

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives, waited for in the thread; raises Closed."""
        with self._lock:
            if self._closed:
                work.close()
                raise Closed
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._waiting = future
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Closed from None

    def close(self) -> None:
        """Wakes the thread; it may not wait again."""
        with self._lock:
            self._closed = True
            if self._waiting is not None:
                self._waiting.cancel()


class Source(io.RawIOBase):
    """A file over an iterator of bytes. `failure` keeps what ended it before its end."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._rest = memoryview(b"")
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, empty at the end."""
        while not self._rest:
            try:
                self._rest = memoryview(next(self._parts))
            except StopIteration:
                return b""
            except BaseException as error:
                self.failure = error
                raise
        end = len(self._rest) if size < 0 else size
        part, self._rest = bytes(self._rest[:end]), self._rest[end:]
        return part


class Sink:
    """A file for the serialisers that gives away what it gets in pieces of about 64 kB."""

    def __init__(self, bridge: Bridge, queue: asyncio.Queue[Any]) -> None:
        self._bridge = bridge
        self._queue = queue
        self._buffer = bytearray()

    def write(self, data: bytes) -> int:
        """Takes bytes; waits while the reader is behind."""
        self._buffer += data
        if len(self._buffer) >= CHUNK:
            self.push()
        return len(data)

    def flush(self) -> None:
        """Nothing: the converter pushes at the end."""

    def push(self) -> None:
        """Gives what is left."""
        if self._buffer:
            self._bridge.wait(self._queue.put(bytes(self._buffer)))
            self._buffer.clear()


@dataclass(frozen=True)
class Head:
    """What is known of an answer before its bytes."""

    kind: Kind
    variables: tuple[str, ...] = ()
    truncated: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What is made of the endpoint's answer.

    `order` are the variables in the order in which the query names them, where it says `*`.
    """

    form: str
    media_type: str
    rows: int | None
    order: tuple[str, ...]
    truths: frozenset[str]
    dialect: Dialect


class Conversion:
    """One answer under way: `queue` gets the Head, then bytes, then None or an exception."""

    def __init__(self, body: AsyncIterator[bytes], wanted: Wanted) -> None:
        self.queue: asyncio.Queue[Head | bytes | Exception | None] = asyncio.Queue(4)
        self._bridge = Bridge()
        self._body = body
        self._wanted = wanted

    def close(self) -> None:
        """Ends the thread at its next wait."""
        self._bridge.close()

    def run(self) -> None:
        """What the thread does."""
        source = Source(self._pieces())
        try:
            last = self._outcome(source)
            self._give(last)
        except Closed:
            return

    def _outcome(self, source: Source) -> Exception | None:
        """Converts everything; gives what went wrong, without the objects of this thread."""
        try:
            self._convert(source)
        except Exception as error:
            # the library's objects must end in the thread that made them
            traceback.clear_frames(error.__traceback__)
            last = source.failure if isinstance(source.failure, Exception) else error
            if isinstance(last, Closed):
                raise Closed from None
            last.__traceback__ = last.__context__ = last.__cause__ = None
            return last
        return None

    def _give(self, item: Head | bytes | Exception | None) -> None:
        self._bridge.wait(self.queue.put(item))

    def _pieces(self) -> Iterator[bytes]:
        async def following() -> bytes | None:
            return await anext(self._body, None)

        while (piece := self._bridge.wait(following())) is not None:
            if piece:
                yield piece

    def _convert(self, source: Source) -> None:
        if self._wanted.form in {"construct", "describe"}:
            self._graph(source)
        elif self._wanted.form == "ask":
            self._truth(source)
        else:
            self._rows(source)

    def _truth(self, source: Source) -> None:
        text = b""
        while len(text) < CHUNK and (piece := source.read(CHUNK)):
            text += piece
        found = self._wanted.dialect.truth(orjson.loads(text))
        if not isinstance(found, bool):
            raise EngineFailed("The engine answered an ASK query without true or false.")
        body = b'{"head":{},"boolean":true}' if found else b'{"head":{},"boolean":false}'
        parsed = ox.parse_query_results(body, _JSON)
        self._give(Head("boolean"))
        self._give(parsed.serialize(format=_table(self._wanted.media_type)))

    def _rows(self, source: Source) -> None:
        wanted, dialect = self._wanted, self._wanted.dialect
        feed = Source(_tidied(source, dialect)) if dialect.tidies else source
        results = ox.parse_query_results(cast("IO[bytes]", feed), _JSON)
        if not isinstance(results, ox.QuerySolutions):
            raise EngineFailed("The engine answered a SELECT query with true or false.")
        given = [variable.value for variable in results.variables]
        names = [name for name in wanted.order if name in given]
        names = names if len(names) == len(given) else given
        table = _table(wanted.media_type)
        if not given or (names == given and wanted.rows is None and not dialect.tidies):
            self._give(Head("bindings", tuple(names)))
            self._write(results, table)
            return
        truncated = None
        rows: Iterable[Any] = results
        if wanted.rows is not None:
            first = list(islice(results, wanted.rows + 1))
            truncated = wanted.rows if len(first) > wanted.rows else None
            rows = first[: wanted.rows]
        picked = (tuple(row[name] for name in names) for row in rows) if names != given else rows
        tsv = Source(rows_as_tsv(names, picked, wanted.truths, dialect.term))
        again = ox.parse_query_results(cast("IO[bytes]", tsv), ox.QueryResultsFormat.TSV)
        self._give(Head("bindings", tuple(names), truncated))
        if truncated is None or table != _JSON:
            self._write(again, table, tsv)
            return
        whole = again.serialize(format=table) or b""
        mark = f'{{"head":{{"truncated":{truncated},'.encode()
        self._give(whole.replace(b'{"head":{', mark, 1))

    def _write(
        self, results: Any, table: ox.QueryResultsFormat, over: Source | None = None
    ) -> None:
        sink = Sink(self._bridge, self.queue)
        try:
            results.serialize(cast("IO[bytes]", sink), table)
        except Exception:
            # what the rows were made from failed, if anything did
            if over is not None and isinstance(over.failure, Exception):
                raise over.failure from None
            raise
        sink.push()

    def _graph(self, source: Source) -> None:
        form = ox.RdfFormat.from_media_type(self._wanted.media_type)
        assert form is not None
        parsed = ox.parse(cast("IO[bytes]", source), format=ox.RdfFormat.N_TRIPLES)
        triples: Iterable[ox.Triple] = (quad.triple for quad in parsed)
        truncated = None
        if (rows := self._wanted.rows) is not None:
            first = list(islice(triples, rows + 1))
            truncated = rows if len(first) > rows else None
            triples = first[:rows]
        self._give(Head("graph", (), truncated))
        sink = Sink(self._bridge, self.queue)
        prefixes = PREFIXES if form in _READABLE else None
        ox.serialize(triples, cast("IO[bytes]", sink), form, prefixes=prefixes)
        sink.push()


def _tidied(source: Source, dialect: Dialect) -> Iterator[bytes]:
    """The source by whole lines, each as the standard has it."""
    rest = b""
    while piece := source.read(CHUNK):
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield dialect.tidy(whole + newline)
    if rest:
        yield dialect.tidy(rest)


def _table(media_type: str) -> ox.QueryResultsFormat:
    table = ox.QueryResultsFormat.from_media_type(media_type)
    assert table is not None
    return table
