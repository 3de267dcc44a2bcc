"""Look-ups that rows refer to: region codes, capability codes, aliases, cluster rows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pycountry

from clusterloom import namespaces as ns
from clusterloom.errors import DataRefused
from clusterloom.loaders.contract import Reject
from clusterloom.loaders.vintages import regions


@dataclass(frozen=True)
class Reference:
    """Read-only look-ups over the curated tables in `folder`; each is read when first asked."""

    folder: Path

    def _rows(self, table: str) -> list[dict[str, str]]:
        path = self.folder / table
        try:
            with open(path, encoding="utf-8", newline="") as handle:
                return [
                    {k: (v or "").strip() for k, v in r.items()} for r in csv.DictReader(handle)
                ]
        except FileNotFoundError:
            raise DataRefused(f"{path}: no such table") from None

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Old key -> new key (`org/...`), chains followed; DataRefused for a loop."""
        step = {r["old"]: r["new"] for r in self._rows("aliases.csv") if r["new"]}
        for old in step:
            seen, at = {old}, step[old]
            while at in step:
                if at in seen:
                    raise DataRefused(f"aliases.csv: {old} leads back to itself")
                seen.add(at)
                at = step[at]
            step[old] = at
        return step

    def thing(self, kind: str, key: str) -> str:
        """IRI of a thing after aliases."""
        path = f"{kind}/{key}"
        return ns.ID + self.aliases[path] if path in self.aliases else ns.thing(kind, key)

    def organisation(self, name: str, country: str, pic: str = "", vat: str = "") -> str:
        """IRI of an organisation as a row names it, after aliases."""
        return self.thing("org", ns.org_key(name, country, pic, vat))

    @cached_property
    def clusters(self) -> dict[str, str]:
        """Name of a row of clusters.csv -> IRI of that organisation."""
        return {
            r["name"]: self.organisation(r["name"], r["country"], r["pic"], r["vat_number"])
            for r in self._rows("clusters.csv")
        }

    def cluster(self, name: str, column: str) -> str:
        """IRI of the cluster of that name; Reject when clusters.csv has none."""
        if name not in self.clusters:
            raise Reject(column, f"no cluster named {name!r} in clusters.csv")
        return self.clusters[name]

    @cached_property
    def nuts(self) -> frozenset[str]:
        """Every region code known: NUTS 2021 and 2024, UK 2018 and 2021, 2013 by recode."""
        codes = set(regions())
        for row in self._rows("nuts_recode.csv"):
            codes |= {row["from_code"], row["to_code"]}
        return frozenset(codes)

    def region(self, code: str, column: str = "nuts_code") -> str:
        """IRI of a region, blank for a blank; Reject for a code of no vintage."""
        if not code:
            return ""
        if code not in self.nuts:
            raise Reject(column, f"{code!r} is not a NUTS code of 2013, 2018, 2021 or 2024")
        return ns.thing("region", code)

    def country(self, code: str, column: str = "country") -> str:
        """IRI of a country by ISO or Eurostat code, blank for a blank; Reject when unknown."""
        if not code:
            return ""
        iso = ns.iso_country(code)
        if iso != "XK" and pycountry.countries.get(alpha_2=iso) is None:
            raise Reject(column, f"{code!r} is not an ISO 3166-1 or Eurostat country code")
        return ns.thing("country", iso)

    def country_by_name(self, name: str) -> str:
        """IRI of a country by its English name, blank when it is none."""
        return _country_names().get(name.strip().lower(), "")

    @cached_property
    def nace2(self) -> dict[str, str]:
        """NACE Rev. 2 code -> title."""
        return {r["code"]: r["title_en"] for r in self._rows("nace_rev2.csv")}

    @cached_property
    def euroscivoc(self) -> dict[str, str]:
        """EuroSciVoc code path (`/25/73`) -> path of labels, ancestors included."""
        known: dict[str, str] = {}
        for row in self._rows("horizon_project_fields.csv"):
            codes = row["euroscivoc_code"].strip("/").split("/")
            labels = row["euroscivoc_path"].strip("/").split("/")
            if len(codes) != len(labels):
                continue
            for depth in range(1, len(codes) + 1):
                known["/" + "/".join(codes[:depth])] = "/" + "/".join(labels[:depth])
        return known

    def capability(self, scheme: str, code: str) -> str:
        """IRI of a capability by scheme (`nace-r2`, `euroscivoc`) and code; Reject if unknown."""
        if scheme == "nace-r2" and code in self.nace2:
            return ns.thing("nace2", code)
        if scheme == "euroscivoc" and code in self.euroscivoc:
            return ns.thing("euroscivoc", code.strip("/").replace("/", "-"))
        if scheme not in {"nace-r2", "euroscivoc"}:
            raise Reject("scheme", f"{scheme!r}: nace-r2 or euroscivoc expected")
        raise Reject("code", f"{code!r} is not in {scheme}")


@cache
def _country_names() -> dict[str, str]:
    names: dict[str, str] = {
        "korea": "KR", "south korea": "KR", "taiwan": "TW", "vietnam": "VN", "iran": "IR",
        "russia": "RU", "turkey": "TR", "usa": "US", "us": "US", "united kingdom": "GB",
        "hong kong": "HK", "uae": "AE", "kosovo": "XK", "czech republic": "CZ",
    }  # fmt: skip
    found = {name: ns.thing("country", code) for name, code in names.items()}
    for country in pycountry.countries:
        for text in (country.name, getattr(country, "common_name", "")):
            if text:
                found.setdefault(text.lower(), ns.thing("country", country.alpha_2))
    return found
