"""schema.org JSON-LD in pages, for search engines: things, lists, and the graph as a dataset.

Only what the page itself shows goes into it, and nothing that is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from clusterloom.api.describe import Description
from clusterloom.api.render import web_address
from clusterloom.namespaces import BASE, CLOOM, expand

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_CONTEXT = "https://schema.org/"
_KINDS = (
    ("Organisation", "Organization"),
    ("Event", "Event"),
    ("Place", "Place"),
    ("Dataset", "Dataset"),
    ("Project", "Project"),
    ("Partnership", "Project"),
    ("Guide", "CreativeWork"),
    ("Concept", "DefinedTerm"),
)
"""Our classes and what they are to schema.org, the first that fits."""
_PAIRS = (
    ("acronym", "alternateName"),
    ("skos:altLabel", "alternateName"),
    ("dcterms:description", "description"),
    ("website", "url"),
    ("foaf:page", "url"),
    ("start", "startDate"),
    ("end", "endDate"),
    ("dcterms:license", "license"),
    ("skos:notation", "termCode"),
    ("owl:sameAs", "sameAs"),
)
_ADDRESS = (("city", "addressLocality"), ("inCountry", "addressCountry"))


def of_thing(description: Description, address: str) -> dict[str, Any]:
    """The thing of a page, whose own address is `address`."""
    kind = next((theirs for ours, theirs in _KINDS if ours in description.types), "Thing")
    about: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": kind,
        "@id": description.iri,
        "name": description.label,
        "mainEntityOfPage": address,
    }
    for ours, theirs in _PAIRS:
        found = [cell.value for cell in description.values(expand(ours))]
        if theirs in {"url", "license", "sameAs"}:
            found = [value for value in found if web_address(value)]
        if found:
            about[theirs] = _few([*_list(about.get(theirs)), *found])
    if kind == "Dataset" and "description" not in about:
        about["description"] = description.label
    if kind in {"Organization", "Place"}:
        about |= _where(description, kind)
    return about


def _where(description: Description, kind: str) -> dict[str, Any]:
    def names(property: str) -> list[str]:
        cells = description.values(CLOOM + property)
        labels = (description.labels.get(c.value) if c.is_iri else c for c in cells)
        return [label.value for label in labels if label is not None]

    address = {theirs: _few(found) for ours, theirs in _ADDRESS if (found := names(ours))}
    out: dict[str, Any] = {}
    if address:
        out["address"] = {"@type": "PostalAddress", **address}
    latitude, longitude = names("latitude"), names("longitude")
    if latitude and longitude:
        point = {"@type": "GeoCoordinates", "latitude": latitude[0], "longitude": longitude[0]}
        out |= {"geo": point} if kind == "Place" else {"location": {"@type": "Place", "geo": point}}
    return out


def of_list(title: str, address: str, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A list page with the things it names."""
    listed = [
        {"@type": "ListItem", "position": place, "url": item["iri"],
         "name": item["label"] or item["id"]}
        for place, item in enumerate(items, 1)
    ]  # fmt: skip
    return {
        "@context": _CONTEXT,
        "@type": "CollectionPage",
        "name": title,
        "url": address,
        "mainEntity": {"@type": "ItemList", "itemListElement": listed},
    }


def of_dataset(report: Mapping[str, Any], release: str, public_url: str) -> dict[str, Any]:
    """The graph as a dataset in a catalogue, for the home page."""
    files = [name for name in report.get("dumps", {}) if name == "dump.nq.zst"]
    distribution = [
        {
            "@type": "DataDownload",
            "contentUrl": f"{public_url}/dumps/{release}/{name}",
            "encodingFormat": "application/n-quads",
            "contentSize": f"{report['dumps'][name]['bytes']} B",
            "sha256": report["dumps"][name]["sha256"],
        }
        for name in files
    ]
    publisher = {"@type": "Organization", "name": "Clusterloom contributors"}
    dataset: dict[str, Any] = {
        "@type": "Dataset",
        "@id": f"{BASE}release/{release}",
        "name": "Clusterloom: the knowledge graph of Europe's clusters",
        "description": "Cluster organisations, regions, smart-specialisation areas, value chains, "
        "partnerships and programmes of Europe as linked data, each statement with its source.",
        "url": f"{public_url}/",
        "version": release,
        "license": LICENCE,
        "creator": publisher,
        "publisher": publisher,
        "isAccessibleForFree": True,
        "keywords": ["clusters", "smart specialisation", "value chains", "regions", "NACE"],
        "spatialCoverage": "Europe",
        "distribution": distribution,
        "includedInDataCatalog": {"@id": BASE + "catalog"},
    }
    if built := report.get("built"):
        dataset["datePublished"] = built
    if not distribution:
        del dataset["distribution"]
    catalogue = {
        "@type": "DataCatalog",
        "@id": BASE + "catalog",
        "name": "Clusterloom",
        "url": f"{public_url}/catalog",
        "license": LICENCE,
        "publisher": publisher,
        "dataset": {"@id": dataset["@id"]},
    }
    return {"@context": _CONTEXT, "@graph": [catalogue, dataset]}


def embedded(document: Mapping[str, Any]) -> str:
    """The document as text that may stand inside a `script` element of type
    `application/ld+json`: no character of it can end the element."""
    text = orjson.dumps(document).decode("utf-8")
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _few(values: list[str]) -> Any:
    found = list(dict.fromkeys(values))
    return found[0] if len(found) == 1 else found
