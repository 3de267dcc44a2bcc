"""The status of a stage in a region after a change, by the rule `stage-coverage`.

The rule takes the best answer of the organisations there and the specialisation of the divisions
that the stage draws on. The index knows of organisations that are clusters, and not which of them
half-covers a stage, so that a status may become unknown where the rule, with all before it, would
find another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.index import COVERAGE, MATCH, STATUS, Index

_COVERED, _WEAK, _MISSING, _UNKNOWN = (
    COVERAGE[name] for name in ("covered", "weak", "missing", "unknown")
)


def drawing_on(index: Index, division: int) -> NDArray[np.int64]:
    """The stages one of whose capabilities lies in a division."""
    table, own = index.arrays["stage_capability"], index.arrays["capability_division"]
    return np.unique(table[own[table[:, 1]] == division, 0]).astype(np.int64)


def by_employment(index: Index, region: int, stage: int) -> int:
    """The status by employment alone, a code of COVERAGE; unknown in regions of NUTS 2013 only."""
    if index.things["regions"].facts["vintages"][region] == "2013":
        return _UNKNOWN
    table = index.arrays["stage_capability"]
    required = table[table[:, 0] == stage]
    division = index.arrays["capability_division"][required[:, 1]]
    measured = index.arrays["region_status"][region]
    said = [int(measured[d]) if d >= 0 else STATUS["unknown"] for d in division]
    itself = index.arrays["divisions"]
    for (_, capability, match), d, status in zip(required, division, said, strict=True):
        whole = d >= 0 and int(itself[d]) == int(capability) and match != MATCH["broad"]
        if whole and status == STATUS["specialised"]:
            return _COVERED
    if {STATUS["specialised"], STATUS["borderline"]} & set(said):
        return _WEAK
    return _MISSING if set(said) == {STATUS["not"]} else _UNKNOWN


def again(before: Index, after: Index, region: int, stage: int) -> tuple[int, int, bool] | None:
    """Status before and after, and whether that is by employment; None where all is the same."""
    old = int(before.arrays["region_stage"][region, stage])
    employed = bool(before.arrays["region_stage_by_employment"][region, stage])
    now, basis = _after(before, after, region, stage, old, employed)
    return None if (now, basis) == (old, employed) else (old, now, basis)


def _after(
    before: Index, after: Index, region: int, stage: int, old: int, employed: bool
) -> tuple[int, bool]:
    if _covered(after, region, stage):
        return _COVERED, False
    here = not employed and old in {_COVERED, _WEAK}
    lost = _covered(before, region, stage)
    if here and old == _COVERED and not lost:
        return old, False  # by an organisation that is no cluster
    found = by_employment(after, region, stage)
    if found == _COVERED:
        return _COVERED, True
    if here and old == _WEAK:
        return _WEAK, False
    if found == _WEAK:
        return _WEAK, True
    # organisations that half-cover it do not show where it was covered
    if old == _COVERED:
        return _UNKNOWN, False
    return found, found != _UNKNOWN


def _covered(index: Index, region: int, stage: int) -> bool:
    """Whether a cluster in the region covers the stage."""
    there = index.related_to("cluster_region", region)
    return bool(np.isin(index.related_to("cluster_stage", stage), there).any())
