"""The four axes of partner search: what each measures, and the parts that its value is the sum of.

An axis is a number for each cluster seen from one profile, NaN where the profile or the cluster
has nothing that could be measured. Nothing is blended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import network, relatedness
from clusterloom.discovery.answers import Method, Part
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import Profile

Measures = dict[str, Floats]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """How an axis values every cluster, explains one, and what it needs to know.

    `value(model, profile)` gives a number for each cluster; `parts(model, profile, place)` the
    summands for one; `measures(model, profile, places)` further numbers for each
    of the places, of the names in `measured`; `knows(model)` tells of
    which clusters anything is known; `asks(model, profile)` why nothing can be said, or "".
    """

    name: str
    method: Method
    value: Callable[[Model, Profile], Floats]
    parts: Callable[[Model, Profile, int], list[Part]]
    measures: Callable[[Model, Profile, Places], Measures]
    knows: Callable[[Model], NDArray[np.bool_]]
    asks: Callable[[Model, Profile], str]
    measured: tuple[str, ...]
    caveats: tuple[str, ...] = ()


def own_divisions(model: Model, profile: Profile) -> Floats:
    """The divisions of a profile, 0/1."""
    own = model.index.arrays["capability_division"][profile.capabilities]
    found = np.zeros(len(model.index.arrays["divisions"]))
    found[own[own >= 0]] = 1.0
    return found


def _own_capabilities(model: Model, profile: Profile) -> Floats:
    found = np.zeros(len(model.index.things["capabilities"]))
    found[profile.capabilities] = 1.0
    return found


def _own_products(model: Model, profile: Profile) -> NDArray[np.int64]:
    return np.unique(model.comprised[profile.capabilities].indices).astype(np.int64)


def _some(matrix: Callable[[Model], object]) -> Callable[[Model], NDArray[np.bool_]]:
    def knows(model: Model) -> NDArray[np.bool_]:
        indptr = matrix(model).indptr  # type: ignore[attr-defined]
        found: NDArray[np.bool_] = np.diff(indptr) > 0
        return found

    return knows


# similarity


def _similarity(model: Model, profile: Profile) -> Floats:
    return np.asarray(model.capabilities @ _own_capabilities(model, profile))


def _similarity_parts(model: Model, profile: Profile, place: int) -> list[Part]:
    things = model.index.things["capabilities"]
    shared = np.intersect1d(profile.capabilities, model.index.row("cluster_capability", place))
    return [
        Part("shared-capability", f"both have {things.labels[c]}", 1.0,
             {"capability": things.iris[c]}, (things.iris[c],))
        for c in sorted(shared, key=lambda c: things.iris[c])
    ]  # fmt: skip


def _similarity_measures(model: Model, profile: Profile, places: Places) -> Measures:
    shared = np.asarray(model.capabilities[places] @ _own_capabilities(model, profile))
    size = np.diff(model.capabilities.indptr)[places]
    union = size + len(profile.capabilities) - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "jaccard": shared / union,
            "cosine": shared / np.sqrt(size * len(profile.capabilities)),
        }


# complementarity


def _complementarity(model: Model, profile: Profile) -> Floats:
    return np.asarray(model.divisions @ _gains(model, profile))


def _gains(model: Model, profile: Profile) -> Floats:
    return relatedness.gains(own_divisions(model, profile), model.relatedness)


def _complementarity_parts(model: Model, profile: Profile, place: int) -> list[Part]:
    gains = _gains(model, profile)
    divisions = model.index.arrays["divisions"]
    iris = model.index.things["capabilities"].iris
    found = [
        Part("added-division", f"adds {model.division_label(d)}", float(gains[d]),
             {"division": iris[divisions[d]]}, (iris[divisions[d]],))
        for d in _row(model.divisions, place)
        if gains[d] != 0
    ]  # fmt: skip
    return sorted(found, key=lambda part: (-part.value, part.label))


def _complementarity_measures(model: Model, profile: Profile, places: Places) -> Measures:
    own, theirs = own_divisions(model, profile), model.divisions[places]
    z = relatedness.size_adjusted_z(own, theirs, model.relatedness, model.expected[places])
    return {"z": z, "divisions": np.diff(theirs.indptr).astype(np.float64)}


def _needs_divisions(model: Model, profile: Profile) -> str:
    if not own_divisions(model, profile).any():
        return "no capability of the profile is known that lies in a measured NACE division"
    if np.isnan(_gains(model, profile)).all():
        return "the profile lacks no division of which it is known what it is related to"
    return ""


# network


def _network(model: Model, profile: Profile) -> Floats:
    if profile.place >= 0:
        return network.adamic_adar(model.ties, profile.place)
    degree = np.diff(model.ties.indptr)
    weight = np.zeros(len(degree))
    through = profile.partners[degree[profile.partners] >= 1]
    # somebody outside the graph is one neighbour more of each partner named
    weight[through] = 1.0 / np.log(degree[through] + 1.0)
    return np.asarray(model.ties @ weight)


def _network_parts(model: Model, profile: Profile, place: int) -> list[Part]:
    clusters = model.index.things["clusters"]
    degree = np.diff(model.ties.indptr)
    if profile.place >= 0:
        pairs = network.adamic_adar_parts(model.ties, profile.place, place)
    else:
        shared = np.intersect1d(profile.partners, _row(model.ties, place))
        pairs = [(int(n), float(1.0 / np.log(degree[n] + 1.0))) for n in shared]
        pairs.sort(key=lambda pair: (-pair[1], clusters.iris[pair[0]]))
    return [
        Part("common-partner", f"both work with {clusters.labels[n]}, which has {degree[n]} "
             "partners", value, {"partner": clusters.iris[n], "degree": int(degree[n])},
             (clusters.iris[n],))
        for n, value in pairs
    ]  # fmt: skip


def _network_measures(model: Model, profile: Profile, places: Places) -> Measures:
    degree = np.diff(model.ties.indptr).astype(np.float64)[places]
    if profile.place < 0:
        return {"degree": degree}
    return {
        "resource_allocation": network.resource_allocation(model.ties, profile.place)[places],
        "jaccard": network.jaccard(model.ties, profile.place)[places],
        "degree": degree,
    }


def _needs_partners(model: Model, profile: Profile) -> str:  # noqa: ARG001
    return "" if len(profile.partners) else "no joint partnership or project is known"


# supply


def _supply(model: Model, profile: Profile) -> Floats:
    taken = np.nansum(model.index.arrays["supply"][:, _own_products(model, profile)], axis=1)
    return np.asarray(model.products @ taken)


def _supply_parts(model: Model, profile: Profile, place: int) -> list[Part]:
    products = model.index.things["products"]
    made, used = _row(model.products, place), _own_products(model, profile)
    table = np.nan_to_num(model.index.arrays["supply"][np.ix_(made, used)])
    found = [
        Part("supplies", f"{products.labels[p]}, for {products.labels[q]}", value,
             {"from": products.iris[p], "to": products.iris[q]},
             (products.iris[p], products.iris[q]))
        for p, row in zip(made.tolist(), table.tolist(), strict=True)
        for q, value in zip(used.tolist(), row, strict=True)
        if value > 0
    ]  # fmt: skip
    return sorted(found, key=lambda part: (-part.value, part.label))


def _supply_measures(model: Model, profile: Profile, places: Places) -> Measures:
    given = np.nansum(model.index.arrays["supply"][_own_products(model, profile)], axis=0)
    return {"supplied_by_profile": np.asarray(model.products[places] @ given)}


def _needs_products(model: Model, profile: Profile) -> str:
    own = _own_products(model, profile)
    if not len(own):
        return "no capability of the profile is known that is a product of the supply table"
    if np.isnan(model.index.arrays["supply"][:, own]).all():
        return "the supply table has no figures of what goes into the products of the profile"
    return ""


def _row(matrix: object, place: int) -> NDArray[np.int32]:
    indptr, indices = matrix.indptr, matrix.indices  # type: ignore[attr-defined]
    found: NDArray[np.int32] = indices[indptr[place] : indptr[place + 1]]
    return found


AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis(
            "complementarity",
            Method(
                "mean added relatedness density, percentage points",
                "implements Balland and Boschma (2021) with the relatedness of Steijn (2017), "
                "van Eck and Waltman (2009), over specialised NUTS 2 regions; z by Saracco et al. "
                "(2015)",
            ),
            _complementarity, _complementarity_parts, _complementarity_measures,
            _some(lambda model: model.divisions), _needs_divisions, ("z", "divisions"),
            ("ranks mostly by how many divisions a partner has; z sets that aside",
             "capabilities come from sector words and are not complete"),
        ),
        Axis(
            "network",
            Method("common partners, rare ones more", "implements Adamic and Adar (2003)"),
            _network, _network_parts, _network_measures,
            _some(lambda model: model.ties), _needs_partners,
            ("resource_allocation", "jaccard", "degree"),
            ("ties are those of the lists of participants that are known",),
        ),
        Axis(
            "similarity",
            Method("number of shared capabilities", "overlap; Jaccard (1901) beside it"),
            _similarity, _similarity_parts, _similarity_measures,
            _some(lambda model: model.capabilities),
            lambda _model, profile: "" if len(profile.capabilities)
            else "no capability of the profile is known",
            ("jaccard", "cosine"),
            ("capabilities come from sector words and are not complete",),
        ),
        Axis(
            "supply",
            Method(
                "input coefficients from the products of the partner to those of the profile",
                "implements direct input coefficients (Leontief 1936), Czechia 2015, Eurostat "
                "naio_10_cp1700",
            ),
            _supply, _supply_parts, _supply_measures,
            _some(lambda model: model.products), _needs_products, ("supplied_by_profile",),
            ("one economy's technology of 2015, whatever the country of the two",
             "capabilities come from sector words and are not complete"),
        ),
    )
}  # fmt: skip
"""By name, in the order in which they are offered."""
