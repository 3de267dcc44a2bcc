"""The sets of a consortium as items of an answer: members, the stages they cover, and the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clusterloom import terms
from clusterloom.discovery.answers import Item, Part
from clusterloom.discovery.candidates import Member
from clusterloom.discovery.composer_model import Candidate, Rules
from clusterloom.discovery.index import Index


@dataclass(frozen=True)
class Who:
    """What a candidate is called; the IRI of a member of the request is blank."""

    label: str
    iri: str = ""


def told_of(candidate: Candidate, member: Member) -> dict[str, Any]:
    """What an answer says of a member of the request: as what it was taken."""
    return {
        "id": candidate.id, "label": member.profile.label, "required": member.required,
        "country": candidate.country, "region": candidate.region,
        "stages": sorted(candidate.stages),
    }  # fmt: skip


def names(index: Index, members: Sequence[Member]) -> dict[str, Who]:
    """By the id of a candidate."""
    clusters = index.things["clusters"]
    found = {key: Who(clusters.labels[n], clusters.iris[n]) for key, n in clusters.by_key.items()}
    return found | {member.id: Who(member.profile.label) for member in members}


def set_item(
    index: Index,
    number: int,
    members: Sequence[str],
    by_id: dict[str, Candidate],
    who: dict[str, Who],
    labels: dict[str, str],
) -> Item:
    """A set as an item; its parts are the members, each with the stages that it covers."""
    stages = index.things["stages"]
    parts = []
    for key in members:
        covered = sorted(by_id[key].stages & labels.keys())
        iris = [stages.iris[stages.by_key[s]] for s in covered]
        own = who[key].iri
        names = ", ".join(labels[s] for s in covered)
        parts.append(
            Part("member", f"{who[key].label}: {names}", 1.0,
                 {"member": own or key, "country": by_id[key].country, "stages": covered},
                 (own, *iris) if own else tuple(iris))
        )  # fmt: skip
    countries = sorted({c for key in members if (c := by_id[key].country) is not None})
    unplaced = [key for key in members if by_id[key].country is None]
    named = " ".join(terms.iri(who[key].iri) for key in members if who[key].iri)
    wanted = " ".join(terms.iri(stages.iris[stages.by_key[s]]) for s in labels)
    query = (
        "PREFIX cloom: <https://w3id.org/clusterloom/ontology#>\n"
        f"SELECT ?member ?stage ?country WHERE {{ VALUES ?member {{ {named} }}\n"
        f"  VALUES ?stage {{ {wanted} }} ?member cloom:covers ?stage .\n"
        "  OPTIONAL { ?member cloom:inCountry ?country } } ORDER BY ?member ?stage"
    )
    return Item(
        id=f"set-{number}", iri="", label=", ".join(who[key].label for key in members),
        value=float(len(members)), explanation=parts,
        measures={"members": len(members), "countries": len(countries)},
        facts={"members": list(members), "countries": countries, "unplaced": unplaced},
        evidence=sorted({iri for part in parts for iri in part.evidence}), query=query, rank=number,
        caveats=["the country of a member is not known"] if unplaced else [],
    )  # fmt: skip


def explain_idle(item: Item, rules: Rules) -> None:
    """Says of members that cover no stage why they are there."""
    for n, (key, part) in enumerate(zip(item.facts["members"], item.explanation, strict=True)):
        if not part.parameters["stages"]:
            why = "it is required" if key in rules.required else "it joins for a rule"
            item.explanation[n] = replace(part, label=f"{part.label}no stage; {why}")
