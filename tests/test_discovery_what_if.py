"""What if: the same as a graph that really holds the statements, and nothing where none is made."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from clusterloom.api.discovery_post import answer_of
from clusterloom.discovery import stage_status
from clusterloom.discovery.follows import consequences
from clusterloom.discovery.index import COVERAGE, MATCH, Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import stages_near, stages_of
from clusterloom.discovery.suppose import (
    _RESTS_ON,
    PROPERTIES,
    Change,
    StageChange,
    holds,
    model_over,
    supposed,
)
from clusterloom.discovery.what_if import what_if
from clusterloom.errors import ClusterloomError, UsageError
from clusterloom.loaders.stage_matching import answers
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import ID, Graph, make, model_of
from discovery_release import model_of_release


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def worlds(number: int) -> Iterator[tuple[int, Graph, Model]]:
    for seed in range(number):
        graph = make(seed, named=True)
        yield seed, graph, asyncio.run(model_of(graph))


def questions(model: Model) -> list[tuple[str, dict[str, Any]]]:
    """Some of every operation, for the first things of each kind."""
    keys = {kind: [things.key(n) for n in range(len(things))]
            for kind, things in model.index.things.items()}  # fmt: skip
    regions = keys["regions"]
    found: list[tuple[str, dict[str, Any]]] = [("bridges", {}), ("bridges", {"basis": "supply"})]
    for key in keys["clusters"][:3]:
        for axis in ("complementarity", "network", "similarity", "supply", "borda"):
            found.append(("cluster_partners", {"id": key, "axis": axis}))
        found.append(("cluster_found_by", {"id": key, "axis": "similarity"}))
    for region in regions[:4]:
        found += [
            ("region_partners", {"id": region, "area": area, "direction": "both"})
            for area in keys["areas"]
        ]
        found += [("chain_completion", {"id": c, "region": region}) for c in keys["chains"]]
    for chain in keys["chains"]:
        found.append(("consortia", {"chain": chain, "min_countries": 2}))
    found.append(("portfolio_comparison", {"region": regions[:3]}))
    ends = zip(keys["products"][:2], keys["products"][2:4], strict=True)
    found += [("value_paths", {"source": p, "target": q}) for p, q in ends]
    return found


def asked(model: Model, operation: str, given: dict[str, Any]) -> Any:
    """The answer, or what is said where there is none."""
    try:
        return answer_of(model, operation, given).as_json()
    except ClusterloomError as error:
        return error.detail


def changes(rng: random.Random, model: Model, number: int) -> list[Change]:
    """Random statements, of things that have both a place and a thing to be said of."""
    index = model.index
    found: dict[tuple[str, int, int], Change] = {}
    for _ in range(number):
        name = rng.choice([*PROPERTIES])
        kind = PROPERTIES[name]
        subjects, objects = len(index.things[kind.subject]), len(index.things[kind.object])
        if name == "specialisedIn":
            cells = np.argwhere(index.arrays["region_status"] >= 0).tolist()
            if cells:
                region, division = rng.choice(cells)
                change = Change(name, region, division, rng.random() < 0.5)
                found[change.of] = change
        elif subjects and objects:
            change = Change(
                name, rng.randrange(subjects), rng.randrange(objects), rng.random() < 0.6
            )
            found[change.of] = change
    return [*found.values()]


def really(
    graph: Graph, index: Index, some: list[Change], stages: list[StageChange], employed: Index
) -> Graph:
    """The graph with the statements and what follows from them written into it."""
    triples = dict(graph.triples)
    for change in some:
        kind = PROPERTIES[change.name]
        one = index.things[kind.subject].iris[change.subject]
        if change.name == "specialisedIn":
            division = index.things["capabilities"].key(
                int(index.arrays["divisions"][change.object])
            )
            node = f"{ID}observation/{one.rsplit('/', 1)[1]}-{division}"
            for triple in [t for t in triples if t[:2] == (node, "specialisationStatus")]:
                del triples[triple]
            said = "specialised" if change.holds else "not"
            triples[node, "specialisationStatus", said] = None
            continue
        triple = one, change.name, index.things[kind.object].iris[change.object]
        if change.holds:
            triples[triple] = None
        else:
            triples.pop(triple, None)
    names = {code: name for name, code in COVERAGE.items()}
    before, after = index.arrays, employed.arrays
    moved = np.argwhere(
        (before["region_stage"] != after["region_stage"])
        | (before["region_stage_by_employment"] != after["region_stage_by_employment"])
    )
    assert {(s.region, s.stage) for s in stages} <= {(int(r), int(s)) for r, s in moved}
    for region, stage in moved.tolist():
        one, other = index.things["regions"].iris[region], index.things["stages"].iris[stage]
        node = f"{ID}coverage/{one.rsplit('/', 1)[1]}-{other.rsplit('/', 1)[1]}"
        for triple in [t for t in triples if t[0] == node]:
            del triples[triple]
        by_employment = bool(after["region_stage_by_employment"][region, stage])
        for name, value in (
            ("ofRegion", one), ("ofStage", other),
            ("coverageStatus", names[int(after["region_stage"][region, stage])]),
            ("coverageBasis", "employment" if by_employment else "organisation"),
        ):  # fmt: skip
            triples[node, name, value] = None
    return Graph(triples)


def test_supposed_is_the_same_as_a_graph_that_really_holds_it() -> None:
    compared = differ = 0
    for seed, graph, model in worlds(40):
        rng = random.Random(seed)
        some = changes(rng, model, 4)
        try:
            following = consequences(model.index, some)
        except UsageError:
            continue
        changed, stages = supposed(model.index, [*some, *following])
        true = asyncio.run(model_of(really(graph, model.index, [*some, *following], stages,
                                           changed)))  # fmt: skip
        for name, array in true.index.arrays.items():
            assert np.array_equal(array, changed.arrays[name], equal_nan=array.dtype.kind == "f"), (
                seed, name,
            )  # fmt: skip
        over = model_over(model, changed)
        for operation, given in questions(model):
            found = asked(over, operation, given)
            assert found == asked(true, operation, given), (seed, operation, given)
            compared += 1
            differ += found != asked(model, operation, given)
    assert compared > 1000
    assert differ > 100


def test_a_capability_alone_is_the_same_as_a_graph_that_really_has_it() -> None:
    compared = 0
    for seed, graph, model in worlds(30):
        index = model.index
        if not len(index.things["clusters"]):
            continue
        rng = random.Random(seed)
        change = Change("hasCapability", 0, rng.randrange(len(index.things["capabilities"])), True)
        if consequences(index, [change]):
            continue
        iri = index.things["capabilities"].iris[change.object]
        more = Graph(dict(graph.triples))
        more.add(index.things["clusters"].iris[0], ("hasCapability", iri))
        true, over = asyncio.run(model_of(more)), model_over(model, supposed(index, [change])[0])
        for operation, given in questions(model):
            assert asked(over, operation, given) == asked(true, operation, given)
            compared += 1
    assert compared > 300


def test_without_statements_nothing_differs() -> None:
    tried = 0
    for _, _, model in worlds(10):
        for operation, given in questions(model):
            if isinstance(asked(model, operation, given), str):
                continue
            found = what_if(model, [], partial(answer_of, operation=operation, given=given))
            told = found["difference"]
            assert not any(told[name] for name in ("came", "went", "moved", "about", "coverage"))
            assert found["before"] == found["after"]
            assert found["hypothetical"] is True
            tried += 1
    assert tried > 200


def test_what_is_added_and_taken_away_again_leaves_the_index_as_it_was() -> None:
    for seed, _, model in worlds(40):
        index = model.index
        some = [c for c in changes(random.Random(seed), model, 5)
                if not holds(index, c) and c.name != "specialisedIn"]  # fmt: skip
        there, _ = supposed(index, some)
        assert all(holds(there, change) for change in some)
        back = [Change(c.name, c.subject, c.object, not c.holds) for c in some]
        again, _ = supposed(there, back)
        for name, array in index.arrays.items():
            if not name.startswith("region_stage"):
                assert np.array_equal(array, again.arrays[name], equal_nan=array.dtype.kind == "f")


def test_a_status_that_cannot_be_known_again_is_unknown_and_never_missing(model: Model) -> None:
    index = model.index
    rng = random.Random(1)
    seen = set()
    for _ in range(60):
        cluster = rng.randrange(len(index.things["clusters"]))
        some = [Change("covers", cluster, rng.randrange(len(index.things["stages"])), True)]
        if holds(index, some[0]) or not len(index.row("cluster_region", cluster)):
            continue
        there, moved = supposed(index, some)
        again, _ = supposed(there, [Change("covers", cluster, some[0].object, False)])
        for cell in moved:
            old = cell.before
            new = int(again.arrays["region_stage"][cell.region, cell.stage])
            assert new == old or new == COVERAGE["unknown"] or old == COVERAGE["weak"]
            assert new != COVERAGE["missing"]
            seen.add((old, new))
    assert len(seen) >= 2


def test_the_arrays_of_the_release_are_shared_and_untouched(model: Model) -> None:
    index = model.index
    before = {name: array.copy() for name, array in index.arrays.items()}
    some = [Change("hasCapability", 0, 7, True), Change("specialisedIn", 5, 3, True)]
    changed, _ = supposed(index, [*some, *consequences(index, some)])
    moved = {n for n, array in changed.arrays.items() if array is not index.arrays[n]}
    assert {"cluster_capability.indices", "region_status"} <= moved
    assert "supply" not in moved
    assert len(moved) < len(index.arrays) / 2
    for name, array in before.items():
        assert np.array_equal(array, index.arrays[name], equal_nan=array.dtype.kind == "f")


def test_what_is_shared_between_models_is_there_and_rests_on_nothing_that_changed(
    model: Model,
) -> None:
    model.warm()
    for name in _RESTS_ON:
        assert hasattr(model, name)
    over = model_over(model, supposed(model.index, [Change("participant", 0, 0, True)])[0])
    assert over.relatedness is model.relatedness
    assert over.expected is model.expected
    assert "ties" not in vars(over)
    for name in vars(over).keys() & _RESTS_ON.keys():
        assert vars(over)[name] is vars(model)[name]


def test_the_rule_of_stages_finds_again_what_the_loader_found(model: Model) -> None:
    index = model.index
    level = index.arrays["region_level"]
    status = index.arrays["region_stage"]
    employed = index.arrays["region_stage_by_employment"]
    checked = 0
    for region in np.flatnonzero((level >= 0) & (level < 3))[::7].tolist():
        for stage in range(status.shape[1]):
            old, by_employment = int(status[region, stage]), bool(employed[region, stage])
            if stage_status._covered(index, region, stage):
                assert (old, by_employment) == (COVERAGE["covered"], False)
            elif by_employment or old == COVERAGE["unknown"]:
                assert stage_status.by_employment(index, region, stage) == old
            checked += 1
    assert checked > 15_000


def test_a_code_held_as_it_is_covers_what_the_rule_says(model: Model) -> None:
    """Of each pair of codes: as `loaders.stage_matching.answers` has it for an exact match."""
    index = model.index
    for stage, called, match in index.arrays["stage_capability"].tolist():
        assert stage in stages_of(index, [called])
        for part in index.related_to("within", called)[:3].tolist():
            answer = answers("exact", "broad" if match == MATCH["broad"] else "exact", "part")
            whole = {s for s, c, _ in index.arrays["stage_capability"].tolist() if c == part}
            if stage not in whole:
                others = [
                    m for s, c, m in index.arrays["stage_capability"].tolist()
                    if s == stage and c in index.row("within", part)
                ]  # fmt: skip
                covered = answer == "covered" or any(m != MATCH["broad"] for m in others)
                assert (stage in stages_of(index, [part])) == covered
                assert stage in stages_near(index, [part])
