"""What each discovery route takes and runs: parameters, their meaning, the operation behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clusterloom.discovery.answers import Answer
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.bridges import bridges
from clusterloom.discovery.call_rules import SWITCHES
from clusterloom.discovery.compare import portfolio
from clusterloom.discovery.completion import completion
from clusterloom.discovery.composer_model import Rules
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners, who_would_find
from clusterloom.discovery.paths import MOST_PATHS, value_paths
from clusterloom.discovery.profile import Profile, of_cluster
from clusterloom.discovery.regions import region_partners
from clusterloom.discovery.why_not import why_not

DEFAULT_LIMIT, MAX_LIMIT = 10, 100

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kind` is text, texts, integer or flag; `choices` are all of its values."""

    name: str
    text: str
    kind: str = "text"
    required: bool = False
    choices: Sequence[str] = ()
    most: int = 1_000_000
    least: int = 1
    example: Any = None


@dataclass(frozen=True)
class Operation:
    """A route: `path` below /api/v1, what it takes, and what it runs with the values read."""

    id: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Parameter]
    run: Callable[[Model, Values], Answer]
    heavy: bool = False


FEW = 20_000
"""Clusters up to which every partner question takes a few milliseconds."""


def takes_long(operation: Operation, model: Model, values: Values) -> bool:
    """Whether the answer would hold up other requests, so that it is made in a thread."""
    dear = values.get("axis") == "borda" or "rank_by" in values or "why_not" in values
    return operation.heavy or (dear and len(model.index.things["clusters"]) > FEW)


CLUSTER = Parameter("id", "key of a cluster, the last segment of its IRI", required=True,
                    example="be-greenwin-40ab75")  # fmt: skip
LIMIT = Parameter("limit", f"how many hits, {DEFAULT_LIMIT} by default", "integer", most=MAX_LIMIT)
AXIS = Parameter(
    "axis", "what is valued; borda fuses the places on all", choices=[*AXES, "borda"],
    example="complementarity",
)  # fmt: skip
FILTERS = (
    Parameter("country", "ISO code of the partner's country; any of several", "texts"),
    Parameter("region", "NUTS code of a region the partner is in; any of several", "texts"),
    Parameter("area", "key of a thematic area one of whose capabilities it has; each", "texts"),
    Parameter("capability", "NACE code or key of a field that it has; each", "texts"),
    Parameter("kind", "class of a partnership that it took part in; any of several", "texts"),
    Parameter("third_country", "ISO code of a country that its partnerships aim at; each", "texts"),
    Parameter("labelled", "true: it holds a management label", "flag"),
    Parameter("exclude_partners", "true: none that it already works with", "flag"),
    Parameter("elsewhere", "its country, or its NUTS 2 region, is known and another",
              choices=["country", "region"]),
)  # fmt: skip


def filters_of(values: Values) -> Filters:
    """The filters among the values."""
    names = {parameter.name for parameter in FILTERS}
    return Filters(**{name: value for name, value in values.items() if name in names})


def partners_of(model: Model, profile: Profile, values: Values) -> Answer:
    """Partners for a profile, whoever it is of."""
    axis, filters = values.get("axis", "complementarity"), filters_of(values)
    limit = values.get("limit", DEFAULT_LIMIT)
    answer = partners(model, profile, axis, filters, values.get("rank_by", ""), limit)
    if missed := values.get("why_not"):
        answer.about["why_not"] = why_not(model, profile, axis, filters, missed, limit)
    return answer


WHY_NOT = Parameter(
    "why_not", "key of a cluster that is missed: `about.why_not` says what keeps it out, and the "
    "fewest filters to drop",
)  # fmt: skip
RANK_BY = Parameter("rank_by", "order by this measure of the axis instead of the value")


RULES = (
    Parameter("min_entities", "members at least", "integer", most=100, least=0),
    Parameter("max_entities", "members at most", "integer", most=100),
    Parameter("min_countries", "known countries at least", "integer", most=100, least=0),
    Parameter("max_per_country", "members of one country at most", "integer", most=100),
    Parameter("min_sectors", "NACE divisions at least", "integer", most=100, least=0),
    Parameter("min_third_countries", "third countries they aimed at, at least", "integer",
              most=100, least=0),
    Parameter("third_country", "ISO code; a member has aimed at each", "texts"),
    Parameter("country", "ISO codes of the countries allowed", "texts"),
    Parameter("pilot_region", "true: a member is in a pilot region; false: also where the call "
              "asks for it", "flag"),
    Parameter("less_developed", "true: a member is in a less developed or transition region; "
              "false: also where the call asks for one, none needs to be", "flag"),
)  # fmt: skip
"""What a consortium must fulfil; also what an inline call may ask for."""


def rules_of(values: Values) -> Rules:
    """The rules among the values."""
    return Rules(
        min_entities=values.get("min_entities"),
        min_countries=values.get("min_countries"),
        max_entities=values.get("max_entities"),
        required=frozenset(values.get("required", ())),
        excluded=frozenset(values.get("excluded", ())),
        min_sectors=values.get("min_sectors"),
        min_third_countries=values.get("min_third_countries"),
        third_countries=frozenset(c.upper() for c in values.get("third_country", ())),
        pilot_region=values.get("pilot_region", False),
        less_developed=values.get("less_developed", False),
        max_per_country=values.get("max_per_country"),
        countries=frozenset(c.upper() for c in values.get("country", ())),
    )


def wanted_of(values: Values) -> Wanted:
    """What a consortium is asked for by the values."""
    return Wanted(
        chain=values.get("chain", ""),
        stages=values.get("stage", ()),
        call=values.get("call", ""),
        rules=rules_of(values),
        whole=values.get("whole", False),
        off=frozenset(name for name in SWITCHES if values.get(name) is False),
        companions=values.get("companions", False),
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "cluster_partners",
        "clusters/{id}/partners",
        "Partners for a cluster",
        "Every hit has a value, the parts that it is the sum of, measures beside it, the IRIs that "
        "it rests on, caveats, and a SPARQL query that gives what it rests on. A value is never a "
        "blend of axes, nor how likely anything is.",
        (CLUSTER, AXIS, RANK_BY, *FILTERS, WHY_NOT, LIMIT),
        lambda model, values: partners_of(model, of_cluster(model.index, values["id"]), values),
    ),
    Operation(
        "cluster_found_by",
        "clusters/{id}/found-by",
        "Who would find a cluster, and with which question",
        "The other clusters whose own search on the axis lists this one, best place first.",
        (CLUSTER,
         Parameter("axis", "what they ask for", choices=[*AXES], example="similarity"), LIMIT),
        lambda model, values: who_would_find(
            model, of_cluster(model.index, values["id"]), values.get("axis", "complementarity"),
            values.get("limit", DEFAULT_LIMIT),
        ),
        heavy=True,
    ),
    Operation(
        "region_partners",
        "regions/{id}/partners",
        "Partners for a region in a thematic area",
        "Regions that would add most to the region in the area, to which it would add most, or "
        "both. What is unknown counts against; `measures.high` is the value if it were in favour.",
        (
            Parameter("id", "NUTS code (2021 or 2024)", required=True, example="ES61"),
            Parameter("area", "key of a thematic area", required=True, example="photonics"),
            Parameter("direction", "get by default", choices=["get", "give", "both"]),
            LIMIT,
        ),
        lambda model, values: region_partners(
            model, values["id"], values["area"], values.get("direction", "get"),
            values.get("limit", DEFAULT_LIMIT),
        ),
    ),
    Operation(
        "chain_completion",
        "value-chains/{id}/completion",
        "What a region has of a value chain, and who could complete it",
        "`about.stages` says of each stage covered, weak, missing or unknown, by whom and on what "
        "grounds; the items are clusters elsewhere that cover stages which are not covered.",
        (
            Parameter("id", "key of a value chain", required=True, example="batteries"),
            Parameter("region", "NUTS code (2021 or 2024)", required=True, example="ES13"),
            *(p for p in FILTERS if p.name not in {"region", "exclude_partners"}),
            LIMIT,
        ),
        lambda model, values: completion(
            model, values["id"], values["region"],
            filters_of({k: v for k, v in values.items() if k != "region"}),
            values.get("limit", DEFAULT_LIMIT),
        ),
    ),
    Operation(
        "consortia",
        "discovery/consortia",
        "Smallest consortia that cover a value chain under the rules of a call",
        "Each item is a set of clusters; its value is their number. Of a chain, stages that nobody "
        "is known to cover are left out and named, unless `whole` is true. `about.checklist` has "
        "the rules that the graph cannot check. Without an item, `coverage.reasons` says why. "
        "Rules of the request go before those of the call; a number of 0, or false, switches one "
        "off.",
        (
            Parameter("chain", "key of a value chain", example="hydrogen"),
            Parameter("stage", "key of a stage, instead of a chain; repeat it", "texts"),
            Parameter("call", "key of a call profile whose rules apply",
                      example="cos-cluster-2018-3-02"),
            Parameter("whole", "true: every stage of the chain must be covered", "flag"),
            Parameter("companions", "true: clusters that cover none of the stages may join where "
                      "a rule asks for them", "flag"),
            Parameter("required", "key of a cluster that must be a member", "texts"),
            Parameter("excluded", "key of a cluster that must not", "texts"),
            *RULES,
        ),
        lambda model, values: consortium(model, wanted_of(values)),
        heavy=True,
    ),
    Operation(
        "value_paths",
        "discovery/paths",
        "Strongest supply paths from one activity to another",
        "Each item is a path of product groups; its value is the **product** of the coefficients "
        "of its hops, and `facts.organisations` names clusters that stand at each.",
        (
            Parameter("source", "product group (C20) or NACE code", required=True, example="20"),
            Parameter("target", "product group (C29) or NACE code", required=True, example="29"),
            Parameter("longest", "hops at most, 6 by default", "integer", most=8),
            Parameter("limit", "how many paths, 5 by default", "integer", most=MOST_PATHS),
        ),
        lambda model, values: value_paths(
            model, values["source"], values["target"], values.get("limit", 5),
            values.get("longest", 6),
        ),
        heavy=True,
    ),
    Operation(
        "portfolio_comparison",
        "discovery/compare",
        "Specialisation of two to ten regions compared",
        "Each item is a pair of regions; its value is the number of divisions in which both are "
        "specialised. `about.regions` has the profile of each.",
        (
            Parameter("region", "NUTS code (2021 or 2024); repeat it", "texts", required=True,
                      example=["ES13", "PT11"]),
            LIMIT,
        ),
        lambda model, values: portfolio(
            model, values["region"], values.get("limit", MAX_LIMIT)
        ),
        heavy=True,
    ),
    Operation(
        "bridges",
        "discovery/bridges",
        "Cross-sectoral bridges: strongly related, yet fewer partnerships than expected",
        "Pairs of NACE divisions. `coverage` counts those that are as expected, more, or untested "
        "because there are too few partnerships to tell.",
        (
            Parameter("basis", "relatedness by default", choices=["relatedness", "supply"],
                      example="relatedness"),
            LIMIT,
        ),
        lambda model, values: bridges(
            model, values.get("basis", "relatedness"), values.get("limit", DEFAULT_LIMIT)
        ),
        heavy=True,
    ),
)  # fmt: skip
"""The routes by GET, each below /api/v1."""
