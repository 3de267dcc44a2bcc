"""Why a cluster is not among the hits of a partner search, and the least that would bring it in.

Filters are joined by "and", so the least to drop is what the cluster fails, one by one. A filter
that takes several values fails by each value where all are asked for (capability, area, third
country), as a whole where one is enough (country, region, kind).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import ranking
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import Profile, find
from clusterloom.errors import NotFound, UsageError
from clusterloom.nearest import hint

_ANY = ("country", "region", "kind")
_EACH = ("capability", "area", "third_country")
_FLAGS = ("labelled", "exclude_partners")
_NOTHING = {
    "complementarity": "its divisions that are known add nothing to what the profile lacks",
    "network": "no partner of both is known",
    "similarity": "no capability that both have is known",
    "supply": "the table has no input from its products to those of the profile",
}
_LISTS = "none is known, and the lists that tell of it are not complete"


@dataclass(frozen=True)
class Criterion:
    """One condition that can be dropped by itself: a filter and what it asks for."""

    filter: str
    wanted: tuple[str, ...] | str | bool

    @property
    def alone(self) -> Filters:
        """A search with this condition only."""
        asked: dict[str, Any] = {self.filter: self.wanted}
        if self.filter in _EACH:
            asked = {self.filter: (self.wanted,)}
        return Filters(**asked)


def criteria(filters: Filters) -> list[Criterion]:
    """The conditions of a search, all of which a hit meets.

    >>> [c.wanted for c in criteria(Filters(country=["DE", "FR"], capability=["26", "27"]))]
    [('DE', 'FR'), '26', '27']
    """
    found = [Criterion(n, tuple(getattr(filters, n))) for n in _ANY if getattr(filters, n)]
    found += [Criterion(n, word) for n in _EACH for word in dict.fromkeys(getattr(filters, n))]
    found += [Criterion(n, True) for n in _FLAGS if getattr(filters, n)]
    if filters.elsewhere:
        found.append(Criterion("elsewhere", filters.elsewhere))
    return found


def without(filters: Filters, dropped: Collection[Criterion]) -> Filters:
    """The filters less some of their conditions.

    >>> without(Filters(capability=["26", "27"]), [Criterion("capability", "26")]).capability
    ('27',)
    """
    kept: dict[str, Any] = {}
    for criterion in criteria(filters):
        if criterion not in dropped:
            if criterion.filter in _EACH:
                kept[criterion.filter] = (*kept.get(criterion.filter, ()), criterion.wanted)
            else:
                kept[criterion.filter] = criterion.wanted
    return Filters(**kept)


def order_by(
    model: Model, profile: Profile, axis: str, mask: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64]]:
    """What a search orders by, one number for each cluster, and the places of its hits.

    `mask` tells which clusters the search looks at: points of "borda" depend on it, and are NaN
    outside of it. UsageError: no such axis.
    """
    if axis == "borda":
        return _points(model, profile, mask)
    if axis not in AXES:
        raise UsageError(
            f"axis: {axis[:40]!r} is not one of {', '.join(AXES)} or borda{hint(axis, list(AXES))}",
            parameter="axis",
        )
    if AXES[axis].asks(model, profile):
        return np.full(len(mask), np.nan), np.empty(0, np.int64)
    value = AXES[axis].value(model, profile)
    return value, np.flatnonzero(mask & (np.nan_to_num(value) > 0))


def _points(
    model: Model, profile: Profile, mask: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64]]:
    places = np.flatnonzero(mask)
    lists = []
    for axis in AXES.values():
        if not axis.asks(model, profile):
            value = axis.value(model, profile)[places]
            lists.append(ranking.ranks(np.where(np.nan_to_num(value) > 0, value, np.nan)).rank)
    found = np.full(len(mask), np.nan)
    if lists and len(places):
        found[places] = ranking.borda(lists)
    return found, np.flatnonzero(~np.isnan(found))


def why_not(
    model: Model,
    profile: Profile,
    axis: str = "complementarity",
    filters: Filters | None = None,
    key: str = "",
    limit: int = 10,
) -> dict[str, Any]:
    """Why the cluster `key` is not among the first `limit` hits of `partners.partners`.

    `status` is "itself", "filtered", "no value", "beyond limit" or "shown"; `reasons` has a
    sentence for each thing that keeps it out, whichever of them the status is named for. `failed`
    has a row for each filter that it fails, `why` being "unknown" or "does not fit". `relaxation`
    is the least to drop, and where the cluster would then stand; None where nothing needs to be
    dropped or dropping does not help, since its value is not above zero.
    NotFound: no such cluster; UsageError: unknown axis or values; ValueError: negative limit.
    """
    if limit < 0:
        raise ValueError(f"limit is {limit}, not 0 or more")
    filters = filters or Filters()
    index = model.index
    clusters = index.things["clusters"]
    place = find(clusters, key, "cluster", NotFound)
    looked = look(index, profile, filters)
    values, hits = order_by(model, profile, axis, looked.mask)
    about = {"id": key, "iri": clusters.iris[place], "label": clusters.labels[place]}
    found: dict[str, Any] = {
        **about, "axis": axis, "limit": limit, "status": "itself", "reasons": [], "failed": [],
        "value": None, "unvalued": [], "standing": None, "relaxation": None,
        "release": index.release,
    }  # fmt: skip
    if place == profile.place:
        return found | {"reasons": ["it is the one that asks"]}
    failed = [c for c in criteria(filters) if not look(index, profile, c.alone).mask[place]]
    found["failed"] = [_failure(index, c, place) for c in failed]
    unvalued, worth = _worth(model, profile, axis, place)
    found["unvalued"] = unvalued
    if not worth:
        reasons = [row["reason"] for row in unvalued if row["reason"]]
        found["reasons"] = [row["reason"] for row in found["failed"]] + reasons
        return found | {"status": "filtered" if failed else "no value"}
    if failed:
        relaxed = look(index, profile, without(filters, failed))
        then = order_by(model, profile, axis, relaxed.mask)
        # points of a fusion are told for the search in which it takes part
        standing = _standing(model, *then, place, limit)
        found["relaxation"] = {
            "drop": [{"filter": c.filter, "wanted": c.wanted} for c in failed],
            "then": standing,
        }
        reasons = [row["reason"] for row in found["failed"]]
        return found | {"status": "filtered", "reasons": reasons, "value": standing["value"]}
    standing = _standing(model, values, hits, place, limit)
    found |= {"standing": standing, "value": standing["value"]}
    if standing["shown"]:
        return found | {"status": "shown"}
    return found | {"status": "beyond limit", "reasons": [_too_late(standing, limit)]}


def _worth(
    model: Model, profile: Profile, axis: str, place: int
) -> tuple[list[dict[str, Any]], bool]:
    """Why each axis asked gives the cluster no value above zero, and whether any gives one."""
    rows, some = [], False
    for name in AXES if axis == "borda" else (axis,):
        chosen = AXES[name]
        why, reason = "", chosen.asks(model, profile)
        if reason:
            why = "profile unknown"
        else:
            value = float(chosen.value(model, profile)[place])
            if value > 0:
                some = True
                continue
            if not chosen.knows(model)[place]:
                why, reason = "unknown", "nothing is known of it that this axis measures"
            elif math.isnan(value):
                why, reason = "undefined", "its value is undefined"
            else:
                why, reason = "nothing shared", _NOTHING[name]
        rows.append({"axis": name, "why": why, "reason": f"{name}: {reason}"})
    return rows, some


def _standing(
    model: Model, values: Floats, hits: NDArray[np.int64], place: int, limit: int
) -> dict[str, Any]:
    """Rank of a hit, its place in the list (ties are listed by id), and the last one shown."""
    clusters = model.index.things["clusters"]
    mine = values[place]
    rank = 1 + int((values[hits] > mine).sum())
    position = rank + int((values[hits[hits < place]] == mine).sum())
    shown = ranking.top(values[hits], limit, keys=hits)
    last = None
    if len(shown):
        at = int(hits[shown[-1]])
        last = {"id": clusters.key(at), "value": float(values[at]),
                "rank": 1 + int((values[hits] > values[at]).sum())}  # fmt: skip
    return {"value": float(mine), "rank": rank, "position": position, "total": len(hits),
            "shown": position <= limit, "last_shown": last}  # fmt: skip


def _too_late(standing: dict[str, Any], limit: int) -> str:
    last = standing["last_shown"]
    told = f"it is hit {standing['position']} of {standing['total']}, {limit} are shown"
    if last is None:
        return told
    if last["rank"] == standing["rank"]:
        return f"{told}; its value is that of the last one shown, and ties are listed by id"
    return f"{told}; its value is {standing['value']:.6g}, that of the last {last['value']:.6g}"


def _failure(index: Index, criterion: Criterion, place: int) -> dict[str, Any]:
    """Why one condition is not met, and what is known instead."""
    name, wanted = criterion.filter, criterion.wanted
    has: list[str] = []
    why = "does not fit"
    if name in {"kind", "third_country", "labelled"}:
        why, reason = "unknown", _LISTS
    elif name == "exclude_partners":
        reason = "it takes part in something together with the profile"
    else:
        what, relation, kind = _KNOWN[str(wanted) if name == "elsewhere" else name]
        places = index.row(relation, place).tolist()
        has = [index.things[kind].key(at) for at in places]
        level = index.arrays["region_level"]
        known = bool(places)
        if what == "country":
            known = int(index.country[place]) >= 0
        elif name == "elsewhere":
            known = any(level[at] == 2 for at in places)
        if not known:
            why, reason = "unknown", f"its {what} is not known"
            if has:
                reason = f"which {what} it is in is not certain; stated: {', '.join(has)}"
        elif name == "elsewhere":
            reason = f"its {what} is that of the profile"
        elif what == "capability":
            reason = "none of its known capabilities fits"
        else:
            reason = f"it is in {', '.join(has)}"
    asked = ", ".join(wanted) if isinstance(wanted, tuple) else wanted
    text = name.replace("_", " ") + ("" if wanted is True else f" {asked}")
    return {"filter": name, "wanted": wanted, "why": why, "has": has, "reason": f"{text}: {reason}"}


_KNOWN: dict[str, tuple[str, str, str]] = {
    "country": ("country", "cluster_country", "countries"),
    "region": ("region", "cluster_region", "regions"),
    "capability": ("capability", "cluster_capability", "capabilities"),
    "area": ("capability", "cluster_capability", "capabilities"),
}
