"""Resources of what is funded and published: programmes, calls, events, policies, sources."""

from __future__ import annotations

from clusterloom.api.catalogue_common import (
    ACRONYM,
    COUNTRIES,
    COUNTRY,
    MONEY,
    NOTE,
    START,
    URL,
    YEAR,
    Q,
)
from clusterloom.api.resources import Column, Filter, Nested, Resource

PROGRAMMES = Resource(
    "programmes",
    "Programmes",
    "Funding programmes.",
    "Programme",
    ("programme",),
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
    ("call",),
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
    ("event",),
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
    ("policy",),
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
    ("guide",),
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

SOURCES = Resource(
    "sources",
    "Sources",
    "The datasets this graph is made of, rules included, with licence and completeness.",
    "Dataset",
    ("dataset",),
    (
        Column("description", "dcterms:description", many=True, description="what it holds"),
        Column("publisher", "dcterms:publisher", many=True, description="who publishes it",
               shown="Publisher"),
        Column("licence", "dcterms:license", "link", description="licence", shown="Licence"),
        Column("attribution", "attribution", many=True, description="words to cite it with"),
        Column("redistribute", "redistribute", "boolean",
               description="whether it may be given away"),
        Column("reference_data", "referenceData", "boolean",
               description="whether it is a classification or code list"),
        Column("retrieved", "retrieved", "date", description="day it was taken",
               shown="Retrieved"),
        Column("period", "periodText", many=True, description="time it speaks of"),
        Column("completeness", "completeness", many=True, description="known holes"),
        Column("rule_version", "ruleVersion", description="version of the rule, for rules"),
        Column("homepage", "foaf:page", "link", many=True, description="page about it"),
    ),
    (Q,),
    (
        Nested("loads", "prov:wasGeneratedBy",
               (Column("rows_read", "rowsRead", "integer", description="rows read"),
                Column("rows_mapped", "rowsMapped", "integer", description="rows mapped"),
                Column("rows_rejected", "rowsRejected", "integer", description="rows refused"),
                Column("rows_skipped", "rowsSkipped", "integer",
                       description="rows left out on purpose"),
                Column("statements", "statements", "integer", description="statements made")),
               "what loading it gave"),
    ),
)  # fmt: skip
