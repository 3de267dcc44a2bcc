"""An index with a few statements more or fewer, made of another without a change to that one.

Arrays that do not change are those of the other, mapped into memory as they are. What follows from
the statements is found by `follows`; the status of stages is found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import stage_status
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model


class Property(NamedTuple):
    """What a statement can be of: kinds of its ends, and the relation of the index behind it."""

    subject: str
    object: str
    relation: str
    turned: bool = False


PROPERTIES: dict[str, Property] = {
    "hasCapability": Property("clusters", "capabilities", "cluster_capability"),
    "covers": Property("clusters", "stages", "cluster_stage"),
    "locatedIn": Property("clusters", "regions", "cluster_region"),
    "inCountry": Property("clusters", "countries", "cluster_country"),
    "participant": Property("undertakings", "clusters", "cluster_undertaking", True),
    "targetCountry": Property("undertakings", "countries", "undertaking_target"),
    "participatingRegion": Property("areas", "regions", "area_region"),
    "specialisedIn": Property("regions", "capabilities", "region_status"),
}
"""By the name of the property in the ontology."""


@dataclass(frozen=True)
class Change:
    """That something holds or does not; `rule` is what it follows from, "" for what is supposed.

    Ends are places in the index; of `specialisedIn` the object is the number of a division.
    """

    name: str
    subject: int
    object: int
    holds: bool
    rule: str = ""

    @property
    def of(self) -> tuple[str, int, int]:
        """What it speaks of, whether it holds or not."""
        return self.name, self.subject, self.object


class StageChange(NamedTuple):
    """The status of a stage in a region, which follows from the changes; codes of COVERAGE."""

    region: int
    stage: int
    before: int
    after: int
    by_employment: bool


def holds(index: Index, change: Change) -> bool:
    """Whether the index says already what a change supposes."""
    if change.name == "specialisedIn":
        status = int(index.arrays["region_status"][change.subject, change.object])
        return status == 1 if change.holds else status == 0
    relation, one, other = _ends(change)
    return bool(np.isin(other, index.row(relation, one))) == change.holds


def supposed(index: Index, changes: Sequence[Change]) -> tuple[Index, list[StageChange]]:
    """The index with the changes, and the stages whose status in a region they change."""
    arrays = dict(index.arrays)
    by_relation: dict[str, list[Change]] = {}
    for change in changes:
        if not holds(index, change):
            by_relation.setdefault(PROPERTIES[change.name].relation, []).append(change)
    for relation, some in by_relation.items():
        if relation == "region_status":
            status = np.array(index.arrays[relation])
            for one in some:
                status[one.subject, one.object] = int(one.holds)
            arrays[relation] = status
        else:
            arrays |= _rows_changed(index, relation, some)
    changed = Index(index.release, index.things, arrays)
    real = [change for some in by_relation.values() for change in some]
    moved = []
    for region, stage in _touched(index, changed, real):
        if now := stage_status.again(index, changed, region, stage):
            moved.append(StageChange(region, stage, *now))
    if moved:
        stages = np.array(index.arrays["region_stage"])
        by_employment = np.array(index.arrays["region_stage_by_employment"])
        for cell in moved:
            stages[cell.region, cell.stage] = cell.after
            by_employment[cell.region, cell.stage] = cell.by_employment
        arrays |= {"region_stage": stages, "region_stage_by_employment": by_employment}
        changed = Index(index.release, index.things, arrays)
    return changed, [cell for cell in moved if cell.before != cell.after]


def _touched(before: Index, after: Index, changes: Sequence[Change]) -> list[tuple[int, int]]:
    """Regions and stages whose status may be another one."""
    cells: set[tuple[int, int]] = set()
    for change in changes:
        at = change.subject
        if change.name == "covers":
            regions = {*before.row("cluster_region", at), *after.row("cluster_region", at)}
            cells |= {(int(region), change.object) for region in regions}
        elif change.name == "locatedIn":
            stages = {*before.row("cluster_stage", at), *after.row("cluster_stage", at)}
            cells |= {(change.object, int(stage)) for stage in stages}
        elif change.name == "specialisedIn":
            drawing = stage_status.drawing_on(before, change.object)
            cells |= {(at, int(stage)) for stage in drawing}
    # organisations count for regions of the levels 1 and 2
    return sorted(cell for cell in cells if before.arrays["region_level"][cell[0]] < 3)


def _rows_changed(
    index: Index, relation: str, changes: Sequence[Change]
) -> dict[str, NDArray[np.int32]]:
    indptr, indices = index.arrays[f"{relation}.indptr"], index.arrays[f"{relation}.indices"]
    rows, columns = len(indptr) - 1, max(1, index.relation(relation).shape[1])
    firsts = np.repeat(np.arange(rows, dtype=np.int64), np.diff(indptr))
    keys = firsts * columns + indices

    def of(wanted: bool) -> NDArray[np.int64]:
        ends = [_ends(change) for change in changes if change.holds == wanted]
        return np.array([one * columns + other for _, one, other in ends], dtype=np.int64)

    keys = np.union1d(np.setdiff1d(keys, of(False)), of(True))
    counts = np.bincount(keys // columns, minlength=rows)
    return {
        f"{relation}.indptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        f"{relation}.indices": (keys % columns).astype(np.int32),
    }


def _ends(change: Change) -> tuple[str, int, int]:
    kind = PROPERTIES[change.name]
    ends = change.subject, change.object
    return (kind.relation, *(ends[::-1] if kind.turned else ends))


_RESTS_ON: dict[str, tuple[str, ...]] = {
    "capabilities": ("cluster_capability",),
    "divisions": ("cluster_capability",),
    "products": ("cluster_capability",),
    "expected": ("cluster_capability",),
    "makers": ("cluster_capability",),
    "comprised": (),
    "coefficients": (),
    "requirements": (),
    "division_labels": (),
    "measured": ("region_status",),
    "relatedness": ("region_status",),
    "shares": ("region_status",),
    "ties": ("cluster_undertaking",),
    "degrees": ("cluster_undertaking",),
    "undertaking_divisions": ("cluster_capability", "cluster_undertaking"),
}
"""Matrices of a model by the arrays of the index that a change can touch and that they rest on."""


def model_over(model: Model, index: Index) -> Model:
    """A model over a changed index; what rests on nothing that changed is that of the other."""
    found = Model(index)
    for name, relations in _RESTS_ON.items():
        arrays = [a for r in relations for a in (r, f"{r}.indptr", f"{r}.indices")]
        same = all(index.arrays.get(a) is model.index.arrays.get(a) for a in arrays)
        if same and name in vars(model):
            vars(found)[name] = vars(model)[name]
    return found
