"""Portfolios of regions beside one another: what pairs of them share, and how alike they are.

Only what is known counts: a shared division is one in which both are known to be specialised, and
`measures.high` is what the number would be if everything unknown were shared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom import terms
from clusterloom.discovery import relatedness, specialisation
from clusterloom.discovery.answers import MOST, Answer, Item, Method, Part, ranked
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import find_region
from clusterloom.discovery.regions import measured_place
from clusterloom.errors import UsageError

METHOD = Method(
    "number of divisions in which both regions are specialised",
    "overlap; specialised by the location quotient (Balassa 1965); beside it Krugman (1991), "
    "cosine (Salton and McGill 1983), Finger and Kreinin (1979); density by Boschma, Balland and "
    "Kogler (2015)",
)
LEAST, MOST_REGIONS = 2, 10


@dataclass(frozen=True)
class _Region:
    """A region asked for, and the one whose figures are used (None: there are none)."""

    place: int
    used: int | None
    key: str
    status: NDArray[np.int8]
    employment: Floats


def portfolio(model: Model, regions: Sequence[str], limit: int = 10) -> Answer:
    """The pairs of 2 to 10 regions (NUTS codes of 2021 or 2024) by the divisions that both have.

    Krugman, cosine and Finger-Kreinin are over the shares of employment in the divisions whose
    employment is known in both. A pair of which one has no figures, or whose figures are those of
    one and the same region, or of a region and a part of it, has no value.
    UsageError for too few or too many regions, one that is given twice, unknown or of NUTS 2013.
    """
    if not LEAST <= len(regions) <= MOST_REGIONS:
        raise UsageError(
            f"regions: {LEAST} to {MOST_REGIONS} codes are wanted, not {len(regions)}",
            parameter="regions",
        )
    places = [find_region(model.index, code, "regions: region") for code in regions]
    for n, place in enumerate(places):
        if place in places[:n]:
            raise UsageError(f"regions: {regions[n]} is given twice", parameter="regions")
    asked = [_region(model, place) for place in places]
    items, values = [], []
    for one, other in combinations(sorted(asked, key=lambda r: r.key), 2):
        item = _pair(model, one, other)
        items.append(item)
        values.append(float("nan") if item.value is None else item.value)
    undefined = sum(math.isnan(value) for value in values)
    reason = "no pair of these regions can be compared" if undefined == len(items) else ""
    caveats = ["one year's employment by division; a region's strength may lie elsewhere"]
    caveats += [note for region in asked for note in _notes(model, region)]
    used = [r.used for r in asked if r.used is not None]
    years = sorted({int(model.index.arrays["region_year"][n]) for n in used})
    if len(years) > 1:
        caveats.append(f"the figures are of several years: {', '.join(map(str, years))}")
    return Answer(
        ranked(items, values)[:limit], len(items),
        Method(METHOD.name, METHOD.citation, METHOD.version, {"regions": [r.key for r in asked]}),
        {"divisions": len(model.index.arrays["divisions"]), "pairs": len(items),
         "not_comparable": undefined, "reason": reason},
        model.index.release, caveats=caveats,
        about={"regions": [_about(model, region) for region in asked]},
    )  # fmt: skip


def _region(model: Model, place: int) -> _Region:
    arrays = model.index.arrays
    used = measured_place(model, place)
    key = model.index.things["regions"].key(place)
    if used is None:
        count = len(arrays["divisions"])
        return _Region(place, None, key, np.full(count, -1, np.int8), np.full(count, np.nan))
    return _Region(place, used, key, np.asarray(arrays["region_status"][used]),
                   np.asarray(arrays["region_employment"][used]))  # fmt: skip


def _pair(model: Model, one: _Region, other: _Region) -> Item:
    regions = model.index.things["regions"]
    label = f"{regions.labels[one.place]}, {regions.labels[other.place]}"
    item = Item(f"{one.key}-{other.key}", "", label, None, [],
                evidence=[regions.iris[r.place] for r in (one, other)])  # fmt: skip
    if one.used is None or other.used is None:
        without = [r.key for r in (one, other) if r.used is None]
        item.caveats = [f"no employment figures of {' and '.join(without)} are known"]
        return item
    item.query = _query(model, one.used, other.used)
    # the figures may be those of a wider region
    item.evidence += [
        iri for r in (one.used, other.used) if (iri := regions.iris[r]) not in item.evidence
    ]
    keys = regions.key(one.used), regions.key(other.used)
    if keys[0].startswith(keys[1]) or keys[1].startswith(keys[0]):
        same = f"both have the figures of {keys[0]}"
        part = f"one of {keys[0]} and {keys[1]} is part of the other"
        item.caveats = [same if keys[0] == keys[1] else part]
        return item
    a, b = one.status, other.status
    item.explanation = _shared(model, np.flatnonzero((a == 1) & (b == 1)))
    item.value = float(len(item.explanation))
    firsts = np.flatnonzero((a == 1) & ((b == 0) | (b == 2)))
    seconds = np.flatnonzero((b == 1) & ((a == 0) | (a == 2)))
    x, y = one.employment, other.employment
    item.measures = {
        "krugman": _number(specialisation.krugman(x, y)),
        "cosine": _number(specialisation.cosine(x, y)),
        "finger_kreinin": _number(specialisation.finger_kreinin(x, y)),
        "compared_divisions": int((~np.isnan(x) & ~np.isnan(y)).sum()),
        "only_first": len(firsts),
        "only_second": len(seconds),
        "unknown": int(((a < 0) | (b < 0)).sum()),
        "high": int((((a == 1) | (a < 0)) & ((b == 1) | (b < 0))).sum()),
    }
    item.facts = {
        "first": one.key,
        "second": other.key,
        "only_first": [model.division_label(int(d)) for d in firsts],
        "only_second": [model.division_label(int(d)) for d in seconds],
    }
    return item


def _shared(model: Model, divisions: NDArray[np.intp]) -> list[Part]:
    iris = model.index.things["capabilities"].iris
    found = []
    for d in divisions.tolist():
        iri = iris[int(model.index.arrays["divisions"][d])]
        label = f"both are specialised in {model.division_label(d)}"
        found.append(Part("shared-division", label, 1.0, {"division": iri}, (iri,)))
    return sorted(found, key=lambda part: part.label)


def _notes(model: Model, region: _Region) -> list[str]:
    if region.used is None:
        return [f"no employment figures of {region.key} are known"]
    if region.used == region.place:
        return []
    key = model.index.things["regions"].key(region.used)
    return [f"coarser region: the figures of {region.key} are those of {key}"]


def _about(model: Model, region: _Region) -> dict[str, Any]:
    """What is known of one region by itself."""
    index = model.index
    regions, clusters = index.things["regions"], index.things["clusters"]
    at = region.place if region.used is None else region.used
    category = regions.facts["cohesion"][region.place] or regions.facts["cohesion"][at]
    inside = index.related_to("cluster_region", region.place).tolist()
    low, high = _density(model, region.status)
    known = int((region.status >= 0).sum())
    return {
        "id": region.key,
        "label": regions.labels[region.place],
        "figures_of": None if region.used is None else regions.key(region.used),
        "year": None if region.used is None else int(index.arrays["region_year"][at]),
        "specialised": [
            model.division_label(int(d)) for d in np.flatnonzero(region.status == 1)
        ],
        "known_divisions": known,
        "unknown_divisions": len(region.status) - known,
        "density_now": low if known else None,
        "density_high": high if known else None,
        "cohesion": category or None,
        "clusters": len(inside),
        "clusters_named": [
            {"id": clusters.key(n), "label": clusters.labels[n]} for n in inside[:MOST]
        ],
    }  # fmt: skip


def _density(model: Model, status: NDArray[np.int8]) -> tuple[float | None, float | None]:
    """Mean relatedness density over all divisions, percent: what is certain, and at most."""
    certain = np.where(status == 2, 0, status)
    found = []
    for each in relatedness.density_interval(certain, model.relatedness):
        defined = each[~np.isnan(each)]
        found.append(float(defined.mean()) if len(defined) else None)
    return found[0], found[1]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _query(model: Model, one: int, other: int) -> str:
    """Statuses and employment of the two regions in every division."""
    regions = model.index.things["regions"]
    named = " ".join(terms.iri(regions.iris[n]) for n in (one, other))
    return (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        "SELECT ?region ?division ?status ?employment WHERE {\n"
        f"  VALUES ?region {{ {named} }}\n"
        "  ?measured cloom:ofRegion ?region ; cloom:ofCapability ?division ;\n"
        "    cloom:specialisationStatus ?status .\n"
        "  OPTIONAL { ?measured cloom:employment ?employment }\n"
        "} ORDER BY ?region ?division"
    )
