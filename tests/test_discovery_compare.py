"""Portfolios of regions: loops over small random graphs, and the default release."""

from __future__ import annotations

import asyncio
import math
from itertools import combinations

import numpy as np
import pyoxigraph as ox
import pytest

from clusterloom.discovery.answers import Answer, Item
from clusterloom.discovery.compare import portfolio
from clusterloom.discovery.model import Model
from clusterloom.errors import UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import Graph, make, model_of
from discovery_release import model_of_release

Figures = dict[str, tuple[str, float | None]]
NO = {"not", "borderline"}


def key(iri: str) -> str:
    return iri.rsplit("/", 1)[1]


def figures(graph: Graph, region: str) -> Figures:
    """Status and employment of each division that has a status."""
    found: Figures = {}
    for row, one in graph.by_predicate.get("ofRegion", ()):
        said = graph.one(row, "specialisationStatus")
        division = str(graph.one(row, "ofCapability"))
        if one == region and said is not None and graph.values(division, "name"):
            persons = graph.one(row, "employment")
            found[division] = str(said), None if persons is None else float(str(persons))
    return found


def alike(one: Figures, other: Figures) -> tuple[float | None, float | None, float | None]:
    """Krugman, cosine and Finger-Kreinin over what is known in both."""
    pairs = [(x, y) for d in one if d in other
             if (x := one[d][1]) is not None and (y := other[d][1]) is not None]  # fmt: skip
    a, b = sum(x for x, _ in pairs), sum(y for _, y in pairs)
    if not a or not b:
        return None, None, None
    shares = [(x / a, y / b) for x, y in pairs]
    dot = sum(x * y for x, y in shares)
    size = math.sqrt(sum(x * x for x, _ in shares) * sum(y * y for _, y in shares))
    return (
        sum(abs(x - y) for x, y in shares), dot / size, sum(min(pair) for pair in shares)
    )  # fmt: skip


def usable(graph: Graph) -> list[str]:
    """NUTS 2 regions of 2021, of which something is known, in order of their codes."""
    found = []
    for region in graph.of("Region"):
        known = {said for said, _ in figures(graph, region).values()} - {"unknown"}
        if known and graph.one(region, "level") == 2 and graph.values(region, "nutsCode"):
            found += [region] if "2021" in graph.all(region, "vintage") else []
    return found


SEEDS = [seed for seed in range(60) if len(usable(make(seed, named=True))) > 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_are_what_loops_find(seed: int) -> None:
    graph = make(seed, named=True)
    regions = usable(graph)
    model = asyncio.run(model_of(graph))
    answer = portfolio(model, [key(r) for r in reversed(regions)])
    items = {item.id: item for item in answer.items}
    assert sorted(items) == [f"{key(a)}-{key(b)}" for a, b in combinations(regions, 2)]
    every = model.index.arrays["divisions"].tolist()
    divisions = [model.index.things["capabilities"].iris[n] for n in every]
    for a, b in combinations(regions, 2):
        item, one, other = items[f"{key(a)}-{key(b)}"], figures(graph, a), figures(graph, b)
        said = [(one.get(d, ("unknown",))[0], other.get(d, ("unknown",))[0]) for d in divisions]
        assert item.value == said.count(("specialised", "specialised"))
        adds_up(item)
        shared = {d for d, pair in zip(divisions, said, strict=True) if {*pair} == {"specialised"}}
        assert {p.parameters["division"] for p in item.explanation} == shared
        assert [p.label for p in item.explanation] == sorted(p.label for p in item.explanation)
        krugman, cosine, finger = alike(one, other)
        assert item.measures == pytest.approx(
            {
                "krugman": krugman,
                "cosine": cosine,
                "finger_kreinin": finger,
                "compared_divisions": sum(
                    one.get(d, ("", None))[1] is not None
                    and other.get(d, ("", None))[1] is not None
                    for d in divisions
                ),
                "only_first": sum(x == "specialised" and y in NO for x, y in said),
                "only_second": sum(y == "specialised" and x in NO for x, y in said),
                "unknown": sum("unknown" in pair for pair in said),
                "high": sum(not {*pair} & NO for pair in said),
            },
            abs=1e-12,
        )
        rows = {(r[0].value, r[1].value): (r[2].value, r[3] and float(r[3].value))
                for r in graph.rows(item.query)}  # fmt: skip
        assert rows == {(r, d): row for r, f in ((a, one), (b, other)) for d, row in f.items()}
    described(graph, model, answer)


def adds_up(item: Item) -> None:
    assert item.value == sum(part.value for part in item.explanation)
    assert {part.value for part in item.explanation} <= {1.0}


def described(graph: Graph, model: Model, answer: Answer) -> None:
    """`about` of each region, in the order asked."""
    phi = model.relatedness
    for told, code in zip(
        answer.about["regions"], answer.method.parameters["regions"], strict=True
    ):
        region = f"https://w3id.org/clusterloom/id/region/{code}"
        known = figures(graph, region)
        strong = [d for d, (said, _) in known.items() if said == "specialised"]
        assert told["id"] == told["figures_of"] == code
        assert sorted(label[:2] for label in told["specialised"]) == sorted(map(key, strong))
        assert told["known_divisions"] == sum(said != "unknown" for said, _ in known.values())
        assert told["known_divisions"] + told["unknown_divisions"] == answer.coverage["divisions"]
        inside = sorted(
            c for c in graph.of("ClusterOrganisation") if region in graph.all(c, "locatedIn")
        )
        assert told["clusters"] == len(inside)
        assert [c["id"] for c in told["clusters_named"]] == [key(c) for c in inside[:20]]
        category = graph.one(f"https://w3id.org/clusterloom/id/cohesion/{code}", "cohesionCategory")
        assert told["cohesion"] == category
        names = [model.division_label(n)[:2] for n in range(len(phi))]
        has = [name in {key(d) for d in strong} for name in names]
        densities = [
            100 * sum(column[j] for j in range(len(column)) if has[j]) / sum(column)
            for column in np.nan_to_num(phi).T.tolist() if sum(column) > 0
        ]  # fmt: skip
        mean = sum(densities) / len(densities) if densities else None
        assert told["density_now"] == (None if mean is None else pytest.approx(mean))
        if mean is not None:
            assert told["density_high"] >= told["density_now"] - 1e-9


@pytest.fixture(scope="module")
def released(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def test_the_default_release(released: Model, default_release: Release) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    answer = portfolio(released, ["ES51", "FRE1", "ITC1", "RO11"])
    assert answer.total == len(answer.items) == 6
    assert answer.coverage == {"divisions": 67, "pairs": 6, "not_comparable": 0, "reason": ""}
    for item in answer.items:
        adds_up(item)
        rows = store.query(item.query)
        assert isinstance(rows, ox.QuerySolutions)
        said: dict[str, set[str]] = {}
        for region, division, status, _ in rows:
            if status.value == "specialised":
                said.setdefault(key(region.value), set()).add(division.value)
        shared = said[item.facts["first"]] & said[item.facts["second"]]
        assert {p.parameters["division"] for p in item.explanation} == shared
        assert len(item.facts["only_first"]) == item.measures["only_first"]
    ranks = [item.rank for item in answer.items]
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    catalonia = answer.about["regions"][0]
    assert catalonia["id"] == "ES51"
    assert catalonia["cohesion"]
    assert catalonia["clusters"] > 0
    assert 0 < catalonia["density_now"] <= catalonia["density_high"] < 100


def test_the_same_whatever_the_order_of_the_regions(released: Model) -> None:
    one = portfolio(released, ["ES51", "FRE1", "ITC1", "RO11"], limit=3)
    other = portfolio(released, ["RO11", "ITC1", "es51", "FRE1"], limit=3)
    assert one.items == other.items
    assert len(one.items) == 3
    assert one.total == 6
    assert one.as_bytes() == portfolio(released, ["ES51", "FRE1", "ITC1", "RO11"], 3).as_bytes()


def test_borrowed_figures_are_told_and_never_compared_with_themselves(released: Model) -> None:
    answer = portfolio(released, ["ES511", "ES512", "FRE1", "CH04"])
    assert "coarser region: the figures of ES511 are those of ES51" in answer.caveats
    assert "no employment figures of CH04 are known" in answer.caveats
    items = {item.id: item for item in answer.items}
    same = items["ES511-ES512"]
    assert (same.value, same.explanation, same.rank) == (None, [], None)
    assert same.caveats == ["both have the figures of ES51"]
    gone = items["CH04-FRE1"]
    assert (gone.value, gone.query) == (None, "")
    assert gone.caveats == ["no employment figures of CH04 are known"]
    wide = portfolio(released, ["ES51", "FRE1"]).items[0]
    assert items["ES511-FRE1"].value == wide.value
    assert items["ES511-FRE1"].measures == wide.measures
    assert answer.coverage["not_comparable"] == 4
    assert [i.value for i in answer.items[2:]] == [None] * 4
    swiss = answer.about["regions"][3]
    assert (swiss["figures_of"], swiss["density_now"], swiss["known_divisions"]) == (None, None, 0)
    part = portfolio(released, ["ES5", "ES51"])
    assert part.items[0].value is None
    assert "part of the other" in part.items[0].caveats[0]
    assert part.coverage["reason"] == "no pair of these regions can be compared"


def test_bad_regions(released: Model) -> None:
    codes = [released.index.things["regions"].key(int(n)) for n in released.measured[:11]]
    for wrong in ([], ["ES51"], codes):
        with pytest.raises(UsageError, match=f"2 to 10 codes are wanted, not {len(wrong)}"):
            portfolio(released, wrong)
    assert len(portfolio(released, codes[:10], limit=100).items) == 45
    with pytest.raises(UsageError, match="es51 is given twice"):
        portfolio(released, ["ES51", "FRE1", "es51"])
    with pytest.raises(UsageError, match="ES5Q") as refused:
        portfolio(released, ["ES51", "ES5Q"])
    assert refused.value.extra["nearest"]
    regions = released.index.things["regions"]
    old = [n for n, said in enumerate(regions.facts["vintages"]) if said == "2013"]
    with pytest.raises(UsageError, match="NUTS 2013"):
        portfolio(released, ["ES51", regions.key(old[0])])


def test_the_figures_are_those_of_the_arrays(released: Model) -> None:
    answer = portfolio(released, ["ES51", "FRE1"])
    regions = released.index.things["regions"].by_key
    rows = [np.array(released.index.arrays["region_employment"][regions[c]])
            for c in ("ES51", "FRE1")]  # fmt: skip
    known = ~np.isnan(rows[0]) & ~np.isnan(rows[1])
    shares = [row[known] / row[known].sum() for row in rows]
    assert answer.items[0].measures["krugman"] == pytest.approx(
        float(np.abs(shares[0] - shares[1]).sum())
    )
