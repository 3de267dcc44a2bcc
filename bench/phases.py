"""Benchmark `phases`: the seconds each phase of the build took, as its report has them."""

from __future__ import annotations

from clusterloom.store.release import Release

from .measure import OURS, Measurement, Outcome


def run(release: Release) -> Outcome:
    """Nothing is measured anew and there is no peer."""
    report = release.report()
    measurements = [
        Measurement(name, "", report["triples"], None, {OURS: seconds})
        for name, seconds in report["seconds"].items()
    ]
    return Outcome("phases", "Phases of the build of this release", "triples", measurements)
