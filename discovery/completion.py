"""Completion of a value chain in a region: what it has of each stage, by whom, and who else could.

The status of a stage in a region is the one that the rule `stage-coverage` derived: covered, weak,
missing (measured below average in every division it draws on) or unknown. Unknown is not missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom import terms
from clusterloom.discovery import ranking, smes
from clusterloom.discovery.answers import Answer, Item, Method, Part, ranked, tell_ties
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.index import COVERAGE, Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Places, Profile, find, find_region, stages_near
from clusterloom.errors import NotFound

METHOD = Method(
    "stages of the chain not covered in the region that a cluster covers",
    "counts stages; coverage by the rule stage-coverage, see /ontology#covers",
)
_NAMES = {code: name for name, code in COVERAGE.items()}
_CAVEATS = (
    "missing says that employment is measured below average, which may still be many jobs",
    "a cluster that is not listed inside a region may all the same be there",
)
_HELD = (
    "covered is what the holder says or what one of its capabilities covers, missing is what it "
    "says; a stage of which it says nothing is unknown, not missing",
)
_PREFIX = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
)


def stages_of_chain(index: Index, chain: int) -> NDArray[np.int64]:
    """The stages of a chain in their order."""
    found = np.flatnonzero(index.arrays["stage_chain"] == chain)
    stages = index.things["stages"]
    position = [int(stages.facts["position"][s] or 0) for s in found]
    order = sorted(range(len(found)), key=lambda n: (position[n], stages.iris[found[n]]))
    return found[order]


def completion(
    model: Model,
    chain: str,
    region: str | Profile,
    filters: Filters | None = None,
    limit: int = 10,
) -> Answer:
    """The state of each stage in the region (`about.stages`), and clusters elsewhere as items.

    `chain` is a key, `region` a NUTS code. NotFound for an unknown chain, UsageError for the rest.
    A region without any figure gives stages that are all unknown, and the reason in `coverage`.
    In place of a region it may be the profile of an organisation: it covers what it says or what
    one of its capabilities covers, lacks what it says, and of the rest a capability may be a weak
    sign, or nothing is known; items are then all other clusters. Small firms known in the region
    in the fields of a stage stand in `about.stages`, those in the region of a hit in its facts,
    see `smes`.
    """
    index = model.index
    at = find(index.things["chains"], chain, "value chain", NotFound)
    stages = stages_of_chain(index, at)
    if isinstance(region, str):
        place = find_region(index, region, "region")
        inside = _inside(index, place)
        told = [_stage(index, int(stage), place, inside) for stage in stages]
        profile = Profile(
            index.things["regions"].labels[place],
            country=int(index.arrays["region_country"][place]),
            regions=np.array([place], np.int32),
        )
        about: dict[str, Any] = {"region": {"id": region, "label": profile.label}}
    else:
        place, profile = -1, region
        inside = np.zeros(len(index.things["clusters"]), dtype=bool)
        near = stages_near(index, profile.capabilities.tolist())
        told = [_held(index, int(stage), profile, near) for stage in stages]
        about = {"holder": {"id": profile.iri.rsplit("/", 1)[-1] or None, "label": profile.label}}
    lacking = [s for s, one in zip(stages, told, strict=True) if one["status"] != "covered"]
    looked = look(index, profile, filters or Filters())
    looked.mask[inside] = False
    value = np.zeros(len(inside))
    for stage in lacking:
        value[index.related_to("cluster_stage", int(stage))] += 1
    hits = np.flatnonzero(looked.mask & (value > 0))
    best = [int(hits[n]) for n in ranking.top(value[hits], limit, keys=hits)]
    items = ranked([_candidate(index, n, lacking) for n in best], [float(value[n]) for n in best])
    tell_ties(index.things["clusters"], items, value, hits)
    states = [one["status"] for one in told]
    coverage: dict[str, Any] = {name: states.count(name) for name in COVERAGE}
    if place >= 0:
        coverage["clusters_inside"] = int(inside.sum())
    coverage["left_out_as_unknown"] = looked.unknown
    coverage["known"] = len(states) - states.count("unknown")
    coverage["reason"] = _reason(states, index, place)
    given = {name: found for name, found in vars(filters or Filters()).items() if found}
    asked = {"region": region} if isinstance(region, str) else {"holder": profile.label}
    method = Method(
        METHOD.name, METHOD.citation, METHOD.version, {"chain": chain, **asked, **given}
    )
    about = {
        "chain": {"id": chain, "label": index.things["chains"].labels[at]},
        **about,
        "stages": told,
    }
    caveats = [*_CAVEATS] if place >= 0 else [*_HELD, *profile.notes]
    if any(one["smes"]["fields"] for one in told) or any(item.facts["smes"] for item in items):
        caveats.append(smes.CAVEAT)
    return Answer(items, len(hits), method, coverage, index.release, caveats=caveats, about=about)


def _inside(index: Index, region: int) -> NDArray[np.bool_]:
    found = np.zeros(len(index.things["clusters"]), dtype=bool)
    found[index.related_to("cluster_region", region)] = True
    return found


def _stage(index: Index, stage: int, region: int, inside: NDArray[np.bool_]) -> dict[str, Any]:
    clusters = index.things["clusters"]
    status = _NAMES[int(index.arrays["region_stage"][region, stage])]
    by_employment = bool(index.arrays["region_stage_by_employment"][region, stage])
    by = [int(n) for n in index.related_to("cluster_stage", stage) if inside[n]]
    year = int(index.arrays["region_year"][region])
    basis = "" if status == "unknown" else "employment" if by_employment else "organisation"
    fields = smes.fields_of(index, "stage_capability", stage)
    return {
        **_named(index, stage, status, basis),
        "year": year if by_employment and year else None,
        "by": [{"id": clusters.key(n), "label": clusters.labels[n]} for n in by],
        "requires": _requires(index, stage),
        "elsewhere": len(index.related_to("cluster_stage", stage)) - len(by),
        "smes": vars(smes.firms(index, region, fields)),
    }


def _held(index: Index, stage: int, holder: Profile, near: Places) -> dict[str, Any]:
    """A stage as an organisation has it; `near` are those that its capabilities are a sign of."""
    has = bool(np.isin(stage, holder.stages))
    lacks, weak = np.isin(stage, holder.lacking), np.isin(stage, near)
    status = "covered" if has else "missing" if lacks else "weak" if weak else "unknown"
    covering = index.related_to("cluster_stage", stage)
    return {
        **_named(index, stage, status, "" if status == "unknown" else "organisation"),
        "year": None,
        "by": [{"id": holder.iri.rsplit("/", 1)[-1] or None, "label": holder.label}] * has,
        "requires": _requires(index, stage),
        "elsewhere": len(covering) - int(np.isin(holder.place, covering)),
        "smes": vars(smes.Firms()),
    }


def _named(index: Index, stage: int, status: str, basis: str) -> dict[str, Any]:
    stages = index.things["stages"]
    return {
        "id": stages.key(stage),
        "iri": stages.iris[stage],
        "label": stages.labels[stage],
        "position": int(stages.facts["position"][stage] or 0) or None,
        "status": status,
        "basis": basis,
    }


def _requires(index: Index, stage: int) -> list[dict[str, str]]:
    table, things = index.arrays["stage_capability"], index.things["capabilities"]
    return [
        {"iri": things.iris[c], "label": things.labels[c]}
        for c in table[table[:, 0] == stage, 1].tolist()
    ]


def _candidate(index: Index, place: int, lacking: list[Any]) -> Item:
    clusters, stages = index.things["clusters"], index.things["stages"]
    own = set(index.row("cluster_stage", place).tolist())
    covered = [int(stage) for stage in lacking if int(stage) in own]
    parts = [
        Part("covers-stage", f"covers {stages.labels[s]}", 1.0, {"stage": stages.iris[s]},
             (stages.iris[s],))
        for s in covered
    ]  # fmt: skip
    countries = index.row("cluster_country", place)
    country = index.things["countries"].key(int(countries[0])) if len(countries) == 1 else None
    firms = _firms(index, place, covered)
    named = " ".join(terms.iri(stages.iris[s]) for s in covered)
    query = (
        f"{_PREFIX}SELECT ?stage (1 AS ?part) WHERE {{ VALUES ?stage {{ {named} }} "
        f"{terms.iri(clusters.iris[place])} cloom:covers ?stage }} ORDER BY ?stage"
    )
    return Item(
        clusters.key(place), clusters.iris[place], clusters.labels[place], float(len(parts)),
        parts, {"smes_at_least": firms.at_least},
        {"country": country, "smes": firms.text, "smes_by_field": firms.fields}, query=query,
        evidence=[clusters.iris[place], *(stages.iris[s] for s in covered)],
        caveats=["derived from sector words: at least one capability of the stage, not all"],
    )  # fmt: skip


def _firms(index: Index, cluster: int, stages: Sequence[int]) -> smes.Firms:
    """The small firms known in the NUTS 2 region of a cluster in the fields of stages."""
    level = index.arrays["region_level"]
    two = [int(r) for r in index.row("cluster_region", cluster) if level[r] == 2]
    if len(two) != 1:
        return smes.Firms()
    fields = [smes.fields_of(index, "stage_capability", stage) for stage in stages]
    return smes.firms(index, two[0], np.unique(np.concatenate(fields)))


def _reason(states: list[str], index: Index, region: int) -> str:
    if set(states) != {"unknown"}:
        return ""
    if region < 0:
        return "nothing is said of the stages of the holder, nor does a capability of it cover one"
    if int(index.arrays["region_level"][region]) == 3:
        return "nothing is known of this NUTS 3 region; ask for the NUTS 2 region it is part of"
    return "neither employment nor a cluster with known sectors is known in this region"
