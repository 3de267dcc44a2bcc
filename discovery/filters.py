"""Which clusters a search looks at: filters that tell what is unknown from what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.index import Index
from clusterloom.discovery.profile import Profile, find, find_capability, find_region
from clusterloom.errors import UsageError
from clusterloom.nearest import hint

Mask = NDArray[np.bool_]
ELSEWHERE = ("country", "region")


@dataclass(frozen=True)
class Filters:
    """What a partner must have; empty asks for nothing. Keys are last segments of IRIs.

    `elsewhere` is "country" or "region": the partner's is known and another than the profile's.
    """

    country: Sequence[str] = ()
    region: Sequence[str] = ()
    area: Sequence[str] = ()
    capability: Sequence[str] = ()
    kind: Sequence[str] = ()
    third_country: Sequence[str] = ()
    labelled: bool = False
    exclude_partners: bool = False
    elsewhere: str = ""


@dataclass
class Looked:
    """The clusters that fit, and how many were left out because what a filter asks is unknown."""

    mask: Mask
    unknown: dict[str, int] = field(default_factory=dict)


def look(index: Index, profile: Profile, filters: Filters) -> Looked:
    """The clusters that a search ranks; UsageError for values that are not known."""
    count = len(index.things["clusters"])
    looked = Looked(np.ones(count, dtype=bool))
    if profile.place >= 0:
        looked.mask[profile.place] = False
    country = index.country
    if filters.country:
        things = index.things["countries"]
        wanted = [find(things, code.upper(), "country") for code in filters.country]
        _keep(looked, np.isin(country, wanted), country >= 0, "country")
    if filters.region:
        places = [find_region(index, code, "region") for code in filters.region]
        placed = np.diff(index.arrays["cluster_region.indptr"]) > 0
        _keep(looked, _related(index, "cluster_region", places), placed, "region")
    if filters.elsewhere == "country":
        _keep(looked, country != profile.country, country >= 0, "country")
    elif filters.elsewhere == "region":
        level = index.arrays["region_level"]
        own = [int(r) for r in profile.regions if level[r] == 2]
        known = _related(index, "cluster_region", np.flatnonzero(level == 2))
        _keep(looked, ~_related(index, "cluster_region", own), known, "region")
    elif filters.elsewhere:
        raise UsageError(
            f"elsewhere: {filters.elsewhere[:40]!r} is neither country nor region",
            parameter="elsewhere",
        )
    if filters.capability:
        has = np.diff(index.arrays["cluster_capability.indptr"]) > 0
        for word in filters.capability:
            wide = find_capability(index, word)
            narrow = index.related_to("within", wide).tolist()
            _keep(looked, _related(index, "cluster_capability", [wide, *narrow]), has, "capability")
    if filters.area:
        has = np.diff(index.arrays["cluster_capability.indptr"]) > 0
        for key in filters.area:
            area = find(index.things["areas"], key, "area")
            _keep(looked, in_area(index, area), has, "capability")
    if filters.kind:
        _keep(looked, _of_kind(index, filters.kind), looked.mask, "")
    for code in filters.third_country:
        place = find(index.things["countries"], code.upper(), "third country")
        aimed = index.related_to("undertaking_target", place)
        _keep(looked, _related(index, "cluster_undertaking", aimed), looked.mask, "")
    if filters.labelled:
        _keep(looked, index.arrays["cluster_label"] > 0, looked.mask, "")
    if filters.exclude_partners:
        looked.mask[profile.partners] = False
    return looked


def in_area(index: Index, area: int) -> Mask:
    """The clusters with a capability that the area maps to, or a part of one."""
    table = index.arrays["area_capability"]
    wide = table[table[:, 0] == area, 1]
    narrow = [index.related_to("within", place) for place in wide.tolist()]
    return _related(index, "cluster_capability", np.unique(np.concatenate([wide, *narrow])))


def _of_kind(index: Index, kinds: Sequence[str]) -> Mask:
    facts = index.things["undertakings"].facts["kinds"]
    known = sorted({kind for text in facts for kind in text.split()})
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"kind: {kind[:60]!r} is not known{hint(kind, known)}", known=known)
    wanted = [n for n, text in enumerate(facts) if set(kinds) & set(text.split())]
    return _related(index, "cluster_undertaking", wanted)


def _related(index: Index, name: str, places: Sequence[int] | NDArray[Any]) -> Mask:
    """The clusters that are related to any of the places."""
    found = np.zeros(len(index.arrays[f"{name}.indptr"]) - 1, dtype=bool)
    for place in np.asarray(places, np.int64).tolist():
        found[index.related_to(name, place)] = True
    return found


def _keep(looked: Looked, fits: Mask, known: Mask, what: str) -> None:
    """Keeps what fits; counts what is left out only because `what` is not known of it."""
    unknown = int((looked.mask & ~known).sum())
    if what and unknown:
        looked.unknown[what] = looked.unknown.get(what, 0) + unknown
    looked.mask &= fits & known
