"""Benchmark `search`: the index over made-up European names against SPARQL `CONTAINS`.

The names are made from words of several languages, the typos by a seeded generator, so every run
asks the same. What is found counts as well as how fast: recall is the share of questions whose
thing is among the first three.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence

import pyoxigraph as ox

from clusterloom import terms
from clusterloom.api.fold import fold
from clusterloom.api.search_entries import Entry, Name
from clusterloom.api.search_index import SearchIndex
from clusterloom.namespaces import PREFIXES, thing

from .measure import OURS, Measurement, Outcome

PEER = "SPARQL CONTAINS"
SEED = 20261123
QUESTIONS = 200
"""Questions of each kind; the peer gets the first few of them."""
PEER_QUESTIONS = 10
AMONG = 3

_FORMS = (
    "{s} Cluster {c}", "Clúster de {s} de {c}", "Pôle {s} {c}", "Klaster {s} {c}", "{c} {s} Valley",
    "Cluster {s} {c} e.V.", "Distretto {s} di {c}", "{s} Netværk {c}", "Klastr {s} {c}",
    "{s}klyngen {c}", "{c} {s} Park", "Associação {s} {c}", "{s} Network of {c}", "Grozd {s} {c}",
    "{s}verbund {c}", "Clusterul {s} {c}", "{c} {s} Hub", "{s} Alliance {c}", "{s} {c} GmbH",
    "Fundación {s} {c}", "{s} {c} S.L.", "{s} {c} AS", "{s} {c} Sp. z o.o.", "{s} {c} Oy",
)  # fmt: skip
_SECTORS = (
    "Energía", "Santé", "Gesundheit", "Automotive", "Photonik", "Biotech", "Żywność", "Textil",
    "Aéronautique", "Logistik", "Maritime", "Agrifood", "Holz", "Kunststoff", "Wasserstoff",
    "Turismo", "Calzado", "Møbel", "Moda", "Design", "Medizintechnik", "Mikroelektronik", "ICT",
    "Cybersécurité", "Räumliche Daten", "Bioekonomia", "Chemie", "Metall", "Ceramica", "Robotik",
    "Água", "Circular Economy", "Smart City", "Wind", "Solar", "Batterie", "Espace", "Film",
    "Gaming", "Fintech", "Packaging", "Papier", "Keramik", "Sport", "Wellness", "Bau",
)  # fmt: skip
_CITIES = (
    "Düsseldorf", "Łódź", "Kraków", "Málaga", "København", "Århus", "Göteborg", "Malmö", "Zürich",
    "Genève", "Besançon", "Orléans", "Nîmes", "León", "Cádiz", "A Coruña", "Gijón", "Évora",
    "Braga", "Setúbal", "Plzeň", "Brno", "České Budějovice", "Košice", "Žilina", "Győr", "Pécs",
    "Timișoara", "Iași", "Cluj-Napoca", "Plovdiv", "Varna", "Thessaloniki", "Patras", "Ljubljana",
    "Maribor", "Zagreb", "Osijek", "Rijeka", "Vilnius", "Kaunas", "Rīga", "Liepāja", "Tartu",
    "Tallinn", "Jyväskylä", "Oulu", "Tampere", "Trondheim", "Tromsø", "Ålesund", "Reykjavík",
    "Gdańsk", "Poznań", "Wrocław", "Szczecin", "Rzeszów", "Białystok", "Antwerpen", "Gent",
    "Liège", "Namur", "Eindhoven", "Groningen", "Enschede", "Luxembourg", "Saarbrücken", "Jena",
    "Würzburg", "Nürnberg", "München", "Köln", "Münster", "Tübingen", "Graz", "Linz", "Innsbruck",
    "Torino", "Bologna", "Bari", "Catania", "Cagliari", "Trieste", "Valletta", "Cork", "Galway",
    "Limerick", "Dundee", "Cardiff", "Leeds", "Lille", "Rennes", "Brest", "Toulouse", "Grenoble",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Ask = Callable[[str], Sequence[str]]


def run(names: int) -> Outcome:
    """Measures each kind of question over that many things."""
    chance = random.Random(SEED)
    entries = made_up(names, chance)
    began = time.perf_counter()
    index = SearchIndex(entries)
    built = time.perf_counter() - began
    store = _store(entries)

    def ours(text: str) -> Sequence[str]:
        return [hit.entry.iri for hit in index.search(text).hits]

    def theirs(text: str) -> Sequence[str]:
        return contains(store, text)

    chosen = [chance.choice(entries) for _ in range(min(QUESTIONS, names))]
    kinds: dict[str, Callable[[str], str]] = {
        "whole name": lambda name: name,
        "no diacritics": fold,
        "one typo": lambda name: misspelt(fold(name), 1, chance),
        "two typos": lambda name: misspelt(fold(name), 2, chance),
        "as one types": lambda name: fold(name)[: max(4, 2 * len(name) // 3)],
    }
    measurements = []
    for kind, change in kinds.items():
        questions = [(change(entry.label), entry.iri) for entry in chosen]
        p50, p95, found = _asked(ours, questions)
        peer, _, peer_found = _asked(theirs, questions[:PEER_QUESTIONS])
        measurements.append(
            Measurement(
                f"{kind}: recall {found:.2f} / {peer_found:.2f}, p95 {p95 * 1000:.2f} ms",
                "",
                names,
                None,
                {OURS: p50, PEER: peer},
            )
        )
    title = f"Things by name, the index built in {built:.1f} s; recall is ours / the peer's"
    return Outcome("search", title, "things", measurements)


def made_up(count: int, chance: random.Random) -> list[Entry]:
    """That many things with different names, the same for the same generator."""
    entries: dict[str, Entry] = {}
    while len(entries) < count:
        form, sector, city = (chance.choice(of) for of in (_FORMS, _SECTORS, _CITIES))
        label = form.format(s=sector, c=city)
        if label in entries:
            # two of them have merged, or a number tells them apart, as in registers
            label = form.format(s=f"{sector} {chance.choice(_SECTORS)}", c=city)
        if label in entries:
            label = f"{label} {_word(chance)}"
        number = len(entries)
        acronym = "".join(word[0] for word in fold(label).split()).upper() + str(number % 97)
        entries[label] = Entry(
            iri=thing("org", f"xx-{number}"),
            label=label,
            kind="ClusterOrganisation",
            types=("ClusterOrganisation", "Organisation"),
            names=(Name(label, "label"), Name(acronym, "acronym")),
            places=(Name(city, "city"),),
            countries=(),
            regions=(),
            about=(),
            years=(),
            links=0,
        )
    return list(entries.values())


def misspelt(name: str, typos: int, chance: random.Random) -> str:
    """The name with letters dropped, doubled, changed or swapped, each in a longer word."""
    words = name.split()
    for _ in range(typos):
        long = [n for n, word in enumerate(words) if len(word) > 3]
        place = chance.choice(long)
        words[place] = _typo(words[place], chance)
    return " ".join(words)


def contains(store: ox.Store, text: str) -> list[str]:
    """What one would write without an index: labels that contain the text, whatever its case."""
    label = terms.iri(PREFIXES["rdfs"] + "label")
    rows = store.query(
        f"SELECT ?s WHERE {{ ?s {label} ?name "
        f"FILTER (CONTAINS(LCASE(?name), {terms.text(text.lower())})) }} ORDER BY ?s LIMIT 20"
    )
    assert isinstance(rows, ox.QuerySolutions)
    return [str(row["s"].value) for row in rows if isinstance(row["s"], ox.NamedNode)]


def _typo(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    match chance.randrange(4):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + word[at] + word[at:]
        case 2:
            return word[:at] + chance.choice(_LETTERS) + word[at + 1 :]
        case _:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(_LETTERS) for _ in range(6)).capitalize()


def _store(entries: Sequence[Entry]) -> ox.Store:
    store = ox.Store()
    label = ox.NamedNode(PREFIXES["rdfs"] + "label")
    store.bulk_extend(
        ox.Quad(ox.NamedNode(entry.iri), label, ox.Literal(entry.label)) for entry in entries
    )
    return store


def _asked(ask: Ask, questions: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """Median and 95th percentile of the seconds, and the recall."""
    ask(questions[0][0])
    seconds, hits = [], 0
    for text, expected in questions:
        began = time.perf_counter()
        found = ask(text)
        seconds.append(time.perf_counter() - began)
        hits += expected in found[:AMONG]
    seconds.sort()
    p95 = seconds[min(len(seconds) - 1, round(0.95 * len(seconds)))]
    return statistics.median(seconds), p95, hits / len(questions)
