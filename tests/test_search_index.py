"""The search index by itself: order, ties, likeness, and the time it takes."""

from __future__ import annotations

import statistics
import time
from typing import Any

from clusterloom.api.likeness import likeness, matched
from clusterloom.api.search_entries import Entry, Name
from clusterloom.api.search_index import SearchIndex
from clusterloom.namespaces import ID


def entry(key: str, label: str, **more: Any) -> Entry:
    given: dict[str, Any] = {
        "iri": f"{ID}org/{key}", "label": label, "kind": "ClusterOrganisation",
        "types": ("ClusterOrganisation", "Organisation"), "names": (Name(label, "label"),),
        "places": (), "countries": (), "regions": (), "about": (), "years": (), "links": 0,
    }  # fmt: skip
    return Entry(**given | more)


def test_ties_keep_the_order_of_the_entries() -> None:
    index = SearchIndex([entry(str(n), "Same name") for n in range(3000)])
    hits = index.search("same name", limit=3000).hits
    assert [hit.entry.id for hit in hits] == [str(n) for n in range(3000)]
    page = index.search("same name", limit=10, offset=2000)
    assert [hit.entry.id for hit in page.hits] == [str(n) for n in range(2000, 2010)]
    assert page.total == 3000
    assert page.facets == {"ClusterOrganisation": 3000}
    typed = index.search("same name", types=["SME"])
    assert (typed.hits, typed.total, typed.facets) == ((), 0, {"ClusterOrganisation": 3000})


def test_an_index_of_nothing_finds_nothing() -> None:
    index = SearchIndex([])
    assert index.search("a").total == 0
    assert index.similar("a") == []


def test_a_search_takes_few_milliseconds() -> None:
    """Of processor time, which other work on the machine does not add to; see bench/search.py."""
    first = ("Agro", "Bio", "Eco", "Foto", "Medi", "Nano", "Öko", "Petro", "Robo", "Tele")
    then = ("chemie", "energía", "logistik", "mobilité", "technik", "textil", "wasser", "welt",
            "zdravje", "życie")  # fmt: skip
    things = [f"{a}{b} Cluster {c}" for a in first for b in then for c in range(100)]
    index = SearchIndex([entry(str(n), name) for n, name in enumerate(things)])
    seconds = []
    for asked in ("fotoenergia 7", "phototechnik", "oekowaser 12", "nano welt", "a", "zzz zzz"):
        began = time.thread_time()
        index.search(asked)
        seconds.append(time.thread_time() - began)
    assert statistics.median(seconds) < 0.02


def test_names_a_typo_away_come_by_likeness() -> None:
    index = SearchIndex([entry("far", "Photonica Holdings Group"), entry("near", "Photonics")])
    assert next(h.entry.id for h in index.search("photonnics").hits) == "near"
    assert likeness("photonnics", index.entries[1]) > likeness("photonnics", index.entries[0])


def test_matched_is_the_name_that_was_meant() -> None:
    one = entry("a", "Zeta", names=(Name("Zeta", "label"), Name("ZC", "acronym")),
                places=(Name("Lyon", "city"),))  # fmt: skip
    assert matched("zc", one) == Name("ZC", "acronym")
    assert matched("lyon", one) == Name("Lyon", "city")
    assert matched("zeta lyon", one) == Name("Zeta", "label")
