"""Every organisation is one node: merges decided, look-alikes decided, counts as expected."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache

import pytest

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import parts
from clusterloom.loaders.escp_partnerships import partnership_key
from clusterloom.loaders.identity import THRESHOLD, candidates, merge_table, normal
from clusterloom.loaders.joint import look_up, says_cluster
from clusterloom.loaders.names import Named, named
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.registry import data_folder


@cache
def reference() -> Reference:
    return Reference(data_folder())


def rows(table: str) -> list[dict[str, str]]:
    with open(data_folder() / table, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def kept(key: str) -> str:
    return reference().thing("org", key.removeprefix("org/"))


def test_every_pair_of_like_names_is_decided() -> None:
    decided = {frozenset((kept(r["a"]), kept(r["b"]))) for r in rows("match_candidates.csv")}
    undecided = [
        pair
        for pair in candidates(named(reference()))
        if kept(pair.a) != kept(pair.b) and frozenset((kept(pair.a), kept(pair.b))) not in decided
    ]
    assert not undecided, "decide in data/aliases.csv or data/match_candidates.csv: " + "; ".join(
        f"{p.a} and {p.b} ({p.score}, {p.method})" for p in undecided
    )


def test_candidates_find_what_they_should() -> None:
    def row(key: str, name: str, acronym: str = "", country: str = "FR", role: str = "") -> Named:
        return Named(key, name, acronym, country, "t", role)

    pairs = {
        frozenset((p.a, p.b)): p.method
        for p in candidates(
            [
                row("a", "Pôle Véhicule Éco"),
                row("b", "ASSOCIATION POLE VEHICULE ECO"),
                row("c", "Pole Vehicule Eco", country="DE"),
                row("d", "Vehicule Eco GmbH", country=""),
                row("pic-1", "Same Firm", role="sme"),
                row("pic-2", "Same Firm", role="cluster"),
            ]
        )
    }
    assert set(pairs) == {frozenset(p) for p in (("a", "b"), ("a", "d"), ("b", "d"), ("c", "d"))}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Clúster Alimentario de Galicia", "alimentario galicia"),
        ("ASSOCIACIO CLUSTER DEL PACKAGING", "packaging"),
        ("Cluster", ""),
    ],
)
def test_normal_keeps_the_telling_words(name: str, words: str) -> None:
    assert normal(name) == words


def test_aliases_name_known_things_and_say_why() -> None:
    known = {f"org/{n.key}" for n in named(reference())}
    table = rows("aliases.csv")
    assert len({r["old"] for r in table}) == len(table), "an old key has two new ones"
    strength = ("pic-", "vat-", "lei-")
    for row in table:
        if not row["old"].startswith("org/"):
            continue
        assert row["old"] in known, f"{row['old']}: no table has this key"
        assert row["new"] in known, f"{row['new']}: no table has this key"
        old, new = row["old"].removeprefix("org/"), row["new"].removeprefix("org/")
        assert new.startswith(strength) or not old.startswith(strength), (
            f"{old} is the stronger key"
        )
        assert row["reason"].endswith("."), f"{row['old']}: the reason is a sentence"
        date.fromisoformat(row["date"])


def test_match_candidates_are_pairs_of_things_we_have() -> None:
    have = {kept(n.key) for n in named(reference())}
    for row in rows("match_candidates.csv"):
        a, b = kept(row["a"]), kept(row["b"])
        assert a in have, f"{row['a']}: no such organisation"
        assert b in have, f"{row['b']}: no such organisation"
        assert a != b, f"{row['a']} and {row['b']} are merged by an alias"
        assert row["a"] < row["b"], "pairs are written in order"
        assert float(row["score"]) >= THRESHOLD or row["method"] == "rows read"


def test_habitat_trap() -> None:
    names = {n.name: kept(n.key) for n in named(reference())}
    assert names["CLUSTER DE HABITAT EFICIENTE"] != names["Clúster Hàbitat"]


def test_cluster_organisations_are_400_to_430_and_none_twice() -> None:
    found = {kept(n.key) for n in named(reference()) if n.role == "cluster"}
    found |= {kept(n.key) for n in named(reference()) if n.table == "escp" and says_cluster(n.name)}
    assert 400 <= len(found) <= 430
    picked: dict[str, set[str]] = {}
    for row in [*rows("clusters.csv"), *rows("horizon_participations.csv")]:
        if row["vat_number"]:
            iri = reference().organisation(row["name"], row["country"], row["pic"])
            picked.setdefault(row["vat_number"], set()).add(iri)
    assert not {vat: iris for vat, iris in picked.items() if len(iris) > 1}


def test_at_least_33_horizon_clusters_are_rows_of_clusters_csv() -> None:
    both = [
        m for m in merge_table(reference()) if m.cluster and {"clusters", "horizon"} <= {*m.tables}
    ]
    horizon = {r["pic"] for r in rows("horizon_participations.csv") if r["kind"] == "cluster"}
    assert len([m for m in both if m.key.removeprefix("pic-") in horizon]) >= 33


def test_literal_iris_stay() -> None:
    """A changed IRI is a breaking change: these are promised."""
    iris = {n.name: kept(n.key).removeprefix(ns.ID) for n in named(reference())}
    assert iris["Business Upper Austria - OÖ Wirtschaftsagentur"] == "org/pic-998776991"
    assert iris["Czech Optical Cluster"] == "org/pic-895281677"
    assert iris["Plastipolis"] == "org/pic-998394229"
    assert iris["AERTIC"] == "org/xx-aertic-f7c56d"
    assert partnership_key("AdPack²") == "adpack2"
    assert partnership_key("ELCA (action under COS-CLUSINT-2019-3-01)") == "elca-lightweight"


def test_partnership_and_participation_keys_are_distinct() -> None:
    acronyms = [r["acronym"] for r in rows("escp_partnerships.csv")]
    assert len({partnership_key(a) for a in acronyms}) == len(acronyms)
    members = [
        (partnership_key(r["partnership"]), ns.slug(r["member"])) for r in rows("escp_members.csv")
    ]
    assert len(set(members)) == len(members)
    partners = [(r["project"], ns.slug(r["organisation"])) for r in rows("innosup_partners.csv")]
    assert len(set(partners)) == len(partners)
    roles = [(r["grant_number"], r["pic"], r["role"]) for r in rows("horizon_participations.csv")]
    assert len(set(roles)) == len(roles)


def test_innosup_coordinators_are_partners_already() -> None:
    """Why the column `coordinator` of innosup_projects.csv is not loaded."""
    partners: dict[str, str] = {}
    for row in rows("innosup_partners.csv"):
        names = f"{row['organisation']} {row['cluster_name']}"
        partners[row["project"]] = f"{partners.get(row['project'], '')} {normal(names)}"
    for row in rows("innosup_projects.csv"):
        if row["coordinator"] and row["project" if "project" in row else "acronym"] in partners:
            words = set(normal(row["coordinator"].partition("(")[0]).split())
            assert words & set(partners[row["acronym"]].split()) or not words, row["acronym"]


def test_every_sector_tag_has_a_slug_of_its_own() -> None:
    cells = look_up(data_folder(), "clusters.csv", "name", "sectors").values()
    tags = {tag for cell in cells for tag in parts(cell)}
    assert len({ns.slug(tag) for tag in tags}) == len(tags) == 176
