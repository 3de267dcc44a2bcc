"""A release of a made-up graph (`graphs.py`), published as builds publish theirs."""

from __future__ import annotations

import gzip
import json
import random

from clusterloom.settings import Settings
from clusterloom.store.release import Release, build_folder
from clusterloom.store.release import publish as put_there
from clusterloom.store.writer import StoreWriter

from . import graphs

ID = "00000000000000bb"
_FAMILY = "bench"


def publish(settings: Settings, clusters: int) -> list[str]:
    """Publishes the graph as the current release; keys of its clusters in an order drawn once."""
    rows = graphs.graph(clusters)
    built = build_folder(settings.releases)
    (built / "families").mkdir()
    path = built / "families" / f"{_FAMILY}.nq.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as out:
        for line in graphs.lines(rows, clusters):
            out.write(f"{line} <{graphs.GRAPH}> .\n")
    writer = StoreWriter(built / "oxigraph")
    writer.load_family(path)
    triples = writer.finish()
    writer.close()
    report = {"id": ID, "triples": triples, "sources": {}, "families": {_FAMILY: ""},
              "software": "bench", "built": "2026-01-01T00:00:00+00:00", "partial": False,
              "checks": {"errors": 0, "shacl": 0, "rows": 0, "first": []},
              "summary": {"classes": {}, "coverage": {}}}  # fmt: skip
    (built / "report.json").write_text(json.dumps(report), "utf-8")
    put_there(settings.releases, built, ID)
    keys = [iri.rsplit("/", 1)[1] for iri, _ in rows["clusters"]]
    random.Random(1).shuffle(keys)
    return keys


def release(settings: Settings) -> Release:
    """That release."""
    return Release(ID, settings.releases / ID)
