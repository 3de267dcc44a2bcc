"""The statements of each subject as pieces of SPARQL JSON, for look-ups that cost microseconds.

One file of a release holds every term of the default graph once, as it is written in SPARQL
Results JSON, and for each subject its pairs of predicate and object, in the order of the store.
It is mapped into memory, so that all processes of a machine share it. A look-up is one search by
hash and the joining of pieces: no parsing, no planning, no term decoded.

The file: a magic word and three numbers (terms, subjects, statements), then offsets of terms,
hashes of subjects in ascending order, for each of them its term and its range of statements, the
pairs, and the terms.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Self, cast

import orjson
import pyoxigraph as ox

FILE = "subjects.bin"
MOST = 5_000_000
"""Statements beyond which no file is written: its terms are gathered in memory."""

_MAGIC = b"CLSUBJ01"
_HEAD = struct.Struct("<8sQQQ")
_STRING = "http://www.w3.org/2001/XMLSchema#string"


class BadSubjects(ValueError):
    """The file is not a table of subjects, or not whole."""


def piece(term: object) -> bytes:
    """A term as SPARQL Results JSON writes it.

    >>> piece(ox.Literal("a", language="en"))
    b'{"type":"literal","value":"a","xml:lang":"en"}'
    """
    if isinstance(term, ox.NamedNode):
        return orjson.dumps({"type": "uri", "value": term.value})
    if isinstance(term, ox.BlankNode):
        return orjson.dumps({"type": "bnode", "value": term.value})
    literal = cast(ox.Literal, term)
    found = {"type": "literal", "value": literal.value}
    if literal.language:
        found["xml:lang"] = literal.language
    elif literal.datatype.value != _STRING:
        found["datatype"] = literal.datatype.value
    return orjson.dumps(found)


def write(quads: Iterable[ox.Quad], path: Path, most: int = MOST) -> int:
    """Writes the table of statements that come subject by subject; returns how many there are.

    Beyond `most`, and on a machine of other byte order, it only counts.
    """
    ids: dict[object, int] = {}
    pieces = bytearray()
    offsets, pairs = array("Q", [0]), array("I")
    subjects: list[tuple[int, int, int, int]] = []

    def number(term: object) -> int:
        found = ids.get(term)
        if found is None:
            found = ids[term] = len(ids)
            pieces.extend(piece(term))
            offsets.append(len(pieces))
        return found

    count, before, first = 0, None, 0
    fits = sys.byteorder == "little"
    for quad in quads:
        count += 1
        if not fits or count > most or isinstance(quad.object, ox.Triple):
            fits = False
            continue
        if quad.subject != before:
            if before is not None:
                subjects.append((_hash(before), number(before), first, count - 1))
            before, first = quad.subject, count - 1
        pairs.append(number(quad.predicate))
        pairs.append(number(quad.object))
    if not fits:
        return count
    if before is not None:
        subjects.append((_hash(before), number(before), first, count))
    subjects.sort()
    columns = [array("Q", [s[0] for s in subjects])]
    columns += [array("I", [s[n] for s in subjects]) for n in (1, 2, 3)]
    with open(path, "wb") as out:
        out.write(_HEAD.pack(_MAGIC, len(ids), len(subjects), count))
        for column in (offsets, *columns, pairs):
            column.tofile(out)
        out.write(pieces)
    return count


def _hash(term: object) -> int:
    text = term.value if isinstance(term, ox.NamedNode) else str(term)
    return _hashed(text)


def _hashed(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")


def whole(folder: Path, statements: int) -> bool:
    """Whether a release's folder has a table of so many statements."""
    table = Subjects.of(folder)
    return table is not None and table.statements == statements


class Subjects:
    """A table that has been written; BadSubjects when it is damaged, OSError when it is not there.

    It is never written to again and closed when nobody holds it any more.
    """

    def __init__(self, path: Path) -> None:
        if path.stat().st_size < _HEAD.size:
            raise BadSubjects(f"{path} is cut")
        with open(path, "rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        magic, terms, subjects, rows = _HEAD.unpack_from(view)
        if magic != _MAGIC or sys.byteorder != "little":
            raise BadSubjects(f"{path} is not a table of subjects")
        place = _HEAD.size

        def column(kind: str, count: int) -> memoryview[int]:
            nonlocal place
            size = count * array(kind).itemsize
            part = view[place : place + size]
            place += size
            if len(part) < size:
                raise BadSubjects(f"{path} is cut")
            return cast("memoryview[int]", part.cast(kind))  # type: ignore[call-overload]

        self._offsets = column("Q", terms + 1)
        self._hashes = column("Q", subjects)
        self._names, self._firsts, self._lasts = (column("I", subjects) for _ in range(3))
        self.statements: int = rows
        self._pairs = column("I", 2 * rows)
        self._pieces = view[place:]
        if len(self._pieces) != self._offsets[terms]:
            raise BadSubjects(f"{path} is cut")

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """The table of a release's folder, None where there is none or it is damaged."""
        try:
            return cls(folder / FILE)
        except (OSError, BadSubjects):
            return None

    def pairs(self, iri: str, most: int) -> list[tuple[bytes, bytes]] | None:
        """Predicate and object of each statement about it; None when there are more than `most`."""
        wanted = _hashed(iri)
        place = bisect_left(self._hashes, wanted)
        own = orjson.dumps({"type": "uri", "value": iri})
        while place < len(self._hashes) and self._hashes[place] == wanted:
            if self._piece(self._names[place]) == own:
                first, last = self._firsts[place], self._lasts[place]
                if last - first > most:
                    return None
                numbers = self._pairs[2 * first : 2 * last].tolist()
                piece, offsets = self._pieces, self._offsets
                parts = [bytes(piece[offsets[n] : offsets[n + 1]]) for n in numbers]
                return list(zip(parts[::2], parts[1::2], strict=True))
            place += 1
        return []

    def _piece(self, number: int) -> bytes:
        return bytes(self._pieces[self._offsets[number] : self._offsets[number + 1]])
