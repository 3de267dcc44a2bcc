"""Partners of regions on the default release, against loops over the store."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from clusterloom.discovery.model import Model
from clusterloom.discovery.regions import DIRECTIONS, known_ties, region_partners
from clusterloom.errors import NotFound, UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import (
    EVERY,
    ID,
    Graph,
    adds_up,
    altered,
    key,
    model_of_release,
    store_of,
)

AREAS = ("hydrogen-valleys", "photonics")


@pytest.fixture(scope="module")
def graph(default_release: Release) -> Graph:
    """The store of the default release."""
    return store_of(default_release)


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def _place(model: Model, code: str) -> int:
    return model.index.things["regions"].by_key[code]


class Reference:
    """Statuses, relatedness and added density of the store by loops over them."""

    def __init__(self, graph: Graph) -> None:
        self.status: dict[str, dict[str, str]] = defaultdict(dict)
        for region, code, said in graph.rows(
            "SELECT DISTINCT ?code ?nace ?status WHERE { ?m cloom:ofRegion ?region ;"
            " cloom:ofCapability/cloom:naceCode ?nace ; cloom:specialisationStatus ?status ."
            " ?region cloom:nutsCode ?code ; cloom:level 2 ; cloom:vintage '2021' }"
        ):
            if not region.endswith("ZZ"):
                self.status[region][code] = said
        self.status = {
            region: row for region, row in self.status.items() if {*row.values()} != {"unknown"}
        }
        self.codes = sorted({code for row in self.status.values() for code in row})
        together: Counter[tuple[str, str]] = Counter()
        for row in self.status.values():
            has = [code for code in self.codes if row.get(code) == "specialised"]
            together.update((a, b) for a in has for b in has if a != b)
        size = {a: sum(together[a, b] for b in self.codes) for a in self.codes}
        total = sum(size.values())
        self.phi = {}
        for a in self.codes:
            for b in self.codes:
                drawn = size[a] * size[b] / total
                drawn = drawn / (total - size[a]) + drawn / (total - size[b])
                self.phi[a, b] = together[a, b] / drawn if together[a, b] else 0.0

    def added(self, giver: str, taker: str, area: list[str]) -> float:
        """Mean over the area of what the giver's divisions add to the density of the taker."""
        mean = 0.0
        for i in area:
            column = sum(self.phi[j, i] for j in self.codes)
            for j in self.codes:
                gives = self.status[giver].get(j) == "specialised"
                lacks = self.status[taker].get(j) in {"not", "borderline"}
                mean += 100 * gives * lacks * self.phi[j, i] / column / len(area)
        return mean

    def divisions(self, graph: Graph, area: str) -> list[str]:
        """The divisions that the capabilities of an area lie in."""
        found = graph.rows(
            f"SELECT DISTINCT ?code WHERE {{ ?m cloom:mapsFrom <{ID}/area/{area}> ;"
            " cloom:mapsTo ?c . ?c cloom:naceCode ?code FILTER (CONTAINS(STR(?c), '/nace2/')) }"
        )
        inside = {code[:2] for (code,) in found} & {*self.codes}
        return sorted(i for i in inside if sum(self.phi[j, i] for j in self.codes) > 0)


@pytest.fixture(scope="module")
def reference(graph: Graph) -> Reference:
    """Made once."""
    return Reference(graph)


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("region", ["ES51", "RO11", "FRE1"])
def test_region_partners_are_what_loops_over_the_store_find(
    model: Model, graph: Graph, reference: Reference, region: str, area: str
) -> None:
    inside = reference.divisions(graph, area)
    others = [code for code in reference.status if code != region]
    get = {code: reference.added(code, region, inside) for code in others}
    give = {code: reference.added(region, code, inside) for code in others}
    expected = {"get": get, "give": give, "both": {c: get[c] + give[c] for c in others}}
    for direction, values in expected.items():
        found = region_partners(model, region, area, direction, limit=EVERY)
        assert found.coverage["area_divisions"] == len(inside)
        assert {item.id: item.value for item in found.items} == pytest.approx(
            {code: value for code, value in values.items() if value > 0}, abs=1e-9
        )
        assert found.total == len(found.items)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_parts_bounds_and_density_of_the_union(model: Model, direction: str) -> None:
    found = region_partners(model, "ES51", "hydrogen-valleys", direction, limit=EVERY)
    assert len(found.items) > 200
    adds_up(found)
    parts = {"get": {"get-division"}, "give": {"give-division"}}
    for item in found.items:
        measures = item.measures
        get, give, high = (measures[name] for name in ("get", "give", "high"))
        assert item.value is not None
        assert get is not None
        assert give is not None
        assert high is not None
        assert item.value == pytest.approx(
            {"get": get, "give": give, "both": get + give}[direction]
        )
        assert item.value <= high + 1e-9
        now, union = measures["density_now"], measures["density_of_union"]
        assert now is not None
        assert union == pytest.approx(now + get, abs=1e-12)
        assert union is not None
        assert union <= 100 + 1e-9
        codes = {part.code for part in item.explanation}
        assert codes <= parts.get(direction, {"get-division", "give-division"})
    values = [item.value or 0 for item in found.items]
    assert values == sorted(values, reverse=True)


def test_the_query_of_a_region_gives_the_divisions_that_the_parts_name(
    model: Model, graph: Graph
) -> None:
    found = region_partners(model, "ES51", "hydrogen-valleys", "both", limit=3)
    for item in found.items:
        said = {(key(r), d): s for r, d, s in graph.rows(item.query)}
        for giver, taker, code in ((item.id, "ES51", "get"), ("ES51", item.id, "give")):
            named = {p.parameters["division"] for p in item.explanation if p.code.startswith(code)}
            assert named
            for division in named:
                assert said[giver, division] == "specialised"
                assert said[taker, division] in {"not", "borderline"}
            moved = {
                d for (r, d), s in said.items()
                if r == giver and s == "specialised" and said.get((taker, d)) in
                {"not", "borderline"}
            }  # fmt: skip
            # a division that is related to nothing in the area adds nothing
            assert named <= moved


def test_a_region_that_has_less_of_the_same_adds_nothing(model: Model) -> None:
    status = np.array(model.index.arrays["region_status"])
    ours, same, less = (_place(model, code) for code in ("ES51", "FRE1", "ITC1"))
    has = np.flatnonzero(status[ours] == 1)
    status[same] = status[ours]
    status[less] = status[ours]
    status[less, has[::2]] = 0
    changed = altered(model, region_status=status)
    get = region_partners(changed, "ES51", "hydrogen-valleys", "get", limit=EVERY)
    give = region_partners(changed, "ES51", "hydrogen-valleys", "give", limit=EVERY)
    assert not {"FRE1", "ITC1"} & {item.id for item in get.items}
    assert "FRE1" not in {item.id for item in give.items}
    assert "ITC1" in {item.id for item in give.items}


def test_unknown_cells_are_never_given_and_only_raise_the_upper_bound(model: Model) -> None:
    status = np.array(model.index.arrays["region_status"])
    before = region_partners(model, "ES51", "photonics", "get", limit=EVERY)
    partner = before.items[0]
    row = status[_place(model, partner.id)]
    row[row == 1] = -1
    after = region_partners(altered(model, region_status=status), "ES51", "photonics", "get", EVERY)
    assert partner.id not in {item.id for item in after.items}
    for item in before.items:
        assert item.measures["unknown_divisions"] is not None
        if not item.measures["unknown_divisions"] and not before.coverage["unknown_divisions"]:
            assert item.measures["high"] == pytest.approx(item.value)


def test_a_nuts_3_region_is_answered_by_its_nuts_2_region(model: Model) -> None:
    fine = region_partners(model, "ES511", "photonics")
    wide = region_partners(model, "ES51", "photonics")
    assert "coarser region: the figures are those of ES51" in fine.caveats
    assert [(i.id, i.value) for i in fine.items] == [(i.id, i.value) for i in wide.items]
    assert not any(caveat.startswith("coarser") for caveat in wide.caveats)
    assert fine.about["region"]["id"] == "ES511"


def test_a_nuts_1_region_is_no_partner_of_its_own_parts_and_extra_regio_of_nobody(
    model: Model,
) -> None:
    found = region_partners(model, "ES5", "photonics", "both", limit=EVERY)
    assert found.items
    assert not [i.id for i in found.items if i.id.startswith("ES5") or i.id.endswith("ZZ")]


def test_nothing_known_gives_no_items_and_the_reason(model: Model) -> None:
    found = region_partners(model, "CH04", "photonics")
    assert (found.items, found.total, found.complete) == ([], 0, False)
    assert found.coverage["reason"] == "no employment figures of CH04 are known"
    empty = altered(model, area_capability=np.zeros((0, 3), np.int32))
    found = region_partners(empty, "ES51", "photonics")
    assert found.items == []
    assert found.coverage["area_divisions"] == 0
    assert "lies in a measured division" in found.coverage["reason"]


def test_bad_regions_areas_and_directions(model: Model) -> None:
    old = sorted(
        model.index.things["regions"].key(n)
        for n, vintages in enumerate(model.index.things["regions"].facts["vintages"])
        if vintages == "2013"
    )
    for code in old[:3]:
        with pytest.raises(UsageError, match="NUTS 2013") as refused:
            region_partners(model, code, "photonics")
        assert refused.value.extra["vintages"] == ["2013"]
    with pytest.raises(NotFound, match="ES5Q") as unknown:
        region_partners(model, "ES5Q", "photonics")
    assert "ES5" in str(unknown.value.extra["nearest"])
    with pytest.raises(NotFound, match="photonix") as unknown:
        region_partners(model, "ES51", "photonix")
    nearest = unknown.value.extra["nearest"]
    assert isinstance(nearest, list)
    assert nearest[0] == "photonics"
    with pytest.raises(UsageError, match="sideways"):
        region_partners(model, "ES51", "photonics", "sideways")


def test_ties_are_those_of_the_store_and_none_is_never_denied(model: Model, graph: Graph) -> None:
    joint = "VALUES ?class { cloom:Partnership cloom:Project } ?u a ?class"
    lists = int(graph.rows(f"SELECT (COUNT(DISTINCT ?u) AS ?n) WHERE {{ {joint} }}")[0][0])
    known = graph.rows(
        f"SELECT (COUNT(DISTINCT ?u) AS ?n) WHERE {{ {joint} . ?l cloom:ofSubject ?u ;"
        " cloom:ofProperty cloom:participant ; cloom:complete true }"
    )
    found = region_partners(model, "ES51", "photonics", limit=EVERY)
    untied = [item for item in found.items if not item.measures["known_ties"]]
    tied = [item for item in found.items if item.measures["known_ties"]]
    assert untied
    assert tied
    for item in untied:
        assert item.caveats == [f"no tie known; lists known {known[0][0]} of {lists}"]
    for item in tied[:5]:
        (number,) = graph.rows(
            f"SELECT (COUNT(DISTINCT ?u) AS ?n) WHERE {{ {joint} ; cloom:participant ?a, ?b ."
            f" ?a a cloom:ClusterOrganisation ; cloom:locatedIn <{ID}/region/ES51> ."
            f" ?b a cloom:ClusterOrganisation ; cloom:locatedIn <{item.iri}> }}"
        )[0]
        assert int(number) == item.measures["known_ties"]
        assert not item.caveats
    here = _place(model, "ES51")
    assert known_ties(model, here, here)["lists"] == lists
