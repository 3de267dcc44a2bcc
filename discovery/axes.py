"""The four axes of partner search: what each measures, and the parts that its value is the sum of.

An axis is a number for each cluster seen from one profile, NaN where the profile or the cluster
has nothing that could be measured. Nothing is blended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clusterloom.discovery import network, relatedness
from clusterloom.discovery.answers import Method, Part
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import Profile

Measures = dict[str, Floats]
Places = NDArray[np.int64]

MANY = 64
"""Rows above which the library's own selection of them costs less than one at a time."""


@dataclass(frozen=True)
class Axis:
    """How an axis values every cluster, explains some, and what it needs to know.

    `value(model, profile)` gives a number for each cluster; `parts(model, profile, places)` the
    summands for each of the places; `measures(model, profile, places)` further numbers for each
    of the places, of the names in `measured`; `knows(model)` tells of which clusters anything is
    known; `asks(model, profile)` why nothing can be said, or "". `dear` are measures that are
    made for all clusters at once, by name, only when asked for; None: not of a profile.
    """

    name: str
    method: Method
    value: Callable[[Model, Profile], Floats]
    parts: Callable[[Model, Profile, Places], list[list[Part]]]
    measures: Callable[[Model, Profile, Places], Measures]
    knows: Callable[[Model], NDArray[np.bool_]]
    asks: Callable[[Model, Profile], str]
    measured: tuple[str, ...]
    caveats: tuple[str, ...] = ()
    dear: Mapping[str, Callable[[Model, Profile], Floats | None]] = field(default_factory=dict)


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
    own = [_row(model.comprised, int(capability)) for capability in profile.capabilities]
    return np.unique(np.concatenate(own)).astype(np.int64) if own else np.empty(0, np.int64)


def _sums(matrix: sparse.csr_array, places: Places, weights: Floats) -> Floats:
    """Some rows of a 0/1 matrix times the weights."""
    if len(places) > MANY:
        return np.asarray(matrix[places] @ weights)
    return np.array([weights[_row(matrix, place)].sum() for place in places.tolist()])


def _sizes(matrix: sparse.csr_array, places: Places) -> Floats:
    """The entries of each of some rows."""
    return np.asarray(matrix.indptr[places + 1] - matrix.indptr[places], dtype=np.float64)


def _row(matrix: sparse.csr_array, place: int) -> NDArray[np.int32]:
    found: NDArray[np.int32] = matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]]
    return found


# similarity


def _similarity(model: Model, profile: Profile) -> Floats:
    return np.asarray(model.capabilities @ _own_capabilities(model, profile))


def _similarity_parts(model: Model, profile: Profile, places: Places) -> list[list[Part]]:
    things = model.index.things["capabilities"]
    # places are in the order of IRIs
    each = {
        int(c): Part("shared-capability", f"both have {things.labels[c]}", 1.0,
                     {"capability": things.iris[c]}, (things.iris[c],))
        for c in np.sort(profile.capabilities).tolist()
    }  # fmt: skip
    found = []
    for place in places.tolist():
        theirs = set(_row(model.capabilities, place).tolist())
        found.append([part for c, part in each.items() if c in theirs])
    return found


def _similarity_measures(model: Model, profile: Profile, places: Places) -> Measures:
    shared = _sums(model.capabilities, places, _own_capabilities(model, profile))
    size = _sizes(model.capabilities, places)
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
    last = model.last_gains
    if last is None or last[0] is not profile:
        gains = relatedness.gains_of(own_divisions(model, profile), model.shares)
        last = model.last_gains = profile, gains
    return last[1]


def _complementarity_parts(model: Model, profile: Profile, places: Places) -> list[list[Part]]:
    gains = _gains(model, profile)
    divisions = model.index.arrays["divisions"]
    iris = model.index.things["capabilities"].iris
    order = np.lexsort((model.division_alphabet, -gains))
    order = order[gains[order] != 0]
    each: dict[int, Part] = {}
    found = []
    for place in places.tolist():
        has = np.zeros(len(gains), dtype=bool)
        has[_row(model.divisions, place)] = True
        own = order[has[order]].tolist()
        for d in own:
            if d not in each:
                iri = iris[divisions[d]]
                label = f"adds {model.division_labels[d]}"
                each[d] = Part("added-division", label, float(gains[d]), {"division": iri}, (iri,))
        found.append([each[d] for d in own])
    return found


def _complementarity_measures(model: Model, profile: Profile, places: Places) -> Measures:
    gains = _gains(model, profile)
    z = relatedness.z_of(_sums(model.divisions, places, gains), gains, model.expected[places])
    return {"z": z, "divisions": _sizes(model.divisions, places)}


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
    degree = model.degrees
    weight = np.zeros(len(degree))
    through = profile.partners[degree[profile.partners] >= 1]
    # somebody outside the graph is one neighbour more of each partner named
    weight[through] = 1.0 / np.log(degree[through] + 1.0)
    return np.asarray(model.ties @ weight)


def _network_parts(model: Model, profile: Profile, places: Places) -> list[list[Part]]:
    clusters = model.index.things["clusters"]
    degree = model.degrees
    found = []
    for place in places.tolist():
        if profile.place >= 0:
            pairs = network.adamic_adar_parts(model.ties, profile.place, place)
        else:
            shared = np.intersect1d(profile.partners, _row(model.ties, place))
            pairs = [(int(n), float(1.0 / np.log(degree[n] + 1.0))) for n in shared]
            pairs.sort(key=lambda pair: (-pair[1], clusters.iris[pair[0]]))
        found.append([
            Part("common-partner", f"both work with {clusters.labels[n]}, which has {degree[n]} "
                 "partners", value, {"partner": clusters.iris[n], "degree": int(degree[n])},
                 (clusters.iris[n],))
            for n, value in pairs
        ])  # fmt: skip
    return found


def _network_measures(model: Model, profile: Profile, places: Places) -> Measures:
    degree = model.degrees[places].astype(np.float64)
    if profile.place < 0:
        return {"degree": degree}
    return {
        "resource_allocation": network.resource_allocation(model.ties, profile.place)[places],
        "jaccard": network.jaccard(model.ties, profile.place)[places],
        "degree": degree,
    }


def _pagerank(model: Model, profile: Profile) -> Floats | None:
    if profile.place < 0:
        return None
    return network.personalised_pagerank(model.ties, profile.place)


def _needs_partners(model: Model, profile: Profile) -> str:  # noqa: ARG001
    return "" if len(profile.partners) else "no joint partnership or project is known"


# supply


def _supply(model: Model, profile: Profile) -> Floats:
    taken = model.coefficients[:, _own_products(model, profile)].sum(axis=1)
    return np.asarray(model.products @ taken)


def _supply_parts(model: Model, profile: Profile, places: Places) -> list[list[Part]]:
    used = _own_products(model, profile)
    table = model.coefficients[:, used]
    rows, columns = np.nonzero(table > 0)
    values, alphabet = table[rows, columns], model.product_alphabet
    order = np.lexsort((alphabet[used[columns]], alphabet[rows], -values))
    rows, columns, values = rows[order], columns[order], values[order]
    each: dict[int, Part] = {}
    found = []
    for place in places.tolist():
        made = np.zeros(len(table), dtype=bool)
        made[_row(model.products, place)] = True
        own = np.flatnonzero(made[rows]).tolist()
        for n in own:
            if n not in each:
                each[n] = _supplied(model, int(rows[n]), int(used[columns[n]]), float(values[n]))
        found.append([each[n] for n in own])
    return found


def _supplied(model: Model, p: int, q: int, value: float) -> Part:
    products = model.index.things["products"]
    return Part(
        "supplies", f"{products.labels[p]}, for {products.labels[q]}", value,
        {"from": products.iris[p], "to": products.iris[q]}, (products.iris[p], products.iris[q]),
    )  # fmt: skip


def _supply_measures(model: Model, profile: Profile, places: Places) -> Measures:
    given = model.coefficients[_own_products(model, profile)].sum(axis=0)
    return {"supplied_by_profile": _sums(model.products, places, given)}


def _needs_products(model: Model, profile: Profile) -> str:
    own = _own_products(model, profile)
    if not len(own):
        return "no capability of the profile is known that is a product of the supply table"
    if not model.figured[own].any():
        return "the supply table has no figures of what goes into the products of the profile"
    return ""


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
            lambda model: model.known["divisions"], _needs_divisions, ("z", "divisions"),
            ("ranks mostly by how many divisions a partner has; z sets that aside",
             "relatedness counts a specialisation that is unknown as none",
             "capabilities come from sector words and are not complete"),
        ),
        Axis(
            "network",
            Method("common partners, rare ones more", "implements Adamic and Adar (2003)"),
            _network, _network_parts, _network_measures,
            lambda model: model.known["ties"], _needs_partners,
            ("resource_allocation", "jaccard", "degree"),
            ("ties are those of the lists of participants that are known",),
            {"pagerank": _pagerank},
        ),
        Axis(
            "similarity",
            Method("number of shared capabilities", "overlap; Jaccard (1901) beside it"),
            _similarity, _similarity_parts, _similarity_measures,
            lambda model: model.known["capabilities"],
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
            lambda model: model.known["products"], _needs_products, ("supplied_by_profile",),
            ("one economy's technology of 2015, whatever the country of the two",
             "capabilities come from sector words and are not complete"),
        ),
    )
}  # fmt: skip
"""By name, in the order in which they are offered."""
