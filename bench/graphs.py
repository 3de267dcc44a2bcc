"""Made-up graphs of any size for `discovery`: seeded, with long-tailed numbers of everything.

They are rows as the queries of the index give them, and the same as lines for SPARQL stores.
Nothing of them is ever shown as real: they are for measuring.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.columns import QUERIES
from clusterloom.namespaces import BASE, CLOOM, PREFIXES

Rows = dict[str, list[tuple[str, ...]]]

DIVISIONS, CLASSES, REGIONS, CHAINS, STAGES, AREAS = 67, 615, 300, 40, 8, 20
FIRMS = 30
"""SMEs for each cluster."""
GRAPH = f"{BASE}graph/bench/asserted"
_LABEL = PREFIXES["rdfs"] + "label"
_TYPE = PREFIXES["rdf"] + "type"

_NODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "clusters": ("ClusterOrganisation", ("label",)),
    "countries": ("Country", ("label",)),
    "regions": ("Region", ("nutsCode", "level", "label", "inCountry")),
    "capabilities": ("Capability", ("label", "naceCode")),
    "undertakings": ("Partnership", ("label", "startYear")),
    "chains": ("ValueChain", ("label",)),
    "areas": ("ThematicArea", ("label",)),
    "stages": ("Stage", ("inChain", "position", "label")),
    "products": ("ProductGroup", ("label",)),
    "call_profiles": ("CallProfile", (
        "label", "minEntities", "minCountries", "minTargetThirdCountries", "regionCondition",
        "applicantCondition", "smeSharePct", "countryScope")),
}  # fmt: skip
_LINKS = {
    "cluster_capability": "hasCapability",
    "cluster_country": "inCountry",
    "cluster_region": "locatedIn",
    "cluster_stage": "covers",
    "within": "within",
    "product_capability": "comprises",
    "chain_area": "inArea",
    "area_region": "participatingRegion",
    "undertaking_target": "targetCountry",
}
_OBSERVATIONS: dict[str, tuple[str, ...]] = {
    "stage_capability": ("mapsFrom", "mapsTo", "match"),
    "area_capability": ("mapsFrom", "mapsTo", "match"),
    "region_stage": ("ofRegion", "ofStage", "coverageStatus", "coverageBasis"),
    "region_division": ("ofRegion", "ofCapability", "specialisationStatus", "locationQuotient",
                        "employment", "year"),
    "supply": ("fromProduct", "toProduct", "coefficient", "year", "economy"),
}  # fmt: skip
_DATATYPES = {
    "level": "integer", "position": "integer", "startYear": "integer", "year": "integer",
    "employment": "integer", "locationQuotient": "decimal", "coefficient": "decimal",
    "minEntities": "integer", "minCountries": "integer", "minTargetThirdCountries": "integer",
    "smeSharePct": "integer", "complete": "boolean",
}  # fmt: skip


def _thing(kind: str, key: object) -> str:
    return f"{BASE}id/{kind}/{key}"


def graph(clusters: int, seed: int = 1) -> Rows:
    """A graph with that many clusters; about 6 capabilities each, and ties as partnerships have."""
    chance = np.random.default_rng(seed)
    rows: Rows = {name: [] for name in QUERIES}
    countries = [_thing("country", f"C{n}") for n in range(30)]
    rows["countries"] = [(iri, f"Country {n}") for n, iri in enumerate(countries)]
    regions = [_thing("region", f"R{n:03d}") for n in range(REGIONS)]
    for n, iri in enumerate(regions):
        rows["regions"].append((iri, f"R{n:03d}", "2", f"Region {n}", countries[n % 30]))
        rows["vintages"].append((iri, "2021"))
    codes = [f"{n + 1:02d}" for n in range(DIVISIONS)]
    codes += [f"{n % DIVISIONS + 1:02d}.{n // DIVISIONS + 1}" for n in range(CLASSES)]
    capabilities = [_thing("nace2", code) for code in codes]
    rows["capabilities"] = [
        (i, f"Activity {c}", c) for i, c in zip(capabilities, codes, strict=True)
    ]
    rows["within"] = [(_thing("nace2", c), _thing("nace2", c[:2])) for c in codes[DIVISIONS:]]
    _clusters(rows, chance, clusters, countries, regions, capabilities)
    _undertakings(rows, chance, clusters)
    _chains(rows, chance, capabilities, min(CHAINS, max(4, clusters // 10)))
    for n, region in enumerate(regions):
        for m in range(DIVISIONS):
            lq = float(chance.lognormal(0, 0.8))
            unknown = chance.random() < 0.15
            status = "unknown" if unknown else "specialised" if lq > 1.1 else "not"
            figure = ("", "") if unknown else (f"{lq:.4f}", str(100 + n))
            rows["region_division"].append((region, capabilities[m], status, *figure, "2015"))
    products = [_thing("product-group", f"P{n}") for n in range(DIVISIONS)]
    rows["products"] = [(iri, f"Product {n}") for n, iri in enumerate(products)]
    rows["product_capability"] = list(zip(products, capabilities[:DIVISIONS], strict=True))
    for one in products:
        for other in products:
            if chance.random() < 0.8:
                coefficient = f"{chance.exponential(0.01):.6f}"
                rows["supply"].append((one, other, coefficient, "2015", countries[0]))
    for n in range(AREAS):
        area = _thing("area", f"a{n}")
        rows["areas"].append((area, f"Area {n}"))
        own = chance.choice(len(capabilities), size=6, replace=False)
        rows["area_capability"] += [(area, capabilities[c], "close") for c in own]
    _conditions(rows, chance)
    places, fields = firms(clusters)
    cells, counts = np.unique(places * CLASSES + fields, return_counts=True)
    for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
        region, field = divmod(cell, CLASSES)
        code = capabilities[DIVISIONS + field]
        rows["sme_field"].append((regions[region], code, str(count)))
    return rows


def _clusters(
    rows: Rows,
    chance: np.random.Generator,
    count: int,
    countries: list[str],
    regions: list[str],
    capabilities: list[str],
) -> None:
    popular = chance.zipf(1.6, len(capabilities)).clip(1, 500).astype(float)
    popular /= popular.sum()
    for n in range(count):
        iri = _thing("org", f"c{n:06d}")
        rows["clusters"].append((iri, f"Cluster {n}"))
        place = int(chance.integers(0, len(regions)))
        rows["cluster_country"].append((iri, countries[place % 30]))
        if chance.random() < 0.6:
            rows["cluster_region"].append((iri, regions[place]))
        if chance.random() < 0.85:
            many = int(min(30, 1 + chance.lognormal(1.2, 0.8)))
            own = chance.choice(len(capabilities), size=many, replace=False, p=popular)
            rows["cluster_capability"] += [(iri, capabilities[c]) for c in own]


def _undertakings(rows: Rows, chance: np.random.Generator, clusters: int) -> None:
    weight = chance.pareto(1.8, clusters) + 1
    weight /= weight.sum()
    for n in range(max(1, clusters * 6 // 10)):
        iri = _thing("partnership", f"p{n}")
        rows["undertakings"].append((iri, f"Partnership {n}", "2020"))
        rows["undertaking_kind"].append((iri, CLOOM + "Partnership"))
        many = int(min(30, 2 + chance.pareto(1.5) * 2))
        members = np.unique(chance.choice(clusters, size=min(many, clusters), p=weight))
        rows["cluster_undertaking"] += [(_thing("org", f"c{m:06d}"), iri) for m in members]


def _chains(rows: Rows, chance: np.random.Generator, capabilities: list[str], count: int) -> None:
    holders: dict[str, list[str]] = {}
    for cluster, capability in rows["cluster_capability"]:
        holders.setdefault(capability, []).append(cluster)
    for n in range(count):
        chain = _thing("value-chain", f"v{n}")
        rows["chains"].append((chain, f"Chain {n}"))
        for m in range(STAGES):
            stage = _thing("stage", f"v{n}-{m}")
            rows["stages"].append((stage, chain, str(m + 1), f"Stage {m} of {n}"))
            needed = capabilities[int(chance.integers(DIVISIONS, len(capabilities)))]
            rows["stage_capability"].append((stage, needed, "exact"))
            rows["cluster_stage"] += [(cluster, stage) for cluster in holders.get(needed, ())]
            for region, *_ in rows["regions"]:
                status = str(chance.choice(["covered", "weak", "missing", "unknown"]))
                rows["region_stage"].append((region, stage, status, "employment"))


def _conditions(rows: Rows, chance: np.random.Generator) -> None:
    """What calls for proposals ask for, and what is known of those who might answer."""
    rows["call_profiles"] = [
        (_thing("call-profile", "p0"), "Call 0", "3", "3", "2",
         "at least one member in a less developed region", "cluster", "75", "Member States"),
        (_thing("call-profile", "p1"), "Call 1", "", "2", "", "", "", "", ""),
    ]  # fmt: skip
    categories = ("less developed", "transition", "more developed")
    for n, (region, *_) in enumerate(rows["regions"]):
        if n % 9 == 0:
            rows["pilots"].append((region,))
        if n % 5:
            rows["cohesion"].append((region, categories[n % 3]))
        if n % 2:
            area = rows["areas"][int(chance.integers(0, AREAS))][0]
            rows["area_region"].append((area, region))
    for n, (chain, _) in enumerate(rows["chains"]):
        rows["chain_area"].append((chain, rows["areas"][n % AREAS][0]))
    rows["cluster_label"] = [(iri,) for iri, _ in rows["clusters"] if chance.random() < 0.4]
    for iri, *_ in rows["undertakings"]:
        drawn = chance.random()
        if drawn < 0.3:
            rows["complete"].append((iri, "true" if drawn < 0.2 else "false"))
        if drawn > 0.8:
            country = rows["countries"][int(chance.integers(0, 30))][0]
            rows["undertaking_target"].append((iri, country))


def firms(clusters: int, seed: int = 2) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Region and class of each SME, as numbers: 30 for each cluster, most in few regions and few
    activities."""
    chance = np.random.default_rng(seed)
    count = clusters * FIRMS
    return (
        (chance.pareto(1.2, count) * 20).astype(np.int64) % REGIONS,
        (chance.pareto(1.1, count) * 15).astype(np.int64) % CLASSES,
    )


def lines(rows: Rows, clusters: int) -> Iterator[str]:
    """Everything that the queries of the index read, SMEs too, as N-Triples without full stop."""
    for name, (kind, predicates) in _NODES.items():
        for iri, *values in rows[name]:
            yield f"<{iri}> <{_TYPE}> <{CLOOM}{kind}>"
            yield from _facts(iri, predicates, values)
    for name, predicate in _LINKS.items():
        for one, other in rows[name]:
            yield f"<{one}> <{CLOOM}{predicate}> <{other}>"
    for member, undertaking in rows["cluster_undertaking"]:
        yield f"<{undertaking}> <{CLOOM}participant> <{member}>"
    for region, vintage in rows["vintages"]:
        yield from _facts(region, ("vintage",), (vintage,))
    for (region,) in rows["pilots"]:
        yield f"<{region}> <{_TYPE}> <{CLOOM}PilotRegion>"
    for number, (region, category) in enumerate(rows["cohesion"]):
        status = _thing("cohesion-status", number)
        yield f"<{region}> <{CLOOM}hasCohesionStatus> <{status}>"
        yield from _facts(status, ("cohesionCategory",), (category,))
    for number, (cluster,) in enumerate(rows["cluster_label"]):
        yield f"<{cluster}> <{CLOOM}label> <{_thing('label-award', number)}>"
    for number, (undertaking, complete) in enumerate(rows["complete"]):
        stated = (undertaking, CLOOM + "participant", complete)
        about = _thing("list", number)
        yield from _facts(about, ("ofSubject", "ofProperty", "complete"), stated)
    for name, predicates in _OBSERVATIONS.items():
        for number, row in enumerate(rows[name]):
            yield from _facts(_thing(name.replace("_", "-"), number), predicates, row)
    codes = [iri for iri, _, code in rows["capabilities"] if "." in code]
    regions = [iri for iri, *_ in rows["regions"]]
    places, fields = firms(clusters)
    for number, (place, field) in enumerate(zip(places.tolist(), fields.tolist(), strict=True)):
        iri = _thing("org", f"s{number:07d}")
        yield f"<{iri}> <{_TYPE}> <{CLOOM}SME>"
        yield f'<{iri}> <{_LABEL}> "Firm {number}"'
        yield f"<{iri}> <{CLOOM}locatedIn> <{regions[place]}>"
        yield f"<{iri}> <{CLOOM}workedInField> <{codes[field]}>"


def ties(rows: Rows) -> Iterator[str]:
    """The clusters that take part in something together, both ways, as the rule states them."""
    members: dict[str, list[str]] = {}
    for member, undertaking in rows["cluster_undertaking"]:
        members.setdefault(undertaking, []).append(member)
    for together in members.values():
        for one, other in permutations(together, 2):
            yield f"<{one}> <{CLOOM}coParticipantWith> <{other}>"


def _facts(iri: str, predicates: tuple[str, ...], values: Iterable[str]) -> Iterator[str]:
    for predicate, value in zip(predicates, values, strict=True):
        if not value:
            continue
        if value.startswith("https://"):
            yield f"<{iri}> <{CLOOM}{predicate}> <{value}>"
        elif predicate == "label":
            yield f'<{iri}> <{_LABEL}> "{value}"'
        elif predicate in _DATATYPES:
            datatype = PREFIXES["xsd"] + _DATATYPES[predicate]
            yield f'<{iri}> <{CLOOM}{predicate}> "{value}"^^<{datatype}>'
        else:
            yield f'<{iri}> <{CLOOM}{predicate}> "{value}"'
