"""Whether a release on disk is still what its report says."""

from __future__ import annotations

import gzip
import hashlib
import zlib

import pyoxigraph as ox

from clusterloom.store import subjects
from clusterloom.store.release import Release


def faults(release: Release) -> list[str]:
    """What differs from the report, in words; empty for a whole release.

    Looks at the SHA-256 of every family, the table of subjects, and the triples of the store.
    """
    report = release.report()
    found = []
    for family, expected in report["families"].items():
        digest = hashlib.sha256()
        try:
            with gzip.open(release.path / "families" / f"{family}.nq.gz", "rb") as lines:
                while block := lines.read(1 << 20):
                    digest.update(block)
        except (OSError, EOFError, zlib.error) as error:
            found.append(f"family {family} cannot be read: {error}")
            continue
        if digest.hexdigest() != expected:
            found.append(f"family {family} is not what was built")
    try:
        store = ox.Store.read_only(str(release.store_path))
    except OSError as error:
        return [*found, f"the store cannot be opened: {error}"]
    if report["triples"] <= subjects.MOST and not subjects.whole(release.path, report["triples"]):
        found.append("the table of subjects is missing or damaged")
    triples = sum(1 for _ in store.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    if triples != report["triples"]:
        found.append(f"the store has {triples} triples, the report says {report['triples']}")
    return found
