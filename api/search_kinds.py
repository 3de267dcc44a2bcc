"""What can be searched for: the kinds of things, which come first, and how a request names them.

A thing has one kind, the first of `KINDS` whose class it has. Nodes that only hold together what
is said of others (`HELPERS`: participations, observations, coverage ...) are not searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.resources import Resource
from clusterloom.errors import UsageError
from clusterloom.nearest import hint
from clusterloom.ontology import vocabulary

KINDS: dict[str, int] = {
    "ClusterOrganisation": 0,
    "ThematicArea": 1,
    "Region": 2,
    "Country": 2,
    "RegionGroup": 2,
    "Place": 2,
    "Project": 6,  # before Partnership: many projects are both, and are looked for as projects
    "Partnership": 3,
    "ValueChain": 4,
    "StrategicValueChain": 5,
    "Programme": 5,
    "Initiative": 5,
    "Call": 5,
    "Event": 5,
    "Policy": 5,
    "ExpertGroup": 5,
    "WorkingGroup": 5,
    "Platform": 5,
    "ExchangeScheme": 5,
    "Guide": 6,
    "Organisation": 6,
    "SectorTag": 7,
    "IndustrialEcosystem": 7,
    "EmergingIndustry": 7,
    "TradedCategory": 7,
    "LabelScheme": 7,
    "Stage": 7,
    "DeclaredPriority": 7,
    "NaceActivity": 8,
    "ScienceField": 8,
    "Capability": 8,
    "ProductGroup": 8,
    "Indicator": 8,
    "ScoreboardDimension": 8,
    "PlatformTool": 8,
    "Dataset": 8,
    "ExpertGroupTask": 9,
    "Concept": 9,
}
"""Classes and their weight: among equally good matches the lighter comes first."""

HELPERS = frozenset(
    {"CallProfile", "CallStage", "CapabilityMapping", "CohesionStatus", "CountStatement",
     "Coverage", "EventStatus", "ExchangeVisit", "ManagementLabel", "MatchCandidate",
     "Membership", "Observation", "Participation", "Recode", "Source", "StatementKind",
     "SupplyLink"}
)  # fmt: skip
"""Classes of nodes that stand between things; their subclasses neither are searched."""


@cache
def searched_classes() -> frozenset[str]:
    """Every class whose instances are searched: the kinds and the classes below them."""
    return frozenset(
        name for name in vocabulary.classes() if KINDS.keys() & set(vocabulary.superclasses(name))
    )


def kind_of(types: Iterable[str]) -> str:
    """The kind of a thing of these classes; blank where it is not searched.

    >>> kind_of({"Partnership", "Project", "HorizonProject"})
    'Project'
    """
    held = set(types)
    return next((kind for kind in KINDS if kind in held), "")


@cache
def resource_of(kind: str) -> Resource | None:
    """The REST resource whose items are the things of a kind."""
    return next((r for r in RESOURCES.values() if r.of_class == kind), None)


def class_named(word: str) -> str:
    """The class that a resource name (`clusters`) or a class name in any case means.

    Raises UsageError, which names the nearest ones.
    """
    if word in RESOURCES:
        return RESOURCES[word].of_class
    by_fold = {name.lower(): name for name in searched_classes()}
    if word.lower() not in by_fold:
        valid = {name: vocabulary.label(name) for name in sorted(searched_classes())}
        valid |= {name: resource.title for name, resource in RESOURCES.items()}
        raise UsageError(
            f"parameter 'type': nothing of a type {word[:80]!r} is searched{hint(word, valid)} "
            f"(types: {', '.join(RESOURCES)}, and classes of /ontology)",
            parameter="type",
        )
    return by_fold[word.lower()]
