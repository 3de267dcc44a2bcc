"""Cross-sectoral bridges: sectors strongly tied by economics whose clusters meet too seldom.

A pair of NACE divisions is strongly tied by relatedness, or by what one supplies to the other. An
undertaking (partnership, project) is joint where two different clusters in it have one division
each (`meetings`). Whether two divisions are in fewer joint undertakings than at random is tested;
where even none at all would prove nothing, the pair is `untested`, which is not `as-expected`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom import terms
from clusterloom.discovery import cooccurrence, ranking
from clusterloom.discovery.answers import Answer, Item, Method, Part, ranked
from clusterloom.discovery.meetings import meetings
from clusterloom.discovery.model import Floats, Model
from clusterloom.errors import UsageError
from clusterloom.nearest import hint, nearest

BASES = ("relatedness", "supply")
FEWER, EXPECTED, MORE, UNTESTED = STATES = (
    "fewer-than-expected", "as-expected", "more", "untested",
)  # fmt: skip
LEVEL = 0.05
STRONGEST = 0.1
"""Share of the pairs that have any tie of the basis which counts as strongly tied."""
_CITED = {
    "relatedness": "relatedness of Steijn (2017), van Eck and Waltman (2009)",
    "supply": "input coefficients (Leontief 1936), Czechia 2015, Eurostat naio_10_cp1700",
}
_VALUE = {
    "relatedness": "relatedness of two divisions",
    "supply": "larger input coefficient between the product groups of two divisions",
}
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Tested:
    """Pairs of divisions (`first` < `second`), their value, and the test of each.

    Of each pair: joint undertakings, those of `one` and of the `other`, and `all_` that count.
    """

    first: Ints
    second: Ints
    value: Floats
    joint: Ints
    one: Ints
    other: Ints
    all_: Ints
    population: int
    z: Floats
    p: Floats
    q: Floats
    state: NDArray[np.str_]


def bridges(
    model: Model,
    basis: str = "relatedness",
    limit: int = 10,
    share: float = STRONGEST,
    states: Sequence[str] = (FEWER,),
) -> Answer:
    """The pairs of divisions that are strongly tied and in one of the `states`, strongest first.

    Strongly tied is the `share` of the pairs with any tie that are strongest (those equal to the
    last with it), by relatedness only pairs above 1, which is chance. Of them those are tested in
    which no joint undertaking at all, or the fewest that are possible, would have p of at most
    0.05; p is exact (hypergeometric), q that of Benjamini and Hochberg (1995) over the tested
    pairs. `fewer-than-expected` and `more` are q of at most 0.05 in the lower and the upper tail;
    the test is for fewer, since clusters that have both divisions make for more by themselves.
    Undertakings are left out that show neither: those with fewer than two clusters of known
    divisions and, for a pair, those in which one cluster is the only one of both.
    UsageError for a basis or a state that is none, and a share outside 0 to 1.
    """
    _one_of("basis", basis, BASES)
    for state in states:
        _one_of("states", state, STATES)
    if not 0 < share <= 1:
        raise UsageError(f"share: {share} is not above 0 and at most 1", parameter="share")
    found = _tested(model, basis, share)
    hits = np.flatnonzero(np.isin(found.state, list(states)))
    keys = [_key(model, found, n) for n in range(len(found.first))]
    best = ranking.top(found.value[hits], limit, keys=[keys[n] for n in hits])
    chosen = [int(hits[n]) for n in best]
    items = [_item(model, basis, found, n, keys[n]) for n in chosen]
    told = _coverage(model, found)
    method = Method(
        _VALUE[basis],
        f"implements Teece, Rumelt, Dosi and Winter (1994) with the exact lower tail, Benjamini "
        f"and Hochberg (1995); {_CITED[basis]}",
        parameters={"basis": basis, "share": share, "level": LEVEL, "states": list(states)},
    )
    return Answer(
        ranked(items, [float(found.value[n]) for n in chosen]), len(hits), method,
        {**told, "reason": "" if len(hits) else _reason(told, states)}, model.index.release,
        caveats=_caveats(told, basis), about={"partnerships_query": _INCIDENCE},
    )  # fmt: skip


def supply(model: Model) -> Floats:
    """Divisions by divisions: the largest coefficient from a product group of the first to
    another one of the second, NaN where there is none or no figures are known."""
    table = np.array(model.index.arrays["supply"], dtype=np.float64)
    # what a product group takes of itself tells nothing of two of its divisions
    np.fill_diagonal(table, np.nan)
    of = model.comprised[model.index.arrays["divisions"]]
    owner, product = np.repeat(np.arange(of.shape[0]), np.diff(of.indptr)), of.indices
    cells = np.nan_to_num(table[np.ix_(product, product)], nan=-np.inf)
    found = np.full((of.shape[0], of.shape[0]), -np.inf)
    np.maximum.at(found, (owner[:, None], owner[None, :]), cells)
    found[np.isneginf(found)] = np.nan
    np.fill_diagonal(found, np.nan)
    return found


def _tested(model: Model, basis: str, share: float) -> _Tested:
    if basis == "relatedness":
        strength, least = np.asarray(model.relatedness), 1.0
    else:
        directed = supply(model)
        strength, least = np.fmax(directed, directed.T), 0.0
    first, second = np.triu_indices(len(strength), 1)
    value = np.nan_to_num(strength[first, second])
    some = np.sort(value[value > 0])[::-1]
    limit = some[math.ceil(share * len(some)) - 1] if len(some) else np.inf
    strong = (value >= limit) & (value > least)
    first, second, value = first[strong], second[strong], value[strong]
    met = meetings(model.index.backwards("cluster_undertaking"), model.divisions)
    joint, by_one = met.joint[first, second], met.by_one[first, second]
    one, other = met.own[first] - by_one, met.own[second] - by_one
    all_ = met.population - by_one
    z = _each(cooccurrence.pair_z, joint, one, other, all_)
    lower = _each(cooccurrence.pair_lower_tail, joint, one, other, all_)
    # as many or more together are as few or fewer of the one without the other
    upper = _each(cooccurrence.pair_lower_tail, one - joint, one, all_ - other, all_)
    fewest = np.maximum(0, one + other - all_)
    least_p = _each(cooccurrence.pair_lower_tail, fewest, one, other, all_)
    tested = np.nan_to_num(least_p, nan=1.0) <= LEVEL
    q = cooccurrence.benjamini_hochberg(np.where(tested, lower, np.nan))
    more = cooccurrence.benjamini_hochberg(np.where(tested, upper, np.nan))
    state = np.select(
        [~tested, np.nan_to_num(q, nan=1.0) <= LEVEL, np.nan_to_num(more, nan=1.0) <= LEVEL],
        [UNTESTED, FEWER, MORE], EXPECTED,
    )  # fmt: skip
    return _Tested(
        first, second, value, joint, one, other, all_, met.population, z, lower, q, state
    )


def _each(
    of: Callable[[Ints, Ints, Ints, int], Floats], joint: Ints, one: Ints, other: Ints, all_: Ints
) -> Floats:
    """A measure of pairs whose populations differ; few do."""
    found = np.full(len(joint), np.nan)
    for population in np.unique(all_).tolist():
        at = all_ == population
        found[at] = of(joint[at], one[at], other[at], population)
    return found


def _key(model: Model, found: _Tested, n: int) -> str:
    return "-".join(_code(model, int(d)) for d in (found.first[n], found.second[n]))


def _code(model: Model, division: int) -> str:
    place = int(model.index.arrays["divisions"][division])
    return model.index.things["capabilities"].key(place)


def _item(model: Model, basis: str, found: _Tested, n: int, key: str) -> Item:
    index = model.index
    a, b = int(found.first[n]), int(found.second[n])
    iris = [index.things["capabilities"].iris[int(index.arrays["divisions"][d])] for d in (a, b)]
    names = [model.division_label(d) for d in (a, b)]
    value = float(found.value[n])
    if basis == "relatedness":
        label = f"{names[0]} and {names[1]} are specialities of the same regions"
        part = Part("related", label, value, {"divisions": iris}, tuple(iris))
        query = _SPECIALISED
    else:
        part, query = _supplied(model, a, b, value)
    expected = float(found.one[n]) * float(found.other[n]) / max(int(found.all_[n]), 1)
    has = model.divisions[:, [a, b]].toarray() > 0
    return Item(
        key, "", f"{names[0]}; {names[1]}", value, [part],
        {
            "z": _number(found.z[n]), "p": _number(found.p[n]), "q": _number(found.q[n]),
            "joint": int(found.joint[n]), "expected": expected,
            "undertakings_first": int(found.one[n]), "undertakings_second": int(found.other[n]),
            "undertakings": int(found.all_[n]),
        },
        {
            "state": str(found.state[n]),
            "divisions": [{"id": _code(model, d), "label": name}
                          for d, name in zip((a, b), names, strict=True)],
            "clusters_first": int(has[:, 0].sum()), "clusters_second": int(has[:, 1].sum()),
            "clusters_both": int(has.all(axis=1).sum()),
        },
        sorted({*iris, *part.evidence}), query=query,
    )  # fmt: skip


def _supplied(model: Model, a: int, b: int, value: float) -> tuple[Part, str]:
    """The part for a coefficient, and the query for it: the first such link by product."""
    index, products = model.index, model.index.things["products"]
    groups = [model.comprised[[int(index.arrays["divisions"][d])]].indices for d in (a, b)]
    table = index.arrays["supply"]
    ways = [(int(p), int(q), x, y)
            for made, used, x, y in ((*groups, a, b), (*groups[::-1], b, a))
            for p in made for q in used
            if p != q and table[p, q] == value]  # fmt: skip
    p, q, giver, taker = min(ways)
    label = (
        f"{products.labels[p]}, for {products.labels[q]}: from {model.division_label(giver)} to "
        f"{model.division_label(taker)}"
    )
    one, other = products.iris[p], products.iris[q]
    query = (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        f"SELECT ?from ?to ?coefficient WHERE {{\n"
        f"  VALUES (?from ?to) {{ ({terms.iri(one)} {terms.iri(other)}) }}\n"
        "  ?link cloom:fromProduct ?from ; cloom:toProduct ?to ; cloom:coefficient ?coefficient }"
    )
    return Part("supplies", label, value, {"from": one, "to": other}, (one, other)), query


def _coverage(model: Model, found: _Tested) -> dict[str, Any]:
    index = model.index
    takes_part = np.diff(index.backwards("cluster_undertaking").indptr)
    count = {state: int((found.state == state).sum()) for state in STATES}
    return {
        "undertakings": len(takes_part),
        "counted": found.population,
        "with_two_or_more_clusters": int((takes_part >= 2).sum()),
        "complete_lists": int((index.arrays["undertaking_complete"] > 0).sum()),
        "strong_pairs": len(found.first),
        "tested": len(found.first) - count[UNTESTED],
        "states": count,
    }


def _caveats(told: dict[str, Any], basis: str) -> list[str]:
    found = [
        f"lists of participants are not complete ({told['complete_lists']} of "
        f"{told['undertakings']} are known to be), so a partnership that is not known may exist",
        f"{told['counted']} partnerships and projects have two or more clusters of known "
        f"divisions, {told['with_two_or_more_clusters']} have two clusters or more; with so "
        f"few, {told['states'][UNTESTED]} of {told['strong_pairs']} strongly tied pairs could "
        "not be told from chance even if nobody worked together",
        "a partnership is joint where two different clusters have one division each; it is left "
        "out where one cluster alone has both; capabilities come from sector words and are not "
        "complete",
        f"{MORE} is no finding: clusters that have both divisions bring them together also where "
        "nobody chose anybody",
    ]
    if basis == "supply":
        found.append("one economy's technology of 2015; divisions of one product group share its "
                     "coefficients, so their pairs are not independent")  # fmt: skip
    return found


def _reason(told: dict[str, Any], states: Sequence[str]) -> str:
    if not told["counted"]:
        return "no partnership is known in which two clusters of known divisions take part"
    if not told["strong_pairs"]:
        return "no pair of divisions is known to be strongly tied"
    if not told["tested"]:
        return (
            f"none of {told['strong_pairs']} strongly tied pairs could be tested with "
            f"{told['counted']} partnerships"
        )
    return (
        f"of {told['strong_pairs']} strongly tied pairs {told['tested']} could be tested; "
        f"none is in the state {' or '.join(states)}"
    )


def _one_of(name: str, given: str, valid: Sequence[str]) -> None:
    if given not in valid:
        raise UsageError(
            f"{name}: {given[:40]!r} is not one of {', '.join(valid)}{hint(given, valid)}",
            parameter=name, nearest=nearest(given, valid),
        )  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


_SPECIALISED = """PREFIX cloom: <https://w3id.org/clusterloom/ontology#>
SELECT ?region ?division WHERE {
  ?region a cloom:Region ; cloom:level 2 ; cloom:vintage "2021" .
  FILTER (!STRENDS(STR(?region), "ZZ"))
  ?measured cloom:ofRegion ?region ; cloom:ofCapability ?division ;
    cloom:specialisationStatus "specialised"
} ORDER BY ?region ?division"""
"""What each region is specialised in: relatedness is worked out of how many have both."""

_INCIDENCE = """PREFIX cloom: <https://w3id.org/clusterloom/ontology#>
SELECT DISTINCT ?undertaking ?cluster ?division WHERE {
  { SELECT DISTINCT ?division WHERE {
    ?measured cloom:ofCapability ?division ; cloom:specialisationStatus ?status } }
  VALUES ?class { cloom:Partnership cloom:Project }
  ?undertaking a ?class ; cloom:participant ?cluster .
  ?cluster a cloom:ClusterOrganisation ; cloom:hasCapability ?capability .
  ?capability cloom:within? ?division
} ORDER BY ?undertaking ?cluster ?division"""
"""The divisions of each cluster in every undertaking: what the counts and tests are made of."""
