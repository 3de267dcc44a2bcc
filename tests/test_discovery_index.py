"""The index of a release holds what its triples say, and damage is told."""

from __future__ import annotations

import asyncio
import doctest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterloom.discovery import columns, index
from clusterloom.discovery.index import COVERAGE, MATCH, STATUS, BadIndex, Index, build, open_index
from clusterloom.errors import Busy, QueryTimeout
from discovery_help import ID, ONTOLOGY, Graph, columns_of, make, model_of, with_tables

CLASSES = {
    "clusters": "ClusterOrganisation", "countries": "Country", "capabilities": "Capability",
    "chains": "ValueChain", "areas": "ThematicArea", "products": "ProductGroup",
    "call_profiles": "CallProfile",
}  # fmt: skip
DIRECT = {
    "cluster_country": ("clusters", "inCountry", "countries"),
    "cluster_region": ("clusters", "locatedIn", "regions"),
    "cluster_capability": ("clusters", "hasCapability", "capabilities"),
    "cluster_stage": ("clusters", "covers", "stages"),
    "within": ("capabilities", "within", "capabilities"),
    "chain_area": ("chains", "inArea", "areas"),
    "area_region": ("areas", "participatingRegion", "regions"),
    "product_capability": ("products", "comprises", "capabilities"),
    "undertaking_target": ("undertakings", "targetCountry", "countries"),
}
SEEDS = range(200)


def built(graph: Graph, folder: Path, release: str = "r") -> Index:
    return asyncio.run(build(columns_of(graph.store), release, folder))


def reference_things(graph: Graph) -> dict[str, list[str]]:
    found = {kind: graph.of(name) for kind, name in CLASSES.items()}
    regions = graph.of("Region")
    placed = [r for r in regions if graph.values(r, "nutsCode") and graph.values(r, "level")]
    found["regions"] = placed
    found["undertakings"] = sorted({*graph.of("Partnership"), *graph.of("Project")})
    found["stages"] = [s for s in graph.of("Stage") if graph.values(s, "inChain")]
    return found


def told(found: Index, name: str, one: str, other: str) -> set[tuple[str, str]]:
    matrix = found.relation(name)
    assert set(matrix.data.tolist()) <= {1.0}
    rows, cols = matrix.nonzero()
    first, second = found.things[one].iris, found.things[other].iris
    return {(first[r], second[c]) for r, c in zip(rows, cols, strict=True)}


def check_things(found: Index, graph: Graph) -> dict[str, list[str]]:
    expected = reference_things(graph)
    for kind, iris in expected.items():
        things = found.things[kind]
        assert things.iris == iris
        assert things.labels == [graph.label(iri) for iri in iris]
        assert all(things.key(n) == iri.rsplit("/", 1)[1] for n, iri in enumerate(iris))
    facts = found.things["regions"].facts
    for n, iri in enumerate(expected["regions"]):
        assert facts["code"][n] == graph.one(iri, "nutsCode")
        assert found.arrays["region_level"][n] == graph.one(iri, "level")
        assert facts["vintages"][n].split() == sorted(graph.all(iri, "vintage"))
        assert facts["pilot"][n] == ("yes" if ONTOLOGY + "PilotRegion" in graph.all(iri, "a")
                                     else "")  # fmt: skip
        cohesion = graph.one(str(graph.one(iri, "hasCohesionStatus")), "cohesionCategory")
        assert facts["cohesion"][n] == (cohesion or "")
        country = graph.one(iri, "inCountry")
        place = (
            expected["countries"].index(str(country)) if country in expected["countries"] else -1
        )
        assert found.arrays["region_country"][n] == place
    facts = found.things["undertakings"].facts
    for n, iri in enumerate(expected["undertakings"]):
        kinds = {kind.removeprefix(ONTOLOGY) for kind in graph.all(iri, "a")}
        assert facts["kinds"][n].split() == sorted(kinds)
        assert facts["year"][n] == str(graph.one(iri, "startYear") or "")
        listed = [s for s, o in graph.pairs("ofSubject") if o == iri]
        complete = any(
            graph.one(s, "ofProperty") == ONTOLOGY + "participant" and graph.one(s, "complete")
            for s in listed
        )
        assert found.arrays["undertaking_complete"][n] == complete
    for n, iri in enumerate(expected["stages"]):
        chain = str(graph.one(iri, "inChain"))
        place = expected["chains"].index(chain) if chain in expected["chains"] else -1
        assert found.arrays["stage_chain"][n] == place
        position = str(graph.one(iri, "position") or "")
        assert found.things["stages"].facts["position"][n] == position
    for n, iri in enumerate(expected["call_profiles"]):
        for name, predicate in (("min_entities", "minEntities"), ("sme_share", "smeSharePct"),
                                ("min_countries", "minCountries"),
                                ("region_condition", "regionCondition")):  # fmt: skip
            said = str(graph.one(iri, predicate) or "")
            assert found.things["call_profiles"].facts[name][n] == said
    return expected


def check_relations(found: Index, graph: Graph, things: dict[str, list[str]]) -> None:
    for name, (one, predicate, other) in DIRECT.items():
        inside = {(s, o) for s, o in graph.pairs(predicate)
                  if s in things[one] and o in things[other]}  # fmt: skip
        assert told(found, name, one, other) == inside, name
    taking = {(o, s) for s, o in graph.pairs("participant")
              if s in things["undertakings"] and o in things["clusters"]}  # fmt: skip
    assert told(found, "cluster_undertaking", "clusters", "undertakings") == taking
    awarded = {s for s, _ in graph.pairs("label")}
    assert found.arrays["cluster_label"].tolist() == [c in awarded for c in things["clusters"]]
    for name, kind in (("stage_capability", "stages"), ("area_capability", "areas")):
        best: dict[tuple[str, str], int] = {}
        for mapping, start in graph.pairs("mapsFrom"):
            end = str(graph.one(mapping, "mapsTo"))
            if start in things[kind] and end in things["capabilities"]:
                match = MATCH[str(graph.one(mapping, "match"))]
                best[start, end] = max(match, best.get((start, end), -1))
        rows = found.arrays[name].tolist()
        assert rows == sorted(rows)
        assert {(things[kind][s], things["capabilities"][c]): m for s, c, m in rows} == best
    firms = Counter(
        (str(region), str(field))
        for sme in graph.of("SME", named=False)
        for region in graph.values(sme, "locatedIn")
        for field in graph.values(sme, "workedInField")
        if region in things["regions"] and field in things["capabilities"]
        and int(str(graph.one(str(region), "level"))) < 3
    )  # fmt: skip
    counted = {(things["regions"][r], things["capabilities"][c]): int(n)
               for r, c, n in found.arrays["sme_field"]}  # fmt: skip
    assert counted == dict(firms)


def check_figures(found: Index, graph: Graph, things: dict[str, list[str]]) -> None:
    cells: dict[tuple[str, str], tuple[int, float, float]] = {}
    years: dict[str, int] = {}
    for cell, status in graph.pairs("specialisationStatus"):
        region, division = (str(graph.one(cell, p)) for p in ("ofRegion", "ofCapability"))
        if division in things["capabilities"]:
            numbers = (graph.one(cell, p) for p in ("locationQuotient", "employment"))
            quotient, employment = (float("nan") if n is None else float(n) for n in numbers)
            cells[region, division] = STATUS[status], quotient, employment
            years[region] = int(str(graph.one(cell, "year")))
    divisions = sorted({division for _, division in cells})
    capabilities = things["capabilities"]
    assert [capabilities[d] for d in found.arrays["divisions"]] == divisions
    nothing = (-1, float("nan"), float("nan"))
    names = ("region_status", "region_quotient", "region_employment")
    for n, name in enumerate(names):
        wanted = [[cells.get((r, d), nothing)[n] for d in divisions] for r in things["regions"]]
        shape = len(things["regions"]), len(divisions)
        np.testing.assert_array_equal(found.arrays[name], np.array(wanted).reshape(shape), name)
    assert found.arrays["region_year"].tolist() == [years.get(r, 0) for r in things["regions"]]
    for n, iri in enumerate(capabilities):
        wide = {iri, *graph.all(iri, "within")} & set(divisions)
        assert found.arrays["capability_division"][n] == (
            divisions.index(min(wide)) if wide else -1
        )
    for r, region in enumerate(things["regions"]):
        for s, stage in enumerate(things["stages"]):
            seen = {a for a, o in graph.pairs("ofStage") if o == stage} & {
                a for a, o in graph.pairs("ofRegion") if o == region
            }
            status = str(graph.one(min(seen), "coverageStatus")) if seen else "unknown"
            basis = graph.one(min(seen), "coverageBasis") if seen else None
            assert found.arrays["region_stage"][r, s] == COVERAGE[status]
            by = found.arrays["region_stage_by_employment"][r, s]
            assert by == (basis == "employment")
    products = things["products"]
    links = {
        (str(graph.one(link, "fromProduct")), str(graph.one(link, "toProduct"))): float(number)
        for link, number in graph.pairs("coefficient")
    }
    table = found.arrays["supply"]
    assert table.shape == (len(products), len(products))
    for q, user in enumerate(products):
        column = [links.get((maker, user), 0.0) for maker in products]
        if any(column):
            assert table[:, q].tolist() == column
        else:
            assert np.isnan(table[:, q]).all()


def test_an_index_holds_what_the_triples_say(tmp_path: Path) -> None:
    for seed in SEEDS:
        graph = make(seed)
        found = asyncio.run(model_of(graph)).index
        things = check_things(found, graph)
        check_relations(found, graph, things)
        check_figures(found, graph, things)


def test_supply_is_of_one_economy_and_year_that_the_index_names(tmp_path: Path) -> None:
    tables = set()
    for seed in range(40):
        graph = with_tables(seed)
        index = built(graph, tmp_path / str(seed))
        stated: dict[tuple[int, str], dict[tuple[str, str], float]] = {}
        for link, number in graph.pairs("coefficient"):
            table = int(str(graph.one(link, "year"))), str(graph.one(link, "economy"))
            ends = str(graph.one(link, "fromProduct")), str(graph.one(link, "toProduct"))
            cells = stated.setdefault(table, {})
            cells[ends] = max(cells.get(ends, 0.0), float(number))
        if not stated:
            assert index.supply_table is None
            continue
        year, economy = min(stated, key=lambda table: (-table[0], table[1]))
        assert index.supply_table == (year, economy)
        tables.add((year, economy))
        products, cells = index.things["products"].iris, stated[year, economy]
        for q, user in enumerate(products):
            column = [cells.get((maker, user), 0.0) for maker in products]
            told = index.arrays["supply"][:, q]
            assert told.tolist() == column if any(column) else np.isnan(told).all()
    assert len(tables) > 3


def refusing(graph: Graph, room: int, every: int = 0) -> columns.Columns:
    """A session that ends a query where more than `room` run, and one of so many anyway."""
    read, at_work, asked = columns_of(graph.store), [0], [0]

    async def limited(query: str) -> dict[str, list[str]]:
        asked[0] += 1
        at_work[0] += 1
        try:
            await asyncio.sleep(0)
            if at_work[0] > room or (every and asked[0] % every == 0):
                raise Busy("too many")
            return await read(query)
        finally:
            at_work[0] -= 1

    return limited


@pytest.mark.parametrize(("room", "every"), [(1, 0), (2, 0), (1, 7), (2, 3)])
def test_where_the_session_is_busy_it_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, every: int
) -> None:
    monkeypatch.setattr(columns, "_PAUSE", 0.0)
    graph = make(7)
    found = asyncio.run(build(refusing(graph, room, every), "r", tmp_path / "i"))
    assert equal(found, built(graph, tmp_path / "other"))


def test_where_it_is_busy_for_long_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_PAUSE", 0.0)
    with pytest.raises(Busy):
        asyncio.run(build(refusing(make(7), 0), "r", tmp_path / "i"))

    async def refused(query: str) -> dict[str, list[str]]:
        await asyncio.sleep(0)
        raise QueryTimeout(query)

    with pytest.raises(QueryTimeout):
        asyncio.run(build(refused, "r", tmp_path / "i"))
    assert list(tmp_path.iterdir()) == []


def test_two_queries_are_read_at_a_time_and_many_rows_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_FEW", 0)
    graph, most, at_work = make(7), [0], [0]
    read = columns_of(graph.store)

    async def watched(query: str) -> dict[str, list[str]]:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        await asyncio.sleep(0)
        found = await read(query)
        at_work[0] -= 1
        return found

    found = asyncio.run(build(watched, "r", tmp_path / "i"))
    assert most == [2]
    assert equal(found, asyncio.run(model_of(graph)).index)


def test_the_graphs_hold_what_is_tested() -> None:
    graphs = [make(seed) for seed in SEEDS]
    for kind in {*CLASSES.values(), "Region", "Stage", "SME", "Partnership", "Project"}:
        missing = sum(len(g.of(kind, named=False)) - len(g.of(kind)) for g in graphs)
        assert sum(len(g.of(kind)) for g in graphs) > 50
        assert missing > 0, kind
    for predicate in ("covers", "label", "coefficient", "coverageStatus", "mapsTo", "complete"):
        assert sum(len(g.pairs(predicate)) for g in graphs) > 50
    statuses = Counter(o for g in graphs for _, o in g.pairs("specialisationStatus"))
    assert statuses.keys() == STATUS.keys()


def equal(one: Index, other: Index) -> bool:
    same = [one.release == other.release, one.things == other.things]
    # one that was made in memory does not name it
    tables = {one.supply_table, other.supply_table} - {None}
    same.append(len(tables) < 2)
    same.append(one.arrays.keys() == other.arrays.keys())
    for name, array in one.arrays.items():
        there = other.arrays[name]
        same.append(array.dtype == there.dtype and array.shape == there.shape)
        same.append(np.array_equal(array, there, equal_nan=array.dtype.kind == "f"))
    return all(same)


def test_written_and_opened_again_it_is_equal(tmp_path: Path) -> None:
    for seed in range(0, 200, 10):
        graph = make(seed)
        folder = tmp_path / "deep" / str(seed)
        first = built(graph, folder, f"release-{seed}")
        again = open_index(folder)
        assert again.release == f"release-{seed}"
        assert equal(first, again)
        assert equal(again, asyncio.run(model_of(graph, f"release-{seed}")).index)
        assert not equal(again, asyncio.run(model_of(make(seed + 1), f"release-{seed}")).index)
        assert not list(folder.parent.glob(".*")), "nothing is left beside it"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "one"
    built(make(7), folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_damaged_file_is_told(sample: Path) -> None:
    for name in files(sample):
        path = sample / name
        whole = path.read_bytes()
        at = len(whole) // 2
        flipped = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        for bad in (flipped, whole[:-1], whole[:at], b""):
            path.write_bytes(bad)
            with pytest.raises(BadIndex):
                open_index(sample)
        path.unlink()
        with pytest.raises(BadIndex):
            open_index(sample)
        path.write_bytes(whole)
        assert open_index(sample).release == "r"


def test_a_manifest_of_another_form_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    with pytest.raises(BadIndex):
        open_index(folder)
    for text in ("[]", "{}", "null", '{"sha256": []}', '{"sha256": {}}', "7"):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(BadIndex):
            open_index(folder)


def test_a_damaged_index_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    built(make(7), folder)
    (folder / "supply.npy").write_bytes(b"no")
    found = built(make(8), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["i"]
    assert equal(found, open_index(folder))
    assert equal(found, asyncio.run(model_of(make(8))).index)


def test_an_index_of_another_release_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    built(make(7), folder, "old")
    assert equal(built(make(8), folder, "new"), open_index(folder))
    assert open_index(folder).release == "new"


def test_every_byte_of_the_manifest_counts(sample: Path) -> None:
    path = sample / "manifest.json"
    whole, wanted = path.read_bytes(), open_index(sample)
    for at in range(0, len(whole), 23):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            found = open_index(sample)
        except BadIndex:
            continue
        finally:
            path.write_bytes(whole)
        assert equal(found, wanted)


def test_two_writers_at_once_end_with_one_whole_index(tmp_path: Path) -> None:
    graph = make(7)
    wanted = asyncio.run(model_of(graph)).index
    for n in range(15):
        folder = tmp_path / str(n)
        if n % 2:
            folder.mkdir()
            (folder / "manifest.json").write_text("damaged")
        with ThreadPoolExecutor(3) as pool:
            made = list(pool.map(built, [graph] * 3, [folder] * 3))
        assert all(equal(one, wanted) for one in made)
        assert equal(open_index(folder), wanted)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_gives_an_empty_index(tmp_path: Path) -> None:
    found = built(Graph(), tmp_path / "empty")
    assert all(len(things) == 0 for things in found.things.values())
    assert all(array.size <= 1 for array in found.arrays.values())
    for name in (*DIRECT, "cluster_undertaking"):
        assert found.relation(name).shape == (0, 0)


def test_rows_and_codes() -> None:
    for seed in range(30):
        graph = make(seed)
        found = asyncio.run(model_of(graph)).index
        clusters, capabilities = found.things["clusters"], found.things["capabilities"]
        for n, iri in enumerate(clusters.iris):
            row = [capabilities.iris[c] for c in found.row("cluster_capability", n)]
            assert row == sorted(graph.all(iri, "hasCapability") & set(capabilities.iris))
            assert clusters.by_key[clusters.key(n)] == clusters.place[iri] == n
        codes = {code: capabilities.iris[n] for code, n in found.nace_codes.items()}
        named = {str(graph.one(iri, "naceCode")): iri for iri in graph.of("Capability")
                 if iri.startswith(f"{ID}nace2/")}  # fmt: skip
        assert codes == named


_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_ODD = st.text(st.sampled_from("\t\n\r\b\f\\\"'@^<>tnrbf\u2028\x00é"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_ANY, _ODD), min_size=1, max_size=4), st.sampled_from(["", "en", "x:d"]))
def test_a_value_is_the_lexical_form(texts: list[str], kind: str) -> None:
    store = ox.Store()
    place = ox.NamedNode("http://p")
    for n, text in enumerate(texts):
        if kind == "en":
            literal = ox.Literal(text, language="en-gb")
        elif kind:
            literal = ox.Literal(text, datatype=ox.NamedNode(kind))
        else:
            literal = ox.Literal(text)
        store.add(ox.Quad(ox.NamedNode(f"http://s/{n}"), place, literal))
    query = "SELECT ?s ?o ?none WHERE { ?s ?p ?o }"
    found = asyncio.run(columns_of(store)(query))
    pairs = {(columns.value(s), columns.value(o)) for s, o in zip(found["s"], found["o"])}  # noqa: B905
    assert pairs == {(f"http://s/{n}", text) for n, text in enumerate(texts)}
    assert {columns.value(none) for none in found["none"]} == {""}


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False)))
def test_a_number_is_what_it_was(number: float) -> None:
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("http://s"), ox.NamedNode("http://p"), ox.Literal(number)))
    (text,) = asyncio.run(columns_of(store)("SELECT ?o { ?s ?p ?o }"))["o"]
    if isinstance(number, bool):
        assert columns.value(text) == str(number).lower()
    elif -(2**63) <= number < 2**63 or isinstance(number, float):
        assert type(number)(columns.value(text)) == number


def test_doctests() -> None:
    for module, some in ((columns, True), (index, False)):
        failed, attempted = doctest.testmod(module)
        assert failed == 0
        assert attempted > 0 or not some
