"""What the discovery routes take by POST: who is not in the graph, described in the request.

Each is the operation of a GET route with the same parameters under the same names; in place of a
thing of the graph it takes a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clusterloom.api.discovery_operations import (
    AXIS,
    DEFAULT_LIMIT,
    FILTERS,
    LIMIT,
    OPERATIONS,
    RANK_BY,
    RULES,
    WHY_NOT,
    Operation,
    Parameter,
    filters_of,
    partners_of,
    rules_of,
    wanted_of,
)
from clusterloom.api.discovery_values import from_json
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.call_rules import CallRules
from clusterloom.discovery.candidates import members_of
from clusterloom.discovery.completion import completion
from clusterloom.discovery.consortium import SECONDS, consortium
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import (
    FIELDS,
    STAGES,
    Profile,
    inline,
    of_cluster,
    text_of,
    texts_of,
)
from clusterloom.discovery.region_profile import RegionProfile, inline_region
from clusterloom.discovery.regions import region_partners
from clusterloom.errors import UsageError

BY_ID: dict[str, Operation] = {operation.id: operation for operation in OPERATIONS}
HOLDER = (*FIELDS[:-1], *STAGES)
CALL = ("name", "checklist")
"""Fields of an inline call beside the rules."""


@dataclass(frozen=True)
class Posted:
    """A route by POST: `operation` is the GET route's, `inline` the fields beside parameters.

    `run(model, body, share)` answers one request; `share` is the part of the time that one may
    take of what a whole batch may.
    """

    id: str
    operation: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Parameter]
    inline: Sequence[str]
    run: Callable[[Model, Mapping[str, Any], float], Answer]


def _partners(model: Model, given: Mapping[str, Any], share: float) -> Answer:  # noqa: ARG001
    values = _values(given, POSTED["cluster_partners"])
    which = one_of(given, ("cluster", "profile"))
    who = _cluster(model, given) if which == "cluster" else _inline(model, given, FIELDS)
    answer = partners_of(model, who, values)
    answer.caveats.extend(who.notes)
    return answer


def _regions(model: Model, given: Mapping[str, Any], share: float) -> Answer:  # noqa: ARG001
    values = _values(given, POSTED["region_partners"])
    asker: str | RegionProfile
    if one_of(given, ("region", "profile")) == "region":
        asker = _key(given, "region", "the NUTS code of a region")
    else:
        asker = inline_region(model, _object(given, "profile"))
    direction, limit = values.get("direction", "get"), values.get("limit", DEFAULT_LIMIT)
    return region_partners(model, asker, values["area"], direction, limit)


def _completion(model: Model, given: Mapping[str, Any], share: float) -> Answer:  # noqa: ARG001
    values = _values(given, POSTED["chain_completion"])
    which = one_of(given, ("region", "cluster", "profile"))
    holder: str | Profile
    if which == "region":
        holder = _key(given, "region", "the NUTS code of a region")
    else:
        holder = _cluster(model, given) if which == "cluster" else _inline(model, given, HOLDER)
    limit = values.get("limit", DEFAULT_LIMIT)
    return completion(model, values["chain"], holder, filters_of(values), limit)


def _consortia(model: Model, given: Mapping[str, Any], share: float) -> Answer:
    wanted = wanted_of(_values(given, POSTED["consortia"]))
    members = given.get("members", [])
    if not isinstance(members, list):
        raise UsageError("members: a list of objects is wanted", field="members")
    call = _call(_object(given, "call_profile")) if "call_profile" in given else None
    found = members_of(model.index, members)
    wanted = replace(wanted, members=found, call_rules=call, seconds=SECONDS * share)
    return consortium(model, wanted)


def _call(given: dict[str, Any]) -> CallRules:
    at = "call_profile"
    label = text_of(given, "name", at) or "the call of the request"
    checks = [{"code": "request", "label": text} for text in texts_of(given, "checklist", at)]
    rest = {name: value for name, value in given.items() if name not in CALL}
    return CallRules(label, rules_of(from_json(rest, RULES, f"{at}.")), checks)


def _values(given: Mapping[str, Any], posted: Posted) -> dict[str, Any]:
    rest = {name: value for name, value in given.items() if name not in posted.inline}
    return from_json(rest, posted.parameters)


def one_of(given: Mapping[str, Any], names: Sequence[str]) -> str:
    """The one of the fields that a request has; UsageError where it has none or several."""
    found = [name for name in names if name in given]
    if len(found) != 1:
        told = " or ".join(f"`{name}`" for name in names)
        raise UsageError(f"either {told} is wanted" + (", and not both of them" if found else ""))
    return found[0]


def _key(given: Mapping[str, Any], name: str, what: str) -> str:
    if not isinstance(given[name], str) or not given[name].strip():
        raise UsageError(f"{name}: {what} is wanted", field=name)
    return str(given[name]).strip()


def _cluster(model: Model, given: Mapping[str, Any]) -> Profile:
    return of_cluster(model.index, _key(given, "cluster", "the key of a cluster"))


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = given[name]
    if not isinstance(found, dict):
        raise UsageError(f"{name}: an object is wanted", field=name)
    return found


def _inline(model: Model, given: Mapping[str, Any], fields: Sequence[str]) -> Profile:
    return inline(model.index, _object(given, "profile"), fields)


def _parameters(operation: str, *without: str) -> tuple[Parameter, ...]:
    return tuple(p for p in BY_ID[operation].parameters if p.name not in without)


_CHAIN = Parameter("chain", "key of a value chain", required=True, example="batteries")

POSTED: dict[str, Posted] = {
    posted.operation: posted
    for posted in (
        Posted(
            "post_partners", "cluster_partners", "discovery/partners",
            "Partners for a profile, or a batch",
            "Partners for a cluster by `cluster`, or for a `profile` that is not in the graph.",
            (AXIS, RANK_BY, *FILTERS, WHY_NOT, LIMIT), ("cluster", "profile"), _partners,
        ),
        Posted(
            "post_regions", "region_partners", "discovery/regions",
            "Partners for a region with figures of its own, or a batch",
            "Partners for a `region` of the graph, or for a `profile`: the divisions in which a "
            "region is specialised or is not. With a `region` in the profile, divisions that are "
            "not named have its figures; without, they are unknown.",
            _parameters("region_partners", "id"), ("region", "profile"), _regions,
        ),
        Posted(
            "post_completion", "chain_completion", "discovery/completion",
            "Who completes an organisation or a region in a value chain, or a batch",
            "For a `region`, a `cluster`, or a `profile` that is not in the graph: the stages that "
            "it covers, those that it says are missing, its capabilities. A stage of which it says "
            "nothing is unknown.",
            (_CHAIN, *_parameters("chain_completion", "id", "region")),
            ("region", "cluster", "profile"), _completion,
        ),
        Posted(
            "post_consortia", "consortia", "discovery/consortia",
            "Consortia with members and a call of the request, or a batch",
            "As by GET; `members` are organisations that are not in the graph and may join, or "
            "have to (`required`), `call_profile` the rules of a call that is not in it. The "
            "searches of a batch share the time of one.",
            _parameters("consortia"), ("members", "call_profile"), _consortia,
        ),
    )
}  # fmt: skip
"""By the id of the operation that each is a form of."""


def answer_of(model: Model, operation: str, given: Mapping[str, Any], share: float = 1.0) -> Answer:
    """The answer of an operation to parameters in JSON, by POST's names where it takes a profile.

    UsageError: no such operation, and whatever its route refuses.
    """
    posted = POSTED.get(operation)
    if posted is not None and "id" not in given:
        return posted.run(model, given, share)
    chosen = BY_ID[operation]
    return chosen.run(model, from_json(given, chosen.parameters))
