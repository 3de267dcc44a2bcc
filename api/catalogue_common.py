"""Columns and filters that several resources share."""

from __future__ import annotations

from clusterloom.api.resources import Column, Filter, Nested

_NAMES = "rdfs:label|skos:altLabel|cloom:acronym|cloom:fullName|cloom:title|cloom:name"

Q = Filter(
    "q",
    "text",
    f"?item {_NAMES} ?f",
    "words or parts of words, all in one name, title or acronym",
    "food",
)
COUNTRY = Filter(
    "country",
    "thing",
    "?item cloom:inCountry ?f",
    "country, ISO 3166-1 or Eurostat code",
    "FR",
    ("country",),
    "Country",
)
REGION = Filter(
    "region",
    "thing",
    "?item cloom:locatedIn ?f",
    "NUTS code of any level; things in its parts count",
    "FR1",
    ("region",),
    "Region",
)
AREA = Filter(
    "area", "thing", "?item cloom:inArea ?f", "S3 thematic area", "photonics", ("area",),
    "ThematicArea",
)  # fmt: skip
PROGRAMME = Filter(
    "programme",
    "thing",
    "{ ?item cloom:fundedBy ?f } UNION { ?item cloom:underProgramme ?f }",
    "funding programme",
    "cosme",
    ("programme",),
    "Programme",
)
YEAR = Filter(
    "year",
    "year",
    "?item cloom:startYear ?from . OPTIONAL { ?item cloom:endYear ?to } "
    "FILTER (?from <= ?f && COALESCE(?to, ?from) >= ?f)",
    "a year in which it runs; what has no known year is left out",
    "2020",
)

ACRONYM = Column("acronym", "acronym", many=True, description="acronyms", shown="Acronym")
COUNTRIES = Column(
    "countries", "inCountry", "thing", many=True, description="countries", shown="Country"
)
LATITUDE = Column("latitude", "latitude", "decimal", description="degrees north")
LONGITUDE = Column("longitude", "longitude", "decimal", description="degrees east")
BASIS = Column("coordinate_basis", "coordinateBasis", description="what the coordinates mark")
WEBSITE = Column("website", "website", "link", many=True, description="addresses on the web")
START = (
    Column("start_year", "startYear", "integer", description="first year", shown="From"),
    Column("end_year", "endYear", "integer", description="last year", shown="To"),
    Column("start", "start", "date", description="first day where it is known"),
    Column("end", "end", "date", description="last day where it is known"),
)
MONEY = (
    Column("budget_eur", "budgetEur", "decimal", description="budget in euro"),
    Column("eu_contribution_eur", "euContributionEur", "decimal", description="EU share in euro"),
    Column("budget_text", "budgetText", many=True, description="budget in the source's words"),
)
NOTE = Column("note", "note", many=True, description="remarks")
URL = Column("url", "url", "link", many=True, description="pages about it")

COVERAGE = Nested(
    "coverage",
    "^ofSubject",
    (
        Column("list", "ofProperty", "class", description="the property it is about"),
        Column("known", "known", "integer", description="values known here"),
        Column("total", "total", "integer", description="values there are; null = unknown"),
        Column("complete", "complete", "boolean", description="null = unknown"),
        Column("total_text", "totalText", many=True, description="what sources say"),
    ),
    "how much is known of lists that may be incomplete",
    "Coverage",
)
