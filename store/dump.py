"""Dumps of a release: all quads in one file, and one Turtle file for each family."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, cast

import pyoxigraph as ox
import zstandard

from clusterloom.namespaces import PREFIXES

_PREFIXES = {p: iri for p, iri in PREFIXES.items() if p != "xsd"}


def write_dumps(folder: Path, families: Sequence[str], withheld: Collection[str]) -> None:
    """Writes `dump.nq.zst` and `turtle/<family>.ttl.gz` from `families/<family>.nq.gz`.

    Families in `withheld` (their licence forbids redistribution) are left out of both. The
    quads are those of the named graphs; the default graph is their duplicate-free union.
    """
    turtle = folder / "turtle"
    turtle.mkdir()
    compressor = zstandard.ZstdCompressor(level=6)
    with open(folder / "dump.nq.zst", "wb") as raw, compressor.stream_writer(raw) as dump:
        for family in families:
            if family in withheld:
                continue
            source = folder / "families" / f"{family}.nq.gz"
            with gzip.open(source, "rb") as quads:
                while block := quads.read(1 << 20):
                    dump.write(block)
            with (
                gzip.open(source, "rb") as quads,
                gzip.GzipFile(turtle / f"{family}.ttl.gz", "wb", 6, mtime=0) as out,
            ):
                parsed = ox.parse(cast("IO[bytes]", quads), format=ox.RdfFormat.N_QUADS)
                triples = (quad.triple for quad in parsed)
                to = cast("IO[bytes]", out)
                ox.serialize(triples, to, ox.RdfFormat.TURTLE, prefixes=_PREFIXES)
