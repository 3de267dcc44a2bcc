"""How alike a text and the names of a thing are, and which name of it a text means."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz

from clusterloom.api.fold import fold
from clusterloom.api.search_entries import Entry, Name


def likeness(text: str, entry: Entry) -> float:
    """How alike the text and the most alike name are, from 0 to 100."""
    return likest(fold(text), [fold(name.text) for name in entry.names])


def matched(text: str, entry: Entry) -> Name:
    """The name, or else the place, that the text fits best."""
    asked = fold(text)
    words = set(asked.split())

    def fits(name: Name) -> tuple[bool, bool, int, float]:
        folded = fold(name.text)
        shared = len(words & set(folded.split()))
        return folded == asked, folded.startswith(asked), shared, _alike(asked, folded)

    best = max(entry.names, key=fits)
    exact, starts, shared, _ = fits(best)
    if exact or starts or shared == len(words):
        return best
    return max((best, *entry.places), key=fits)


def likest(asked: str, names: Iterable[str]) -> float:
    """The likeness of a folded text to the folded name most alike, from 0 to 100."""
    return max((_alike(asked, name) for name in names), default=0.0)


def _alike(asked: str, name: str) -> float:
    whole = fuzz.ratio(asked.replace(" ", ""), name.replace(" ", ""))
    return max(whole, 0.95 * fuzz.token_sort_ratio(asked, name), 0.8 * fuzz.WRatio(asked, name))
