"""A consortium for a value chain under the rules of a call: smallest sets of clusters.

The rules come from a call profile, of the graph or of the request, and from the request itself,
which goes first. What the graph cannot check comes back as a checklist; it decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clusterloom.discovery import call_rules
from clusterloom.discovery.answers import Answer, Method
from clusterloom.discovery.call_rules import CallRules
from clusterloom.discovery.candidates import Member, candidate_of, clusters_of
from clusterloom.discovery.completion import stages_of_chain
from clusterloom.discovery.composer import Reason, compose
from clusterloom.discovery.composer_model import Candidate, Rules, reduced
from clusterloom.discovery.consortium_sets import explain_idle, names, set_item, told_of
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import find
from clusterloom.errors import NotFound, UsageError

METHOD = Method(
    "fewest clusters that cover the stages under the rules",
    "set cover by integer programming, HiGHS (Huangfu and Hall 2018) through scipy",
)
SECONDS = 10.0
HOPELESS = {"contradiction", "required-not-eligible", "stage-uncovered", "time-limit"}
"""Reasons that no further member would remove."""


@dataclass(frozen=True)
class Wanted:
    """What a consortium is for: a chain or some of its stages (keys), and the rules.

    Of a chain, the stages that nobody covers are left out and named, unless it is to be `whole`;
    stages that are asked for by name are never left out. The call is a key, or `call_rules`; `off`
    names the rules of it that do not apply, of SWITCHES. `members` are organisations of the
    request. With `companions`, clusters that cover none of the stages may join too.
    """

    chain: str = ""
    stages: Sequence[str] = ()
    call: str = ""
    rules: Rules = field(default_factory=Rules)
    whole: bool = False
    seconds: float = SECONDS
    runners_up: int = 3
    call_rules: CallRules | None = None
    off: frozenset[str] = frozenset()
    members: Sequence[Member] = ()
    companions: bool = False


def consortium(model: Model, wanted: Wanted) -> Answer:
    """One item for each set found, the smallest first; its value is the number of members.

    NotFound for an unknown chain or call; UsageError for stages, members or countries that are
    not known and for rules that contradict one another in form. Where no set exists there is no
    item, and `coverage.reasons` says why, what the smallest relaxation is, and whether clusters
    that cover none of the stages would help where they were not considered.
    """
    until = time.monotonic() + wanted.seconds
    index = model.index
    stages = _stages(index, wanted)
    call = _call(index, wanted)
    rules = _checked(index, call.under(wanted.rules, wanted.off), wanted)
    clusters = clusters_of(model, stages)
    own = [candidate_of(index, member, stages) for member in wanted.members]
    things = index.things["stages"]
    covered = {k for c in [*clusters, *own] if c.id not in rules.excluded for k in c.stages}
    open_stages = (
        {}
        if wanted.whole or wanted.stages
        else {things.key(s): things.labels[s] for s in stages if things.key(s) not in covered}
    )
    labels = {things.key(s): things.labels[s] for s in stages if things.key(s) not in open_stages}
    if not labels:  # nobody covers any: asked for whole, so that the reason is told
        labels, open_stages = open_stages, {}
    pool = own + [c for c in clusters if wanted.companions or c.stages or c.id in rules.required]
    try:
        found = compose(pool, list(labels), rules, wanted.seconds, wanted.runners_up)
    except ValueError as error:
        raise UsageError(str(error)) from None
    reasons = list(found.reasons)
    if reasons and not wanted.companions and not HOPELESS & {r.code for r in reasons}:
        reasons.append(_companions([*own, *clusters], frozenset(labels), rules, until))
    by_id = {c.id: c for c in pool}
    who = names(index, wanted.members)
    sets = [found.members, *found.runners_up] if found.members else []
    items = [set_item(index, n, members, by_id, who, labels) for n, members in enumerate(sets, 1)]
    for item in items:
        explain_idle(item, rules)
    told: dict[str, Any] = {"stages": len(labels), "candidates": found.before}
    told["after_reduction"] = found.after
    told["status"] = found.status
    told["bound"] = found.bound
    told["search_complete"] = found.complete
    told["unknown_country"] = sum(c.country is None for c in pool if c.stages)
    told["reasons"] = [_reason(r) for r in reasons]
    told["reason"] = reasons[0].message if reasons else ""
    off = sorted(name for name in wanted.off if getattr(call.rules, name))
    method = Method(
        METHOD.name, METHOD.citation, METHOD.version, _parameters(wanted, rules, labels, off)
    )
    about = {
        "stages": labels,
        "covered_by_nobody": open_stages,
        "call": call.label,
        "checklist": list(call.checklist),
        "members": [told_of(*pair) for pair in zip(own, wanted.members, strict=True)],
    }  # fmt: skip
    caveats = _caveats(wanted, len(open_stages), off)
    return Answer(items, len(items), method, told, index.release, False, caveats, about)


def _stages(index: Index, wanted: Wanted) -> list[int]:
    things = index.things["stages"]
    if wanted.stages:
        return [find(things, key, "stage") for key in dict.fromkeys(wanted.stages)]
    if not wanted.chain:
        raise UsageError("a value chain or a list of stages is needed", parameter="chain")
    chain = find(index.things["chains"], wanted.chain, "value chain", NotFound)
    return [int(s) for s in stages_of_chain(index, chain)]


def _call(index: Index, wanted: Wanted) -> CallRules:
    if wanted.call and wanted.call_rules is not None:
        raise UsageError("either a call of the graph or the rules of one are taken, not both")
    if wanted.call:
        return call_rules.of_graph(index, wanted.call)
    return wanted.call_rules or CallRules()


def _checked(index: Index, rules: Rules, wanted: Wanted) -> Rules:
    """The rules with the members that have to join; UsageError for keys that are not known."""
    clusters, countries = index.things["clusters"], index.things["countries"]
    ids = {member.id for member in wanted.members}
    for name in ("required", "excluded"):
        for key in sorted(getattr(rules, name) - ids):
            find(clusters, key, f"{name}: cluster")
    for name in ("countries", "third_countries"):
        for code in sorted(getattr(rules, name)):
            find(countries, code, f"{name}: country")
    required = {member.id for member in wanted.members if member.required}
    return replace(rules, required=rules.required | required)


def _companions(
    candidates: Sequence[Candidate], stages: frozenset[str], rules: Rules, until: float
) -> Reason:
    """Whether clusters that cover none of the stages would make a set possible."""
    left = until - time.monotonic()
    said = "clusters that cover none of the stages were not considered"
    if left > 0:
        pool = sorted(
            (c for c in candidates if c.id not in rules.excluded), key=lambda c: c.id
        )  # fmt: skip
        allowed = [c for c in pool if not rules.countries or c.country in {None, *rules.countries}]
        found = compose(list(reduced(allowed, stages, rules, 0)), stages, rules, left, 0)
        if found.members:
            size = len(found.members)
            told = {"parameter": "companions", "suffices": size}
            return Reason("companions", f"{said}; with them a set of {size} exists", told)
        if not any(r.code == "time-limit" for r in found.reasons):
            told = {"parameter": "companions", "suffices": None}
            return Reason("companions", f"{said}; with them there is no set either", told)
    told = {"parameter": "companions", "suffices": None}
    return Reason("companions", f"{said}; whether they would help was not found in time", told)


def _parameters(
    wanted: Wanted, rules: Rules, labels: dict[str, str], off: list[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "chain": wanted.chain, "stages": list(labels), "call": wanted.call
    }  # fmt: skip
    found |= {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in vars(rules).items()
        if value
    }
    if wanted.companions:
        found["companions"] = True
    if off:
        found["switched_off"] = off
    return found


def _caveats(wanted: Wanted, left_out: int, off: list[str]) -> list[str]:
    found = [
        "a cluster covers a stage by at least one of its capabilities, by sector words",
        "an unknown country or region neither counts nor excludes",
        "clusters that cover none of the stages may join where a rule asks for them"
        if wanted.companions
        else "only clusters that cover one of the stages, or are required, are considered",
    ]
    if left_out:
        found.insert(0, f"{left_out} stages that no cluster is known to cover are left out")
    if off:
        found.append(f"the request switched off what the call asks for: {', '.join(off)}")
    if wanted.members:
        found.append("what members of the request are and cover is as the request says")
        found += dict.fromkeys(n for member in wanted.members for n in member.profile.notes)
    return found


def _reason(reason: Any) -> dict[str, Any]:
    parameters = {
        name: sorted(value) if isinstance(value, frozenset | set) else value
        for name, value in reason.parameters.items()
    }
    return {"code": reason.code, "message": reason.message, "parameters": parameters}
