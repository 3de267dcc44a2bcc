"""Published figures, one indicator and one value a row: what both tables of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Required, Row, Skip
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.terms import Statement, day, year

_PLAIN = re.compile(r"\d+(\.\d+)?")
_YEARS = re.compile(r"(?<!\d)(20\d\d)(?:_(20\d\d))?(?!\d)")
_TARGET = re.compile(r"_targeting_(\w+)$")
_UNITS = {"eur": "euro", "pct": "percent"}
_WORDS = {
    "b2b": "business to business", "c2c": "cluster to cluster", "clusterxchange": "ClusterXchange",
    "cofunded": "co-funded", "cosme": "COSME",
    "eccp": "ECCP", "escp4i": "ESCP-4i", "eur": "in euro",
    "european": "European", "innosup": "INNOSUP-1", "japan": "Japan", "canada": "Canada",
    "china": "China", "india": "India", "israel": "Israel", "korea": "Korea", "max": "at most",
    "mou": "memoranda of understanding", "orgs": "organisations", "pct": "in percent",
    "s3": "S3", "smes": "SMEs", "south": "South", "states": "States", "united": "United",
    "africa": "Africa", "member": "Member",
}  # fmt: skip


class FigureRow(Row):
    """One figure as its source words it."""

    indicator: Required
    value: Required
    source: Required
    confidence: Confidence


def readable(slug: str) -> str:
    """The slug of an indicator in words.

    >>> readable("escp4i_2016_2017_b2b_meetings")
    'ESCP-4i 2016-2017: business to business meetings'
    >>> readable("low_carbon_projects_assisted")
    'Low carbon projects assisted'
    """
    years = _YEARS.search(slug)
    before, after = (slug[: years.start()], slug[years.end() :]) if years else ("", slug)
    head, tail = (
        " ".join(_WORDS.get(w, w) for w in part.split("_") if w) for part in (before, after)
    )
    period = years[0].replace("_", "-") if years else ""
    text = f"{head} {period}: {tail}" if years else tail
    return text[:1].upper() + text[1:]


def figures(as_of: str) -> Callable[[FigureRow, Reference], Iterable[Statement]]:
    """A mapping to `Indicator` and `IndicatorValue`, published at `as_of`, a day or a year.

    The value is a number only where the cell is one: `over 1000` is kept as text.
    """

    def statements(row: FigureRow, reference: Reference) -> Iterable[Statement]:
        if row.confidence == "low":
            raise Skip("confidence low")
        key, label = row.indicator.replace("_", "-"), readable(row.indicator)
        indicator = Node(ns.thing("indicator", key)).a("Indicator").label(label)
        indicator.text("identifier", row.indicator)
        indicator.text("unit", _UNITS.get(row.indicator.rpartition("_")[2], ""))
        indicator.cite(row.source)
        value = indicator.about(ns.thing("observation", f"{key}-{as_of[:4]}")).a("IndicatorValue")
        value.label(f"{label}: {row.value}").link("ofIndicator", indicator.iri)
        if _PLAIN.fullmatch(row.value):
            value.decimal("value", row.value)
        value.text("sourceText", row.value)
        value.add("asOf", day(as_of) if len(as_of) == 10 else year(as_of))
        if target := _TARGET.search(row.indicator):
            value.link("ofCountry", reference.country_by_name(target[1].replace("_", " ")))
        if years := _YEARS.search(row.indicator):
            value.integer("startYear", years[1]).integer("endYear", years[2] or years[1])
        return value.cite(row.source, row.confidence)

    return statements
