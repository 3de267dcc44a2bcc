"""The resources of `/api/v1`, declared. Adding one here adds its routes, pages and OpenAPI."""

from __future__ import annotations

from clusterloom.api.resources import Column, Filter, Nested, Resource

_NAMES = "rdfs:label|skos:altLabel|cloom:acronym|cloom:fullName|cloom:title|cloom:name"

Q = Filter("q", "text", f"?item {_NAMES} ?f", "words in a name, title or acronym", "food")
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

CLUSTERS = Resource(
    "clusters",
    "Cluster organisations",
    "Organisations that manage a cluster, with seat, sectors, labels and partnerships.",
    "ClusterOrganisation",
    "org",
    (
        ACRONYM,
        COUNTRIES,
        Column("regions", "locatedIn", "thing", many=True, shown="Regions",
               description="regions it is located in, of every level"),
        Column("city", "city", many=True, description="towns as the sources write them",
               shown="City"),
        Column("sectors", "sectorTag", "thing", many=True, shown="Sectors",
               description="sector tags (curated)"),
        Column("capabilities", "hasCapability", "thing", many=True,
               description="activities and fields it has (derived from its tags)"),
        Column("partnerships", "inPartnership", "thing", many=True,
               description="partnerships it takes part in"),
        Column("projects", "inProject", "thing", many=True, description="projects"),
        WEBSITE, LATITUDE, LONGITUDE, BASIS,
    ),
    (
        COUNTRY, REGION,
        Filter("area", "thing",
               "{ ?item cloom:inArea ?f } UNION { ?item cloom:inPartnership/cloom:inArea ?f }",
               "S3 thematic area, its own or of a partnership of it", "photonics", ("area",),
               "ThematicArea"),
        Filter("capability", "thing",
               "{ ?item cloom:hasCapability ?f } UNION "
               "{ ?narrow cloom:within ?f . ?item cloom:hasCapability ?narrow }",
               "capability: NACE Rev. 2 code, nace2/<code> or euroscivoc/<key>; narrower ones count",
               "26", ("nace2", "euroscivoc", "nace21"), "Capability"),
        Filter("sector", "thing", "?item cloom:sectorTag ?f", "sector tag", "photonics",
               ("sector",), "SectorTag"),
        Filter("level", "choice", "?item ^cloom:awardedTo/cloom:level ?f",
               "level of a management label it was ever awarded", "gold"),
        Filter("partnership", "thing", "?item cloom:inPartnership ?f", "partnership", "adpack",
               ("partnership", "project"), "Partnership"),
        Q,
    ),
    (
        Nested("labels", "^awardedTo",
               (Column("level", "level", description="bronze, silver or gold"),
                Column("scheme", "labelScheme", "thing", description="label scheme"),
                Column("year", "year", "integer", description="year of the award"),
                Column("valid_until", "validUntil", "date", description="last day of validity")),
               "management labels, each at its time", "ManagementLabel", "year"),
    ),
    places=True,
)  # fmt: skip

ORGANISATIONS = Resource(
    "organisations",
    "Organisations",
    "Every organisation: cluster organisations, SMEs, research organisations, authorities.",
    "Organisation",
    "org",
    (
        Column("roles", "rdf:type", "class", many=True, description="classes it has",
               shown="Roles"),
        ACRONYM, COUNTRIES,
        Column("regions", "locatedIn", "thing", many=True, shown="Regions",
               description="regions it is located in, of every level"),
        Column("city", "city", many=True, description="towns as the sources write them",
               shown="City"),
        Column("pic", "pic", many=True, description="participant identification codes"),
        Column("partnerships", "inPartnership", "thing", many=True, description="partnerships"),
        Column("projects", "inProject", "thing", many=True, description="projects"),
        WEBSITE,
    ),
    (
        Filter("role", "class", "?item a ?f", "class of organisation", "SME",
               of_class="Organisation"),
        COUNTRY, REGION,
        Filter("project", "thing", "?item cloom:inProject ?f", "project", "101070000",
               ("project",), "Project"),
        Filter("partnership", "thing", "?item cloom:inPartnership ?f", "partnership", "adpack",
               ("partnership", "project"), "Partnership"),
        Q,
    ),
)  # fmt: skip

REGIONS = Resource(
    "regions",
    "Regions",
    "NUTS regions of several vintages with their place in the hierarchy and their S3 areas.",
    "Region",
    "region",
    (
        Column("nuts_code", "nutsCode", description="NUTS code", shown="NUTS"),
        Column("level", "level", "integer", description="NUTS level 1 to 3", shown="Level"),
        COUNTRIES,
        Column("part_of", "partOf", "thing", many=True, description="places above it"),
        Column("vintage", "vintage", many=True, description="NUTS versions that have the code"),
        Column("recoded_to", "recodedTo", "thing", many=True, description="codes that follow it"),
        Column("pilot", "PilotRegion", "boolean", shown="Pilot",
               description="pilot region in industrial transition"),
        Column("leads", "^leadRegion", "thing", many=True, of_class="ThematicArea",
               description="areas whose partnership it leads", shown="Leads"),
        Column("takes_part_in", "^participatingRegion", "thing", many=True, shown="Takes part in",
               of_class="ThematicArea", description="areas whose partnership it takes part in"),
        Column("cohesion_category", "cohesionCategory", many=True,
               description="category under cohesion policy"),
        LATITUDE, LONGITUDE, BASIS,
    ),
    (
        COUNTRY,
        Filter("level", "choice", "?item cloom:level ?f", "NUTS level", "2"),
        Filter("pilot", "boolean", "?item a cloom:PilotRegion",
               "true: pilot regions in industrial transition only", "true"),
        Filter("area", "thing",
               "{ ?f cloom:participatingRegion ?item } UNION { ?f cloom:leadRegion ?item }",
               "S3 area whose partnership it leads or takes part in", "photonics", ("area",),
               "ThematicArea"),
        Filter("part_of", "thing", "?item cloom:partOf ?f", "region above it", "FR1",
               ("region",), "Region"),
        Filter("vintage", "choice", "?item cloom:vintage ?f", "NUTS version", "2021"),
        Q,
    ),
    (
        Nested("priorities", "declares", (), "priorities it declares", "DeclaredPriority"),
        COVERAGE,
    ),
    order="key",
    places=True,
)  # fmt: skip

AREAS = Resource(
    "areas",
    "S3 thematic areas",
    "The 21 thematic areas of smart specialisation with regions, partnership and chains.",
    "ThematicArea",
    "area",
    (
        Column("number", "skos:notation", description="number on the Commission's slide",
               shown="No."),
        ACRONYM,
        Column("other_names", "skos:altLabel", many=True, description="other names"),
        Column("lead_regions", "leadRegion", "thing", many=True, shown="Lead regions",
               description="regions that lead the partnership"),
        Column("participating_regions", "participatingRegion", "thing", many=True,
               description="regions known to take part, leads included; see coverage"),
        Column("partnerships", "^inArea", "thing", many=True, of_class="Partnership",
               description="partnerships in the area", shown="Partnerships"),
        Column("value_chains", "^inArea", "thing", many=True, of_class="ValueChain",
               description="value chains of the area", shown="Value chains"),
        Column("comprises", "comprises", "thing", many=True,
               description="capabilities it comprises (curated)"),
        Column("platform", "onPlatform", "thing", many=True, description="platform"),
    ),
    (
        Filter("region", "thing",
               "{ ?item cloom:participatingRegion ?f } UNION { ?item cloom:leadRegion ?f }",
               "region that leads it or takes part", "ES21", ("region",), "Region"),
        Filter("country", "thing",
               "?item cloom:participatingRegion|cloom:leadRegion ?r . ?r cloom:inCountry ?f",
               "country of a region that takes part", "ES", ("country",), "Country"),
        Q,
    ),
    (COVERAGE,),
)  # fmt: skip

VALUE_CHAINS = Resource(
    "value-chains",
    "Value chains",
    "Value chains with their stages in order and what each stage requires (curated).",
    "ValueChain",
    "value-chain",
    (
        Column("areas", "inArea", "thing", many=True, description="S3 areas", shown="S3 area"),
        Column("strategic_chains", "aboutStrategicChain", "thing", many=True,
               shown="Strategic value chain", description="strategic value chains"),
        Column("definition", "skos:definition", many=True, description="what it is"),
    ),
    (
        AREA,
        Filter("capability", "thing",
               "{ ?s cloom:inChain ?item ; cloom:requires ?f } UNION "
               "{ ?narrow cloom:within ?f . ?s cloom:requires ?narrow ; cloom:inChain ?item }",
               "capability that a stage requires; narrower ones count", "27",
               ("nace2", "euroscivoc", "nace21"), "Capability"),
        Q,
    ),
    (
        Nested("stages", "^inChain",
               (Column("position", "position", "integer", description="place in the order"),
                Column("after", "^precedes", "thing", many=True, description="stages before it"),
                Column("requires", "requires", "thing", many=True,
                       description="capabilities it requires")),
               "stages in order", "Stage", "position"),
    ),
)  # fmt: skip

PARTNERSHIPS = Resource(
    "partnerships",
    "Partnerships",
    "S3, ESCP, excellence and Eurocluster partnerships, and projects of two or more participants.",
    "Partnership",
    "partnership",
    (
        Column("kinds", "rdf:type", "class", many=True, description="classes it has",
               shown="Kind"),
        ACRONYM,
        Column("full_name", "fullName", many=True, description="full names"),
        Column("areas", "inArea", "thing", many=True, description="S3 areas", shown="S3 area"),
        Column("programmes", "fundedBy", "thing", many=True, description="funding programmes",
               shown="Programme"),
        Column("calls", "underCall", "thing", many=True, description="calls"),
        Column("generation", "generation", many=True, description="round of the programme"),
        Column("strand", "strand", many=True, description="strand of the call"),
        *START, *MONEY,
        Column("n_smes", "nSmes", "integer", description="SMEs reached or foreseen"),
        Column("target_countries", "targetCountry", "thing", many=True,
               description="target third countries", shown="Targets"),
        Column("target_text", "targetText", many=True, description="targets as the source has it"),
        Column("countries", "countryNamed", "thing", many=True,
               description="countries of members as listed"),
        Column("participants", "participant", "thing", many=True, description="participants"),
        Column("lead_regions", "leadRegion", "thing", many=True, description="lead regions"),
        Column("participating_regions", "participatingRegion", "thing", many=True,
               description="regions known to take part"),
        Column("sectors", "sectorTag", "thing", many=True, description="sector tags"),
    ),
    (
        Filter("kind", "class", "?item a ?f", "class of partnership", "ESCP4iPartnership",
               of_class="Partnership"),
        AREA, PROGRAMME,
        Filter("country", "thing",
               "{ ?item cloom:countryNamed ?f } UNION "
               "{ ?item cloom:participant|cloom:participatingRegion ?p . ?p cloom:inCountry ?f }",
               "country of a participant, or named as one", "FR", ("country",), "Country"),
        Filter("target_country", "thing", "?item cloom:targetCountry ?f",
               "third country it aims at", "JP", ("country", "third-country"), "Place"),
        Filter("participant", "thing",
               "{ ?item cloom:participant ?f } UNION { ?item cloom:participatingRegion ?f }",
               "organisation or region that takes part", "pic-998776991", ("org", "region")),
        Q,
    ),
    (COVERAGE,),
)  # fmt: skip

PROJECTS = Resource(
    "projects",
    "Projects",
    "Grants in which cluster organisations take part: INNOSUP-1 and Horizon Europe.",
    "Project",
    "project",
    (
        Column("kinds", "rdf:type", "class", many=True, description="classes it has",
               shown="Kind"),
        ACRONYM,
        Column("grant_number", "grantNumber", description="grant number", shown="Grant"),
        Column("title", "title", many=True, description="titles"),
        Column("programmes", "fundedBy", "thing", many=True, description="funding programmes",
               shown="Programme"),
        Column("calls", "underCall", "thing", many=True, description="calls"),
        *START, *MONEY,
        Column("fields", "inField", "thing", many=True, description="fields of science"),
        Column("participants", "participant", "thing", many=True,
               description="participants kept here: cluster organisations and SMEs"),
    ),
    (
        Filter("kind", "class", "?item a ?f", "class of project", "HorizonProject",
               of_class="Project"),
        PROGRAMME,
        Filter("participant", "thing", "?item cloom:participant ?f",
               "organisation that takes part", "pic-998776991", ("org", "region")),
        Filter("field", "thing",
               "{ ?item cloom:inField ?f } UNION "
               "{ ?narrow cloom:within ?f . ?item cloom:inField ?narrow }",
               "field of science; narrower ones count", "25-73", ("euroscivoc",),
               "ScienceField"),
        YEAR, Q,
    ),
    (COVERAGE,),
)  # fmt: skip

PROGRAMMES = Resource(
    "programmes",
    "Programmes",
    "Funding programmes.",
    "Programme",
    "programme",
    (
        ACRONYM,
        Column("full_name", "fullName", many=True, description="full names", shown="Full name"),
        *START, *MONEY,
        Column("calls", "^underProgramme", "thing", many=True, of_class="Call",
               description="calls", shown="Calls"),
        Column("initiatives", "^underProgramme", "thing", many=True, of_class="Initiative",
               description="initiatives"),
    ),
    (Q,),
)  # fmt: skip

CALLS = Resource(
    "calls",
    "Calls for proposals",
    "Calls with stages, budget and conditions. The state is worked out from the dates on the "
    "day of the request: forthcoming before `opens`, open up to `deadline` (the last day for a "
    "new proposal: that of the first stage), closed after it, else unknown.",
    "Call",
    "call",
    (
        Column("identifier", "identifier", many=True, description="identifiers",
               shown="Identifier"),
        Column("programmes", "underProgramme", "thing", many=True, description="programmes",
               shown="Programme"),
        Column("published", "published", "date", description="day of publication"),
        Column("opens", "opens", "date", description="first day for proposals", shown="Opens"),
        Column("deadline", "deadline", "date", description="last day for new proposals",
               shown="Deadline"),
        *MONEY[::2],
        Column("expected_projects", "expectedProjects", many=True,
               description="projects expected, in the source's words"),
        Column("per_project_text", "perProjectText", many=True,
               description="euro per project, in the source's words"),
        Column("outcome", "outcome", many=True, description="what came of it"),
    ),
    (
        Filter("programme", "thing", "?item cloom:underProgramme ?f", "programme", "cosme",
               ("programme",), "Programme"),
        Filter("open_on", "date",
               "?item cloom:opens ?opens ; cloom:deadline ?deadline . "
               "FILTER (?opens <= ?f && ?deadline >= ?f)",
               "a day on which new proposals are taken; calls with a date unknown are left out",
               "2020-01-15"),
        Q,
    ),
    (
        Nested("stages", "^ofCall",
               (Column("position", "position", "integer", description="number of the stage"),
                Column("deadline", "deadline", "date", description="last day of the stage")),
               "stages with deadlines", "CallStage", "position"),
        Nested("profile", "^ofCall",
               (Column("min_entities", "minEntities", "integer"),
                Column("min_countries", "minCountries", "integer"),
                Column("country_scope", "countryScope"),
                Column("sme_share_pct", "smeSharePct", "decimal"),
                Column("sme_share_of", "smeShareOf"),
                Column("min_target_third_countries", "minTargetThirdCountries", "integer"),
                Column("max_target_third_countries_advised", "maxTargetThirdCountriesAdvised",
                       "integer"),
                Column("region_condition", "regionCondition"),
                Column("applicant_condition", "applicantCondition"),
                Column("max_grant_eur", "maxGrantEur", "decimal"),
                Column("funding_rate_pct", "fundingRatePct", "decimal"),
                Column("max_months", "maxMonths", "integer"),
                NOTE),
               "conditions that a consortium must meet; null = not known", "CallProfile"),
    ),
    computed=(
        Column("state", "", description="forthcoming, open, closed or unknown", shown="State"),
        Column("state_on", "", "date", description="the day the state is worked out for"),
    ),
)  # fmt: skip

EVENTS = Resource(
    "events",
    "Events",
    "Matchmaking events and conferences with what was said of them at which time.",
    "Event",
    "event",
    (
        Column("kinds", "rdf:type", "class", many=True, description="classes it has",
               shown="Kind"),
        *START,
        Column("city", "city", many=True, description="towns", shown="City"),
        COUNTRIES,
        Column("third_countries", "thirdCountry", "thing", many=True,
               description="third countries", shown="With"),
        Column("participants_text", "participantsText", many=True,
               description="participants in the source's words"),
        Column("meetings", "meetings", "integer", description="bilateral meetings"),
        NOTE, URL,
    ),
    (
        Filter("status", "choice", "?item cloom:hasStatus/cloom:status ?f",
               "a status it had at some time", "cancelled"),
        COUNTRY,
        Filter("third_country", "thing", "?item cloom:thirdCountry ?f", "third country", "JP",
               ("country", "third-country"), "Place"),
        YEAR, Q,
    ),
    (
        Nested("statuses", "hasStatus",
               (Column("status", "status", description="planned, held or cancelled"),
                Column("as_of", "asOf", "integer", description="when it was said"),
                Column("text", "statusText", description="the source's words")),
               "status over time", "EventStatus", "as_of"),
    ),
)  # fmt: skip

POLICIES = Resource(
    "policies",
    "Cluster policies",
    "Policies and programmes by which countries and regions support clusters.",
    "Policy",
    "policy",
    (
        COUNTRIES, START[0],
        Column("responsible_body", "responsibleBody", many=True, description="who answers for it",
               shown="Responsible"),
        Column("instrument", "instrument", many=True, description="how it works",
               shown="Instrument"),
        NOTE,
    ),
    (COUNTRY, Q),
)  # fmt: skip

GUIDES = Resource(
    "guides",
    "Guides and reports",
    "Guides and reports on clusters and regional policy.",
    "Guide",
    "guide",
    (
        Column("year", "year", "integer", description="year of publication", shown="Year"),
        Column("publisher", "publisher", many=True, description="publishers", shown="Publisher"),
        URL,
    ),
    (
        Filter("year", "choice", "?item cloom:year ?f", "year of publication", "2019"),
        Q,
    ),
)  # fmt: skip

RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for resource in (
        CLUSTERS, REGIONS, AREAS, VALUE_CHAINS, PARTNERSHIPS, PROGRAMMES, CALLS, EVENTS,
        ORGANISATIONS, PROJECTS, POLICIES, GUIDES,
    )
}  # fmt: skip
"""Every resource by its name in the address."""
