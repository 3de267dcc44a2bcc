"""Dumps of a release: all quads, the quads of each kind, and one Turtle file for each family."""

from __future__ import annotations

import gzip
import hashlib
import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyoxigraph as ox
import zstandard

from clusterloom.namespaces import KINDS, PREFIXES
from clusterloom.store.census import Census

CHECKSUMS = "checksums.txt"
"""SHA-256 of every dump, as `sha256sum --check` reads it."""

_PREFIXES = {p: iri for p, iri in PREFIXES.items() if p != "xsd"}


@dataclass(frozen=True)
class Dumps:
    """What was written: every file with `bytes` and `sha256`, and the counts of what is in it."""

    files: dict[str, dict[str, Any]]
    census: dict[str, Any]


def write_dumps(
    folder: Path,
    families: Sequence[str],
    withheld: Collection[str],
    kinds: Mapping[str, str] | None = None,
) -> Dumps:
    """Writes `dump.nq.zst`, `kind/<kind>.nq.zst`, `turtle/<family>.ttl.gz` and `checksums.txt`
    from `families/<family>.nq.gz`, which are dumps too.

    Families in `withheld` (their licence forbids redistribution) are left out of all. The quads
    are those of the named graphs; the default graph is their duplicate-free union. `kinds` says
    of which kind a graph is whose name does not end in one; graphs about graphs have none.
    """
    given = [family for family in families if family not in withheld]
    sources = {family: folder / "families" / f"{family}.nq.gz" for family in given}
    (folder / "turtle").mkdir()
    with _Compressed(folder / "dump.nq.zst") as dump:
        for source in sources.values():
            with gzip.open(source, "rb") as quads:
                while block := quads.read(1 << 20):
                    dump.write(block)
    for family, source in sources.items():
        _turtle(source, folder / "turtle" / f"{family}.ttl.gz")
    census = _by_kind(folder, list(sources.values()), kinds or {})
    names = ["dump.nq.zst", *(f"kind/{p.name}" for p in sorted((folder / "kind").iterdir()))]
    for family in given:
        names += [f"turtle/{family}.ttl.gz", f"families/{family}.nq.gz"]
    files = {name: _described(folder / name) for name in names}
    lines = (f"{entry['sha256']}  {name}\n" for name, entry in files.items())
    (folder / CHECKSUMS).write_text("".join(lines), "ascii")
    return Dumps(files, census)


def _turtle(source: Path, target: Path) -> None:
    with gzip.open(source, "rb") as quads, gzip.GzipFile(target, "wb", 6, mtime=0) as out:
        parsed = ox.parse(cast("IO[bytes]", quads), format=ox.RdfFormat.N_QUADS)
        triples = (quad.triple for quad in parsed)
        to = cast("IO[bytes]", out)
        ox.serialize(triples, to, ox.RdfFormat.TURTLE, prefixes=_PREFIXES)


def _by_kind(folder: Path, sources: list[Path], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Writes the quads of each kind and counts them all, in one pass over the families."""
    (folder / "kind").mkdir()
    census = Census()
    with ExitStack() as stack:
        out = {
            kind: stack.enter_context(_Compressed(folder / "kind" / f"{kind}.nq.zst"))
            for kind in KINDS
        }
        writers: dict[bytes, Any] = {}
        families = [stack.enter_context(gzip.open(source, "rb")) for source in sources]
        for line in heapq.merge(*families):
            # a graph name holds no space, so the last one before the full stop precedes it
            end = line.rindex(b" <")
            graph = line[end + 1 : -3]
            census.add(line[:end], graph)
            if graph not in writers:
                name = graph.decode("utf-8").strip("<>")
                writers[graph] = out.get(kinds.get(name) or name.rpartition("/")[2])
            if (writer := writers[graph]) is not None:
                writer.write(line)
    return census.result()


class _Compressed:
    """A zstd file written to in lines; small writes are gathered, which is faster."""

    def __init__(self, path: Path) -> None:
        self._raw = open(path, "wb")  # noqa: SIM115
        self._out = zstandard.ZstdCompressor(level=6).stream_writer(self._raw)
        self._lines: list[bytes] = []
        self._held = 0

    def write(self, data: bytes) -> None:
        self._lines.append(data)
        self._held += len(data)
        if self._held > 1 << 20:
            self._flush()

    def _flush(self) -> None:
        self._out.write(b"".join(self._lines))
        self._lines.clear()
        self._held = 0

    def __enter__(self) -> _Compressed:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._out.close()  # type: ignore[no-untyped-call]
        self._raw.close()


def _described(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block
