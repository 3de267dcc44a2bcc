"""Runs one source: rows in, sorted N-Quads and a quarantine file out, every row accounted for."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from clusterloom import namespaces as ns
from clusterloom.errors import ChecksFailed
from clusterloom.loaders.contract import Record, Reject, Skip, Source
from clusterloom.loaders.metadata import Metadata
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.sorting import sorted_unique
from clusterloom.terms import BadTerm, Statement

_TYPE = f" <{ns.PREFIXES['rdf']}type> <{ns.CLOOM}".encode()

Progress = Callable[[str, int], None]
"""Called with a source name and the rows read so far."""


@dataclass
class Loaded:
    """What a run of one source gave: read = mapped + rejected + sum(skipped).

    `graphs` are those that the file itself named (only RDF files do), all of asserted statements.
    """

    source: str
    read: int = 0
    mapped: int = 0
    rejected: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    statements: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    kinds: set[str] = field(default_factory=set)
    graphs: set[str] = field(default_factory=set)
    input_sha256: str = ""
    family_sha256: str = ""
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The entry of this source in the build report."""
        plain = asdict(self)
        del plain["source"]
        plain["kinds"] = sorted(self.kinds)
        plain["graphs"] = sorted(self.graphs)
        plain["skipped"] = dict(sorted(self.skipped.items()))
        plain["entities"] = dict(sorted(self.entities.items()))
        plain["seconds"] = round(self.seconds, 3)
        return plain


def run_source(
    source: Source,
    metadata: Metadata,
    path: Path,
    reference: Reference,
    folder: Path,
    progress: Progress | None = None,
) -> Loaded:
    """Writes `<folder>/<source>.nq.gz` (byte-sorted, each line once) and, where rows were bad,
    `<folder>/rejected/<source>.jsonl`.

    Raises DataRefused for a structural surprise and ChecksFailed for a missed expectation.
    """
    began = time.monotonic()
    loaded = Loaded(source.name, input_sha256=sha256_of(path))
    rejects = _Rejects(folder / "rejected" / f"{source.name}.jsonl")
    lines = _lines(source, path, reference, loaded, rejects, progress)
    loaded.family_sha256 = write_family(folder / f"{source.name}.nq.gz", lines, loaded)
    rejects.close()
    loaded.seconds = time.monotonic() - began
    _expect(metadata, loaded, rejects.path)
    return loaded


def _lines(
    source: Source,
    path: Path,
    reference: Reference,
    loaded: Loaded,
    rejects: _Rejects,
    progress: Progress | None,
) -> Iterator[bytes]:
    for record in source.records(path):
        loaded.read += 1
        if progress and loaded.read % 1000 == 0:
            progress(source.name, loaded.read)
        try:
            row = source.model.model_validate(record.cells)
            statements = list(source.statements(row, reference))
        except Skip as skip:
            loaded.skipped[str(skip)] += 1
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "row"
            rejects.add(record, where, first["msg"])
            loaded.rejected += 1
        except (Reject, BadTerm) as error:
            where = error.field if isinstance(error, Reject) else "row"
            why = error.reason if isinstance(error, Reject) else str(error)
            rejects.add(record, where, why)
            loaded.rejected += 1
        else:
            loaded.mapped += 1
            for statement in statements:
                loaded.kinds.add(statement.kind)
                yield quad(source.name, statement)


def quad(family: str, statement: Statement) -> bytes:
    """The N-Quads line of a statement in the graph of its family and kind."""
    kind, subject, predicate, value = statement
    return f"{subject} {predicate} {value} <{ns.graph(family, kind)}> .\n".encode()


def write_family(path: Path, lines: Iterator[bytes], loaded: Loaded) -> str:
    """Writes the lines sorted and unique, counts them, and returns their SHA-256."""
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", compresslevel=3, mtime=0) as out:
        for line in sorted_unique(lines):
            digest.update(line)
            out.write(line)
            loaded.statements += 1
            start = line.find(_TYPE)
            if start >= 0:
                name = line[start + len(_TYPE) : line.index(b">", start + len(_TYPE))]
                loaded.entities[name.decode()] += 1
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files in name order."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if "__pycache__" in file.parts:
            continue
        if file.is_file():
            with open(file, "rb") as handle:
                while block := handle.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


class _Rejects:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._out: IO[str] | None = None

    def add(self, record: Record, where: str, why: str) -> None:
        if self._out is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._out = self.path.open("w", encoding="utf-8")
        entry = {
            "file": record.file,
            "line": record.line,
            "field": where,
            "reason": why,
            "raw": record.cells,
        }
        self._out.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


def _expect(metadata: Metadata, loaded: Loaded, rejected: Path) -> None:
    wanted = metadata.expectations
    if loaded.read < wanted.min_rows:
        raise ChecksFailed(
            f"source {loaded.source}: {loaded.read} rows read, at least {wanted.min_rows} expected"
        )
    share = loaded.rejected / loaded.read if loaded.read else 0.0
    if share > wanted.max_rejected_share:
        raise ChecksFailed(
            f"source {loaded.source}: {loaded.rejected} of {loaded.read} rows rejected "
            f"(at most {wanted.max_rejected_share:.1%} allowed); see {rejected}"
        )
    for name, least in wanted.min_entities.items():
        if loaded.entities[name] < least:
            raise ChecksFailed(
                f"source {loaded.source}: {loaded.entities[name]} {name} mapped, "
                f"at least {least} expected"
            )
