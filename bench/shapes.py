"""Benchmark `shapes`: the SHACL engine in use against pySHACL on single sources of the release.

A source alone lacks the types of what it links to, so there are breaches to agree on.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyoxigraph as ox

from clusterloom.ontology.validate import Result, referee, shape_files, validate
from clusterloom.store.release import Release

from .measure import OURS, BenchFailed, Measurement, Outcome, medians

PEER = "pySHACL"
FAMILIES = ("events", "s3-areas", "s3-area-regions")

Check = Callable[[ox.Store, Sequence[Path]], list[Result]]


def run(release: Release, repetitions: int, families: Sequence[str]) -> Outcome:
    """Measures each family; both engines read data and shapes anew each time."""
    measurements = []
    for family in families or FAMILIES:
        data = turtle(release, family)
        agree = _found(validate(data)) == _found(referee(data))
        with tempfile.TemporaryDirectory() as folder:
            ours = _checking(validate, data, Path(folder))
            theirs = _checking(referee, data, Path(folder))
            seconds = medians({OURS: ours, PEER: theirs}, repetitions)
        measurements.append(Measurement(family, "", len(data), agree, seconds))
    return Outcome("shapes", "SHACL, data and shapes read anew", "triples", measurements)


def turtle(release: Release, family: str) -> ox.Store:
    """The statements of one source in memory."""
    path = release.path / "turtle" / f"{family}.ttl.gz"
    if not path.is_file():
        raise BenchFailed(f"release {release.id} has no Turtle of {family!r}")
    store = ox.Store()
    store.load(gzip.decompress(path.read_bytes()), ox.RdfFormat.TURTLE)
    return store


def _checking(check: Check, data: ox.Store, folder: Path) -> Callable[[], list[Result]]:
    return lambda: check(data, _fresh_shapes(folder))


def _fresh_shapes(folder: Path) -> list[Path]:
    """Copies under names not seen before: `validate` keeps shapes it has read, pySHACL does not."""
    target = Path(tempfile.mkdtemp(dir=folder))
    return [Path(shutil.copy(path, target)) for path in shape_files()]


def _found(results: list[Result]) -> set[tuple[str, str, str]]:
    return {(r.focus, r.message, r.severity) for r in results}
