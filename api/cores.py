"""The smallest part of a group that has no solution: found by growing the group, then pruning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clusterloom.api.probes import Probes
from clusterloom.store.patterns import Bind, Block, Conjunct, Group, Part, Triple, Values, Variables

_NEUTRAL = {"OPTIONAL"}


@dataclass(frozen=True)
class Place:
    """Where a group stands: the GRAPH around it, and what its solutions are joined with."""

    graph: str = ""
    context: tuple[Part, ...] = ()
    depth: int = 0

    def pattern(self, parts: Sequence[Part]) -> str:
        """The parts as the text of a group; filters last, for they see the whole group."""
        filters = [p.text for p in parts if isinstance(p, Conjunct)]
        others = [p.text for p in parts if not isinstance(p, Conjunct)]
        text = " ".join([*others, *filters])
        return f"GRAPH {self.graph} {{ {text} }}" if self.graph else text


def flat(group: Group) -> list[Part]:
    """The parts of a group, those of plain groups and GRAPHs inside it told apart."""
    found: list[Part] = []
    for part in group.parts:
        inner = flat(part.groups[0]) if isinstance(part, Block) and len(part.groups) == 1 else []
        plain = all(isinstance(p, Triple | Values) for p in inner)
        if isinstance(part, Block) and inner and plain and part.word == "":
            found += inner
        elif isinstance(part, Block) and inner and part.word == "GRAPH" and _triples(inner):
            triples = [p for p in inner if isinstance(p, Triple)]
            found += [replace(p, graph=p.graph or part.name) for p in triples]
        else:
            found.append(part)
    return found


def _triples(parts: list[Part]) -> bool:
    return all(isinstance(part, Triple) for part in parts)


def join_order(parts: Sequence[Part]) -> list[Part]:
    """The parts so that each is joined with those before it where it can be; filters last.

    BIND, OPTIONAL and MINUS keep their places, for what stands before them matters.
    """
    ordered: list[Part] = []
    bound: set[str] = set()
    run: list[Part] = []
    for part in [p for p in parts if not isinstance(p, Conjunct)]:
        if isinstance(part, Bind) or (isinstance(part, Block) and part.word in _FIXED):
            ordered += _ordered(run, bound)
            ordered.append(part)
            bound |= part.binds
            run = []
        else:
            run.append(part)
    ordered += _ordered(run, bound)
    return [*ordered, *(p for p in parts if isinstance(p, Conjunct))]


_FIXED = {"OPTIONAL", "MINUS", "LATERAL"}


def _ordered(run: list[Part], bound: set[str]) -> list[Part]:
    ordered: list[Part] = []
    left = list(run)
    while left:
        best = max(left, key=lambda part: _weight(part, bound))
        left.remove(best)
        ordered.append(best)
        bound |= best.binds
    return ordered


def _weight(part: Part, bound: set[str]) -> tuple[bool, int]:
    joined = not bound or bool(part.binds & bound) or not part.binds
    if isinstance(part, Values):
        return True, 10
    if isinstance(part, Triple):
        fixed = 4 - len(part.binds) + len(part.binds & bound)
        return joined, 2 * fixed - part.path
    return joined, len(part.binds & bound)


class Cores:
    """Finds the smallest part of a group without solution."""

    def __init__(self, probes: Probes) -> None:
        self.probes = probes

    async def ask(self, parts: Sequence[Part], place: Place) -> bool | None:
        """Whether these parts alone have a solution."""
        return await self.probes.ask(place.pattern(parts))

    async def core(self, parts: Sequence[Part], place: Place) -> list[Part]:
        """The parts that have no solution together, while any fewer have; none if all have.

        The last of them is the one that took the last solution away.
        """
        kept: list[Part] = []
        for part in join_order([*place.context, *parts]):
            kept.append(part)
            if isinstance(part, Bind) or (isinstance(part, Block) and part.word in _NEUTRAL):
                continue
            if await self.ask(kept, place) is False:
                return await self._pruned(kept, place)
        return []

    async def _without_others(self, kept: list[Part], place: Place) -> list[Part]:
        """The parts that a filter sees: not the other filters, nor what nothing joins with it."""
        *others, last = kept
        if not _needs(last) and await self.ask([last], place) is False:
            return [last]
        seen = set(_needs(last))
        joined: list[Part] = []
        while more := [p for p in others if p not in joined and p.binds & seen]:
            joined += more
            seen |= frozenset[str]().union(*(p.binds | _needs(p) for p in more))
        conditions = [p for p in others if isinstance(p, Conjunct)]
        parts = [p for p in others if p in joined or p in conditions]
        for part in [*conditions]:
            rest = [p for p in parts if p is not part]
            if await self.ask([*rest, last], place) is False:
                parts = rest
        if parts and await self.ask([*parts, last], place) is False:
            return [*parts, last]
        return kept

    async def _pruned(self, kept: list[Part], place: Place) -> list[Part]:
        last = kept[-1]
        if isinstance(last, Conjunct) or (isinstance(last, Block) and last.word == "MINUS"):
            return await self._without_others(kept, place)
        if not _needs(last) and await self.ask([last], place) is False:
            return [last]
        if not _needs(last) and last.binds:
            for part in reversed(kept[:-1]):
                simple = isinstance(part, Triple | Values)
                if simple and part.binds & last.binds:
                    pair = [part, last]
                    if await self.ask(pair, place) is False:
                        return pair
        shared = last.binds | _needs(last)
        for part in sorted(kept[:-1], key=lambda p: bool(p.binds & shared)):
            rest = [p for p in kept if p is not part]
            if _may_go(part, rest) and await self.ask(rest, place) is False:
                kept = rest
        return kept


def _needs(part: Part) -> Variables:
    """The variables a part reads and does not give."""
    if isinstance(part, Conjunct | Bind):
        return part.uses
    if isinstance(part, Block) and part.word in _FIXED:
        return frozenset[str]().union(*(group.binds for group in part.groups))
    return frozenset()


def _may_go(part: Part, rest: Sequence[Part]) -> bool:
    """Whether no part that reads a variable loses the last one that gives it."""
    left = frozenset[str]().union(*(p.binds for p in rest))
    lost = part.binds - left
    return not any(_needs(p) & lost for p in rest)
