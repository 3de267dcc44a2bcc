"""Resources of where and about what: regions, S3 areas, value chains."""

from __future__ import annotations

from clusterloom.api.catalogue_common import (
    ACRONYM,
    AREA,
    BASIS,
    COUNTRIES,
    COUNTRY,
    COVERAGE,
    LATITUDE,
    LONGITUDE,
    Q,
)
from clusterloom.api.resources import Column, Filter, Nested, Resource

REGIONS = Resource(
    "regions",
    "Regions",
    "NUTS regions of several vintages with their place in the hierarchy and their S3 areas.",
    "Region",
    ("region",),
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
    ("area",),
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
    ("value-chain",),
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
