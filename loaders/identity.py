"""Which names mean the same organisation: pairs worth a decision, and the merges decided.

The decisions are data: `aliases.csv` holds the pairs that are one, `match_candidates.csv` those
that stay open or were refused. A test asks that every pair `candidates` finds is decided.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations
from typing import NamedTuple

from rapidfuzz import fuzz

from clusterloom import namespaces as ns
from clusterloom.loaders.names import Named, named
from clusterloom.loaders.reference import Reference

THRESHOLD = 0.8
"""Pairs scored at least this need a decision."""

_WORDS = """
gmbh ggmbh ev e v ag zs z s sro as ab sa srl scarl c a r l sl slu bv nv ltd limited kft doo d o oy
ehf asbl aisbl sp zoo ike ood ead spa
association asociacion associacio associazione associacao asociatia asoc fundacion fondazione
fundacja stiftelsen stichting verein forening foreningen sdruzhenie stowarzyszenie
cluster clusters klaster klastr klasteris clusterul pole polo competitivite competitive
the of and for de del della delle di da do der des du la le les el en et und y i per
"""
_IDLE = frozenset(_WORDS.split())
"""Legal forms, words for an association or a cluster, small words."""
_RARE = 3


class Pair(NamedTuple):
    """Two keys whose names are alike, 0 to 1, and how that was found."""

    score: float
    a: str
    b: str
    method: str


class Merged(NamedTuple):
    """An organisation that several names or tables share."""

    key: str
    names: tuple[str, ...]
    tables: tuple[str, ...]
    by_alias: bool
    cluster: bool


@cache
def normal(name: str) -> str:
    """The words that tell a name from another: lower case, plain letters, no legal form.

    >>> normal("Associació Clúster Digital de Catalunya")
    'digital catalunya'
    """
    words = re.findall(r"[a-z0-9]+", ns.ascii_fold(name).lower())
    return " ".join(w for w in words if w not in _IDLE)


def candidates(rows: Iterable[Named], threshold: float = THRESHOLD) -> Iterator[Pair]:
    """Pairs of one country (or of an unknown one) whose names or acronyms are alike.

    Two different PICs are two legal persons, and two SMEs are never compared.
    """
    known = list(rows)
    words = {(r.key, w) for r in known for w in normal(f"{r.name} {r.acronym}").split()}
    spread = Counter(word for _, word in words)
    blocks: dict[str, list[Named]] = defaultdict(list)
    for row in known:
        blocks[row.country].append(row)
    placeless = blocks.pop("", [])
    pairs = [p for block in blocks.values() for p in combinations(block, 2)]
    pairs += [(a, b) for a in placeless for block in blocks.values() for b in block]
    pairs += combinations(placeless, 2)
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for a, b in pairs:
        if a.key == b.key or (a.key[:4] == b.key[:4] == "pic-") or a.role == b.role == "sme":
            continue
        score, method = _alike(a, b, spread)
        if score >= threshold:
            first, second = sorted((a.key, b.key))
            found[first, second] = max(found.get((first, second), (0.0, "")), (score, method))
    for (first, second), (score, method) in sorted(found.items()):
        yield Pair(round(score, 3), first, second, method)


def _alike(a: Named, b: Named, spread: Counter[str]) -> tuple[float, str]:
    best = (0.9, "same website") if a.site and a.site == b.site else (0.0, "")
    for x in {normal(a.name), normal(a.acronym)} - {""}:
        for y in {normal(b.name), normal(b.acronym)} - {""}:
            best = max(best, (fuzz.token_sort_ratio(x, y) / 100, "names alike"))
            short, long = sorted((set(x.split()), set(y.split())), key=len)
            if short <= long and any(spread[w] <= _RARE and len(w) > 2 for w in short):
                best = max(best, (0.95, "one name within the other"))
    return best


def merge_table(reference: Reference) -> list[Merged]:
    """Each organisation that has several names, or one in several tables, after aliases."""
    groups: dict[str, list[Named]] = defaultdict(list)
    for row in named(reference):
        groups[reference.thing("org", row.key).removeprefix(ns.ID + "org/")].append(row)
    return [
        Merged(
            key,
            tuple(dict.fromkeys(r.name for r in rows)),
            tuple(dict.fromkeys(r.table for r in rows)),
            len({r.key for r in rows}) > 1,
            any(r.role == "cluster" for r in rows),
        )
        for key, rows in sorted(groups.items())
        if len(rows) > 1
    ]
