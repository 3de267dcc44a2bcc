"""The slugs of the 21 thematic areas; every source that names an area by number mints from here."""

from __future__ import annotations

from clusterloom import namespaces as ns

AREA_SLUGS: dict[int, str] = {
    1: "advanced-manufacturing",
    2: "3d-printing",
    3: "non-food-biomass",
    4: "sport",
    5: "nano-enabled-products",
    6: "hydrogen-valleys",
    7: "digitalisation-safety-tourism",
    8: "personalised-medicine",
    9: "social-economy",
    10: "mining-industry",
    11: "european-cyber-valleys",
    12: "artificial-intelligence-human-machine",
    13: "chemicals",
    14: "advanced-materials-batteries",
    15: "smes-industry-4-0",
    16: "textile-innovation",
    17: "water-smart-technologies",
    18: "medical-technology",
    19: "efficient-sustainable-manufacturing",
    20: "photonics",
    21: "safe-sustainable-mobility",
}


def area_iri(no: int) -> str:
    """IRI of the thematic area with that number; KeyError for a number that is none.

    >>> area_iri(20)
    'https://w3id.org/clusterloom/id/area/photonics'
    """
    return ns.thing("area", AREA_SLUGS[no])


def area_partnership_iri(no: int) -> str:
    """IRI of the S3 partnership that works in the area; KeyError for a number that is none.

    >>> area_partnership_iri(6)
    'https://w3id.org/clusterloom/id/partnership/s3-hydrogen-valleys'
    """
    return ns.thing("partnership", f"s3-{AREA_SLUGS[no]}")
