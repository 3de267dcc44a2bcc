"""What is not there may be unknown: lists that the graph itself calls incomplete."""

from __future__ import annotations

from collections.abc import Sequence

from clusterloom.api.findings import Finding, short
from clusterloom.api.probes import Probes
from clusterloom.api.rows import Row
from clusterloom.api.suggestions import shown
from clusterloom.namespaces import CLOOM, PREFIXES
from clusterloom.store.patterns import Part, Triple, Values
from clusterloom.store.query_terms import RDF_TYPE, iri_of

_COVERAGE = """\
PREFIX cloom: <{cloom}>
PREFIX rdfs: <{rdfs}>
SELECT * WHERE {{
  ?coverage cloom:ofProperty {property} ; cloom:ofSubject ?subject .{which}
  OPTIONAL {{ ?coverage cloom:known ?known }}
  OPTIONAL {{ ?coverage cloom:total ?total }}
  OPTIONAL {{ ?coverage cloom:totalText ?said }}
  OPTIONAL {{ ?coverage cloom:complete ?complete }}
  OPTIONAL {{ ?subject rdfs:label ?label }}
  FILTER (!COALESCE(?complete, false))
}} ORDER BY ?coverage LIMIT 50"""


async def coverage(probes: Probes, part: Part, core: Sequence[Part]) -> list[Finding]:
    """A finding where the property of a pattern is known to be listed incompletely."""
    if not isinstance(part, Triple):
        return []
    found = []
    for name in part.terms:
        iri = iri_of(probes.parts, name.text)
        if name.role != "predicate" or iri == RDF_TYPE or not iri.startswith(CLOOM):
            continue
        subjects = _fixed(probes, part, core)
        query = _COVERAGE.format(
            cloom=CLOOM,
            rdfs=PREFIXES["rdfs"],
            property=shown(iri),
            which=f"\n  VALUES ?subject {{ {' '.join(subjects)} }}" if subjects else "",
        )
        rows = await probes.rows(query)
        if rows:
            message = _said(shown(iri), rows)
            start, text = part.start, short(part.text)
            found.append(
                Finding("incomplete-knowledge", message, text, query, "rows", start, shown(iri))
            )
    return found


def _fixed(probes: Probes, triple: Triple, core: Sequence[Part]) -> list[str]:
    """The things whose list is asked for: the subject, or what VALUES gives for it."""
    end = triple.subject
    found = [f"<{iri}>"] if (iri := iri_of(probes.parts, end)) else []
    for part in core:
        if isinstance(part, Values) and end[1:] in part.variables:
            cells = [row[part.variables.index(end[1:])].text for row in part.rows]
            found += [f"<{i}>" for cell in cells if cell and (i := iri_of(probes.parts, cell))]
    return found


def _said(name: str, rows: list[Row]) -> str:
    if len(rows) == 1:
        row = rows[0]
        label = row["label"].value if "label" in row else row["subject"].value
        known = row["known"].value if "known" in row else "some"
        total = row["total"].value if "total" in row else ""
        said = f" (sources say: {row['said'].value})" if "said" in row else ""
        of = f"{known} of {total}" if total else f"{known} of an unknown number"
        return (
            f"The list {name} of {label} is not complete: {of} known{said}. "
            "No answer means unknown here, not no."
        )
    more = f"{len(rows)}" if len(rows) < 50 else "at least 50"
    return (
        f"{more} of the lists that {name} makes are not complete: "
        "where one of them is meant, no answer means unknown, not no."
    )
