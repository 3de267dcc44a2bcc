"""Completion of value chains on the default release, against SPARQL over the store."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from clusterloom.discovery.completion import completion
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.model import Model
from clusterloom.errors import NotFound, UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import (
    CHAINS,
    EVERY,
    ID,
    Graph,
    adds_up,
    altered,
    key,
    model_of_release,
    store_of,
)

REGIONS = ("ES51", "FRE1", "CH04")


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


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("chain", CHAINS)
def test_completion_is_what_the_store_says(
    model: Model, graph: Graph, chain: str, region: str
) -> None:
    found = completion(model, chain, region, limit=EVERY)
    told = found.about["stages"]
    statuses = {
        key(stage): status
        for stage, status in graph.rows(
            f"SELECT ?stage ?status WHERE {{ ?f cloom:ofRegion <{ID}/region/{region}> ;"
            " cloom:ofStage ?stage ; cloom:coverageStatus ?status ."
            f" ?stage cloom:inChain <{ID}/value-chain/{chain}> }}"
        )
    }
    wanted = graph.stages(chain)
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
        covers[key(stage)].add(key(cluster))
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
    adds_up(found)
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
    found = completion(altered(model, region_stage=status), "batteries", "FRE1", limit=EVERY)
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
