"""Counts of small firms: used beside hits, and never told where they are small."""

from __future__ import annotations

import asyncio
import doctest
import json
import random
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from clusterloom.discovery import smes
from clusterloom.discovery.completion import completion
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.regions import region_partners
from clusterloom.discovery.smes import LEAST, SUPPRESSED, WITHHELD, Firms, fields_of, firms
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import ID, Graph, make, model_of
from discovery_release import EVERY, altered, model_of_release
from fixtures_api import serving


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def counted(graph: Graph, region: str, fields: set[str]) -> int:
    """Different firms of a region in any of the fields, by loops over the graph."""
    return sum(
        region in graph.all(sme, "locatedIn") and bool(fields & graph.all(sme, "workedInField"))
        for sme in graph.of("SME", named=False)
    )


def crowded(seed: int) -> Graph:
    """A random graph with many firms in few fields."""
    graph, rng = make(seed, named=True), random.Random(seed)
    regions = graph.of("Region")
    for n in range(rng.randint(0, 40)):
        iri = f"{ID}sme/more{n}"
        graph.add(iri, ("a", "https://w3id.org/clusterloom/ontology#SME"))
        fields = rng.sample(range(4), rng.randint(1, 2))
        graph.add(iri, *(("workedInField", f"{ID}euroscivoc/k{k}") for k in fields))
        if regions:
            chosen = rng.choice(regions)
            code = chosen.rsplit("/", 1)[1]
            above = [r for r in regions if code.startswith(r.rsplit("/", 1)[1])]
            graph.add(iri, *(("locatedIn", r) for r in above))
    return Graph(dict(graph.triples))


def test_doctests() -> None:
    result = doctest.testmod(smes)
    assert result.attempted > 0
    assert result.failed == 0


def test_bounds_hold_the_number_of_different_firms() -> None:
    told = 0
    for seed in range(40):
        graph = crowded(seed)
        index = asyncio.run(model_of(graph)).index
        rng = random.Random(seed)
        things, level = index.things["capabilities"], index.arrays["region_level"]
        fields = [n for n, iri in enumerate(things.iris) if "/euroscivoc/" in iri]
        for region, iri in enumerate(index.things["regions"].iris):
            if not 0 <= level[region] < 3:
                continue
            some = rng.sample(fields, rng.randint(1, len(fields)))
            true = counted(graph, iri, {things.iris[f] for f in some})
            found = firms(index, region, np.array(some))
            if not found.fields:
                assert true == 0
                assert found == Firms()
                continue
            assert (found.at_least or 1) <= true
            assert found.at_most is None or true <= found.at_most
            told += found.at_least is not None
    assert told > 50


def test_no_number_is_told_from_which_a_small_one_follows() -> None:
    hidden = shown = withheld = 0
    for seed in range(60):
        index = asyncio.run(model_of(crowded(seed))).index
        regions, level = index.things["regions"], index.arrays["region_level"]
        true = {(int(r), int(f)): int(n) for r, f, n in index.arrays["sme_field"]}

        def told(region: int, field: int, index: Index = index) -> int | str | None:
            found = firms(index, region, np.array([field])).fields
            return found[0]["firms"] if found else None

        for (region, field), number in true.items():
            said = told(region, field)
            if number < LEAST:
                assert said == SUPPRESSED
                hidden += 1
                continue
            assert said != SUPPRESSED
            if said == WITHHELD:
                assert level[region] == 1
                withheld += 1
                continue
            assert said == number
            shown += 1
            if level[region] != 1:
                continue
            code = regions.key(region)
            parts = [r for r in range(len(regions))
                     if level[r] == 2 and regions.key(r).startswith(code)]  # fmt: skip
            inside = [told(part, field) for part in parts]
            # each part is told or empty, and what is in no part is none or many
            assert SUPPRESSED not in inside
            rest = number - sum(n for n in inside if isinstance(n, int))
            assert rest <= 0 or rest >= LEAST
    assert hidden > 100
    assert shown > 100
    assert withheld > 10


def test_suppressed_numbers_take_part_in_bounds_by_the_limit_alone(model: Model) -> None:
    """One firm or two in a suppressed cell: everything that is told is the same."""
    area = model.index.things["areas"].by_key["photonics"]
    fields = fields_of(model.index, "area_capability", area)
    regions = model.index.things["regions"]
    place = regions.by_key["DE21"]
    cells = [[place, int(f), 5] for f in fields[:2]]
    texts = []
    for number in (1, 2):
        rows = np.array([*cells, [place, int(fields[2]), number]], np.int32)
        found = region_partners(altered(model, sme_field=rows), "ES61", "photonics", limit=EVERY)
        texts.append(found.as_bytes())
        (item,) = [item for item in found.items if item.id == "DE21"]
        assert item.facts["smes"] == "5 to 12"
        assert item.measures["smes_at_least"] == 5
        assert SUPPRESSED in {row["firms"] for row in item.facts["smes_by_field"]}
        assert smes.CAVEAT in found.caveats
    assert texts[0] == texts[1]


def test_no_firm_known_is_unknown_and_not_zero(model: Model) -> None:
    none = altered(model, sme_field=np.zeros((0, 3), np.int32))
    for item in region_partners(none, "ES61", "photonics", limit=20).items:
        assert item.measures["smes_at_least"] is None
        assert item.facts["smes"] is None
    chain = completion(none, "textiles", "ES51", limit=20)
    assert {s["smes"]["at_most"] for s in chain.about["stages"]} == {None}
    assert {i.facts["smes"] for i in chain.items} == {None}
    assert smes.CAVEAT not in chain.caveats


def test_a_stage_counts_the_firms_of_the_region_in_its_fields(model: Model) -> None:
    index = model.index
    stages, place = index.things["stages"], index.things["regions"].by_key["ES51"]
    stage = next(
        s for s in range(len(stages))
        if len(fields_of(index, "stage_capability", s))
        and any("/euroscivoc/" in index.things["capabilities"].iris[f]
                for f in fields_of(index, "stage_capability", s))
    )  # fmt: skip
    fields = fields_of(index, "stage_capability", stage)
    chain = index.things["chains"].key(int(index.arrays["stage_chain"][stage]))
    rows = np.array([[place, int(fields[0]), 7]], np.int32)
    found = completion(altered(model, sme_field=rows), chain, "ES51")
    told = {s["id"]: s["smes"] for s in found.about["stages"]}
    assert told[stages.key(stage)]["at_least"] == told[stages.key(stage)]["at_most"] == 7
    assert smes.CAVEAT in found.caveats


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    with serving(settings) as one:
        yield one


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/regions/ES61/partners?area=photonics&limit=100",
        "/api/v1/regions/DE21/partners?area=advanced-manufacturing&limit=100",
        "/api/v1/value-chains/pharmaceuticals/completion?region=DK01&limit=100",
        "/api/v1/value-chains/artificial-intelligence/completion?region=FI1B&limit=100",
    ],
)
def test_over_http_no_small_number_is_told(client: httpx.Client, address: str) -> None:
    body = client.get(address).json()
    rows = [row for item in body["items"] for row in item["facts"]["smes_by_field"]]
    told = [body["about"]["smes"]] if "smes" in body["about"] else []
    told += [stage["smes"] for stage in body["about"].get("stages", [])]
    rows += [row for one in told for row in one["fields"]]
    assert all(row["firms"] in {SUPPRESSED, WITHHELD} or row["firms"] >= LEAST for row in rows)
    bounds = [one["at_least"] for one in told]
    bounds += [item["measures"]["smes_at_least"] for item in body["items"]]
    assert all(number is None or number >= LEAST for number in bounds)
    table = client.get(f"{address}&format=csv").text
    assert ("smes_by_field" in table) == bool(body["items"])
    assert "{" not in table
    assert json.dumps(body)
