"""When a capability that somebody has answers one that a stage requires.

A tag, a stage and a classification code rarely have the same extent, so each mapping says how
they relate: exact (the same), narrow (the code is a part of the tag or stage), broad (the tag or
stage is a part of the code). Two parts of one code need not meet: that both are somewhere in
"computer programming" does not make one answer the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Match = Literal["exact", "narrow", "broad"]
Answer = Literal["covered", "weak"]
Codes = Mapping[str, Match]
"""Code -> how the thing that has or requires it relates to it."""

_ORDER: tuple[Match, ...] = ("exact", "narrow", "broad")


def best(matches: Iterable[Match]) -> Match:
    """The closest of several matches: exact before narrow before broad."""
    return min(matches, key=_ORDER.index)


def answers(has: Match, requires: Match, relation: Literal["same", "part", "whole"]) -> Answer:
    """Whether having a code covers a requirement or is only a weak sign of it.

    `relation` is that of the code somebody has to the code required: the same, a part of it, or
    a whole that contains it.

    >>> answers("exact", "broad", "same")  # their field contains the stage
    'covered'
    >>> answers("broad", "broad", "same")  # two parts of one code, perhaps different ones
    'weak'
    >>> answers("broad", "exact", "part"), answers("exact", "broad", "part")
    ('covered', 'weak')
    >>> answers("exact", "exact", "whole")  # a wide field proves no single stage
    'weak'
    """
    if relation == "whole":
        return "weak"
    if requires != "broad":
        return "covered"
    return "covered" if relation == "same" and has != "broad" else "weak"


@dataclass
class Actors:
    """Organisations by the codes they have, and the classification that relates the codes."""

    wider: Mapping[str, set[str]]
    narrower: Mapping[str, set[str]]
    having: dict[str, dict[str, Match]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, organisation: str, code: str, match: Match) -> None:
        """Notes that an organisation has a code; the closest of several matches is kept."""
        held = self.having[code]
        held[organisation] = best([match, held.get(organisation, match)])

    def of_stage(self, required: Codes) -> dict[str, Answer]:
        """Organisation -> covered or weak, for those that answer any requirement of a stage."""
        found: dict[str, Answer] = {}
        for code, requires in required.items():
            related: list[tuple[str, Literal["same", "part", "whole"]]] = [(code, "same")]
            related += [(part, "part") for part in self.narrower.get(code, ())]
            related += [(whole, "whole") for whole in self.wider.get(code, ())]
            for other, relation in related:
                for organisation, has in self.having.get(other, {}).items():
                    if found.get(organisation) != "covered":
                        found[organisation] = answers(has, requires, relation)
        return found
