"""What changed between two releases: a merge of their sorted families, line by line.

Memory stays flat whatever the size. Run as a program it answers one question on standard output,
so that a server can ask beside its event loop and end it at any time.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from clusterloom.errors import ClusterloomError
from clusterloom.store.release import Release

_CLOSED = re.compile(
    rb"<https://w3id\.org/clusterloom/id/dataset/([^>]+)> "
    rb"<https://w3id\.org/clusterloom/ontology#redistribute> \"false\""
)


@dataclass(frozen=True)
class Families:
    """The families that differ, by name, and those of them that may not be given away."""

    open: tuple[str, ...]
    withheld: tuple[str, ...]


@dataclass
class Counts:
    """How many statements were added and removed, by family and by named graph."""

    families: dict[str, tuple[int, int]] = field(default_factory=dict)
    graphs: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One statement, as a line of N-Quads, that only the later (`added`) or earlier one has."""

    family: str
    added: bool
    line: bytes


def families(before: Release, after: Release) -> Families:
    """Which families differ, by the digests of the reports."""
    old, new = before.report().get("families", {}), after.report().get("families", {})
    differ = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    closed = withheld(before) | withheld(after)
    return Families(
        tuple(name for name in differ if name not in closed),
        tuple(name for name in differ if name in closed),
    )


def withheld(release: Release) -> frozenset[str]:
    """The families of what may not be redistributed, as the `meta` family and the report say."""
    with closing(_lines(release, "meta")) as lines:
        closed = frozenset(m[1].decode() for line in lines if (m := _CLOSED.match(line)))
    return closed.union(release.report().get("withheld", ()))


def changes(before: Release, after: Release, names: Sequence[str]) -> Iterator[Change]:
    """Every change of these families, family by family, in the order of the lines."""
    for name in names:
        with closing(_lines(before, name)) as old, closing(_lines(after, name)) as new:
            one, other = next(old, b""), next(new, b"")
            while one or other:
                if one == other:
                    one, other = next(old, b""), next(new, b"")
                elif not one or (other and other < one):
                    yield Change(name, True, other)
                    other = next(new, b"")
                else:
                    yield Change(name, False, one)
                    one = next(old, b"")


def count(found: Iterator[Change]) -> Counts:
    """The figures of these changes."""
    by_family: Counter[tuple[str, bool]] = Counter()
    by_graph: Counter[tuple[bytes, bool]] = Counter()
    for change in found:
        by_family[change.family, change.added] += 1
        by_graph[graph_of(change.line), change.added] += 1
    counts = Counts()
    for name in sorted({name for name, _ in by_family}):
        counts.families[name] = by_family[name, True], by_family[name, False]
    for graph in sorted({graph for graph, _ in by_graph}):
        counts.graphs[graph.decode()] = by_graph[graph, True], by_graph[graph, False]
    return counts


def graph_of(line: bytes) -> bytes:
    """The named graph of a line of N-Quads.

    >>> graph_of(b'<a> <b> "c <d>" <http://g> .\\n')
    b'http://g'
    """
    return line[line.rindex(b"<") + 1 : line.rindex(b">")]


def _lines(release: Release, family: str) -> Generator[bytes, None, None]:
    path = release.path / "families" / f"{family}.nq.gz"
    if not path.is_file():
        return
    try:
        with gzip.open(path, "rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise ClusterloomError(
            f"release {release.id} is damaged: family {family} cannot be read ({error})"
        ) from None


def main(arguments: Sequence[str]) -> int:
    """`BEFORE AFTER counts`, `... added|removed` or `... page FAMILY SKIP LIMIT`.

    BEFORE and AFTER are folders of releases. Prints JSON, lines of N-Quads, or lines
    `<family> TAB <+ or -> TAB <N-Quads>`.
    """
    before, after = (Release(Path(name).name, Path(name)) for name in arguments[:2])
    what, *rest = arguments[2:]
    names = families(before, after).open
    out = sys.stdout.buffer
    if what == "counts":
        counts = count(changes(before, after, names))
        out.write(json.dumps({"families": counts.families, "graphs": counts.graphs}).encode())
    elif what == "page":
        first, skip, limit = rest[0], int(rest[1]), int(rest[2])
        found = changes(before, after, [name for name in names if name >= first])
        for change in islice(found, skip, skip + limit):
            sign = b"+" if change.added else b"-"
            out.write(b"\t".join((change.family.encode(), sign, change.line)))
    else:
        for change in changes(before, after, names):
            if change.added == (what == "added"):
                out.write(change.line)
    out.flush()
    return 0


if __name__ == "__main__":
    os.nice(5)  # whoever waits for a look-up goes first
    try:
        sys.exit(main(sys.argv[1:]))
    except ClusterloomError as error:
        print(error.detail, file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os._exit(1)
