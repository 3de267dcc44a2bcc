"""A small release made by hand, for tests of the service that need few, well-known facts."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyoxigraph as ox
import uvicorn

from clusterloom import namespaces as ns
from clusterloom.api.app import create_app
from clusterloom.api.server import config
from clusterloom.ontology import vocabulary
from clusterloom.settings import Settings
from clusterloom.store.release import Release, build_folder, publish
from clusterloom.store.writer import StoreWriter

RELEASE = "00000000000000aa"
NEXT_RELEASE = "00000000000000bb"

_PREFIXES = "".join(f"@prefix {p}: <{iri}> .\n" for p, iri in ns.PREFIXES.items()) + (
    f"@prefix id: <{ns.ID}> .\n@base <{ns.ID}> .\n"
)

GRAPHS: dict[tuple[str, str], str] = {
    ("countries", "asserted"): """
        <country/FR> a cloom:Country ; rdfs:label "France"@en ; cloom:isoCode "FR" .
        <country/GR> a cloom:Country ; rdfs:label "Greece"@en ; cloom:isoCode "GR" ;
          cloom:eurostatCode "EL" .
        <country/JP> a cloom:Country ; rdfs:label "Japan"@en ; cloom:isoCode "JP" .
    """,
    ("nuts", "asserted"): """
        <region/FR1> a cloom:Region ; rdfs:label "Île-de-France" ; cloom:nutsCode "FR1" ;
          cloom:level 1 ; cloom:inCountry <country/FR> ; cloom:partOf <country/FR> ;
          cloom:vintage "2021", "2024" ; cloom:latitude 48.7 ; cloom:longitude 2.5 .
        <region/FR10> a cloom:Region ; rdfs:label "Ile-de-France" ; cloom:nutsCode "FR10" ;
          cloom:level 2 ; cloom:inCountry <country/FR> ; cloom:partOf <region/FR1> ;
          cloom:vintage "2021" ; cloom:latitude 48.7 ; cloom:longitude -2.5 .
        <region/EL30> a cloom:PilotRegion ; rdfs:label "Attica" ; cloom:nutsCode "EL30" ;
          cloom:level 2 ; cloom:inCountry <country/GR> ; cloom:vintage "2021" .
    """,
    ("part-of-closure", "derived"): "<region/FR10> cloom:partOf <country/FR> .",
    ("nace-rev2", "asserted"): """
        <nace2/26> a cloom:NaceActivity ; rdfs:label "Computer, electronic and optical"@en ;
          cloom:naceCode "26" .
        <nace2/26.7> a cloom:NaceActivity ; rdfs:label "Optical instruments"@en ;
          cloom:naceCode "26.7" ; skos:broader <nace2/26> .
    """,
    ("within-closure", "derived"): "<nace2/26.7> cloom:within <nace2/26> .",
    ("s3-areas", "asserted"): """
        <area/photonics> a cloom:ThematicArea ; rdfs:label "Photonics"@en ; skos:notation "20" ;
          skos:altLabel "Light"@en ; cloom:comprises <nace2/26.7> ;
          dcterms:source <source/0123456789> .
        <area/sport> a cloom:ThematicArea ; rdfs:label "Sport"@en ; skos:notation "4" ;
          cloom:participatingRegion <region/FR10> ; cloom:leadRegion <region/FR10> .
        <partnership/s3-sport> a cloom:S3Partnership ; rdfs:label "Sport partnership"@en ;
          cloom:inArea <area/sport> ; cloom:participatingRegion <region/FR10> .
        <coverage/sport> a cloom:Coverage ; rdfs:label "Regions of Sport"@en ; cloom:known 1 ;
          cloom:ofSubject <area/sport> ; cloom:ofProperty cloom:participatingRegion ;
          cloom:totalText "more than 7" .
        <source/0123456789> a cloom:Source ; rdfs:label "A page, https://example.org/p" ;
          cloom:address <https://example.org/p> .
    """,
    ("value-chains", "curated"): """
        <value-chain/light> a cloom:ValueChain ; rdfs:label "Light"@en ;
          cloom:inArea <area/photonics> .
        <stage/light-b> a cloom:Stage ; rdfs:label "Assembly"@en ; cloom:position 2 ;
          cloom:inChain <value-chain/light> ; cloom:requires <nace2/26.7> .
        <stage/light-a> a cloom:Stage ; rdfs:label "Glass"@en ; cloom:position 1 ;
          cloom:inChain <value-chain/light> ; cloom:precedes <stage/light-b> .
    """,
    ("clusters", "asserted"): """
        <org/pic-1> a cloom:ClusterOrganisation ; rdfs:label "Zêta Cluster" ;
          cloom:acronym "ZC" ; cloom:inCountry <country/FR> ; cloom:locatedIn <region/FR10> ;
          cloom:hasCapability <nace2/26.7> ; cloom:website <https://zeta.example/> ;
          cloom:latitude 48.8 ; cloom:longitude 2.3 ; cloom:inPartnership <partnership/glow> ;
          dcterms:source <source/0123456789> .
        <org/pic-2> a cloom:ClusterOrganisation ; rdfs:label "=Alpha()" ;
          cloom:inCountry <country/GR> ; cloom:city "Athens" ;
          cloom:inPartnership <partnership/glow> .
        <org/pic-3> a cloom:ClusterOrganisation , cloom:SME ; rdfs:label "Both <i>&</i>" ;
          cloom:inCountry <country/FR> ; cloom:latitude 47.0 ; cloom:longitude 1.0 .
        <org/pic-4> a cloom:SME ; rdfs:label "Small" ; cloom:inCountry <country/GR> .
        <label/1> a cloom:ManagementLabel ; rdfs:label "Gold 2016"@en ; cloom:level "gold" ;
          cloom:year 2016 ; cloom:awardedTo <org/pic-1> .
        <partnership/glow> a cloom:ESCP4iPartnership ; rdfs:label "GLOW" ;
          cloom:inArea <area/photonics> ; cloom:fundedBy <programme/cosme> ;
          cloom:participant <org/pic-1>, <org/pic-2> ; cloom:countryNamed <country/FR> ;
          cloom:targetCountry <country/JP> ; cloom:startYear 2018 , 2019 ;
          cloom:budgetEur 250000.50 .
        <project/101> a cloom:HorizonProject ; rdfs:label "LUX" ; cloom:startYear 2020 ;
          cloom:endYear 2022 ; cloom:participant <org/pic-1> .
    """,
    ("actor-in-region", "derived"): "<org/pic-1> cloom:locatedIn <region/FR1> .",
    ("actor-in-country", "derived"): "<org/pic-1> cloom:inCountry <country/FR> .",
    ("secret", "asserted"): """
        <area/photonics> cloom:note "not to be given away" .
        <org/hidden> cloom:inArea <area/photonics> ; rdfs:label "Hidden" .
        <org/only-hidden> a cloom:Membership ; rdfs:label "Nothing open" .
    """,
    ("calls", "asserted"): """
        <programme/cosme> a cloom:Programme ; rdfs:label "COSME" .
        <call/old> a cloom:Call ; rdfs:label "Old call"@en ; cloom:identifier "OLD-1" ;
          cloom:opens "2019-11-07"^^xsd:date ; cloom:deadline "2020-04-02"^^xsd:date ;
          cloom:underProgramme <programme/cosme> .
        <call-stage/old-2> a cloom:CallStage ; rdfs:label "Stage 2"@en ; cloom:position 2 ;
          cloom:ofCall <call/old> ; cloom:deadline "2020-09-08"^^xsd:date .
        <call/far> a cloom:Call ; rdfs:label "Far call"@en ;
          cloom:opens "2900-01-01"^^xsd:date .
        <call/vague> a cloom:Call ; rdfs:label "Vague call"@en .
        <event/meet> a cloom:MatchmakingEvent ; rdfs:label "Meet" ; cloom:startYear 2020 ;
          cloom:start "2020-04-27"^^xsd:date ; cloom:thirdCountry <country/JP> ;
          cloom:inCountry <country/FR> ; cloom:hasStatus <status/meet-1> .
        <status/meet-1> a cloom:EventStatus ; rdfs:label "Meet: cancelled" ;
          cloom:status "cancelled" ; cloom:asOf 2020 ; cloom:ofEvent <event/meet> .
        <policy/fr-p> a cloom:Policy ; rdfs:label "Pôles" ; cloom:inCountry <country/FR> .
        <guide/g> a cloom:Guide ; rdfs:label "A guide" ; cloom:year 2019 .
    """,
}
"""Statements by source and kind, as Turtle; superclasses are added."""

CLOSED = {"secret"}
"""Sources that may not be redistributed."""


def _quads(graphs: dict[tuple[str, str], str]) -> Iterator[str]:
    for (source, kind), text in graphs.items():
        graph = ns.graph(source, kind)
        for quad in ox.parse(_PREFIXES + text, format=ox.RdfFormat.TURTLE):
            yield f"{quad.triple} <{graph}> .\n"
            name = str(getattr(quad.object, "value", "")).removeprefix(ns.CLOOM)
            if name in vocabulary.classes() and quad.predicate.value.endswith("#type"):
                for above in vocabulary.superclasses(name):
                    yield f"{quad.subject} {quad.predicate} <{ns.term(above)}> <{graph}> .\n"
    meta = "".join(
        f"<graph/{source}/{kind}> cloom:kind '{kind}' ; dcterms:source <id/dataset/{source}> .\n"
        f"<id/dataset/{source}> a cloom:Dataset ; rdfs:label 'The table {source}'@en ;\n"
        f"  dcterms:license <https://creativecommons.org/licenses/by/4.0/> ;\n"
        f"  cloom:redistribute {str(source not in CLOSED).lower()} .\n"
        for source, kind in graphs
    )
    base = _PREFIXES + f"@base <{ns.BASE}> .\n"
    for quad in ox.parse(base + meta, format=ox.RdfFormat.TURTLE):
        yield f"{quad.triple} <{ns.META_GRAPH}> .\n"


def make_release(
    folder: Path, graphs: dict[tuple[str, str], str] | None = None, release_id: str = RELEASE
) -> Release:
    """Builds and publishes a release of these graphs in the folder of releases."""
    built = build_folder(folder)
    families: dict[str, list[str]] = defaultdict(list)
    for quad in sorted(set(_quads(GRAPHS if graphs is None else graphs))):
        graph = quad.rstrip(" .\n").rpartition("<")[2].removesuffix(">")
        families[graph.removeprefix(ns.GRAPH).partition("/")[0]].append(quad)
    (built / "families").mkdir()
    writer = StoreWriter(built / "oxigraph")
    for family, quads in families.items():
        path = built / "families" / f"{family}.nq.gz"
        with gzip.open(path, "wt", encoding="utf-8") as out:
            out.writelines(quads)
        writer.load_family(path)
    triples = writer.finish()
    writer.close()
    digests = {
        family: hashlib.sha256("".join(quads).encode()).hexdigest()
        for family, quads in families.items()
    }
    sources = {
        "clusters": {
            "read": 4, "mapped": 3, "rejected": 1, "skipped": {}, "statements": 40,
            "input_sha256": digests.get("clusters", ""),
        }
    }  # fmt: skip
    report = {
        "id": release_id, "triples": triples, "sources": sources, "families": digests,
        "software": "0.0.0", "built": "2026-11-23T10:00:00+00:00", "partial": False,
        "checks": {"errors": 0, "shacl": 0, "rows": 2, "first": []},
        "summary": {"classes": {"Region": 3}, "coverage": {"cluster organisations": 3}},
    }  # fmt: skip
    (built / "report.json").write_text(json.dumps(report), "utf-8")
    return publish(folder, built, release_id)


@contextmanager
def serving(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service as it really runs: uvicorn on a free port of this machine.

    Redirects are not followed and errors of the server stay answers.
    """
    options = {"host": "127.0.0.1", "port": 0, "log_level": "critical"}
    server = uvicorn.Server(config(create_app(settings), settings, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the service did not start")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def is_problem(answer: httpx.Response, status: int) -> str:
    """Asserts that the answer is problem JSON of that status; returns its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    body = answer.json()
    assert body["status"] == status
    assert body["type"].startswith(ns.BASE + "problems/")
    assert body["title"]
    return str(body["detail"])


@contextmanager
def small_settings(folder: Path) -> Iterator[Settings]:
    """Settings of a service over a data folder that holds the sample release."""
    settings = Settings(data_dir=folder, workers=4, query_timeout=20, public_url="http://test")
    make_release(settings.releases)
    yield settings


def read_gzip(path: Path) -> str:
    """The text of a packed file."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        return text.read()
