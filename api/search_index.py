"""The search index of a release: names in memory, found by words, beginnings and with typos.

Matches come by tiers (see `search_query`). Within a tier the order of the entries decides, so the
same question gives the same list; names a typo away come by likeness.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import tantivy
from tantivy import Document, Occur, Query

from clusterloom.api.fold import fold, trigrams
from clusterloom.api.likeness import likeness, likest
from clusterloom.api.search_entries import Entry, read_entries
from clusterloom.api.search_query import ALL, WHOLE, Queries, fields_of, make_schema, within
from clusterloom.api.serving import Served

FEW = 10
"""Names spelt otherwise are looked for where fewer things than that are named as asked."""
LIKELY = 100
"""The first matches a typo away that are put in order of likeness."""
HELD = 1000
"""Matches that are looked at one by one; of more only the page is."""
MAX_WORDS = 20
"""Words of a query that are looked at."""

_log = logging.getLogger(__name__)
_KEY = "search index"
_HEAP = 1_000_000_000
"""More than the names of any release take, so that the index is one segment and ties keep the
order in which the entries were added."""


@dataclass(frozen=True)
class Hit:
    """One thing that was found and the score of its tier."""

    entry: Entry
    score: float
    number: int = 0
    """Its place among all entries."""


@dataclass(frozen=True)
class Found:
    """One page of hits, how many there are in all, and how many of each kind."""

    hits: tuple[Hit, ...]
    total: int
    facets: dict[str, int]
    """Kind -> things, whatever types were asked for; the most frequent first."""


class SearchIndex:
    """Answers searches over the entries; safe to use from several threads."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        self.by_path = {entry.path: entry for entry in self.entries}
        self.countries = {e.id: e.label for e in self.entries if e.kind == "Country"}
        self._folded = [tuple(fold(name.text) for name in e.names) for e in self.entries]
        schema = make_schema()
        index = tantivy.Index(schema)
        writer = index.writer(_HEAP, 1)
        for number, entry in enumerate(self.entries):
            writer.add_document(Document.from_dict(fields_of(number, entry), schema))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()
        self._queries = Queries(schema, self._searcher)

    def search(
        self,
        text: str,
        *,
        types: Iterable[str] = (),
        countries: Iterable[str] = (),
        limit: int = 20,
        offset: int = 0,
        typing: bool = False,
    ) -> Found:
        """The things that match, best first; `types` are classes, `countries` keys.

        While someone is `typing`, the last word may still grow where a letter of it is wrong.
        """
        words = fold(text).split()[:MAX_WORDS]
        if not words:
            return Found((), 0, {})
        held, wide = frozenset(types), self._queries.filters("country", countries)
        narrow = [*wide, *self._queries.filters("type", held)]
        asked, until = " ".join(words), offset + limit
        query = self._query(words, narrow, typing)
        hits, total, facets = self._found(query, asked, held, wide, narrow, until)
        if not total:
            query = self._queries.last_resort(words)
            hits, total, facets = self._found(query, asked, held, wide, narrow, until)
        return Found(tuple(hits[offset:until]), total, facets)

    def _query(self, words: list[str], filters: list[Query], typing: bool) -> Query:
        """What matches the words; misspelt names too, where few things are named as asked."""
        named = self._queries.named(words)
        query = Query.disjunction_max_query([*named, *self._queries.placed(words)])
        best = self._searcher.search(within(Query.disjunction_max_query(named), filters), 1)
        if _total(best) >= FEW or (not typing and best.hits and best.hits[0][0] >= WHOLE):
            return query
        return Query.disjunction_max_query([query, *self._queries.misspelt(words, typing)])

    def _found(
        self,
        query: Query,
        asked: str,
        held: frozenset[str],
        wide: list[Query],
        narrow: list[Query],
        until: int,
    ) -> tuple[list[Hit], int, dict[str, int]]:
        """Hits up to a place in the list, their number in all, and facets."""
        result = self._searcher.search(within(query, wide), max(HELD, until))
        hits = self._hits(result)
        if _total(result) == len(hits):
            # one pass is enough, unless the matches are too many to look at each
            facets = _most_frequent(Counter(hit.entry.kind for hit in hits))
            hits = [hit for hit in hits if not held or held & set(hit.entry.types)]
            total = len(hits)
        else:
            facets = self._facets(within(query, wide))
            result = self._searcher.search(within(query, narrow), max(LIKELY, until))
            hits, total = self._hits(result), _total(result)
        self._order(hits, asked)
        return hits, total, facets

    def similar(self, text: str, *, types: Iterable[str] = (), limit: int = 5) -> list[Hit]:
        """Things whose names share the most letters in a row with the text, most alike first.

        For questions that find nothing; the scores are likenesses from 0 to 100.
        """
        grams = list(dict.fromkeys(g for word in fold(text).split() for g in trigrams(word)))
        if not grams:
            return []
        parts = [(Occur.Should, self._queries.term("grams", gram)) for gram in grams[:100]]
        query = within(Query.boolean_query(parts), self._queries.filters("type", types))
        hits = self._hits(self._searcher.search(query, 30, count=False))
        near = [Hit(hit.entry, likeness(text, hit.entry)) for hit in hits]
        near.sort(key=lambda hit: -hit.score)
        return near[:limit]

    def _order(self, hits: list[Hit], asked: str) -> None:
        """Puts the first of those that are spelt otherwise in order of likeness."""
        exact = next((n for n, hit in enumerate(hits) if hit.score < ALL), len(hits))
        if exact < LIKELY:
            alike = hits[exact:LIKELY]
            alike.sort(key=lambda hit: -likest(asked, self._folded[hit.number]))
            hits[exact:LIKELY] = alike

    def _hits(self, result: tantivy.SearchResult) -> list[Hit]:
        places = [address for _, address in result.hits]
        numbers = self._searcher.fast_field_values("number", places)
        return [
            Hit(self.entries[int(number or 0)], float(score), int(number or 0))
            for number, (score, _) in zip(numbers, result.hits, strict=True)
        ]

    def _facets(self, query: Query) -> dict[str, int]:
        wanted = {"kinds": {"terms": {"field": "kind", "size": 100}}}
        buckets = self._searcher.aggregate(query, wanted)["kinds"]["buckets"]
        return _most_frequent({str(b["key"]): int(b["doc_count"]) for b in buckets})


def _total(result: tantivy.SearchResult) -> int:
    total: int = result.count  # type: ignore[attr-defined]
    return total


def _most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


async def search_index(served: Served) -> SearchIndex:
    """The index of this release, built once, in a thread, by whoever needs it first."""
    return await served.once(_KEY, _build)


def prepare_search(served: Served) -> None:
    """Begins to build the index, so that no request need wait for it."""
    served.prepare(_KEY, _build)


async def _build(served: Served) -> SearchIndex:
    began = time.perf_counter()
    index = await asyncio.to_thread(SearchIndex, await read_entries(served))
    _log.info("%s things indexed in %.1f s", len(index.entries), time.perf_counter() - began)
    return index
