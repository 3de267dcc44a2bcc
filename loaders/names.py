"""Every name of an organisation in the four tables that name organisations."""

from __future__ import annotations

import csv
from typing import NamedTuple
from urllib.parse import urlsplit

from clusterloom import namespaces as ns
from clusterloom.loaders.reference import Reference


class Named(NamedTuple):
    """One organisation as one table names it."""

    key: str
    """Its key before aliases."""
    name: str
    acronym: str
    country: str
    table: str
    role: str
    """`cluster`, `sme` or blank where the table does not say."""
    site: str = ""
    """The host of its website."""


def named(reference: Reference) -> list[Named]:
    """Every organisation of the four tables that name organisations, each name once a table."""
    found: dict[Named, None] = {}
    keys: dict[str, str] = {}
    places: dict[str, str] = {}

    def add(key: str, name: str, *rest: str) -> None:
        found[Named(key, name, *rest)] = None

    for r in _rows(reference, "clusters.csv"):
        keys[r["name"]] = ns.org_key(r["name"], r["country"], r["pic"], r["vat_number"])
        places[r["name"]], site = r["country"], _host(r["website"])
        add(keys[r["name"]], r["name"], r["acronym"], r["country"], "clusters", "cluster", site)
    for r in _rows(reference, "horizon_participations.csv"):
        key, site = ns.org_key(r["name"], r["country"], r["pic"]), _host(r["website"])
        add(key, r["name"], r["short_name"], r["country"], "horizon", r["kind"], site)
    for r in _rows(reference, "innosup_partners.csv"):
        name, country = r["organisation"], r["country"]
        key = keys.get(r["cluster_name"]) or ns.org_key(name, country)
        add(key, name, "", country, "innosup", "cluster" if r["is_cluster_org"] == "yes" else "")
    for r in _rows(reference, "escp_members.csv"):
        key = keys.get(r["cluster_name"]) or ns.org_key(r["member"], "")
        role = "cluster" if r["cluster_name"] else ""
        add(key, r["member"], "", places.get(r["cluster_name"], ""), "escp", role)
    return list(found)


def _host(website: str) -> str:
    return (urlsplit(website).hostname or "").removeprefix("www.")


def _rows(reference: Reference, table: str) -> list[dict[str, str]]:
    with open(reference.folder / table, encoding="utf-8", newline="") as handle:
        return [{k: v.strip() for k, v in row.items()} for row in csv.DictReader(handle)]
