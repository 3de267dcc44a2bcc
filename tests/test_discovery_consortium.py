"""Consortia on the default release, against the store and brute force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import pytest

from clusterloom.discovery.composer import Rules
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.model import Model
from clusterloom.errors import NotFound, UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import (
    CALL,
    Graph,
    adds_up,
    key,
    model_of_release,
    store_of,
)


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
            found[key(a)].add(b.rsplit("/", 1)[-1])
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
    unreached = {s for s in graph.stages(chain) if not any(s in c for c in checker.covers.values())}
    assert set(found.about["covered_by_nobody"]) == unreached
    assert stages | unreached == graph.stages(chain)
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
    adds_up(found)


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
    reason, more = found.coverage["reasons"]
    assert more["code"] == "companions"
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
            assert {(member, key(stage)) for member, stage, _ in rows} == {
                (p.parameters["member"], s)
                for p in item.explanation
                for s in p.parameters["stages"]
            }
            assert {key(country) for _, _, country in rows} == {*item.facts["countries"]}
