"""A consortium for a value chain under the rules of a call: smallest sets of clusters.

The rules come from a call profile of the graph and from the request, which goes first. What the
graph cannot check (the share of SMEs in the budget, the form of an applicant) comes back as a
checklist; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clusterloom import terms
from clusterloom.discovery.answers import Answer, Item, Method, Part
from clusterloom.discovery.completion import stages_of_chain
from clusterloom.discovery.composer import compose
from clusterloom.discovery.composer_model import Candidate, Rules
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import find
from clusterloom.errors import NotFound, UsageError

METHOD = Method(
    "fewest clusters that cover the stages under the rules",
    "set cover by integer programming, HiGHS (Huangfu and Hall 2018) through scipy",
)
SECONDS = 10.0
_LESS_DEVELOPED = {"less developed": True, "transition": True, "more developed": False}


@dataclass(frozen=True)
class Wanted:
    """What a consortium is for: a chain or some of its stages (keys), and the rules.

    Of a chain, the stages that no cluster covers are left out and named, unless it is to be
    `whole`; stages that are asked for by name are never left out.
    """

    chain: str = ""
    stages: Sequence[str] = ()
    call: str = ""
    rules: Rules = field(default_factory=Rules)
    whole: bool = False
    seconds: float = SECONDS
    runners_up: int = 3


def consortium(model: Model, wanted: Wanted) -> Answer:
    """One item for each set found, the smallest first; its value is the number of members.

    NotFound for an unknown chain or call; UsageError for stages, members or countries that are
    not known and for rules that contradict one another in form. Where no set exists there is no
    item, and `coverage.reasons` says why and what the smallest relaxation is.
    """
    index = model.index
    stages = _stages(index, wanted)
    rules, checklist = _with_call(index, wanted)
    clusters = index.things["clusters"]
    for name in ("required", "excluded"):
        for key in getattr(rules, name):
            find(clusters, key, f"{name}: cluster")
    countries = index.things["countries"]
    for name in ("countries", "third_countries"):
        for code in getattr(rules, name):
            find(countries, code, f"{name}: country")
    candidates = _candidates(model, stages, rules)
    things = index.things["stages"]
    covered = {key for c in candidates if c.id not in rules.excluded for key in c.stages}
    open_stages = (
        {}
        if wanted.whole or wanted.stages
        else {things.key(s): things.labels[s] for s in stages if things.key(s) not in covered}
    )
    labels = {things.key(s): things.labels[s] for s in stages if things.key(s) not in open_stages}
    if not labels:  # nobody covers any: asked for whole, so that the reason is told
        labels, open_stages = open_stages, {}
    try:
        found = compose(
            [c for c in candidates if c.stages or c.id in rules.required],
            list(labels), rules, wanted.seconds, wanted.runners_up,
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error)) from None
    by_id = {c.id: c for c in candidates}
    sets = [found.members, *found.runners_up] if found.members else []
    items = [_item(index, n, members, by_id, labels) for n, members in enumerate(sets, 1)]
    told: dict[str, Any] = {"stages": len(labels), "candidates": found.before}
    told["after_reduction"] = found.after
    told["status"] = found.status
    told["bound"] = found.bound
    told["search_complete"] = found.complete
    told["unknown_country"] = sum(c.country is None for c in candidates if c.stages)
    told["reasons"] = [_reason(r) for r in found.reasons]
    told["reason"] = told["reasons"][0]["message"] if found.reasons else ""
    parameters = {"chain": wanted.chain, "stages": list(labels), "call": wanted.call}
    parameters |= {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in vars(rules).items()
        if value
    }
    method = Method(METHOD.name, METHOD.citation, METHOD.version, parameters)
    about = {"stages": labels, "covered_by_nobody": open_stages, "checklist": checklist}
    caveats = [
        "a cluster covers a stage by at least one of its capabilities, by sector words",
        "an unknown country or region neither counts nor excludes",
        "only clusters that cover one of the stages, or are required, are considered",
    ]
    if open_stages:
        caveats.insert(
            0, f"{len(open_stages)} stages that no cluster is known to cover are left out"
        )
    return Answer(
        items, len(items), method, told, index.release, False,
        caveats, about,
    )  # fmt: skip


def _stages(index: Index, wanted: Wanted) -> list[int]:
    things = index.things["stages"]
    if wanted.stages:
        return [find(things, key, "stage") for key in dict.fromkeys(wanted.stages)]
    if not wanted.chain:
        raise UsageError("a value chain or a list of stages is needed", parameter="chain")
    chain = find(index.things["chains"], wanted.chain, "value chain", NotFound)
    return [int(s) for s in stages_of_chain(index, chain)]


def _with_call(index: Index, wanted: Wanted) -> tuple[Rules, list[dict[str, str]]]:
    """The rules with those of the call where the request has none, and what is left to check."""
    rules = wanted.rules
    if not wanted.call:
        return rules, []
    things = index.things["call_profiles"]
    place = find(things, wanted.call, "call profile", NotFound)
    facts = {name: column[place] for name, column in things.facts.items()}

    def number(name: str) -> int | None:
        return int(facts[name]) if facts[name] else None

    rules = replace(
        rules,
        min_entities=_first(rules.min_entities, number("min_entities")),
        min_countries=_first(rules.min_countries, number("min_countries")),
        min_third_countries=_first(rules.min_third_countries, number("min_third_countries")),
        less_developed=rules.less_developed or "less developed" in facts["region_condition"],
    )
    checks = [
        ("country-scope", "Countries", facts["country_scope"]),
        ("applicant", "Applicants", facts["applicant_condition"]),
        ("region", "Regions", facts["region_condition"]),
        ("sme-share", "Share of SMEs, %", facts["sme_share"]),
    ]
    return rules, [
        {"code": code, "label": f"{label}: {text}"} for code, label, text in checks if text
    ]


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _candidates(model: Model, stages: Sequence[int], rules: Rules) -> list[Candidate]:
    """Every cluster, with those of the stages that it covers."""
    index = model.index
    clusters, countries, regions = (
        index.things[kind] for kind in ("clusters", "countries", "regions")
    )
    keys = {stage: index.things["stages"].key(stage) for stage in stages}
    level = index.arrays["region_level"]
    codes = index.things["capabilities"].facts["code"]
    divisions = index.arrays["divisions"]
    found = []
    for place in range(len(clusters)):
        own = [keys[s] for s in index.row("cluster_stage", place).tolist() if s in keys]
        key = clusters.key(place)
        if not own and key not in rules.required:
            found.append(Candidate(key))
            continue
        located = index.row("cluster_country", place)
        within = index.row("cluster_region", place)
        pilot = {regions.facts["pilot"][r] for r in within}
        cohesion = {regions.facts["cohesion"][r] for r in within} - {""}
        third = {
            countries.key(int(c))
            for u in index.row("cluster_undertaking", place)
            for c in index.row("undertaking_target", int(u))
        }
        two = [regions.key(int(r)) for r in within if level[r] == 2]
        held = model.divisions.indices[
            model.divisions.indptr[place] : model.divisions.indptr[place + 1]
        ]
        found.append(
            Candidate(
                key,
                countries.key(int(located[0])) if len(located) == 1 else None,
                two[0] if len(two) == 1 else None,
                frozenset(own),
                frozenset(codes[int(divisions[d])] for d in held),
                frozenset(third),
                # pilot regions are all known, so a region that is none is a no
                "yes" in pilot if len(within) else None,
                _any(_LESS_DEVELOPED.get(category) for category in cohesion),
            )
        )  # fmt: skip
    return found


def _any(values: Iterable[bool | None]) -> bool | None:
    """True where one is, False where all are, else unknown; of none it is unknown."""
    found = set(values)
    return True if True in found else False if found == {False} else None


def _item(
    index: Index,
    number: int,
    members: Sequence[str],
    by_id: dict[str, Candidate],
    labels: dict[str, str],
) -> Item:
    clusters, stages = index.things["clusters"], index.things["stages"]
    parts = []
    for key in members:
        covered = sorted(by_id[key].stages & labels.keys())
        place = clusters.by_key[key]
        names = ", ".join(labels[s] for s in covered) or "no stage; it is required"
        iris = [stages.iris[stages.by_key[s]] for s in covered]
        parts.append(
            Part("member", f"{clusters.labels[place]}: {names}", 1.0,
                 {"member": clusters.iris[place], "country": by_id[key].country, "stages": covered},
                 (clusters.iris[place], *iris))
        )  # fmt: skip
    countries = sorted({c for key in members if (c := by_id[key].country) is not None})
    unplaced = [key for key in members if by_id[key].country is None]
    named = " ".join(terms.iri(clusters.iris[clusters.by_key[key]]) for key in members)
    wanted = " ".join(terms.iri(stages.iris[stages.by_key[s]]) for s in labels)
    query = (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        f"SELECT ?member ?stage ?country WHERE {{ VALUES ?member {{ {named} }}\n"
        f"  VALUES ?stage {{ {wanted} }} ?member cloom:covers ?stage .\n"
        "  OPTIONAL { ?member cloom:inCountry ?country } } ORDER BY ?member ?stage"
    )
    return Item(
        id=f"set-{number}", iri="", label=", ".join(p.label.partition(":")[0] for p in parts),
        value=float(len(members)), explanation=parts,
        measures={"members": len(members), "countries": len(countries)},
        facts={"members": list(members), "countries": countries, "unplaced": unplaced},
        evidence=sorted({iri for part in parts for iri in part.evidence}), query=query, rank=number,
        caveats=["the country of a member is not known"] if unplaced else [],
    )  # fmt: skip


def _reason(reason: Any) -> dict[str, Any]:
    parameters = {
        name: sorted(value) if isinstance(value, frozenset | set) else value
        for name, value in reason.parameters.items()
    }
    return {"code": reason.code, "message": reason.message, "parameters": parameters}
