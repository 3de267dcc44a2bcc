"""What the project does not carry: VAT numbers and points of SMEs, natural persons."""

from __future__ import annotations

import csv

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders import registry
from clusterloom.store.release import Release


def test_the_table_has_no_vat_number_or_point_of_an_sme() -> None:
    path = registry.data_folder() / "horizon_participations.csv"
    with open(path, encoding="utf-8", newline="") as table:
        smes = [row for row in csv.DictReader(table) if row["kind"] == "sme"]
    assert len(smes) > 900
    assert not [row["pic"] for row in smes if row["vat_number"] or row["geolocation"]]


def test_nor_has_the_graph(default_release: Release) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    found = store.query(
        """ASK { ?sme a cloom:SME ; ?property ?value .
                 VALUES ?property { cloom:vatNumber cloom:latitude cloom:longitude } }""",
        prefixes=ns.PREFIXES,
    )
    assert not bool(found)
    assert not bool(store.query("ASK { ?s a ?c FILTER (?c IN (foaf:Person, schema:Person)) }",
                                prefixes=ns.PREFIXES))  # fmt: skip
