"""Queries of the search index: its fields, and the tiers in which something matches.

A match is of a tier: the whole name, its beginning, all its words, all words in names and places,
a typo away. Texts are folded before they come here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import tantivy
from tantivy import Occur, Query

from clusterloom.api.fold import compounds, fold, spellings, trigrams
from clusterloom.api.search_entries import Entry
from clusterloom.ontology import vocabulary

WHOLE, START, TYPED, WORDS, ALL, TYPO = 100.0, 80.0, 70.0, 60.0, 50.0, 30.0
"""Scores of the tiers; a score below ALL is that of a name spelt otherwise."""

COMMON = 200
"""A word that more things have is not taken for a misspelt one."""


class Queries:
    """Makes queries for one index."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def filters(self, field: str, values: Iterable[str]) -> list[Query]:
        """What leaves only things with one of the values; nothing where there is none."""
        parts = [(Occur.Should, self.term(field, value)) for value in values]
        return [scored(Query.boolean_query(parts), 0.0)] if parts else []

    def named(self, words: list[str]) -> list[Query]:
        """Tiers of things named as asked."""
        whole, joined, last = " ".join(words), "".join(words), len(words) - 1
        tiers = [
            scored(self.term("joined", joined), WHOLE),
            scored(self._starts("whole", whole + " "), START),
            scored(self._starts("whole", whole), TYPED),
            scored(self._starts("joined", joined), TYPED - 2),
            scored(_all(self.term("word", w) for w in words), WORDS),
            scored(
                _all(
                    self._starts("word", w) if n == last else self.term("word", w)
                    for n, w in enumerate(words)
                ),
                WORDS - 2,
            ),
        ]
        for n in range(last):
            merged = [*words[:n], words[n] + words[n + 1], *words[n + 2 :]]
            tiers.append(scored(_all(self.term("word", w) for w in merged), WORDS - 1))
        return tiers

    def placed(self, words: list[str]) -> list[Query]:
        """Tiers of things with all words in names, places and what they are."""
        starts = _all(self._starts("any", w) if len(w) > 2 else self.term("any", w) for w in words)
        return [
            scored(_all(self.term("any", w) for w in words), ALL + 2),
            scored(starts, ALL),
        ]

    def misspelt(self, words: list[str], typing: bool) -> list[Query]:
        """Tiers of things a typo or two away."""
        joined, last = "".join(words), len(words) - 1
        # where another word says what is meant, an ending may differ: `hydrogn vally` for Valleys
        grows = [(typing and n == last) or (last > 0 and len(w) > 4) for n, w in enumerate(words)]
        near = _all(self._near("any", w, g) for w, g in zip(words, grows, strict=True))
        return [scored(near, TYPO), scored(self._near("joined", joined, typing), TYPO + 2)]

    def last_resort(self, words: list[str]) -> Query:
        """Where nothing is near: things with most of many words, or two letters off in a word."""
        if len(words) < 3:
            joined = "".join(words)
            if len(joined) < 5 or joined.isdecimal():
                return Query.empty_query()
            return scored(
                Query.fuzzy_term_query(self._schema, "joined", joined, 2, True, False), TYPO - 6
            )
        parts = [(Occur.Should, scored(self._near("any", w, False), 1.0)) for w in words]
        return Query.boolean_query(parts, math.ceil(0.6 * len(words)))

    def term(self, field: str, value: str) -> Query:
        """What has just that value."""
        return Query.term_query(self._schema, field, value, "basic")

    def _starts(self, field: str, start: str) -> Query:
        # a pattern of `start.*` would take a millisecond to compile
        return Query.fuzzy_term_query(self._schema, field, start, 0, True, True)

    def _near(self, field: str, word: str, grows: bool) -> Query:
        distance = tolerance(word)
        if (not distance and not grows) or self._searcher.doc_freq(field, word) > COMMON:
            return self.term(field, word)
        if not distance:
            return self._starts(field, word)
        return Query.fuzzy_term_query(self._schema, field, word, distance, True, grows)


def tolerance(word: str) -> int:
    """Letters of a word that may be wrong; none in a number or a short word.

    >>> tolerance("scs"), tolerance("wind"), tolerance("hydrogen"), tolerance("101070109")
    (0, 1, 2, 0)
    """
    if word.isdecimal() or len(word) < 4:
        return 0
    return 1 if len(word) < 7 else 2


def make_schema() -> tantivy.Schema:
    """The fields of the index: whole names, their words, words of names and places, and filters."""
    builder = tantivy.SchemaBuilder()
    for field in ("whole", "joined", "type", "country"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in ("word", "any"):
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("grams", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("kind", tokenizer_name="raw", fast=True, index_option="basic")
    builder.add_unsigned_field("number", fast=True)
    return builder.build()


def fields_of(number: int, entry: Entry) -> dict[str, object]:
    """The document of an entry."""
    names = [name.text for name in entry.names]
    spelt = list(dict.fromkeys(form for name in names for form in spellings(name)))
    words = [*spelt, " ".join(part for name in names for part in compounds(name))]
    around = [place.text for place in entry.places]
    around += [*entry.about, *(vocabulary.label(name) for name in entry.types)]
    short = [fold(n.text) for n in entry.names if n.called != "title"]
    grams = " ".join(gram for name in short for word in name.split() for gram in trigrams(word))
    return {
        "number": number,
        "whole": spelt,
        "joined": [form.replace(" ", "") for form in spelt],
        "word": words,
        "any": [*words, *(form for text in around for form in spellings(text))],
        "grams": grams,
        "kind": entry.kind,
        "type": list(entry.types),
        "country": list(entry.countries),
    }


def scored(query: Query, score: float) -> Query:
    """The query whose every match has that score."""
    return Query.const_score_query(query, score)


def _all(queries: Iterable[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def within(query: Query, filters: list[Query]) -> Query:
    """The query over what the filters leave."""
    if not filters:
        return query
    return Query.boolean_query([(Occur.Must, query), *((Occur.Must, f) for f in filters)])
