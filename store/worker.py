"""A query worker: one process, one read-only store, one query at a time.

Started by `process.py` as `python -m clusterloom.store.worker FD STORE MEGABYTES PARENT`, or
forked by `image.py` from a process that holds the store in memory. It is expected to be killed: at
a deadline, when a client goes away, by the system when it asks for more memory than its limit, or
by its own parser. It imports little, so that a new one is soon there.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import time
from itertools import islice
from typing import IO, Any, cast

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES
from clusterloom.store import frames
from clusterloom.store.confine import confine, limit_memory, sizes

CHUNK = 65536
_PAGE = os.sysconf("SC_PAGE_SIZE")
UNION_LIMIT = 500_000
"""Triples that a union of several default graphs may hold; it is built in memory per query."""

_EMPTY = ox.Store()
_READABLE = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG, ox.RdfFormat.RDF_XML)


class Refused(Exception):
    """The request cannot be answered here; the message says why."""


class Writer:
    """A binary file for the serialisers that sends what it gets as frames of about 64 kB.

    The head goes with the first of them, the end with the last: a short answer is sent at once.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._before = b""
        self._buffer = bytearray()
        self._sent = time.monotonic()

    def frame(self, kind: bytes, body: dict[str, Any]) -> None:
        """A frame to be sent before the next data."""
        self._before += frames.pack_json(kind, body)

    def write(self, data: bytes) -> int:
        """Takes bytes; sends when a frame is full or the last one left 0.25 s ago."""
        self._buffer += data
        if len(self._buffer) >= CHUNK or time.monotonic() - self._sent > 0.25:
            self.push()
        return len(data)

    def flush(self) -> None:
        """Nothing: the serialisers flush at the end, and so does the caller."""

    def push(self) -> None:
        """Sends what is left."""
        data = self._before
        if self._buffer:
            data += frames.pack(frames.DATA, bytes(self._buffer))
            self._buffer.clear()
        self._before = b""
        if data:
            self._connection.sendall(data)
        self._sent = time.monotonic()

    def finish(self, kind: bytes, body: dict[str, Any]) -> None:
        """Sends what is left and a last frame."""
        data = self._before
        if self._buffer:
            data += frames.pack(frames.DATA, bytes(self._buffer))
        self._connection.sendall(data + frames.pack_json(kind, body))


def union(store: ox.Store, default: list[ox.NamedNode], named: list[ox.NamedNode]) -> ox.Store:
    """A store in memory with the default graphs merged without duplicates, and the named ones.

    The library's own union counts a triple once for each graph that holds it.
    """
    merged = ox.Store()
    copies = [(graph, ox.DefaultGraph()) for graph in default] + [(g, g) for g in named]
    count = 0
    for source, target in copies:
        quads = [
            ox.Quad(quad.subject, quad.predicate, quad.object, target)
            for quad in islice(store.quads_for_pattern(None, None, None, source), UNION_LIMIT + 1)
        ]
        count += len(quads)
        if count > UNION_LIMIT:
            raise Refused(
                f"The graphs asked for hold more than {UNION_LIMIT} triples, too many for a "
                "union built per query. Ask without default-graph-uri and FROM: the default "
                "graph of this endpoint already holds every statement once."
            )
        merged.extend(quads)
    return merged


def nodes(iris: list[str], what: str) -> list[ox.NamedNode]:
    """The IRIs as terms; raises Refused for one that is not absolute."""
    try:
        return [ox.NamedNode(iri) for iri in iris]
    except ValueError as error:
        raise Refused(f"A {what} graph is not an absolute IRI: {error}") from None


def evaluate(
    store: ox.Store, request: dict[str, Any]
) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    """Starts the query over the dataset asked for, its columns in order of appearance."""
    text: str = request["text"]
    options: dict[str, Any] = {"base_iri": request["base"]}
    if request["default"] or request["named"]:
        default = nodes(request["default"], "default")
        options["named_graphs"] = nodes(request["named"], "named")
        options["default_graph"] = default
        if len(default) > 1:
            store = union(store, default, options["named_graphs"])
            options["default_graph"] = ox.DefaultGraph()
    if request["star"] is not None:
        text = in_order(text, request)
    return store.query(text, **options)


def in_order(text: str, request: dict[str, Any]) -> str:
    """`SELECT *` with the variables in place of the star; the library orders them by alphabet."""
    # over an empty store this costs the parsing only, and tells which variables are in scope
    results = cast(ox.QuerySolutions, _EMPTY.query(text, base_iri=request["base"]))
    scope = [variable.value for variable in results.variables]
    first_seen = [name for name in request["variables"] if name in scope]
    if first_seen == scope or len(first_seen) != len(scope):
        return text
    star: int = request["star"]
    return f"{text[:star]} {' '.join('?' + name for name in first_seen)} {text[star + 1 :]}"


def answer(store: ox.Store, request: dict[str, Any], output: Writer) -> None:
    """Runs one query and writes its head and its bytes."""
    results = evaluate(store, request)
    rows: int | None = request["rows"]
    sink = cast(IO[bytes], output)
    head: dict[str, Any] = {"kind": "boolean", "variables": [], "truncated": None}
    if isinstance(results, ox.QueryTriples):
        head["kind"] = "graph"
        form = ox.RdfFormat.from_media_type(request["media_type"])
        if form is None:
            raise Refused(f"{request['media_type']} cannot hold triples")
        triples = iter(results)
        if rows is not None:
            first = list(islice(triples, rows + 1))
            head["truncated"] = rows if len(first) > rows else None
            triples = iter(first[:rows])
        output.frame(frames.HEAD, head)
        ox.serialize(triples, sink, form, prefixes=PREFIXES if form in _READABLE else None)
        return
    table = ox.QueryResultsFormat.from_media_type(request["media_type"])
    if table is None:
        raise Refused(f"{request['media_type']} cannot hold rows")
    if isinstance(results, ox.QuerySolutions):
        head["kind"] = "bindings"
        head["variables"] = [variable.value for variable in results.variables]
        if rows is not None:
            results, cut = first_rows(results, rows)
            head["truncated"] = rows if cut else None
    output.frame(frames.HEAD, head)
    if head["truncated"] is not None and table == ox.QueryResultsFormat.JSON:
        whole = results.serialize(format=table) or b""
        mark = f'{{"head":{{"truncated":{rows},'.encode()
        output.write(whole.replace(b'{"head":{', mark, 1))
    else:
        results.serialize(sink, table)


def first_rows(results: ox.QuerySolutions, rows: int) -> tuple[ox.QuerySolutions, bool]:
    """The first rows as results of their own, and whether there are more.

    They go through TSV, whose terms are exactly those of N-Triples.
    """
    taken = list(islice(results, rows + 1))
    lines = ["\t".join(f"?{variable.value}" for variable in results.variables)]
    lines += ["\t".join("" if v is None else str(v) for v in row) for row in taken[:rows]]
    text = "".join(f"{line}\n" for line in lines)
    parsed = ox.parse_query_results(text.encode("utf-8"), ox.QueryResultsFormat.TSV)
    return cast(ox.QuerySolutions, parsed), len(taken) > rows


def failure(error: Exception) -> dict[str, str]:
    """What to tell the parent about an error: its class and its text."""
    text = str(error)
    if isinstance(error, SyntaxError):
        return {"error": "syntax", "text": text}
    if isinstance(error, MemoryError) or "annot allocate memory" in text:
        return {"error": "memory", "text": text}
    if isinstance(error, Refused | RuntimeError):
        return {"error": "refused", "text": text}
    return {"error": "failed", "text": f"{type(error).__name__}: {text}"}


def receive(connection: socket.socket, length: int) -> bytes:
    """Exactly that many bytes; ends the process when the parent has closed its side."""
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(length - len(parts))
        if not part:
            raise SystemExit(0)
        parts += part
    return bytes(parts)


class Allowance:
    """The memory limit of this process, and whether a query has left much of it behind."""

    def __init__(self, megabytes: int, base: int) -> None:
        self._megabytes = megabytes
        self._base = base
        self._now = -1
        self._faults = 0
        self._sizes = (0, 0)

    def limit(self, megabytes: int) -> None:
        """Sets the limit of the next query, as far as this process may have it."""
        wanted = min(self._megabytes, megabytes)
        if wanted != self._now:
            limit_memory(self._base + wanted, self._base + self._megabytes)
            self._now = wanted

    def left(self) -> dict[str, int]:
        """MB of address space, of memory, and of pages touched for the first time so far."""
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        if faults - self._faults > 500 or not self._sizes[0]:  # few pages are no new memory
            self._faults, self._sizes = faults, sizes()
        space, resident = self._sizes
        return {"megabytes": space, "resident": resident, "touched": faults * _PAGE >> 20}


def serve(store: ox.Store, connection: socket.socket, memory: Allowance) -> None:
    """Answers requests until the parent closes the connection."""
    while True:
        _, length = frames.HEADER.unpack(receive(connection, frames.HEADER.size))
        request = json.loads(receive(connection, length))
        memory.limit(request["megabytes"])
        output = Writer(connection)
        try:
            answer(store, request, output)
        except Exception as error:
            output.finish(frames.ERROR, failure(error))
        else:
            output.finish(frames.END, memory.left())


def main(arguments: list[str]) -> None:
    """Opens the store and serves requests."""
    descriptor, path, megabytes, parent = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolated = confine(int(parent))
    memory = Allowance(int(megabytes), 0)
    memory.limit(int(megabytes))
    connection = socket.socket(fileno=int(descriptor))
    store = ox.Store.read_only(path)
    ready = {"isolated": isolated, "megabytes": sizes()[0], "pid": os.getpid()}
    connection.sendall(frames.pack_json(frames.READY, ready))
    serve(store, connection, memory)


if __name__ == "__main__":
    main(sys.argv[1:])
