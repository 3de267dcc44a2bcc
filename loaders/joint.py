"""What partnerships and projects share: inferred cells, sectors, and who takes part."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import parts
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference

_CORRECTION = re.compile(r"(correction of|addition to) the existing row:")
_BRACKETS = re.compile(r"\([^()]*\)")
_CLUSTER_WORD = re.compile(r"\b(cluster|klaster|klastr|pôle)\b", re.IGNORECASE)


def inferred(text: str, words: Mapping[str, str]) -> frozenset[str]:
    """The columns that the words of an `inferred_fields` cell name.

    `words` maps a column to a pattern of the words for it. What a source corrected is no
    inference, unless a reason in brackets stands beside it. Words in brackets name no column.

    >>> words = {"start": r"\\bstart\\b", "end": r"\\bend\\b"}
    >>> sorted(inferred("end (start + 24 months)", words))
    ['end']
    >>> sorted(inferred("correction of the existing row: start; end (two years)", words))
    ['end']
    """
    found = set()
    for segment in _segments(text):
        heads = [segment]
        if _CORRECTION.match(segment):
            heads = [item for item in _outside(",", _CORRECTION.sub("", segment)) if "(" in item]
        for head in heads:
            plain = _BRACKETS.sub("", head)
            found |= {column for column, pattern in words.items() if re.search(pattern, plain)}
    return frozenset(found)


def _segments(text: str) -> list[str]:
    return [segment.strip() for segment in _outside(";", text) if segment.strip()]


def _outside(mark: str, text: str) -> list[str]:
    """Splits at a mark that stands outside brackets."""
    return re.split(rf"{mark}(?![^()]*\))", text)


def sectors(node: Node, cell: str, reference: Reference) -> Node:
    """The sectors of a joint effort: the words as given, and links to tags that clusters have.

    The link is ours (kind `curated`), made only where the words are the same.
    """
    node.text("sectorText", cell)
    for tag in parts(cell):
        if tag in known_tags(reference.folder):
            node.other("curated").link("sectorTag", ns.thing("sector", ns.slug(tag)))
    return node


@cache
def known_tags(folder: Path) -> frozenset[str]:
    """The sector tags of `clusters.csv`."""
    cells = look_up(folder, "clusters.csv", "name", "sectors").values()
    return frozenset(tag for cell in cells for tag in parts(cell))


@cache
def look_up(folder: Path, table: str, key: str, value: str) -> dict[str, str]:
    """One column of a table by another that names its rows."""
    with open(folder / table, encoding="utf-8", newline="") as handle:
        return {row[key]: row[value] for row in csv.DictReader(handle)}


def countries(node: Node, cell: str, reference: Reference) -> Node:
    """`countryNamed` for each country code of the cell; other words stay a note."""
    for part in parts(cell):
        if re.fullmatch(r"[A-Z]{2}", part):
            node.link("countryNamed", reference.country(part, "countries"))
        else:
            node.text("note", f"Countries in the words of the source: {part}.")
    return node


def says_cluster(name: str) -> bool:
    """Whether the name itself says that it is a cluster (clusters: a network of them).

    >>> says_cluster("Industrial Cluster Srednogorie"), says_cluster("G.A.C. Group")
    (True, False)
    """
    return bool(_CLUSTER_WORD.search(name))


def organisation(node: Node, iri: str, name: str) -> Node:
    """An organisation that a list of participants names and no table of ours describes.

    That it is a cluster organisation is said only where its name says so (kind `derived`):
    partnerships of clusters also hold chambers, firms and research centres.
    """
    body = node.about(iri).a("Organisation").text("name", name)
    if says_cluster(name):
        body.other("derived").a("ClusterOrganisation")
    return body


def take_part(
    node: Node,
    key: str,
    label: str,
    who: str,
    role: str,
    *,
    project: str = "",
    partnership: str = "",
) -> Node:
    """A `Participation` and the direct links between the organisation and what it takes part in.

    Gives the participation node; the links have the kind of `node`.
    """
    part = node.about(ns.thing("participation", key)).a("Participation").label(label, "")
    part.link("participant", who).text("role", role)
    for target in dict.fromkeys(t for t in (project, partnership) if t):
        node.about(target).link("participant", who)
    part.link("inProject", project).link("inPartnership", partnership)
    node.about(who).link("inProject", project).link("inPartnership", partnership)
    return part


def cite_all(node: Node, citation: str, confidence: str = "") -> Node:
    """Cites the row on every thing it speaks of, in the graph of each kind; the confidence is
    said once, of the node itself."""
    said = dict.fromkeys((statement.kind, statement.subject[1:-1]) for statement in node)
    for kind, iri in said:
        node.about(iri).other(kind).cite(citation)
    return node.text("confidence", confidence)
