"""SPARQL that gives, from the public endpoint, what a hit rests on.

For similarity and supply its columns hold the parts of the value; for network the common partners
and how many each has, of which the value is the sum of 1 / ln(partners), and SPARQL has no
logarithm; for complementarity the divisions that the partner adds, whose relatedness to others
is worked out of all regions.
"""

from __future__ import annotations

from collections.abc import Sequence

from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Profile

_PREFIX = (
    "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
)
_PARTNER = "\0"
"""What no query has, where the IRI of a partner is put in."""
_QUERIES = {
    "similarity": """SELECT ?capability (1 AS ?part) WHERE {{
  VALUES ?capability {{ {capabilities} }}
  {partner} cloom:hasCapability ?capability
}} ORDER BY ?capability""",
    "supply": """SELECT ?from ?to (MAX(?coefficient) AS ?part) WHERE {{
  VALUES ?own {{ {capabilities} }}
  ?own cloom:within? ?use . ?to cloom:comprises ?use ; a cloom:ProductGroup .
  {partner} cloom:hasCapability ?theirs . ?theirs cloom:within? ?made .
  ?from cloom:comprises ?made ; a cloom:ProductGroup .
  {{ SELECT ?year ?economy WHERE {{
    ?any cloom:fromProduct ?start ; cloom:toProduct ?end ; cloom:coefficient ?number ;
      cloom:year ?year ; cloom:economy ?economy }} ORDER BY DESC(?year) ?economy LIMIT 1 }}
  ?link cloom:fromProduct ?from ; cloom:toProduct ?to ; cloom:coefficient ?coefficient ;
    cloom:year ?year ; cloom:economy ?economy .
  FILTER (?coefficient > 0)
}} GROUP BY ?from ?to ORDER BY ?from ?to""",
    "complementarity": """SELECT DISTINCT ?division WHERE {{
  {partner} cloom:hasCapability ?theirs . ?theirs cloom:within? ?division .
  ?measured cloom:ofCapability ?division ; cloom:specialisationStatus ?status .
  OPTIONAL {{
    VALUES ?own {{ {capabilities} }} ?own cloom:within? ?mine . FILTER (?mine = ?division)
  }}
  FILTER (!BOUND(?mine))
}} ORDER BY ?division""",
    "network": """SELECT ?common (COUNT(DISTINCT ?other) AS ?partners) WHERE {{
  VALUES ?common {{ {common} }}
  ?common cloom:coParticipantWith ?other . ?other a cloom:ClusterOrganisation .
  ?common cloom:coParticipantWith {partner}
}} GROUP BY ?common ORDER BY ?common""",
}


def query(axis: str, model: Model, profile: Profile, place: int) -> str:
    """The query for one hit of one axis."""
    return queries(axis, model, profile, [place])[0]


def queries(axis: str, model: Model, profile: Profile, places: Sequence[int]) -> list[str]:
    """The query for each hit of one axis."""
    index = model.index
    clusters, capabilities = index.things["clusters"], index.things["capabilities"]
    named = " ".join(f"<{capabilities.iris[c]}>" for c in profile.capabilities.tolist())
    common = " ".join(f"<{clusters.iris[c]}>" for c in profile.partners.tolist())
    text = _PREFIX + _QUERIES[axis].format(partner=_PARTNER, capabilities=named, common=common)
    return [text.replace(_PARTNER, f"<{clusters.iris[place]}>") for place in places]
