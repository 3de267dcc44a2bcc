"""Partners for a region in a thematic area: what another region would add to it, or it to that.

The area is the NACE divisions that its capabilities lie in. The value is certain: a division counts
for the giver only where it is known to be specialised, for the taker only where it is known not to
be; `measures.high` is what it would be if every unknown were in favour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom import terms
from clusterloom.discovery import ranking, relatedness, smes
from clusterloom.discovery.answers import MOST, Answer, Item, Method, Part, ranked
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import find
from clusterloom.discovery.region_profile import RegionProfile, measured_place, of_region
from clusterloom.errors import NotFound, UsageError

METHOD = Method(
    "mean added relatedness density over the divisions of the area, percentage points",
    "implements Balland and Boschma (2021) with the relatedness of Steijn (2017); density by "
    "Boschma, Balland and Kogler (2015)",
)
__all__ = ["DIRECTIONS", "divisions_of", "known_ties", "measured_place", "region_partners"]
DIRECTIONS = ("get", "give", "both")
Bools = NDArray[np.bool_]


def region_partners(
    model: Model, region: str | RegionProfile, area: str, direction: str = "get", limit: int = 10
) -> Answer:
    """The measured NUTS 2 regions that add most to the region in the area (`get`), to which it
    adds most (`give`), or the sum of the two.

    The region is a NUTS code or a profile. NotFound for an unknown region or area; UsageError for
    a direction or a vintage that is none. A NUTS 3 region is answered by the NUTS 2 region it is
    part of, with that as caveat. `measures.smes_at_least` and `facts.smes` tell of the small firms
    known in the partner in the fields of the area, see `smes`.
    """
    if direction not in DIRECTIONS:
        raise UsageError(
            f"direction: {direction[:40]!r} is not one of {', '.join(DIRECTIONS)}",
            parameter="direction",
        )
    index = model.index
    regions, areas = index.things["regions"], index.things["areas"]
    asker = of_region(model, region) if isinstance(region, str) else region
    at = find(areas, area, "area", NotFound)
    inside = divisions_of(model, at)
    fields = smes.fields_of(index, "area_capability", at)
    caveats = [
        "one year's employment by division; a cluster's strength may lie elsewhere",
        *asker.notes,
    ]
    coverage: dict[str, Any] = {"regions": len(model.measured), "area_divisions": len(inside)}
    named = region if isinstance(region, str) else asker.label
    parameters = {"region": named, "area": area, "direction": direction}
    method = Method(METHOD.name, METHOD.citation, METHOD.version, parameters)
    about: dict[str, Any] = {
        "region": {"id": asker.key or None, "label": asker.label},
        "area": {"id": areas.key(at), "label": areas.labels[at]},
        "divisions": [model.division_label(int(d)) for d in inside],
        "smes": vars(smes.firms(index, asker.used, fields)),
    }

    def answer(items: list[Item], total: int, reason: str) -> Answer:
        told = {**coverage, "reason": reason}
        return Answer(items, total, method, told, index.release, caveats=caveats, about=about)

    if not asker.known:
        return answer([], 0, f"no employment figures of {named} are known")
    if not len(inside):
        return answer([], 0, f"no capability of {areas.labels[at]} lies in a measured division")
    own = asker.status
    coverage["known_divisions"] = int((own >= 0).sum())
    coverage["unknown_divisions"] = int((own < 0).sum())
    others = _others(model, asker.used)
    theirs = np.asarray(index.arrays["region_status"][others])
    get = _added(own, theirs, model.relatedness, inside)
    give = _added_by(own, theirs, model.relatedness, inside)
    value = {"get": get, "give": give, "both": get + give}[direction]
    now = np.nanmean(relatedness.density((own == 1).astype(float), model.relatedness)[inside])
    gain = _gain(np.ones(len(own), dtype=bool), model.relatedness, inside)
    high = _high(own, theirs, model.relatedness, inside, direction)
    keys = [regions.iris[int(n)] for n in others]
    hits = np.flatnonzero(np.nan_to_num(value) > 0)
    best = [int(hits[n]) for n in ranking.top(value[hits], limit, keys=[keys[n] for n in hits])]
    items = []
    for n in best:
        other = int(others[n])
        firms = smes.firms(index, other, fields)
        item = Item(
            regions.key(other), regions.iris[other], regions.labels[other], float(value[n]),
            _parts(model, own, theirs[n], gain, direction),
            {
                "get": float(get[n]), "give": float(give[n]), "high": float(high[n]),
                "density_now": float(now), "density_of_union": float(now + get[n]),
                "unknown_divisions": int((theirs[n] < 0).sum()),
                "smes_at_least": firms.at_least,
            },
            {"takes_part": _takes_part(index, at, other), "smes": firms.text,
             "smes_by_field": firms.fields},
            [regions.iris[other], areas.iris[at]],
            query=_query(model, [asker.used, other]),
        )  # fmt: skip
        if asker.used >= 0:
            _tell_ties(model, item, asker.used, other)
        items.append(item)
    if any(item.facts["smes"] for item in items) or about["smes"]["fields"]:
        caveats.append(smes.CAVEAT)
    found = ranked(items, [float(value[n]) for n in best])
    if best:
        same = [keys[int(n)] for n in hits[value[hits] == value[best[-1]]]]
        for item in (i for i, n in zip(found, best, strict=True) if value[n] == value[best[-1]]):
            item.tied_with = [iri.rsplit("/", 1)[1] for iri in same if iri != item.iri][:MOST]
    return answer(found, len(hits), "")


def _others(model: Model, used: int) -> NDArray[np.int64]:
    """The measured regions but the one that asks."""
    regions = model.index.things["regions"]
    if used < 0:
        return model.measured
    # a NUTS 1 region that is asked for comprises some of the measured ones
    apart = [not regions.key(int(n)).startswith(regions.key(used)) for n in model.measured]
    found: NDArray[np.int64] = model.measured[np.array(apart, dtype=bool)]
    return found


def _tell_ties(model: Model, item: Item, used: int, other: int) -> None:
    """What both regions take part in, of a region of the graph."""
    ties = known_ties(model, used, other)
    item.measures["known_ties"] = ties["known"]
    item.facts["ties"] = ties["names"]
    item.evidence.insert(0, model.index.things["regions"].iris[used])
    if not ties["known"]:
        item.caveats.append(f"no tie known; lists known {ties['complete']} of {ties['lists']}")


def divisions_of(model: Model, area: int) -> NDArray[np.int64]:
    """The measured divisions that the capabilities of an area lie in."""
    table = model.index.arrays["area_capability"]
    own = model.index.arrays["capability_division"][table[table[:, 0] == area, 1]]
    defined = np.flatnonzero(np.nansum(model.relatedness, axis=0) > 0)
    return np.intersect1d(own[own >= 0], defined)


def known_ties(model: Model, one: int, other: int) -> dict[str, Any]:
    """Undertakings in which clusters of both regions take part, and how complete the lists are."""
    index = model.index
    both = np.intersect1d(_undertakings(index, one), _undertakings(index, other))
    complete = index.arrays["undertaking_complete"]
    labels = index.things["undertakings"].labels
    return {
        "known": len(both),
        "names": [labels[n] for n in both[:10]],
        "lists": len(complete),
        "complete": int((complete > 0).sum()),
    }


def _undertakings(index: Index, region: int) -> NDArray[np.int32]:
    """Those in which a cluster of the region takes part."""
    there = index.related_to("cluster_region", region).tolist()
    rows = [index.row("cluster_undertaking", cluster) for cluster in there]
    return np.unique(np.concatenate([np.empty(0, np.int32), *rows]))


def _gain(taker: Bools, phi: Floats, inside: NDArray[np.int64]) -> Floats:
    """What each division adds to the mean density of the area, for a taker that lacks `taker`."""
    each = relatedness.added_density((~taker).astype(float), np.eye(len(taker)), phi)
    return np.asarray(each[:, inside].mean(axis=1))


def _added(
    own: NDArray[np.int8], theirs: NDArray[np.int8], phi: Floats, inside: NDArray[np.int64]
) -> Floats:
    lacks = (own == 0) | (own == 2)
    return np.asarray((theirs == 1) @ _gain(lacks, phi, inside))


def _added_by(
    own: NDArray[np.int8], theirs: NDArray[np.int8], phi: Floats, inside: NDArray[np.int64]
) -> Floats:
    gain = _gain(np.ones(len(own), dtype=bool), phi, inside)
    lacks = (theirs == 0) | (theirs == 2)
    return np.asarray((lacks * (own == 1)) @ gain)


def _high(
    own: NDArray[np.int8],
    theirs: NDArray[np.int8],
    phi: Floats,
    inside: NDArray[np.int64],
    direction: str,
) -> Floats:
    """The value if every unknown status were in favour."""
    found = np.zeros(len(theirs))
    gain = _gain(np.ones(len(own), dtype=bool), phi, inside)
    if direction in {"get", "both"}:
        found += (((theirs == 1) | (theirs < 0)) * (own != 1)) @ gain
    if direction in {"give", "both"}:
        found += ((theirs != 1) * ((own == 1) | (own < 0))) @ gain
    return found


def _parts(
    model: Model,
    own: NDArray[np.int8],
    theirs: NDArray[np.int8],
    gain: Floats,
    direction: str,
) -> list[Part]:
    iris = model.index.things["capabilities"].iris
    divisions = model.index.arrays["divisions"]
    found = []
    ways = [("get", theirs, own, "brings"), ("give", own, theirs, "takes")]
    for way, giver, taker, verb in ways:
        if direction not in {way, "both"}:
            continue
        for d in np.flatnonzero((giver == 1) & ((taker == 0) | (taker == 2)) & (gain > 0)):
            iri = iris[divisions[d]]
            label = f"{verb} {model.division_label(int(d))}"
            found.append(Part(f"{way}-division", label, float(gain[d]), {"division": iri}, (iri,)))
    return sorted(found, key=lambda part: (-part.value, part.code, part.label))


def _takes_part(index: Index, area: int, region: int) -> str:
    """Lists of an area's regions are not complete: what is not on them is unknown."""
    return "yes" if region in index.row("area_region", area) else "unknown"


def _query(model: Model, places: Sequence[int]) -> str:
    """The statuses of the regions of the graph in every division: what the parts rest on."""
    regions = model.index.things["regions"]
    named = " ".join(terms.iri(regions.iris[n]) for n in places if n >= 0)
    return (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        f"SELECT ?region ?division ?status WHERE {{ VALUES ?region {{ {named} }}\n"
        "  ?measured cloom:ofRegion ?region ; cloom:ofCapability ?division ;\n"
        "    cloom:specialisationStatus ?status } ORDER BY ?region ?division"
    )
