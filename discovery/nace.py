"""Codes of NACE as people write them, and what is the same in its revisions 2 and 2.1.

The correspondence of the two revisions is not in the graph. Activities are taken as the same only
where code and title are; of the rest nothing is said.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from weakref import WeakKeyDictionary

from clusterloom.discovery.index import Index

_REVISION_FIRST = re.compile(
    r"(?:NACE[ _-]*)?(?:REV\.?[ _-]*)?(?P<revision>2\.?1?)[ /:]+(?P<code>[A-V]|[0-9]{2}[0-9.]{0,4})"
)
_CODE = re.compile(r"NACE[ _-]*(?P<code>[A-V]|[0-9]{2}[0-9.]{0,4})")


class Asked(NamedTuple):
    """A code and the revision that it was written for, "2" or "2.1"."""

    revision: str
    code: str


def read(word: str) -> Asked | None:
    """A code that is written with NACE before it; None for anything else.

    >>> read("nace21/27.2"), read("NACE Rev. 2.1 61"), read("NACE 27.20")
    (Asked(revision='2.1', code='27.2'), Asked(revision='2.1', code='61'), \
Asked(revision='2', code='27.20'))
    >>> read("27.2"), read("21-33"), read("nace 2 27")
    (None, None, Asked(revision='2', code='27'))
    """
    text = word.strip().upper()
    if not text.startswith("NACE"):
        return None
    if found := _REVISION_FIRST.fullmatch(text):
        return Asked("2.1" if "1" in found["revision"] else "2", found["code"])
    if found := _CODE.fullmatch(text):
        return Asked("2", found["code"])
    return None


_codes: WeakKeyDictionary[Index, dict[str, int]] = WeakKeyDictionary()


def rev21_codes(index: Index) -> dict[str, int]:
    """Code of NACE Rev. 2.1 -> place of the capability."""
    found = _codes.get(index)
    if found is None:
        things = index.things["capabilities"]
        pairs = zip(things.iris, things.facts["code"], strict=True)
        found = {code: n for n, (iri, code) in enumerate(pairs) if code and "/nace21/" in iri}
        _codes[index] = found
    return found


def is_rev21(index: Index, place: int) -> bool:
    """Whether a capability is an activity of NACE Rev. 2.1."""
    return "/nace21/" in index.things["capabilities"].iris[place]


def as_rev2(index: Index, place: int) -> int | None:
    """The activity of Rev. 2 with the same code and title as one of Rev. 2.1, if there is one."""
    things = index.things["capabilities"]
    same = index.nace_codes.get(things.facts["code"][place])
    if same is None or _plain(things.labels[same]) != _plain(things.labels[place]):
        return None
    return same


def _plain(title: str) -> str:
    return " ".join(title.lower().split())
