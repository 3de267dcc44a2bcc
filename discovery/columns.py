"""What the index reads of a release: SELECT queries of the default graph, and terms as values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from clusterloom.errors import Busy

Rows = dict[str, list[tuple[str, ...]]]
"""Rows by the name of their query, as plain values."""
Columns = Callable[[str], Awaitable[dict[str, list[str]]]]
"""Runs a SELECT and gives its columns as SPARQL TSV writes terms: `Session.columns`."""

_PREFIX = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#> "
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}

_JOINT = "VALUES ?class { cloom:Partnership cloom:Project } ?other a ?class ."
"""What counts as a tie between those who take part: as the rule `co-participation` has it."""

QUERIES: dict[str, str] = {
    "clusters": """SELECT ?iri (MIN(?name) AS ?label) WHERE {
        ?iri a cloom:ClusterOrganisation ; rdfs:label ?name } GROUP BY ?iri""",
    "cluster_country": """SELECT ?iri ?other WHERE {
        ?iri a cloom:ClusterOrganisation ; cloom:inCountry ?other }""",
    "cluster_region": """SELECT ?iri ?other WHERE {
        ?iri a cloom:ClusterOrganisation ; cloom:locatedIn ?other . ?other a cloom:Region }""",
    "cluster_capability": """SELECT ?iri ?other WHERE {
        ?iri a cloom:ClusterOrganisation ; cloom:hasCapability ?other }""",
    "cluster_stage": """SELECT ?iri ?other WHERE {
        ?iri a cloom:ClusterOrganisation ; cloom:covers ?other }""",
    "cluster_undertaking": f"""SELECT DISTINCT ?iri ?other WHERE {{ {_JOINT}
        ?other cloom:participant ?iri . ?iri a cloom:ClusterOrganisation }}""",
    "cluster_label": """SELECT DISTINCT ?iri WHERE {
        ?iri a cloom:ClusterOrganisation ; cloom:label ?award }""",
    "countries": "SELECT ?iri (MIN(?name) AS ?label) WHERE { "
    "?iri a cloom:Country ; rdfs:label ?name } GROUP BY ?iri",
    "regions": """SELECT ?iri ?code ?level (MIN(?name) AS ?label) (MIN(?in) AS ?country) WHERE {
        ?iri a cloom:Region ; cloom:nutsCode ?code ; cloom:level ?level ; rdfs:label ?name .
        OPTIONAL { ?iri cloom:inCountry ?in } } GROUP BY ?iri ?code ?level""",
    "vintages": "SELECT ?iri ?vintage WHERE { ?iri a cloom:Region ; cloom:vintage ?vintage }",
    "capabilities": """SELECT ?iri (MIN(?name) AS ?label) (MIN(?nace) AS ?code) WHERE {
        ?iri a cloom:Capability ; rdfs:label ?name . OPTIONAL { ?iri cloom:naceCode ?nace } }
        GROUP BY ?iri""",
    "within": "SELECT ?iri ?other WHERE { ?iri cloom:within ?other }",
    "undertakings": f"""SELECT ?iri (MIN(?name) AS ?label) (MIN(?began) AS ?year) WHERE {{ {_JOINT}
        ?other rdfs:label ?name . OPTIONAL {{ ?other cloom:startYear ?began }}
        BIND (?other AS ?iri) }} GROUP BY ?iri""",
    "undertaking_kind": f"""SELECT DISTINCT (?other AS ?iri) ?kind WHERE {{ {_JOINT}
        ?other a ?kind }}""",
    "undertaking_target": f"""SELECT DISTINCT (?other AS ?iri) ?country WHERE {{ {_JOINT}
        ?other cloom:targetCountry ?country }}""",
    "complete": """SELECT ?iri ?complete WHERE { ?list cloom:ofSubject ?iri ;
        cloom:ofProperty cloom:participant ; cloom:complete ?complete }""",
    "pilots": "SELECT DISTINCT ?iri WHERE { ?iri a cloom:PilotRegion }",
    "cohesion": """SELECT ?iri ?category WHERE {
        ?iri cloom:hasCohesionStatus/cloom:cohesionCategory ?category }""",
    "call_profiles": """SELECT ?iri (MIN(?name) AS ?label) (MIN(?entities) AS ?min_entities)
        (MIN(?nations) AS ?min_countries) (MIN(?third) AS ?min_third_countries)
        (MIN(?region) AS ?region_condition) (MIN(?applicant) AS ?applicant_condition)
        (MIN(?sme) AS ?sme_share) (MIN(?scope) AS ?country_scope) WHERE {
        ?iri a cloom:CallProfile ; rdfs:label ?name .
        OPTIONAL { ?iri cloom:minEntities ?entities }
        OPTIONAL { ?iri cloom:minCountries ?nations }
        OPTIONAL { ?iri cloom:minTargetThirdCountries ?third }
        OPTIONAL { ?iri cloom:regionCondition ?region }
        OPTIONAL { ?iri cloom:applicantCondition ?applicant }
        OPTIONAL { ?iri cloom:smeSharePct ?sme }
        OPTIONAL { ?iri cloom:countryScope ?scope } } GROUP BY ?iri""",
    "chains": "SELECT ?iri (MIN(?name) AS ?label) WHERE { "
    "?iri a cloom:ValueChain ; rdfs:label ?name } GROUP BY ?iri",
    "chain_area": "SELECT ?iri ?other WHERE { ?iri a cloom:ValueChain ; cloom:inArea ?other }",
    "areas": "SELECT ?iri (MIN(?name) AS ?label) WHERE { "
    "?iri a cloom:ThematicArea ; rdfs:label ?name } GROUP BY ?iri",
    "area_region": "SELECT ?iri ?other WHERE { ?iri cloom:participatingRegion ?other }",
    "area_capability": """SELECT ?iri ?other ?match WHERE {
        ?mapping cloom:mapsFrom ?iri ; cloom:mapsTo ?other ; cloom:match ?match .
        ?iri a cloom:ThematicArea }""",
    "stages": """SELECT ?iri ?chain ?position (MIN(?name) AS ?label) WHERE {
        ?iri a cloom:Stage ; cloom:inChain ?chain ; rdfs:label ?name .
        OPTIONAL { ?iri cloom:position ?position } } GROUP BY ?iri ?chain ?position""",
    "stage_capability": """SELECT ?iri ?other ?match WHERE {
        ?mapping cloom:mapsFrom ?iri ; cloom:mapsTo ?other ; cloom:match ?match .
        ?iri a cloom:Stage }""",
    "region_stage": """SELECT ?iri ?other ?status ?basis WHERE {
        ?found cloom:ofStage ?other ; cloom:ofRegion ?iri ; cloom:coverageStatus ?status .
        OPTIONAL { ?found cloom:coverageBasis ?basis } }""",
    "region_division": """SELECT ?iri ?other ?status ?quotient ?employment ?year WHERE {
        ?found cloom:ofRegion ?iri ; cloom:ofCapability ?other ;
          cloom:specialisationStatus ?status ; cloom:year ?year .
        OPTIONAL { ?found cloom:locationQuotient ?quotient }
        OPTIONAL { ?found cloom:employment ?employment } }""",
    "products": """SELECT ?iri (MIN(?name) AS ?label) WHERE {
        ?iri a cloom:ProductGroup ; rdfs:label ?name } GROUP BY ?iri""",
    "product_capability": """SELECT ?iri ?other WHERE {
        ?iri a cloom:ProductGroup ; cloom:comprises ?other }""",
    "supply": """SELECT ?iri ?other ?coefficient ?year ?economy WHERE {
        ?link cloom:fromProduct ?iri ; cloom:toProduct ?other ; cloom:coefficient ?coefficient ;
          cloom:year ?year ; cloom:economy ?economy }""",
    # the level of the region, which the index knows, would make this take half as long again
    "sme_field": """SELECT ?iri ?other (COUNT(DISTINCT ?sme) AS ?firms) WHERE {
        ?sme a cloom:SME ; cloom:workedInField ?other ; cloom:locatedIn ?iri }
        GROUP BY ?iri ?other""",
}
_LONGEST = "sme_field"
"""Begun first: the others are read meanwhile."""
_PATIENCE, _PAUSE = 60, 1.0
"""How often a query that was refused is asked again, and seconds before that."""
_FEW = 10_000
"""Rows of which a server does not notice that they are made into values."""


async def read_all(columns: Columns) -> Rows:
    """The rows of each of QUERIES, two of them at a time.

    Where the session has no room for two, one goes on alone, and is asked again when it is ended
    for the sake of others; Busy when that goes on for long.
    """
    left = [*QUERIES]
    left.remove(_LONGEST)
    left.insert(0, _LONGEST)
    found: Rows = {}

    async def some(alone: bool) -> None:
        refused = 0
        while left:
            name = left.pop(0)
            try:
                found[name] = await read(columns, name)
                refused = 0
            except Busy:
                left.insert(0, name)
                refused += 1
                if not alone:
                    return
                if refused > _PATIENCE:
                    raise
                await asyncio.sleep(_PAUSE)

    tasks = [asyncio.create_task(some(alone)) for alone in (True, False)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if left:  # given back when the other had ended
        await some(alone=True)
    return {name: found[name] for name in QUERIES}


async def read(columns: Columns, name: str) -> list[tuple[str, ...]]:
    """The rows of one of QUERIES as plain values, "" where nothing is bound."""
    found = await columns(_PREFIX + QUERIES[name])
    few = all(len(column) < _FEW for column in found.values())
    return _plain(found) if few else await asyncio.to_thread(_plain, found)


def _plain(found: dict[str, list[str]]) -> list[tuple[str, ...]]:
    values: dict[str, str] = {}
    columns = []
    for column in found.values():
        for term in column:
            if term not in values:
                values[term] = value(term)
        columns.append(map(values.__getitem__, column))
    return list(zip(*columns, strict=True))


def value(term: str) -> str:
    r"""An IRI or the lexical form of a literal, from how SPARQL TSV writes it.

    >>> value('<http://a/b>'), value('"a \\"b\\""@en'), value('"1.5"^^<http://x>'), value('7')
    ('http://a/b', 'a "b"', '1.5', '7')
    """
    if term.startswith("<"):
        return term[1:-1]
    if not term.startswith('"'):
        return term
    text = term[1 : term.rindex('"')]
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text) if "\\" in text else text


def numbered(values: Sequence[str]) -> dict[str, int]:
    """Each value and its place.

    >>> numbered(["b", "a"])
    {'b': 0, 'a': 1}
    """
    return {item: place for place, item in enumerate(values)}
