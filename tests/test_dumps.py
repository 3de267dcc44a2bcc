"""The catalogue lists what can be downloaded, and each of it can; nothing else can."""

from __future__ import annotations

import gzip

import pyoxigraph as ox
import pytest
import zstandard

from clusterloom import namespaces as ns
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import serving

DOWNLOAD = ox.NamedNode(ns.expand("dcat:downloadURL"))


def test_every_download_of_the_catalogue_is_there(
    default_release: Release, settings: Settings
) -> None:
    with serving(settings) as client:
        catalogue = client.get("/catalog")
        assert catalogue.headers["content-type"].startswith("text/turtle")
        quads = list(ox.parse(catalogue.content, format=ox.RdfFormat.TURTLE))
        downloads = [q.object for q in quads if q.predicate == DOWNLOAD]
        assert len(downloads) > 40
        for address in downloads:
            assert isinstance(address, ox.NamedNode)
            answer = client.get("/" + address.value.removeprefix(ns.BASE))
            assert answer.status_code == 200
            if address.value.endswith(".ttl.gz"):
                turtle = gzip.decompress(answer.content)
                assert next(iter(ox.parse(turtle, format=ox.RdfFormat.TURTLE)))
            else:
                lines = zstandard.ZstdDecompressor().stream_reader(answer.content)
                assert lines.read(1).startswith(b"<")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dumps/{id}/report.json", 404),
        ("/dumps/{id}/turtle/../report.json", 404),
        ("/dumps/{id}/turtle%2F..%2Freport.json", 404),
        ("/dumps/{id}/oxigraph/CURRENT", 404),
        ("/dumps/0000000000000000/dump.nq.zst", 410),
        ("/dumps/current/dump.nq.zst", 404),
    ],
)
def test_nothing_else_is_served(
    default_release: Release, settings: Settings, path: str, status: int
) -> None:
    with serving(settings) as client:
        answer = client.get(path.replace("{id}", default_release.id))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
