"""Did you mean: the classes, properties, things, graphs and literals near to what was written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from rapidfuzz import fuzz, process

from clusterloom import terms
from clusterloom.api.aliases import current
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.probes import Probes
from clusterloom.api.rows import Cell, compact, read_json
from clusterloom.api.serving import Served
from clusterloom.errors import Gone
from clusterloom.namespaces import (
    CLOOM,
    GRAPH,
    ID,
    META_GRAPH,
    PREFIXES,
    ascii_fold,
    iso_country,
    term,
)
from clusterloom.nearest import nearest
from clusterloom.ontology import vocabulary
from clusterloom.store.engine import JSON, Limits, Query
from clusterloom.store.query_terms import RDF_TYPE, Written

_XSD = PREFIXES["xsd"]
_LANGUAGES = (
    *("en", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt"),
    *("lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv", "is", "no", "tr", "uk"),
)
_DATATYPES = (
    *("integer", "decimal", "double", "float", "gYear", "date", "dateTime", "boolean", "string"),
    *("anyURI", "int"),
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_NAMESPACES = {
    "https://schema.org/": PREFIXES["schema"],
    "http://www.schema.org/": PREFIXES["schema"],
    "http://purl.org/dc/elements/1.1/": PREFIXES["dcterms"],
    "http://www.w3.org/2004/02/skos#": PREFIXES["skos"],
    "http://www.w3.org/2008/05/skos#": PREFIXES["skos"],
    "http://www.w3.org/2000/01/rdf-schema/": PREFIXES["rdfs"],
    "http://www.w3.org/1999/02/22-rdf-syntax-ns/": PREFIXES["rdf"],
    "http://w3id.org/clusterloom/ontology#": CLOOM,
    "https://w3id.org/clusterloom/ontology/": CLOOM,
    "https://w3id.org/clusterloom#": CLOOM,
    "https://w3id.org/clusterloom/": CLOOM,
}
"""Namespaces that are written by mistake, and the ones that are meant."""

_SCHEMA = tuple(PREFIXES[p] for p in ("owl", "sh", "vann"))
"""Namespaces of statements about the ontology, which are hardly meant by a misspelt name."""

FOREIGN = {
    "bif:": "Virtuoso's functions",
    "http://www.openlinksw.com/": "Virtuoso's functions",
    "http://jena.apache.org/text#": "Jena's full-text search",
    "http://jena.hpl.hp.com/ARQ/": "Jena's property functions",
    "http://jena.apache.org/ARQ/": "Jena's property functions",
    "http://wikiba.se/ontology#": "Wikidata's services",
    "http://www.bigdata.com/": "Blazegraph's search",
    "http://www.ontotext.com/": "GraphDB's search",
    "http://www.openrdf.org/contrib/lucenesail#": "RDF4J's search",
    "tag:stardog:api:": "Stardog's search",
    "http://franz.com/ns/allegrograph/": "AllegroGraph's search",
}
"""Namespaces of predicates that other engines answer by themselves; here they match nothing."""

_LISTED = 5000
_ALIKE = 80
"""How like a name must be to be suggested, of 100."""


def foreign(iri: str) -> str:
    """Whose magic predicate an IRI is; blank for any other."""
    return next((whose for start, whose in FOREIGN.items() if iri.startswith(start)), "")


def occurs(node: str) -> str:
    """The pattern that a term anywhere in the data matches."""
    return f"{{ {node} ?p ?o }} UNION {{ ?s ?p {node} }} UNION {{ ?s {node} ?o }}"


def shown(iri: str) -> str:
    """An IRI as a query has it: `cloom:inChain`, `skos:broader`, else in full."""
    name = compact(iri)
    if name == iri or not re.fullmatch(r"[\w:-]*[\w]", name):
        return f"<{iri}>"
    return name if ":" in name else f"cloom:{name}"


async def for_iri(probes: Probes, iri: str, role: str) -> list[str]:
    """What may be meant by an IRI that the release does not have, best first."""
    near = [shown(other) for other in await _slips(probes, iri)]
    if not near and iri.startswith(ID):
        near = [shown(other) for other in await _things(probes, iri)]
    elif not near or role in {"class", "predicate"}:
        near += [shown(other) for other in await _vocabulary(probes, iri, role)]
    return list(dict.fromkeys(near))[:3]


def in_other_role(iri: str, role: str) -> list[str]:
    """Properties that lead to a class used as a property; the range of one used as a class."""
    name = iri.removeprefix(CLOOM)
    declared = vocabulary.terms()
    if role == "class":
        ranges = declared[name].ranges if name in declared else ()
        return [shown(other) for other in ranges if other.startswith(CLOOM)]
    leading = [other for other, known in declared.items() if iri in known.ranges]
    near = [other for other in leading if name in other or other.lower() == name.lower()]
    return [f"cloom:{other}" for other in dict.fromkeys((*near, *leading))][:3]


async def _slips(probes: Probes, iri: str) -> list[str]:
    """The same IRI with a usual slip put right, where that one is in the release."""
    tries = []
    for wrong, right in _NAMESPACES.items():
        if iri.startswith(wrong) and not iri.startswith(right):
            tries.append(right + iri.removeprefix(wrong))
    if iri.startswith(("http://", "https://")):
        scheme, _, rest = iri.partition("://")
        tries.append(("http" if scheme == "https" else "https") + "://" + rest)
    tries.append(iri.removesuffix("/") if iri.endswith("/") else iri + "/")
    for part in ("/page/", "/data/", "/resource/"):
        if f"clusterloom{part}" in iri:
            tries.append(re.sub(rf"^.*?clusterloom{part}", ID, iri))
    tries.append(iri.removesuffix(".html").removesuffix(".ttl").removesuffix(".jsonld"))
    with contextlib.suppress(Gone):
        tries.insert(0, current(iri))
    found = []
    for other in dict.fromkeys(tries):
        try:
            node = terms.iri(other)
        except terms.BadTerm:
            continue
        if other != iri and await probes.ask(occurs(node), everywhere=True):
            found.append(other)
    return found


async def _things(probes: Probes, iri: str) -> list[str]:
    """Things whose key or label is near, by the type that the IRI names."""
    kind, _, key = iri.removeprefix(ID).partition("/")
    kinds = {kind: r.of_class for r in RESOURCES.values() for kind in r.kinds}
    kinds |= {"country": "Country", "programme": "Programme", "stage": "Stage"}
    near = [kind] if kind in kinds else nearest(kind, list(kinds), 1)
    if not near:
        return []
    kind = near[0]
    if kind == "country":
        key = iso_country(key)
    listed = await probes.known(("keys", kind), lambda served: _keys(served, kind, kinds[kind]))
    if not listed:
        return []
    same = [k for k in listed if k.lower() == key.lower()]
    words = unquote(key).replace("-", " ")
    found = same or nearest(words, listed, 3, _ALIKE) or nearest(key, listed, 3, _ALIKE)
    return [f"{ID}{kind}/{quote(k, safe='-._~()%')}" for k in found]


async def _keys(served: Served, kind: str, of_class: str) -> dict[str, str]:
    text = (
        f"SELECT ?s ?label WHERE {{ ?s a <{term(of_class)}> ; "
        f"<{PREFIXES['rdfs']}label> ?label }} LIMIT {_LISTED}"
    )
    start = f"{ID}{kind}/"
    rows = await served.select(text)
    return {
        row["s"].value.removeprefix(start): row["label"].value
        for row in rows
        if row["s"].value.startswith(start)
    }


async def _vocabulary(probes: Probes, iri: str, role: str) -> list[str]:
    """Classes or properties whose name or label is near."""
    local = re.split(r"[#/]", iri.rstrip("/#"))[-1]
    known = [i for i in await used(probes, role) if not i.startswith(_SCHEMA)]
    names = {i: re.split(r"[#/]", i.rstrip("/#"))[-1] for i in known}
    labels = {i: f"{name} {_label(i)}".strip() for i, name in names.items()}
    exact = [i for i, name in names.items() if name.lower() == local.lower()]
    scored = process.extract(
        _words(local), {i: _words(n) for i, n in names.items()}, scorer=fuzz.ratio, limit=4
    )
    found = exact + [i for _, score, i in scored if score >= 70]
    if not found:
        found = nearest(_words(local), labels, 2, _ALIKE)
    own = [i for i in found if i.startswith(CLOOM)]
    return list(dict.fromkeys((*exact, *(own if iri.startswith(CLOOM) else ()), *found)))


def _label(iri: str) -> str:
    known = vocabulary.terms().get(iri.removeprefix(CLOOM))
    return known.label if known else ""


def _words(name: str) -> str:
    """`locatedIn` as `located in`."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", name)
    return ascii_fold(parted).lower()


async def used(probes: Probes, role: str) -> list[str]:
    """The classes or properties that the release uses, and those that the ontology declares."""
    declared = vocabulary.classes() if role == "class" else vocabulary.properties()
    found = [term(name) for name in sorted(declared)]
    in_use = await probes.known(("vocabulary", role), lambda served: _in_use(served, role))
    return list(dict.fromkeys((*(in_use or ()), *found)))


async def _in_use(served: Served, role: str) -> list[str]:
    pattern = f"?s <{RDF_TYPE}> ?x" if role == "class" else "?s ?x ?o"
    query = Query(f"SELECT DISTINCT ?x WHERE {{ {pattern} }} LIMIT {_LISTED}")
    result = await served.session.run(query, Limits(20.0, served.limits.megabytes), JSON)
    return sorted(row["x"].value for row in read_json(await result.read()) if row["x"].is_iri)


async def graphs(probes: Probes) -> list[str]:
    """The IRIs of the named graphs."""

    async def read(served: Served) -> list[str]:
        rows = await served.select(
            f"SELECT DISTINCT ?g WHERE {{ GRAPH <{META_GRAPH}> {{ ?g <{term('kind')}> ?k }} }}"
        )
        return [META_GRAPH, *sorted(row["g"].value for row in rows)]

    return await probes.known("graphs", read) or []


async def graphs_near(probes: Probes, iri: str) -> list[str]:
    """The named graphs that may be meant."""
    listed = await graphs(probes)
    tries = [iri.replace("http://", "https://"), iri.rstrip("/"), iri + "/asserted"]
    if same := [g for g in listed if g in tries or g.lower() == iri.lower()]:
        return [f"<{g}>" for g in same]
    source, _, kind = iri.removeprefix(GRAPH).partition("/")
    sources = dict.fromkeys(g.removeprefix(GRAPH).partition("/")[0] for g in listed)
    near = nearest(source, list(sources), 3, _ALIKE)
    found = [g for name in near for g in listed if g == f"{GRAPH}{name}/{kind}"]
    others = [g for name in near for g in listed if g.startswith(f"{GRAPH}{name}/")]
    return [f"<{g}>" for g in found or others][:3]


def variants(literal: Written) -> list[str]:
    """The same text with other language tags and datatypes, serialised."""
    text = literal.value
    try:
        found = [terms.text(text), *(terms.text(text, tag) for tag in _LANGUAGES)]
        if _NUMBER.fullmatch(text) or text in {"true", "false"} or re.match(r"\d{4}-", text):
            found += [terms.typed(text, name) for name in _DATATYPES]
        if text.startswith(("http:", "https:")):
            found += [terms.typed(text, "anyURI"), terms.iri(text)]
    except terms.BadTerm:
        return []
    return list(dict.fromkeys(found))


def literals_near(word: str, cells: Iterable[Cell]) -> list[str]:
    """The literals whose text is near, as a query writes them."""
    by_text = {cell.value: cell for cell in cells if cell.kind == "literal"}
    return [written(by_text[text]) for text in nearest(word, list(by_text), 3, _ALIKE)]


def written(cell: Cell) -> str:
    """A term as a query would have it."""
    if cell.is_iri:
        return shown(cell.value)
    if cell.datatype in {_XSD + "integer", _XSD + "decimal", _XSD + "boolean"}:
        return cell.value
    if cell.datatype.startswith(_XSD):
        return f"{terms.text(cell.value)}^^xsd:{cell.datatype.removeprefix(_XSD)}"
    return cell.written()
