"""Partners for a cluster: every other one on one axis, or the axes' ranks fused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clusterloom.discovery import ranking, reproduce
from clusterloom.discovery.answers import Answer, Item, Method, Part, ranked, tell_ties
from clusterloom.discovery.axes import AXES, Axis, Measures, Places, own_divisions
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import Profile, of_cluster
from clusterloom.errors import UsageError
from clusterloom.nearest import hint

BORDA = Method("points by place on each axis", "implements Borda (1781)")
_UNDENIED = "no tie known; lists of participants are not complete"


def partners(
    model: Model,
    profile: Profile,
    axis: str = "complementarity",
    filters: Filters | None = None,
    rank_by: str = "",
    limit: int = 10,
) -> Answer:
    """The clusters that the axis values above zero for the profile, the best first.

    `axis` is one of AXES or "borda", which fuses the ranks of all axes that can be asked;
    `rank_by` orders by a measure instead of the value; hits of which it is undefined come last,
    without a rank. UsageError for unknown names.
    """
    if axis == "borda":
        return _fused(model, profile, filters or Filters(), limit)
    chosen = _axis(axis)
    if rank_by not in {"", "value", *chosen.measured, *chosen.dear}:
        raise UsageError(
            f"rank_by: {rank_by[:40]!r} is no measure of {axis}; value, "
            f"{', '.join((*chosen.measured, *chosen.dear))} are",
            parameter="rank_by",
        )
    looked = look(model.index, profile, filters or Filters())
    known = looked.mask & chosen.knows(model)
    clusters, some = np.count_nonzero(looked.mask), np.count_nonzero(known)
    coverage = {
        "clusters": int(clusters),
        "known": int(some),
        "unknown": int(clusters - some),
        "left_out_as_unknown": looked.unknown,
        "reason": chosen.asks(model, profile),
    }
    if coverage["reason"]:
        return _answer(model, profile, chosen, [], 0, coverage, axis, rank_by, filters)
    value = chosen.value(model, profile)
    # what is not known (NaN) is not above 0 either
    hits = np.flatnonzero(looked.mask & (value > 0))
    order, extra = value, {}
    if rank_by in chosen.dear:
        made = chosen.dear[rank_by](model, profile)
        order = _measure({} if made is None else {rank_by: made}, rank_by)
        extra = {rank_by: order}
    elif rank_by not in {"", "value"}:
        order = np.full(len(value), np.nan)
        order[hits] = _measure(chosen.measures(model, profile, hits), rank_by)
    # places are in the order of IRIs
    places = hits[ranking.top(order[hits], limit, keys=hits)]
    if len(places) < min(limit, len(hits)):
        unranked = hits[np.isnan(order[hits])]
        places = np.concatenate([places, unranked[: limit - len(places)]])
    items = _items(model, profile, chosen, places, value, extra)
    found = ranked(items, order[places].tolist())
    tell_ties(model.index.things["clusters"], found, order, hits)
    return _answer(model, profile, chosen, found, len(hits), coverage, axis, rank_by, filters)


def who_would_find(model: Model, profile: Profile, axis: str, limit: int = 10) -> Answer:
    """The clusters that find this one by asking for partners on the axis, best place first.

    The value is the one they would see; `measures.place` is the place of this one in their list.
    """
    if profile.place < 0:
        raise UsageError("only a cluster of the graph is found by others; the profile is not in it")
    chosen = _axis(axis)
    clusters = model.index.things["clusters"]
    seen: list[tuple[float, int, float]] = []
    for place in np.flatnonzero(chosen.knows(model)).tolist():
        if place == profile.place:
            continue
        seeker = of_cluster(model.index, clusters.key(place))
        if chosen.asks(model, seeker):
            continue
        value = np.nan_to_num(chosen.value(model, seeker))
        value[place] = 0
        mine = float(value[profile.place])
        if mine > 0:
            seen.append((1.0 + float((value > mine).sum()), place, mine))
    items, places = [], []
    for at, place, mine in sorted(seen, key=lambda s: (s[0], clusters.iris[s[1]]))[:limit]:
        seeker = of_cluster(model.index, clusters.key(place))
        parts = chosen.parts(model, seeker, np.array([profile.place]))[0]
        items.append(
            Item(
                clusters.key(place), clusters.iris[place], clusters.labels[place], mine, parts,
                {"place": at}, {"question": f"/api/v1/clusters/{clusters.key(place)}/partners"
                                f"?axis={axis}"},
                sorted({iri for part in parts for iri in part.evidence} | {clusters.iris[place]}),
                query=reproduce.query(axis, model, seeker, profile.place),
            )
        )  # fmt: skip
        places.append(-at)
    knows = np.delete(chosen.knows(model), profile.place)
    coverage = {"clusters": len(knows), "known": int(knows.sum())}
    return Answer(
        ranked(items, places), len(seen), chosen.method, coverage, model.index.release,
        caveats=list(chosen.caveats), about=_about(profile),
    )  # fmt: skip


def _axis(name: str) -> Axis:
    if name not in AXES:
        raise UsageError(
            f"axis: {name[:40]!r} is not one of {', '.join(AXES)} or borda{hint(name, list(AXES))}",
            parameter="axis",
        )
    return AXES[name]


def _measure(measures: Measures, name: str) -> Floats:
    if name not in measures:
        raise UsageError(
            f"rank_by: {name} is known of clusters of the graph only, not of a profile",
            parameter="rank_by",
        )
    return measures[name]


def _items(
    model: Model,
    profile: Profile,
    axis: Axis,
    places: Places,
    value: Floats,
    extra: Measures,
) -> list[Item]:
    clusters = model.index.things["clusters"]
    joint = set(profile.partners.tolist())
    measures = axis.measures(model, profile, places)
    measures |= {name: of_all[places] for name, of_all in extra.items()}
    columns = {name: numbers.tolist() for name, numbers in measures.items()}
    each = zip(
        places.tolist(),
        value[places].tolist(),
        axis.parts(model, profile, places),
        reproduce.queries(axis.name, model, profile, places.tolist()),
        strict=True,
    )
    items = []
    for n, (place, worth, parts, query) in enumerate(each):
        region = model.region_of(place)
        caveats = [] if place in joint or profile.place < 0 else [_UNDENIED]
        if region is None:
            caveats.append("the region of the partner is not known")
        evidence = {clusters.iris[place]}.union(*(part.evidence for part in parts))
        items.append(
            Item(
                id=clusters.key(place),
                iri=clusters.iris[place],
                label=clusters.labels[place],
                value=worth,
                explanation=parts,
                measures={name: _number(column[n]) for name, column in columns.items()},
                facts={
                    "country": model.country_of(place),
                    "region": region,
                    "joint": "yes" if place in joint else "unknown",
                },
                evidence=sorted(evidence),
                caveats=caveats,
                query=query,
            )
        )
    return items


def _fused(model: Model, profile: Profile, filters: Filters, limit: int) -> Answer:
    looked = look(model.index, profile, filters)
    clusters = model.index.things["clusters"]
    reasons = {name: axis.asks(model, profile) for name, axis in AXES.items()}
    able = [axis for name, axis in AXES.items() if not reasons[name]]
    places = np.flatnonzero(looked.mask)
    lists, values = [], {}
    for axis in able:
        value = axis.value(model, profile)
        values[axis.name] = value
        # nothing in common is no place in the list
        seen = value[places]
        lists.append(ranking.places(np.where(seen > 0, seen, np.nan)))
    coverage: dict[str, Any] = {
        "clusters": len(places),
        "axes": [axis.name for axis in able],
        "left_out_as_unknown": looked.unknown,
        "reason": "; ".join(f"{name}: {why}" for name, why in reasons.items() if why),
    }
    items: list[Item] = []
    points_of = [ranking.points(ranks) for ranks in lists]
    points = sum(points_of, np.zeros(len(places)))
    some = np.zeros(len(places), dtype=bool)
    for ranks in lists:
        some |= ~np.isnan(ranks)
    best = ranking.top(np.where(some, points, np.nan), limit, keys=places)
    chosen = best.tolist()
    for n in chosen:
        place = int(places[n])
        parts = [
            Part(f"axis-{axis.name}", f"place on {axis.name}",
                 float(given[n]),
                 {"axis": axis.name, "place": _number(ranks[n])})
            for axis, ranks, given in zip(able, lists, points_of, strict=True)
        ]  # fmt: skip
        items.append(
            Item(
                clusters.key(place), clusters.iris[place], clusters.labels[place],
                float(points[n]), parts,
                {name: _number(value[place]) for name, value in values.items()},
                {"country": model.country_of(place), "region": model.region_of(place)},
                [clusters.iris[place]],
            )
        )  # fmt: skip
    return Answer(
        ranked(items, [float(points[n]) for n in chosen]), int(some.sum()), BORDA, coverage,
        model.index.release, about=_about(profile),
    )  # fmt: skip


def _answer(
    model: Model,
    profile: Profile,
    axis: Axis,
    items: list[Item],
    total: int,
    coverage: dict[str, Any],
    name: str,
    rank_by: str,
    filters: Filters | None,
) -> Answer:
    given = {key: value for key, value in vars(filters or Filters()).items() if value}
    told = {"axis": name, "rank_by": rank_by or "value", **given}
    method = Method(axis.method.name, axis.method.citation, axis.method.version, told)
    return Answer(
        items, total, method, coverage, model.index.release,
        caveats=list(axis.caveats), about=_about(profile, own_divisions(model, profile)),
    )  # fmt: skip


def _about(profile: Profile, divisions: Floats | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"label": profile.label, "iri": profile.iri or None}
    found |= {"capabilities": len(profile.capabilities), "partners": len(profile.partners)}
    if divisions is not None:
        found["divisions"] = int(divisions.sum())
    return found


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
