"""Who would find a cluster, and that every hit rests on the store; on the default release."""

from __future__ import annotations

import pytest

from clusterloom.discovery.completion import completion
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners, who_would_find
from clusterloom.discovery.profile import inline, of_cluster
from clusterloom.discovery.regions import DIRECTIONS, region_partners
from clusterloom.errors import UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import (
    CALL,
    CHAINS,
    EVERY,
    Graph,
    adds_up,
    model_of_release,
    proven,
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


@pytest.mark.parametrize("axis", ["network", "similarity", "complementarity", "supply"])
def test_who_would_find_me_is_what_the_others_see(model: Model, axis: str) -> None:
    me = of_cluster(model.index, "pic-984034446")
    found = who_would_find(model, me, axis, limit=4)
    assert found.items
    adds_up(found)
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


def test_every_hit_of_every_operation_rests_on_things_of_the_store(
    model: Model, graph: Graph
) -> None:
    me = of_cluster(model.index, "pic-984034446")
    for axis in ("complementarity", "network", "similarity", "supply", "borda"):
        proven(graph, partners(model, me, axis, limit=5))
        if axis != "borda":
            proven(graph, who_would_find(model, me, axis, limit=3))
    for direction in DIRECTIONS:
        proven(graph, region_partners(model, "ES51", "photonics", direction, limit=5))
    for chain in CHAINS:
        proven(graph, completion(model, chain, "ES51", limit=5))
    proven(graph, consortium(model, Wanted(chain="textiles", call=CALL)))


def test_answers_are_the_same_every_time(model: Model) -> None:
    again = Model(model.index)
    for wanted in (Wanted(chain="textiles", call=CALL), Wanted(chain="agri-food", call=CALL)):
        assert consortium(model, wanted).as_json() == consortium(again, wanted).as_json()
    args = ("ES51", "photonics", "both")
    assert region_partners(model, *args).as_json() == region_partners(again, *args).as_json()
    chain = completion(model, "textiles", "ES51"), completion(again, "textiles", "ES51")
    assert chain[0].as_json() == chain[1].as_json()
