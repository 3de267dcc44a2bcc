"""Partners of regions, completion of chains, consortia and who finds whom, on the default release.

References are independent of the index: SPARQL over the store and loops in plain Python.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyoxigraph as ox
import pytest

from clusterloom.discovery import index as indexing
from clusterloom.discovery.answers import Answer, Item
from clusterloom.discovery.completion import completion
from clusterloom.discovery.composer import Rules
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners, who_would_find
from clusterloom.discovery.profile import inline, of_cluster
from clusterloom.discovery.regions import DIRECTIONS, known_ties, region_partners
from clusterloom.errors import NotFound, UsageError
from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.release import Release
from fixtures_api import serving

ID = "https://w3id.org/clusterloom/id"
PREFIX = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#> "
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
)
GUIDE = Path(__file__).resolve().parent.parent / "docs" / "discovery.md"
WRITTEN_FOR = "669791829f2c7c46"
CALL = "cos-cluster-2018-3-02"
CHAINS = ("batteries", "mining", "textiles")
REGIONS = ("ES51", "FRE1", "CH04")
AREAS = ("hydrogen-valleys", "photonics")
EVERY = 1000


@dataclass(frozen=True)
class Graph:
    """The store of the release, asked directly."""

    store: ox.Store

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Rows of a SELECT as plain values."""
        found = self.store.query(query if query.startswith("PREFIX") else PREFIX + query)
        assert isinstance(found, ox.QuerySolutions)
        return [tuple("" if t is None else t.value for t in row) for row in found]

    def column(self, query: str) -> set[str]:
        """The last segments of the first column."""
        return {_key(row[0]) for row in self.rows(query)}

    def has(self, iri: str) -> bool:
        """Whether anything is said of, or by, a thing."""
        return bool(self.store.query(f"ASK {{ {{ <{iri}> ?p ?o }} UNION {{ ?s ?p <{iri}> }} }}"))


def _key(iri: str) -> str:
    return iri.rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def graph(default_release: Release) -> Graph:
    """The store of the default release."""
    return Graph(ox.Store.read_only(str(default_release.store_path)))


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release, its index built as the server does it."""
    folder = tmp_path_factory.mktemp("operations") / "index"

    async def build() -> Index:
        engine = EmbeddedEngine(1, settings.query_memory)
        async with await engine.open(default_release) as session:
            return await indexing.build(session.columns, default_release.id, folder)

    return Model(asyncio.run(build()))


def _altered(model: Model, **arrays: Any) -> Model:
    """The same index with other arrays in place of some."""
    index = model.index
    return Model(Index(index.release, index.things, {**index.arrays, **arrays}))


def _place(model: Model, code: str) -> int:
    return model.index.things["regions"].by_key[code]


def _adds_up(answer: Answer) -> None:
    for item in answer.items:
        assert item.value is not None
        assert math.isclose(sum(p.value for p in item.explanation), item.value, abs_tol=1e-9)


def _proven(graph: Graph, answer: Answer) -> None:
    """Each hit names what it rests on, and that is in the store."""
    assert answer.items
    for item in answer.items:
        assert item.evidence
        named = {*item.evidence, *(iri for part in item.explanation for iri in part.evidence)}
        assert [iri for iri in sorted(named) if not graph.has(iri)] == []


# partners for a region


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
    _adds_up(found)
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
        said = {(_key(r), d): s for r, d, s in graph.rows(item.query)}
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
    changed = _altered(model, region_status=status)
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
    after = region_partners(
        _altered(model, region_status=status), "ES51", "photonics", "get", EVERY
    )
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
    empty = _altered(model, area_capability=np.zeros((0, 3), np.int32))
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


# completion


def _stages(graph: Graph, chain: str) -> set[str]:
    return graph.column(
        f"SELECT ?s WHERE {{ ?s a cloom:Stage ; cloom:inChain <{ID}/value-chain/{chain}> }}"
    )


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("chain", CHAINS)
def test_completion_is_what_the_store_says(
    model: Model, graph: Graph, chain: str, region: str
) -> None:
    found = completion(model, chain, region, limit=EVERY)
    told = found.about["stages"]
    statuses = {
        _key(stage): status
        for stage, status in graph.rows(
            f"SELECT ?stage ?status WHERE {{ ?f cloom:ofRegion <{ID}/region/{region}> ;"
            " cloom:ofStage ?stage ; cloom:coverageStatus ?status ."
            f" ?stage cloom:inChain <{ID}/value-chain/{chain}> }}"
        )
    }
    wanted = _stages(graph, chain)
    assert {s["id"]: s["status"] for s in told} == {
        stage: statuses.get(stage, "unknown") for stage in wanted
    }
    positions = [s["position"] for s in told]
    assert positions == sorted(positions)
    counts = [found.coverage[name] for name in ("covered", "weak", "missing", "unknown")]
    assert sum(counts) == len(wanted) == len(told)
    assert found.coverage["known"] == len(wanted) - found.coverage["unknown"]
    inside = graph.column(
        "SELECT ?c WHERE { ?c a cloom:ClusterOrganisation ;"
        f" cloom:locatedIn <{ID}/region/{region}> }}"
    )
    covers = defaultdict(set)
    for cluster, stage in graph.rows(
        "SELECT DISTINCT ?c ?s WHERE { ?c a cloom:ClusterOrganisation ; cloom:covers ?s ."
        f" ?s cloom:inChain <{ID}/value-chain/{chain}> }}"
    ):
        covers[_key(stage)].add(_key(cluster))
    lacking = {s["id"] for s in told if s["status"] != "covered"}
    elsewhere: Counter[str] = Counter()
    for stage in told:
        who = covers[stage["id"]]
        assert {one["id"] for one in stage["by"]} == who & inside
        assert stage["elsewhere"] == len(who - inside)
        if stage["id"] in lacking:
            elsewhere.update(who - inside)
    assert {item.id: item.value for item in found.items} == dict(elsewhere)
    assert found.total == len(elsewhere)
    _adds_up(found)
    for item in found.items:
        rows = graph.rows(item.query)
        assert len(rows) == item.value
        assert {row[0] for row in rows} == {p.parameters["stage"] for p in item.explanation}


def test_a_covered_stage_names_who_covers_it(model: Model) -> None:
    stages = {s["id"]: s for s in completion(model, "batteries", "FRE1").about["stages"]}
    recycling = stages["batteries-recycling"]
    assert (recycling["status"], recycling["basis"], recycling["year"]) == (
        "covered", "organisation", None,
    )  # fmt: skip
    assert recycling["by"]
    assert recycling["requires"]


def test_a_cluster_of_the_region_is_no_candidate_elsewhere(model: Model) -> None:
    (inside,) = next(
        s["by"] for s in completion(model, "batteries", "FRE1").about["stages"] if s["by"]
    )
    status = np.full_like(model.index.arrays["region_stage"], -1)
    found = completion(_altered(model, region_stage=status), "batteries", "FRE1", limit=EVERY)
    assert found.coverage["unknown"] == len(found.about["stages"])
    assert found.items
    assert inside["id"] not in {item.id for item in found.items}


def test_filters_of_completion_apply(model: Model, graph: Graph) -> None:
    everyone = completion(model, "textiles", "ES51", limit=EVERY)
    found = completion(model, "textiles", "ES51", Filters(country=["IT", "cz"]), limit=EVERY)
    fits = graph.column(
        f"SELECT ?c WHERE {{ VALUES ?n {{ <{ID}/country/IT> <{ID}/country/CZ> }}"
        " ?c a cloom:ClusterOrganisation ; cloom:inCountry ?n }"
    )
    assert {i.id for i in found.items} == {i.id for i in everyone.items} & fits
    assert 0 < found.total < everyone.total
    nowhere = graph.column(
        "SELECT ?c WHERE { ?c a cloom:ClusterOrganisation"
        " FILTER NOT EXISTS { ?c cloom:inCountry ?n } }"
    )
    assert found.coverage["left_out_as_unknown"] == {"country": len(nowhere)}
    assert found.method.parameters["country"] == ["IT", "cz"]
    abroad = completion(model, "textiles", "ES51", Filters(elsewhere="country"), limit=EVERY)
    assert abroad.items
    assert "ES" not in {i.facts["country"] for i in abroad.items}


def test_a_region_of_which_nothing_is_known_is_told(model: Model) -> None:
    found = completion(model, "batteries", "CH04")
    assert {s["status"] for s in found.about["stages"]} == {"unknown"}
    assert found.coverage["missing"] == 0
    assert "neither employment nor a cluster" in found.coverage["reason"]
    assert not found.complete
    fine = completion(model, "batteries", "CH040")
    assert "ask for the NUTS 2 region" in fine.coverage["reason"]
    assert completion(model, "batteries", "ES51").coverage["reason"] == ""


def test_bad_chains_and_regions_of_completion(model: Model) -> None:
    with pytest.raises(NotFound, match="bateries") as unknown:
        completion(model, "bateries", "ES51")
    nearest = unknown.value.extra["nearest"]
    assert isinstance(nearest, list)
    assert nearest[0] == "batteries"
    with pytest.raises(UsageError, match="XX99"):
        completion(model, "batteries", "XX99")
    with pytest.raises(UsageError, match="NUTS 2013"):
        completion(model, "batteries", "BE221")


# consortium


class Checker:
    """Whether a set covers and fulfils, by the store alone."""

    def __init__(self, graph: Graph) -> None:
        self.covers = self._pairs(graph, "?a cloom:covers ?b")
        self.country = self._pairs(graph, "?a cloom:inCountry ?b")
        cohesion = "?a cloom:locatedIn/cloom:hasCohesionStatus/cloom:cohesionCategory ?b"
        self.cohesion = self._pairs(graph, cohesion)

    def _pairs(self, graph: Graph, pattern: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for a, b in graph.rows(
            f"SELECT DISTINCT ?a ?b WHERE {{ ?a a cloom:ClusterOrganisation . {pattern} }}"
        ):
            found[_key(a)].add(b.rsplit("/", 1)[-1])
        return found

    def fits(self, members: Sequence[str], stages: set[str], entities: int, countries: int) -> bool:
        """Whether different members cover the stages, from enough known countries, one of them
        in a less developed or a transition region."""
        categories = {c for m in members for c in self.cohesion.get(m, ())}
        return (
            len(members) == len({*members}) >= entities
            and stages <= {s for m in members for s in self.covers.get(m, ())}
            and len({c for m in members for c in self.country.get(m, ())}) >= countries
            and bool({"less developed", "transition"} & categories)
        )


@pytest.fixture(scope="module")
def checker(graph: Graph) -> Checker:
    """Made once."""
    return Checker(graph)


@pytest.mark.parametrize("chain", ["hydrogen", "textiles", "tourism", "pharmaceuticals"])
def test_sets_cover_every_stage_and_fulfil_the_call(
    model: Model, graph: Graph, checker: Checker, chain: str
) -> None:
    found = consortium(model, Wanted(chain=chain, call=CALL))
    assert found.items
    assert found.coverage["search_complete"]
    assert not found.complete  # the lists that it rests on may lack something
    assert found.coverage["status"] == "optimal"
    stages = set(found.about["stages"])
    unreached = {
        s for s in _stages(graph, chain) if not any(s in c for c in checker.covers.values())
    }
    assert set(found.about["covered_by_nobody"]) == unreached
    assert stages | unreached == _stages(graph, chain)
    assert f"{len(unreached)} stages that no cluster" in found.caveats[0]
    sizes = [item.value for item in found.items]
    assert sizes == sorted(sizes, key=lambda size: size or 0)
    assert sizes[0] == found.coverage["bound"]
    for item in found.items:
        members = item.facts["members"]
        assert checker.fits(members, stages, 3, 3)
        assert item.value == len(members)
        assert item.facts["countries"] == sorted({c for m in members for c in checker.country[m]})
        # without any member it would not fit
        less = [[m for m in members if m != one] for one in members]
        assert not any(checker.fits(few, stages, 3, 3) for few in less)
    _adds_up(found)


@pytest.mark.parametrize("chain", ["hydrogen", "textiles", "tourism"])
def test_the_first_set_is_the_first_of_the_smallest(
    model: Model, checker: Checker, chain: str
) -> None:
    found = consortium(model, Wanted(chain=chain, call=CALL))
    stages = set(found.about["stages"])
    pool = sorted(c for c, covered in checker.covers.items() if covered & stages)
    size = len(found.items[0].facts["members"])
    tried = (m for number in range(1, size + 1) for m in combinations(pool, number))
    assert (
        list(next(m for m in tried if checker.fits(m, stages, 3, 3)))
        == (found.items[0].facts["members"])
    )


def test_the_rules_of_the_call_are_taken_over(model: Model) -> None:
    found = consortium(model, Wanted(chain="hydrogen", call=CALL))
    told = found.method.parameters
    assert (told["min_entities"], told["min_countries"], told["less_developed"]) == (3, 3, True)
    assert {c["code"] for c in found.about["checklist"]} == {"country-scope", "applicant", "region"}
    innosup = consortium(model, Wanted(chain="hydrogen", call="innosup-01-2016-2017"))
    labels = {c["code"]: c["label"] for c in innosup.about["checklist"]}
    assert labels["sme-share"] == "Share of SMEs, %: 75"
    assert "less_developed" not in innosup.method.parameters
    third = consortium(model, Wanted(chain="tourism", call="cos-clusint-2020-3-01"))
    assert third.method.parameters["min_third_countries"] == 2
    assert consortium(model, Wanted(chain="hydrogen")).about["checklist"] == []


def test_the_rules_of_the_request_go_before_those_of_the_call(
    model: Model, checker: Checker
) -> None:
    rules = Rules(min_entities=2, min_countries=2)
    found = consortium(model, Wanted(chain="hydrogen", call=CALL, rules=rules))
    assert found.items[0].value == 2
    assert checker.fits(found.items[0].facts["members"], set(found.about["stages"]), 2, 2)
    more = consortium(model, Wanted(chain="hydrogen", call=CALL, rules=Rules(min_countries=5)))
    assert checker.fits(more.items[0].facts["members"], set(more.about["stages"]), 5, 5)


def test_required_excluded_and_allowed_countries(model: Model, checker: Checker) -> None:
    first = consortium(model, Wanted(chain="hydrogen", call=CALL)).items[0].facts["members"]
    without = consortium(
        model, Wanted(chain="hydrogen", rules=Rules(excluded=frozenset(first[:1])))
    )
    assert without.items
    assert not any(first[0] in item.facts["members"] for item in without.items)
    idle = "pic-878404550"
    assert not checker.covers[idle]
    kept = consortium(model, Wanted(chain="hydrogen", rules=Rules(required=frozenset([idle]))))
    assert all(idle in item.facts["members"] for item in kept.items)
    assert kept.items
    (part,) = [p for p in kept.items[0].explanation if not p.parameters["stages"]]
    assert "it is required" in part.label
    land = consortium(
        model, Wanted(chain="hydrogen", rules=Rules(countries=frozenset(["ES", "FR"])))
    )
    assert land.items
    assert all({*item.facts["countries"]} <= {"ES", "FR"} for item in land.items)


def test_a_whole_chain_that_nobody_covers_gives_the_reason(model: Model) -> None:
    found = consortium(model, Wanted(chain="hydrogen", call=CALL, whole=True))
    assert found.items == []
    assert found.coverage["status"] == "none"
    assert not found.complete
    named = {r["parameters"]["stage"] for r in found.coverage["reasons"]}
    part = consortium(model, Wanted(chain="hydrogen", call=CALL))
    assert named == set(part.about["covered_by_nobody"])
    assert found.coverage["reason"]
    asked = consortium(model, Wanted(stages=["hydrogen-fuel-cells"]))
    assert asked.items == []
    assert asked.coverage["reasons"][0]["code"] == "stage-uncovered"
    nobody = consortium(model, Wanted(chain="artificial-intelligence"))
    assert nobody.items == []
    assert {r["code"] for r in nobody.coverage["reasons"]} == {"stage-uncovered"}


def test_where_no_region_is_known_the_reason_says_unknown_and_not_no(model: Model) -> None:
    found = consortium(model, Wanted(chain="batteries", call=CALL))
    assert found.items == []
    assert found.coverage["status"] == "none"
    (reason,) = found.coverage["reasons"]
    assert reason["code"] == "no-less-developed"
    assert reason["parameters"]["unknown"] == found.coverage["candidates"]


@pytest.mark.parametrize(
    "rules",
    [
        Rules(required=frozenset(["pic-999964271"]), excluded=frozenset(["pic-999964271"])),
        Rules(min_countries=3, max_entities=2),
        Rules(min_countries=3, countries=frozenset(["ES", "FR"])),
    ],
)
def test_rules_that_contradict_one_another_are_told(model: Model, rules: Rules) -> None:
    found = consortium(model, Wanted(chain="hydrogen", rules=rules))
    assert found.items == []
    assert found.coverage["reasons"][0]["code"] == "contradiction"


@pytest.mark.parametrize(
    ("wanted", "error", "word"),
    [
        (Wanted(), UsageError, "chain"),
        (Wanted(chain="hydrogn"), NotFound, "hydrogen"),
        (Wanted(chain="hydrogen", call="cos-cluster-2018"), NotFound, CALL),
        (Wanted(stages=["hydrogen-generator"]), UsageError, "hydrogen-generation"),
        (Wanted(chain="hydrogen", rules=Rules(required=frozenset(["nobody"]))), UsageError, "req"),
        (Wanted(chain="hydrogen", rules=Rules(excluded=frozenset(["nobody"]))), UsageError, "exc"),
        (Wanted(chain="hydrogen", rules=Rules(countries=frozenset(["XQ"]))), UsageError, "XQ"),
        (Wanted(chain="hydrogen", rules=Rules(third_countries=frozenset(["?"]))), UsageError, "th"),
        (Wanted(chain="hydrogen", rules=Rules(max_entities=0)), UsageError, "max_entities"),
        (Wanted(chain="hydrogen", rules=Rules(min_countries=-1)), UsageError, "min_countries"),
    ],
)
def test_bad_requests_for_a_consortium(
    model: Model, wanted: Wanted, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        consortium(model, wanted)


def test_the_query_of_a_set_gives_its_coverage(model: Model, graph: Graph) -> None:
    for chain in ("hydrogen", "textiles"):
        for item in consortium(model, Wanted(chain=chain, call=CALL)).items:
            rows = graph.rows(item.query)
            assert {(member, _key(stage)) for member, stage, _ in rows} == {
                (p.parameters["member"], s)
                for p in item.explanation
                for s in p.parameters["stages"]
            }
            assert {_key(country) for _, _, country in rows} == {*item.facts["countries"]}


def test_answers_are_the_same_every_time(model: Model) -> None:
    again = Model(model.index)
    for wanted in (Wanted(chain="textiles", call=CALL), Wanted(chain="agri-food", call=CALL)):
        assert consortium(model, wanted).as_json() == consortium(again, wanted).as_json()
    args = ("ES51", "photonics", "both")
    assert region_partners(model, *args).as_json() == region_partners(again, *args).as_json()
    chain = completion(model, "textiles", "ES51"), completion(again, "textiles", "ES51")
    assert chain[0].as_json() == chain[1].as_json()


# who would find me


@pytest.mark.parametrize("axis", ["network", "similarity", "complementarity", "supply"])
def test_who_would_find_me_is_what_the_others_see(model: Model, axis: str) -> None:
    me = of_cluster(model.index, "pic-984034446")
    found = who_would_find(model, me, axis, limit=4)
    assert found.items
    _adds_up(found)
    for seeker in found.items:
        theirs = partners(model, of_cluster(model.index, seeker.id), axis, limit=EVERY)
        (mine,) = [item for item in theirs.items if item.iri == me.iri]
        assert mine.value == pytest.approx(seeker.value)
        assert mine.rank == seeker.measures["place"]
        assert seeker.facts["question"] == f"/api/v1/clusters/{seeker.id}/partners?axis={axis}"
        assert seeker.query == mine.query
    places = [item.measures["place"] for item in found.items]
    assert places == sorted(places, key=lambda place: place or 0)


def test_everybody_who_finds_me_is_counted(model: Model) -> None:
    me = of_cluster(model.index, "pic-984034446")
    found = who_would_find(model, me, "network", limit=EVERY)
    # common partners are common both ways
    assert {i.id for i in found.items} == {
        i.id for i in partners(model, me, "network", limit=EVERY).items
    }
    assert found.total == len(found.items)


def test_only_a_cluster_of_the_graph_is_found(model: Model) -> None:
    with pytest.raises(UsageError, match="not in it"):
        who_would_find(model, inline(model.index, {"country": "ES"}), "network")
    with pytest.raises(UsageError, match="nearest: network"):
        who_would_find(model, of_cluster(model.index, "pic-984034446"), "netwrk")


# evidence


def test_every_hit_of_every_operation_rests_on_things_of_the_store(
    model: Model, graph: Graph
) -> None:
    me = of_cluster(model.index, "pic-984034446")
    for axis in ("complementarity", "network", "similarity", "supply", "borda"):
        _proven(graph, partners(model, me, axis, limit=5))
        if axis != "borda":
            _proven(graph, who_would_find(model, me, axis, limit=3))
    for direction in DIRECTIONS:
        _proven(graph, region_partners(model, "ES51", "photonics", direction, limit=5))
    for chain in CHAINS:
        _proven(graph, completion(model, chain, "ES51", limit=5))
    _proven(graph, consortium(model, Wanted(chain="textiles", call=CALL)))


# the guide


def _number(value: float | int | None) -> str:
    assert value is not None
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}"


def _figures(model: Model) -> dict[tuple[str, str], str]:
    """What the tables of docs/discovery.md quote, by case and name."""
    index = model.index
    found: dict[tuple[str, str], str] = {}

    def tell(case: str, **figures: Any) -> None:
        for name, value in figures.items():
            text = value if isinstance(value, str) else _number(value)
            found[case, name.replace("_", " ")] = text

    def partner(case: str, what: str, item: Item, **more: str) -> None:
        tell(case, **{what: item.label, f"{what}: value": item.value,
                      f"{what}: parts": len(item.explanation),
                      **{f"{what}: {label}": item.measures[name]
                         for name, label in more.items()}})  # fmt: skip

    me = of_cluster(index, "be-greenwin-40ab75")
    added = partners(model, me, "complementarity")
    tell("1", clusters=added.coverage["clusters"], measurable=added.coverage["known"],
         unknown=added.coverage["unknown"], own_divisions=added.about["divisions"])  # fmt: skip
    partner("1", "first on complementarity", added.items[0], z="z")
    tell("1", largest_part=added.items[0].explanation[0].value)
    partner("1", "first by z", partners(model, me, "complementarity", rank_by="z").items[0], z="z")
    alike = partners(model, me, "similarity")
    tell("1", own_capabilities=alike.about["capabilities"], similar=alike.total)
    partner("1", "first on similarity", alike.items[0], jaccard="Jaccard")

    hub = of_cluster(index, "pic-999964271")
    new = partners(model, hub, "network", Filters(exclude_partners=True))
    tell("2", partners=new.about["partners"], hits=new.total, no_tie_known=new.coverage["unknown"])
    partner(
        "2", "first", new.items[0], degree="partners", resource_allocation="resource allocation"
    )
    second = new.items[1]
    tell("2", second=second.label, **{"second: value": second.value})

    chain = completion(model, "batteries", "FRE1")
    for name in ("covered", "weak", "missing", "unknown"):
        tell("3", **{name: chain.coverage[name]})
    tell("3", clusters_elsewhere=chain.total, clusters_inside=chain.coverage["clusters_inside"])
    (done,) = [s for s in chain.about["stages"] if s["status"] == "covered"]
    (cluster,) = done["by"]
    tell("3", stage_covered=done["label"], covered_by=cluster["label"])
    tell("3", year=max(s["year"] or 0 for s in chain.about["stages"]))
    tell(
        "3", nobody_anywhere=sum(not s["by"] and not s["elsewhere"] for s in chain.about["stages"])
    )

    sets = consortium(model, Wanted(chain="hydrogen", call=CALL))
    tell("4", stages_reached=sets.coverage["stages"], sets=sets.total,
         stages_nobody_covers=len(sets.about["covered_by_nobody"]),
         candidates=sets.coverage["candidates"], members=sets.items[0].value,
         countries=", ".join(sets.items[0].facts["countries"]),
         first_set=sets.items[0].label, to_check=len(sets.about["checklist"]))  # fmt: skip

    none = completion(model, "batteries", "CH04")
    tell("5", stages=len(none.about["stages"]), unknown=none.coverage["unknown"],
         missing=none.coverage["missing"], reason=none.coverage["reason"],
         clusters_elsewhere=none.total)  # fmt: skip
    refused = consortium(model, Wanted(chain="batteries", call=CALL))
    tell("5", candidates=refused.coverage["candidates"], sets=refused.total,
         why_no_set=refused.coverage["reason"])  # fmt: skip
    return found


def _cases() -> Iterator[tuple[str, str]]:
    """Number and text of each case of the guide."""
    yield from re.findall(
        r"^### Case (\d)[^\n]*\n(.*?)(?=^##|\Z)", GUIDE.read_text("utf-8"), re.M | re.S
    )


def _tables() -> dict[tuple[str, str], str]:
    return {
        (case, name.strip()): value.strip()
        for case, text in _cases()
        for name, value in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.M)
        if name.strip() not in {"figure", "---"}
    }


def test_the_guide_quotes_what_the_code_gives(model: Model) -> None:
    if model.index.release != WRITTEN_FOR:
        pytest.skip(f"figures of docs/discovery.md are of {WRITTEN_FOR}, not {model.index.release}")
    assert WRITTEN_FOR in GUIDE.read_text("utf-8")
    assert _tables() == _figures(model)


def test_the_readings_of_the_guide_quote_their_tables() -> None:
    tables = _tables()
    cases = dict(_cases())
    assert sorted(cases) == ["1", "2", "3", "4", "5"]
    for case, text in cases.items():
        values = {value for (number, _), value in tables.items() if number == case}
        quoted = re.findall(r"\*\*(.+?)\*\*", text, re.S)
        assert len(quoted) >= 4
        assert {" ".join(word.split()) for word in quoted} <= values


def test_the_calls_of_the_guide_run(model: Model) -> None:
    text = GUIDE.read_text("utf-8")
    names: dict[str, Any] = {"model": model}
    exec(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)[0], names)
    calls = [
        " ".join(call.split())
        for _, case in _cases()
        for call in re.findall(r"`((?:partners|completion|consortium)\(.+?)`", case, re.S)
    ]
    assert len(calls) == 6
    for call in calls:
        found = eval(call, names)
        assert found.items or found.coverage["reason"], call


def test_the_addresses_of_the_guide_are_answered(
    model: Model, default_release: Release, settings: Settings
) -> None:
    addresses = [a for _, case in _cases() for a in re.findall(r"`GET (/api/[^`]+)`", case)]
    assert len(addresses) == 6
    with serving(settings) as client:
        answers = [client.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200] * 6
    told = [answer.json() for answer in answers]
    assert {one["release"] for one in told} == {default_release.id} == {model.index.release}
    assert all(one["items"] or one["coverage"]["reason"] for one in told)
