"""Names: IRIs of terms, things and graphs, and the keys they are minted from.

Nothing here reads a clock, a file or a network: the same words give the same IRI for ever.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import quote

BASE = "https://w3id.org/clusterloom/"
ONTOLOGY = BASE + "ontology"
CLOOM = ONTOLOGY + "#"
ID = BASE + "id/"
GRAPH = BASE + "graph/"
META_GRAPH = GRAPH + "meta"

PREFIXES: dict[str, str] = {
    "cloom": CLOOM,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xkos": "http://rdf-vocabulary.ddialliance.org/xkos#",
    "dcterms": "http://purl.org/dc/terms/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "prov": "http://www.w3.org/ns/prov#",
    "org": "http://www.w3.org/ns/org#",
    "rov": "http://www.w3.org/ns/regorg#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "locn": "http://www.w3.org/ns/locn#",
    "qb": "http://purl.org/linked-data/cube#",
    "schema": "http://schema.org/",
    "void": "http://rdfs.org/ns/void#",
    "vann": "http://purl.org/vocab/vann/",
    "sh": "http://www.w3.org/ns/shacl#",
}

KINDS = ("asserted", "curated", "derived", "estimated")
"""How a statement came to be; each lives in a graph of its own per source."""

EU_TO_ISO = {"EL": "GR", "UK": "GB"}
"""Eurostat's two country codes that are not ISO 3166-1 alpha-2."""

_TRANSLITERATE = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l",
     "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
)  # fmt: skip


def term(name: str) -> str:
    """IRI of an ontology term: `term("SME")` is `...ontology#SME`.

    >>> term("SME")
    'https://w3id.org/clusterloom/ontology#SME'
    """
    return CLOOM + name


def expand(curie: str) -> str:
    """IRI of a compact name; a bare name is ours. Raises KeyError for an unknown prefix.

    >>> expand("skos:broader")
    'http://www.w3.org/2004/02/skos/core#broader'
    >>> expand("inChain")
    'https://w3id.org/clusterloom/ontology#inChain'
    """
    prefix, colon, local = curie.partition(":")
    return PREFIXES[prefix] + local if colon else CLOOM + curie


def ascii_fold(text: str) -> str:
    """The text with diacritics and special Latin letters replaced by ASCII ones.

    >>> ascii_fold("Pôle Straße Łódź")
    'Pole Strasse Lodz'
    """
    folded = unicodedata.normalize("NFKD", text.translate(_TRANSLITERATE))
    return folded.encode("ascii", "ignore").decode("ascii")


def slug(text: str, limit: int = 60) -> str:
    """Lower-case words joined by hyphens, cut at a word boundary near `limit` characters.

    >>> slug("Advanced Manufacturing & Energy")
    'advanced-manufacturing-energy'
    >>> slug("")
    ''
    """
    words = re.findall(r"[a-z0-9]+", ascii_fold(text).lower())
    out = ""
    for word in words:
        longer = f"{out}-{word}" if out else word
        if len(longer) > limit:
            return out or word[:limit]
        out = longer
    return out


def short_hash(text: str, digits: int = 6) -> str:
    """The first hex digits of SHA-256 over the text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:digits]


def thing(kind: str, key: str) -> str:
    """IRI of a thing: `thing("region", "ES13")`. The key is percent-encoded where it must be.

    >>> thing("region", "ES13")
    'https://w3id.org/clusterloom/id/region/ES13'
    """
    return f"{ID}{kind}/{quote(key, safe='-._~()')}"


def graph(source: str, kind: str) -> str:
    """IRI of the named graph of a source (or rule) and a kind of statement.

    Raises ValueError for a kind that is not in `KINDS`.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown statement kind {kind!r}; one of {', '.join(KINDS)}")
    return f"{GRAPH}{source}/{kind}"


def iso_country(code: str) -> str:
    """ISO 3166-1 alpha-2 of a country code as used by Eurostat or ISO.

    >>> iso_country("EL"), iso_country("UK"), iso_country("fr")
    ('GR', 'GB', 'FR')
    """
    upper = code.strip().upper()
    return EU_TO_ISO.get(upper, upper)


def org_key(name: str, country: str, pic: str = "", vat: str = "", lei: str = "") -> str:
    """Key of an organisation: the first of PIC, VAT, LEI, else country, name slug and a hash.

    The VAT number must carry its country prefix (`ATU37311609`). The hash is over the raw name
    and the raw country code, so two rows with the same words are the same thing.

    >>> org_key("Any", "FR", pic="998776991")
    'pic-998776991'
    >>> org_key("Pôle Eau", "FR")
    'fr-pole-eau-d5c3d1'
    """
    if pic:
        return f"pic-{pic}"
    if vat:
        return "vat-" + re.sub(r"[^a-z0-9]", "", vat.lower())
    if lei:
        return f"lei-{lei.lower()}"
    prefix = iso_country(country).lower() if country else "xx"
    return f"{prefix}-{slug(name)}-{short_hash(name + country)}"
