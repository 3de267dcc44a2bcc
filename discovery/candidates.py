"""Who may be a member of a consortium: clusters of the graph, and organisations of the request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clusterloom.discovery.composer_model import Candidate
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import FIELDS, Profile, find, inline, text_of, texts_of
from clusterloom.errors import UsageError

_LESS_DEVELOPED = {"less developed": True, "transition": True, "more developed": False}
MEMBER = ("id", *FIELDS[:-1], "stages", "third_countries", "required")
"""Fields of a member of a request."""
MOST = 50
"""Members of one request."""


@dataclass(frozen=True)
class Member:
    """An organisation of a request that may join, or has to; `profile` says what it is."""

    id: str
    profile: Profile
    third_countries: frozenset[str] = frozenset()
    required: bool = False


def members_of(index: Index, given: Sequence[Any]) -> list[Member]:
    """The members of a request: objects with `name`, `country`, `region`, `stages`,
    `capabilities`, `third_countries` (ISO codes), `required` and an `id`, each of which may be
    left out.

    UsageError tells which member is wrong and why; an `id` is not that of a cluster, nor there
    twice.
    """
    if len(given) > MOST:
        raise UsageError(f"members: at most {MOST} are taken, not {len(given)}", field="members")
    found: list[Member] = []
    for number, one in enumerate(given, 1):
        at = f"members[{number}]"
        if not isinstance(one, dict):
            raise UsageError(f"{at}: an object is wanted", field="members")
        rest = {name: value for name, value in one.items()
                if name not in {"id", "third_countries", "required"}}  # fmt: skip
        profile = inline(index, rest, MEMBER, at)
        key = text_of(one, "id", at) or f"member-{number}"
        if key in index.things["clusters"].by_key:
            raise UsageError(
                f"{at}.id: {key!r} is a cluster of the graph; name it in `required`", field="id"
            )
        if key in {member.id for member in found}:
            raise UsageError(f"{at}.id: {key!r} is there twice", field="id")
        required = one.get("required", False)
        if not isinstance(required, bool):
            raise UsageError(f"{at}.required: true or false is wanted", field="required")
        countries = index.things["countries"]
        aimed = [code.upper() for code in texts_of(one, "third_countries", at)]
        for code in aimed:
            find(countries, code, f"{at}.third_countries: country")
        named = replace(profile, label=text_of(one, "name", at) or key)
        found.append(Member(key, named, frozenset(aimed), required))
    return found


def clusters_of(model: Model, stages: Sequence[int]) -> list[Candidate]:
    """Every cluster, with those of the stages that it covers."""
    index = model.index
    clusters, countries = index.things["clusters"], index.things["countries"]
    keys = _keys(index, stages)
    targets = index.relation("cluster_undertaking") @ index.relation("undertaking_target")
    codes = _division_codes(index)
    found = []
    for place in range(len(clusters)):
        country = int(index.country[place])
        row = targets.indices[targets.indptr[place] : targets.indptr[place + 1]]
        held = model.divisions.indices[
            model.divisions.indptr[place] : model.divisions.indptr[place + 1]
        ]
        candidate = Candidate(
            clusters.key(place),
            countries.key(country) if country >= 0 else None,
            stages=frozenset(
                keys[s] for s in index.row("cluster_stage", place).tolist() if s in keys
            ),
            sectors=frozenset(codes[int(d)] for d in held),
            third_countries=frozenset(countries.key(int(c)) for c in row),
        )
        found.append(_placed(index, candidate, index.row("cluster_region", place).tolist()))
    return found


def candidate_of(index: Index, member: Member, stages: Sequence[int]) -> Candidate:
    """A member of a request as the composer takes it."""
    keys, profile = _keys(index, stages), member.profile
    own = index.arrays["capability_division"][profile.capabilities]
    codes = _division_codes(index)
    country = index.things["countries"].key(profile.country) if profile.country >= 0 else None
    candidate = Candidate(
        member.id,
        country,
        stages=frozenset(keys[s] for s in profile.stages.tolist() if s in keys),
        sectors=frozenset(codes[d] for d in np.unique(own[own >= 0]).tolist()),
        third_countries=member.third_countries,
    )
    return _placed(index, candidate, profile.regions.tolist())


def _keys(index: Index, stages: Sequence[int]) -> dict[int, str]:
    return {stage: index.things["stages"].key(stage) for stage in stages}


def _division_codes(index: Index) -> list[str]:
    facts = index.things["capabilities"].facts["code"]
    return [facts[place] for place in index.arrays["divisions"].tolist()]


def _placed(index: Index, candidate: Candidate, regions: Sequence[int]) -> Candidate:
    """The candidate with what its regions tell."""
    things, level = index.things["regions"], index.arrays["region_level"]
    two = [things.key(r) for r in regions if level[r] == 2]
    cohesion = {things.facts["cohesion"][r] for r in regions} - {""}
    return replace(
        candidate,
        region=two[0] if len(two) == 1 else None,
        # pilot regions are all known, so a region that is none is a no
        pilot_region=any(things.facts["pilot"][r] for r in regions) if regions else None,
        less_developed=_any(_LESS_DEVELOPED.get(category) for category in cohesion),
    )


def _any(values: Iterable[bool | None]) -> bool | None:
    """True where one is, False where all are, else unknown; of none it is unknown."""
    found = set(values)
    return True if True in found else False if found == {False} else None
