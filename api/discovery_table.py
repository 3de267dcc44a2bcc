"""Discovery answers as tables and as RDF: CSV, Excel workbook, Turtle with PROV-O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from clusterloom import __version__, terms
from clusterloom.api import tables
from clusterloom.api.about import Told, about
from clusterloom.api.discovery_operations import Operation
from clusterloom.api.negotiation import content_type
from clusterloom.api.serving import Served
from clusterloom.api.spreadsheet import Maker, answered
from clusterloom.discovery.answers import Answer, Item

_FIRST = ("rank", "id", "label", "iri", "value")
_LAST = ("tied_with", "explanation", "caveats")


def columns(answer: Answer) -> list[str]:
    """The columns of an answer: its measures and facts stand between those of every answer."""
    measures = [name for item in answer.items for name in item.measures]
    facts = [name for item in answer.items for name in item.facts]
    return [*_FIRST, *dict.fromkeys(measures), *dict.fromkeys(facts), *_LAST]


def rows(answer: Answer) -> list[list[Any]]:
    """A row for each item, in the order of `columns`; unknown is blank."""
    named = columns(answer)
    return [[_cell(item, name) for name in named] for item in answer.items]


def _cell(item: Item, name: str) -> Any:
    if name == "explanation":
        return "; ".join(f"{part.label} ({part.value:.6g})" for part in item.explanation)
    if name in {"tied_with", "caveats"}:
        return "; ".join(getattr(item, name))
    if name in _FIRST:
        return getattr(item, name)
    value = item.measures.get(name, item.facts.get(name))
    if isinstance(value, dict):
        return value["id"]
    return "; ".join(map(_plain, value)) if isinstance(value, list) else value


def _plain(value: Any) -> str:
    """An entry of a list: of small firms their field and number."""
    if isinstance(value, dict) and "firms" in value:
        return f"{value['label']}: {value['firms']}"
    return str(value)


def csv_answer(operation: Operation, answer: Answer, headers: Mapping[str, str]) -> Response:
    """CSV that a spreadsheet opens as it is."""
    return Response(
        tables.BOM + tables.write_csv([columns(answer), *rows(answer)]),
        headers={
            **headers,
            "Content-Type": content_type(tables.CSV_TYPE),
            "Content-Disposition": f'inline; filename="clusterloom-{operation.id}.csv"',
        },
    )


async def workbook_answer(
    served: Served, operation: Operation, answer: Answer, address: str, maker: Maker
) -> Response:
    """A workbook whose second sheet says how the values came about and how much was known."""
    given = ", ".join(f"{name} {value}" for name, value in answer.method.parameters.items())
    coverage = [f"{name}: {value}" for name, value in answer.coverage.items() if value]
    told = Told(
        question=f"{operation.summary}: {given}",
        description=f"{answer.method.name}; {answer.method.citation}",
        address=address,
        rows=len(answer.items),
        things=sorted({iri for item in answer.items for iri in item.evidence}),
        coverage=coverage,
        caveats=[*answer.caveats,
                 *(f"{item.label}: {said}" for item in answer.items for said in item.caveats)],
    )  # fmt: skip
    content = await maker.make(columns(answer), rows(answer), await about(served, told))
    return answered(operation.id, content)


def turtle(answer: Answer, address: str) -> str:
    """The proof of each hit: its value, its parts, what they rest on, and what made it (PROV-O)."""
    made = terms.iri(f"{address}#activity")
    lines = [
        "@prefix prov: <http://www.w3.org/ns/prov#> .",
        "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .",
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .",
        "@prefix dcterms: <http://purl.org/dc/terms/> .",
        f"{made} a prov:Activity ; rdfs:label {terms.text(answer.method.name, 'en')} ;",
        f"  dcterms:description {terms.text(answer.method.citation, 'en')} ;",
        f"  prov:used <https://w3id.org/clusterloom/release/{answer.release}> ;",
        f"  prov:wasAssociatedWith {terms.iri(address + '#software')} .",
        f"{terms.iri(address + '#software')} a prov:SoftwareAgent ;",
        f"  rdfs:label {terms.text(f'Clusterloom {__version__}')} .",
    ]
    for number, item in enumerate(answer.items, 1):
        hit = terms.iri(f"{address}#hit-{number}")
        lines.append(f"{hit} a prov:Entity ; rdfs:label {terms.text(item.label)} ;")
        if item.iri:
            lines.append(f"  dcterms:subject {terms.iri(item.iri)} ;")
        if item.value is not None:
            lines.append(f"  rdf:value {_double(item.value)} ;")
        lines += [f"  rdfs:comment {terms.text(said, 'en')} ;" for said in item.caveats]
        for iri in dict.fromkeys(item.evidence):
            lines.append(f"  prov:wasDerivedFrom {terms.iri(iri)} ;")
        parts = [terms.iri(f"{address}#hit-{number}-part-{n}")
                 for n in range(1, len(item.explanation) + 1)]  # fmt: skip
        if parts:
            lines.append(f"  dcterms:hasPart {', '.join(parts)} ;")
        lines.append(f"  prov:wasGeneratedBy {made} .")
        for name, part in zip(parts, item.explanation, strict=True):
            lines.append(f"{name} a prov:Entity ; rdfs:label {terms.text(part.label, 'en')} ;")
            lines += [f"  prov:wasDerivedFrom {terms.iri(iri)} ;" for iri in part.evidence]
            code = terms.text(part.code)
            lines.append(f"  rdf:value {_double(part.value)} ; dcterms:identifier {code} .")
    return "\n".join(lines) + "\n"


def _double(value: float) -> str:
    return f'"{value!r}"^^<http://www.w3.org/2001/XMLSchema#double>'
