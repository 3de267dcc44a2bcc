"""Small random graphs for tests of discovery, and their columns as a session gives them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

import pyoxigraph as ox

from clusterloom.discovery import columns as columns_module
from clusterloom.discovery.index import Index, assemble
from clusterloom.discovery.model import Model

ID = "https://w3id.org/clusterloom/id/"
ONTOLOGY = "https://w3id.org/clusterloom/ontology#"
_OTHER = {
    "a": "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "name": "http://www.w3.org/2000/01/rdf-schema#label",
}
Value = str | int | bool | Decimal
Read = Callable[[str], Coroutine[Any, Any, dict[str, list[str]]]]
Triple = tuple[str, str, Value]
ODD = ("", "é", '"', "\t", "\n", "\\", "\\n", "\u2028", "ß\r", "'")


@dataclass
class Graph:
    """Triples by short predicate: `a` for rdf:type, `name` for rdfs:label, else the ontology's.

    A value that begins with `https://` is an IRI.
    """

    triples: dict[Triple, None] = field(default_factory=dict)

    def add(self, subject: str, *facts: tuple[str, Value]) -> None:
        for predicate, value in facts:
            self.triples[subject, predicate, value] = None

    @cached_property
    def by_predicate(self) -> dict[str, list[tuple[str, Value]]]:
        found: dict[str, list[tuple[str, Value]]] = defaultdict(list)
        for subject, predicate, value in self.triples:
            found[predicate].append((subject, value))
        return found

    @cached_property
    def _facts(self) -> dict[tuple[str, str], list[Value]]:
        found: dict[tuple[str, str], list[Value]] = defaultdict(list)
        for subject, predicate, value in self.triples:
            found[subject, predicate].append(value)
        return found

    def pairs(self, predicate: str) -> set[tuple[str, str]]:
        return {(s, str(o)) for s, o in self.by_predicate.get(predicate, ())}

    def values(self, subject: str, predicate: str) -> list[Value]:
        return self._facts.get((subject, predicate), [])

    def one(self, subject: str, predicate: str) -> Value | None:
        return next(iter(self.values(subject, predicate)), None)

    def all(self, subject: str, predicate: str) -> set[str]:
        return {str(value) for value in self.values(subject, predicate)}

    def of(self, kind: str, named: bool = True) -> list[str]:
        """IRIs of a class, in order; `named` leaves out those without rdfs:label."""
        found = {s for s, o in self.by_predicate.get("a", ()) if o == ONTOLOGY + kind}
        return sorted(s for s in found if not named or self.values(s, "name"))

    def label(self, subject: str) -> str:
        return min(str(value) for value in self.values(subject, "name"))

    @cached_property
    def store(self) -> ox.Store:
        store = ox.Store()
        store.extend(
            ox.Quad(ox.NamedNode(s), ox.NamedNode(_OTHER.get(p, ONTOLOGY + p)), term(o))
            for s, p, o in self.triples
        )
        return store

    def rows(self, query: str) -> list[ox.QuerySolution]:
        return list(cast(ox.QuerySolutions, self.store.query(query)))


def term(value: Value) -> ox.NamedNode | ox.Literal:
    if isinstance(value, str) and value.startswith("https://"):
        return ox.NamedNode(value)
    if isinstance(value, Decimal):
        kind = ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal")
        return ox.Literal(str(value), datatype=kind)
    return ox.Literal(value)


def columns_of(store: ox.Store) -> Read:
    """Columns of a SELECT as `store.engine.tsv_columns` makes them."""

    async def columns(query: str) -> dict[str, list[str]]:
        found = cast(ox.QuerySolutions, store.query(query))
        names = [variable.value for variable in found.variables]
        text = cast(bytes, found.serialize(format=ox.QueryResultsFormat.TSV)).decode()
        rows = [line.split("\t") for line in text.split("\n")[1:-1]]
        values: Iterable[Iterable[str]] = zip(*rows, strict=True) if rows else ((),) * len(names)
        return {name: list(column) for name, column in zip(names, values, strict=True)}

    return columns


async def model_of(graph: Graph, release: str = "r") -> Model:
    """A model whose index is in memory only."""
    read = columns_of(graph.store)
    rows = {name: await columns_module.read(read, name) for name in columns_module.QUERIES}
    return Model(Index(release, *assemble(rows)))


def make(seed: int, named: bool = False) -> Graph:
    """A graph of a few things of each kind; `named` gives each of them a label."""
    return _Maker(random.Random(seed), named).graph


def with_tables(seed: int) -> Graph:
    """A graph whose supply links are of several years and economies, some of them stated twice."""
    graph, rng = make(seed, named=True), random.Random(seed)
    links = [link for link, _ in graph.pairs("fromProduct")]
    for number, link in enumerate(sorted(links)):
        ends = [(p, str(graph.one(link, p))) for p in ("fromProduct", "toProduct")]
        for again in range(rng.randint(0, 3)):
            graph.add(
                f"{ID}supply/more-{number}-{again}",
                *ends,
                ("coefficient", Decimal(rng.randint(0, 9)) / 100),
                ("year", rng.choice([2010, 2015, 2015, 2020])),
                ("economy", rng.choice(["AT", "CZ", "CZ", "SK"])),
            )
    del graph.by_predicate, graph._facts  # they have been looked at before the last was added
    return graph


class _Maker:
    def __init__(self, rng: random.Random, named: bool) -> None:
        self.rng, self.named, self.graph = rng, named, Graph()
        self.countries = [self.thing("Country", f"country/{c}") for c in ("AA", "BB", "CC", "DD")]
        self.regions = self.make_regions()
        self.divisions: list[str] = []
        self.capabilities = self.make_capabilities()
        self.areas = [self.thing("ThematicArea", f"area/a{n}") for n in range(rng.randint(0, 3))]
        self.stages = self.make_chains()
        self.clusters = self.make_clusters()
        self.make_undertakings()
        self.make_mappings()
        self.make_figures()
        self.make_supply()
        self.make_others()

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def some(self, things: list[str], most: int) -> list[str]:
        return self.rng.sample(things, self.rng.randint(0, min(most, len(things))))

    def thing(self, kind: str, path: str, *facts: tuple[str, Value]) -> str:
        iri = ID + path
        self.graph.add(iri, ("a", ONTOLOGY + kind), *facts)
        for _ in range(1 + self.chance(0.1)):
            if self.named or self.chance(0.9):
                name = path + "".join(self.rng.choices(ODD, k=2)) + str(self.rng.randint(0, 9))
                self.graph.add(iri, ("name", name))
        return iri

    def make_regions(self) -> list[str]:
        found = []
        for code in ("AA1", "AA11", "AA111", "AA12", "BB1", "BB11", "BB12", "CC11", "CC111"):
            if self.chance(0.2):
                continue
            iri = self.thing("Region", f"region/{code}")
            if self.chance(0.97):
                self.graph.add(iri, ("nutsCode", code))
            if self.chance(0.97):
                self.graph.add(iri, ("level", len(code) - 2))
            if self.chance(0.85):
                self.graph.add(iri, ("inCountry", f"{ID}country/{code[:2]}"))
            years = self.some(["2013", "2016", "2024"], 2) + ["2021"] * self.chance(0.8)
            self.graph.add(iri, *(("vintage", year) for year in years))
            if self.chance(0.2):
                self.graph.add(iri, ("a", ONTOLOGY + "PilotRegion"))
            if self.chance(0.4):
                status = f"{ID}cohesion/{code}"
                category = self.rng.choice(["less developed", "transition", "more developed"])
                self.graph.add(iri, ("hasCohesionStatus", status))
                self.graph.add(status, ("cohesionCategory", category))
            found.append(iri)
        return found

    def make_capabilities(self) -> list[str]:
        found = []
        codes = ["C"]
        for division in self.rng.sample(["10", "13", "20", "26", "27", "62"], 5):
            codes += [division, f"{division}.1", f"{division}.11"]
        for scheme, share in (("nace2", 0.95), ("nace21", 0.2)):
            for code in codes:
                if not self.chance(share):
                    continue
                iri = self.thing("Capability", f"{scheme}/{code}", ("naceCode", code))
                wider = ["C"] * (code != "C") + [code[:n] for n in (2, 4) if n < len(code)]
                self.graph.add(iri, *(("within", f"{ID}{scheme}/{wide}") for wide in wider))
                found.append(iri)
                if scheme == "nace2" and len(code) == 2:
                    self.divisions.append(iri)
        for n in range(4):
            iri = self.thing("Capability", f"euroscivoc/k{n}")
            self.graph.add(iri, *(("within", f"{ID}euroscivoc/k{m}") for m in range(n)))
            found.append(iri)
        return found

    def make_chains(self) -> list[str]:
        found = []
        for c in range(self.rng.randint(0, 2)):
            chain = self.thing("ValueChain", f"chain/v{c}")
            self.graph.add(chain, *(("inArea", area) for area in self.some(self.areas, 2)))
            for n in range(self.rng.randint(0, 3)):
                stage = self.thing("Stage", f"stage/v{c}-{n}", ("inChain", chain))
                if self.chance(0.8):
                    self.graph.add(stage, ("position", n + 1))
                found.append(stage)
        return found

    def make_clusters(self) -> list[str]:
        found = []
        for n in range(self.rng.randint(0, 9)):
            iri = self.thing("ClusterOrganisation", f"org/c{n}", ("a", ONTOLOGY + "Organisation"))
            many = self.rng.choice([0, 1, 1, 1, 1, 2])
            self.graph.add(iri, *(("inCountry", c) for c in self.rng.sample(self.countries, many)))
            for region in self.some(self.regions, 2):
                code = region.rsplit("/", 1)[1]
                above = {r for r in self.regions if code.startswith(r.rsplit("/", 1)[1])}
                self.graph.add(iri, *(("locatedIn", r) for r in sorted(above)))
            if self.chance(0.3):
                self.graph.add(iri, ("locatedIn", self.countries[0]))
            self.graph.add(iri, *(("hasCapability", c) for c in self.some(self.capabilities, 6)))
            self.graph.add(iri, *(("covers", stage) for stage in self.some(self.stages, 3)))
            if self.chance(0.3):
                self.graph.add(iri, ("label", f"{ID}award/{n}"), ("label", f"{ID}award/{n}b"))
            found.append(iri)
        return found

    def make_undertakings(self) -> None:
        other = self.thing("Organisation", "org/university")
        kinds = ["Partnership", "Project", "Network", "S3Partnership"]
        for n in range(self.rng.randint(0, 5)):
            iri = self.thing(self.rng.choice(kinds), f"undertaking/u{n}")
            if self.chance(0.3):
                self.graph.add(iri, ("a", ONTOLOGY + self.rng.choice(kinds)))
            members = [*self.some(self.clusters, 4), *self.some([other], 1)]
            self.graph.add(iri, *(("participant", member) for member in members))
            self.graph.add(iri, *(("targetCountry", c) for c in self.some(self.countries, 2)))
            if self.chance(0.5):
                self.graph.add(iri, ("startYear", 2010 + n))
            if self.chance(0.6):
                listed = ("ofProperty", ONTOLOGY + self.rng.choice(["participant", "covers"]))
                told = ("ofSubject", iri), listed, ("complete", self.chance(0.5))
                self.graph.add(f"{ID}completeness/{n}", *told)
            if {ONTOLOGY + "Partnership", ONTOLOGY + "Project"} & self.graph_classes(iri):
                for one in members:
                    ties = [("coParticipantWith", m) for m in members if m != one]
                    self.graph.add(one, *ties)

    def graph_classes(self, iri: str) -> set[Value]:
        return {o for s, p, o in self.graph.triples if s == iri and p == "a"}

    def make_mappings(self) -> None:
        ends = self.stages + self.areas
        for n in range(self.rng.randint(0, 14) if ends else 0):
            self.graph.add(
                f"{ID}mapping/m{n}",
                ("mapsFrom", self.rng.choice(ends)),
                ("mapsTo", self.rng.choice(self.capabilities)),
                ("match", self.rng.choice(["exact", "close", "narrow", "broad"])),
            )

    def make_figures(self) -> None:
        measured = self.some(self.divisions, 5) or self.divisions[:1]
        for region in self.regions:
            if self.chance(0.2):
                continue
            year = self.rng.choice([2019, 2020])
            for division in measured:
                if self.chance(0.15):
                    continue
                key = f"{region.rsplit('/', 1)[1]}-{division.rsplit('/', 1)[1]}"
                facts = ("ofRegion", region), ("ofCapability", division), ("year", year)
                said = self.rng.choice(
                    ["specialised", "specialised", "not", "borderline", "unknown"]
                )
                iri = f"{ID}observation/{key}"
                self.graph.add(iri, *facts, ("specialisationStatus", said))
                if said != "unknown" or self.chance(0.3):
                    quotient = Decimal(self.rng.randint(0, 40)) / 8
                    self.graph.add(iri, ("locationQuotient", quotient))
                if self.chance(0.8):
                    self.graph.add(iri, ("employment", self.rng.randint(0, 5000)))
                # what is asserted of employment alone has no status
                self.graph.add(f"{ID}observation/{key}-x", *facts, ("employment", 1))
        for region in self.regions:
            for stage in self.some(self.stages, 4):
                said = self.rng.choice(["covered", "weak", "missing", "unknown"])
                iri = f"{ID}coverage/{region.rsplit('/', 1)[1]}-{stage.rsplit('/', 1)[1]}"
                covered = ("ofRegion", region), ("ofStage", stage), ("coverageStatus", said)
                self.graph.add(iri, *covered)
                if said != "unknown":
                    basis = self.rng.choice(["employment", "organisation"])
                    self.graph.add(iri, ("coverageBasis", basis))

    def make_supply(self) -> None:
        products = [self.thing("ProductGroup", f"product/p{n}") for n in range(5)]
        for product in products:
            self.graph.add(product, *(("comprises", d) for d in self.some(self.divisions, 2)))
        for one in products:
            for other in products:
                if self.chance(0.5):
                    self.graph.add(
                        f"{ID}supply/{one.rsplit('/', 1)[1]}-{other.rsplit('/', 1)[1]}",
                        ("fromProduct", one),
                        ("toProduct", other),
                        ("coefficient", Decimal(self.rng.choice([0, 1, 25, 300])) / 1000),
                        ("year", 2015),
                        ("economy", "CZ"),
                    )

    def make_others(self) -> None:
        for area in self.areas:
            places = self.some(self.regions, 3)
            self.graph.add(area, *(("participatingRegion", region) for region in places))
        for n in range(self.rng.randint(0, 6)):
            iri = self.thing("SME", f"sme/s{n}")
            fields = self.some(self.capabilities[-4:], 2)
            self.graph.add(iri, *(("workedInField", f) for f in fields))
            self.graph.add(iri, *(("locatedIn", r) for r in self.some(self.regions, 3)))
        for n in range(self.rng.randint(0, 2)):
            iri = self.thing("CallProfile", f"call/k{n}")
            facts: dict[str, Value] = {"minEntities": 3, "minCountries": 2, "smeSharePct": 70,
                                       "regionCondition": "less developed"}  # fmt: skip
            self.graph.add(iri, *(fact for fact in facts.items() if self.chance(0.6)))
