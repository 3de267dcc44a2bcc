"""What follows from supposed statements by the rules of the graph, as far as the index knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusterloom.discovery.index import Index
from clusterloom.discovery.profile import regions_above, stages_of
from clusterloom.discovery.suppose import PROPERTIES, Change, holds
from clusterloom.errors import UsageError


def consequences(index: Index, changes: Sequence[Change]) -> list[Change]:
    """What follows from the changes by rules of the graph, and is not so already.

    Who is in a region is in those that it is part of and in its country; who is not in it is in no
    part of it; who has a capability that a stage calls for covers the stage, unless that is denied.
    UsageError where something follows that another change denies.
    """
    said = {change.of: change.holds for change in changes}
    found: dict[tuple[str, int, int], Change] = {}
    for change in changes:
        for one in _following(index, change):
            if said.get(one.of, one.holds) != one.holds:
                if one.name == "covers":
                    continue
                raise UsageError(
                    f"statements: {_told(index, one)} follows from another statement by the rule "
                    f"{one.rule}, and is said to be otherwise",
                    field="statements",
                )
            if not holds(index, one) and one.of not in said:
                if one.of in found and found[one.of].holds != one.holds:
                    raise UsageError(
                        f"statements: two of them contradict each other on {_told(index, one)}",
                        field="statements",
                    )
                found[one.of] = one
    return [*found.values()]


def _following(index: Index, change: Change) -> Iterable[Change]:
    at = change.subject
    if change.name == "hasCapability" and change.holds:
        for stage in stages_of(index, [change.object]).tolist():
            yield Change("covers", at, stage, True, "stage-coverage")
    if change.name != "locatedIn":
        return
    if not change.holds:
        for region in index.row("cluster_region", at).tolist():
            if change.object in regions_above(index, region):
                yield Change("locatedIn", at, region, False, "actor-in-region")
        return
    for above in regions_above(index, change.object):
        yield Change("locatedIn", at, above, True, "actor-in-region")
    country = int(index.arrays["region_country"][change.object])
    if country >= 0:
        yield Change("inCountry", at, country, True, "actor-in-country")


def _told(index: Index, change: Change) -> str:
    kind = PROPERTIES[change.name]
    one, other = index.things[kind.subject], index.things[kind.object]
    verb = change.name if change.holds else f"not {change.name}"
    return f"{one.key(change.subject)} {verb} {other.key(change.object)}"
