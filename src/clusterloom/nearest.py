"""The valid values that look most like what was asked for, for messages that help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rapidfuzz import fuzz, process

from clusterloom.namespaces import ascii_fold

_LONGEST = 100
"""Characters of a word that are compared: comparing grows with them, and the server waits."""


def nearest(
    word: str, valid: Mapping[str, str] | Iterable[str], limit: int = 3, least: int = 60
) -> list[str]:
    """Up to `limit` valid values by likeness to their key or, of a mapping, to their label.

    `least` is the likeness (0 to 100) that a value must have.

    >>> nearest("photonic", {"photonics": "Photonics", "sport": "Sport"}, 1)
    ['photonics']
    """
    labels = valid if isinstance(valid, Mapping) else dict.fromkeys(valid, "")
    choices = {(key, part): _fold(text) for key, label in labels.items()
               for part, text in (("key", key), ("label", label)) if text}  # fmt: skip
    found = process.extract(_fold(word[:_LONGEST]), choices, scorer=fuzz.WRatio, limit=4 * limit)
    keys = [key for _, score, (key, _) in found if score >= least]
    return list(dict.fromkeys(keys))[:limit]


def hint(word: str, valid: Mapping[str, str] | Iterable[str]) -> str:
    """`; nearest: a, b (Label)` for the end of a message, or nothing."""
    near = nearest(word, valid)
    labels = valid if isinstance(valid, Mapping) else {}
    named = [f"{key} ({labels[key]})" if labels.get(key, key) != key else key for key in near]
    return f"; nearest: {', '.join(named)}" if named else ""


def _fold(text: str) -> str:
    return ascii_fold(text).lower()
