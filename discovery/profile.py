"""Who asks: a cluster of the graph, or one described in the request that is not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import nace
from clusterloom.discovery.index import MATCH, Index, Things
from clusterloom.errors import NotFound, UsageError
from clusterloom.nearest import hint, nearest

Places = NDArray[np.int32]
MOST = 500
"""Values of one field of an inline profile."""


@dataclass(frozen=True)
class Profile:
    """An organisation as places in the index; `place` is its own among the clusters, -1 for none.

    An empty array means that nothing is known, never that there is nothing. `lacking` are stages
    that it says it does not cover; `notes` say how its words were read.
    """

    label: str
    iri: str = ""
    place: int = -1
    country: int = -1
    regions: Places = field(default_factory=lambda: np.empty(0, np.int32))
    capabilities: Places = field(default_factory=lambda: np.empty(0, np.int32))
    stages: Places = field(default_factory=lambda: np.empty(0, np.int32))
    partners: Places = field(default_factory=lambda: np.empty(0, np.int32))
    lacking: Places = field(default_factory=lambda: np.empty(0, np.int32))
    notes: tuple[str, ...] = ()


def of_cluster(index: Index, key: str) -> Profile:
    """The cluster with that key (last segment of its IRI); NotFound names the nearest keys."""
    clusters = index.things["clusters"]
    place = find(clusters, key, "cluster", NotFound)
    countries = index.row("cluster_country", place)
    return Profile(
        label=clusters.labels[place],
        iri=clusters.iris[place],
        place=place,
        country=int(countries[0]) if len(countries) == 1 else -1,
        regions=index.row("cluster_region", place),
        capabilities=index.row("cluster_capability", place),
        stages=index.row("cluster_stage", place),
        partners=partners_of(index, place),
    )


def partners_of(index: Index, place: int) -> Places:
    """The clusters that take part in something together with that one, itself left out."""
    joint = index.row("cluster_undertaking", place).tolist()
    groups = [index.related_to("cluster_undertaking", undertaking) for undertaking in joint]
    found = np.unique(np.concatenate([np.empty(0, np.int32), *groups]))
    others: Places = found[found != place]
    return others


FIELDS = ("name", "country", "region", "capabilities", "partners")
STAGES = ("stages", "missing")


def inline(
    index: Index,
    given: dict[str, Any],
    fields: Sequence[str] = FIELDS,
    at: str = "profile",
) -> Profile:
    """A profile of a request: `name`, `country` (ISO code), `region` (NUTS code), `capabilities`
    (NACE codes or keys of fields), `partners` (keys of clusters); each may be left out. With
    STAGES among the `fields` also `stages` that it covers and those that are `missing` (keys).

    UsageError tells which field of `at` is wrong and what the nearest valid values are, or which
    two of them contradict each other.
    """
    known_fields(given, fields, at)
    country, places = _seat(index, given, at)
    capabilities, notes = capabilities_of(index, texts_of(given, "capabilities", at), at)
    clusters, things = index.things["clusters"], index.things["stages"]
    partners = [find(clusters, k, f"{at}.partners: cluster")
                for k in texts_of(given, "partners", at)]  # fmt: skip
    stated, missing = (
        [find(things, key, f"{at}.{name}: stage") for key in texts_of(given, name, at)]
        for name in STAGES
    )
    covered = np.union1d(stages_of(index, capabilities), np.array(stated, np.int32))
    for place in missing:
        if place in stated:
            raise UsageError(
                f"{at}: stage {things.key(place)} is both in `stages` and in `missing`",
                field="missing",
            )
        if place in covered:
            raise UsageError(
                f"{at}: stage {things.key(place)} is in `missing`, but one of the capabilities "
                "covers it; leave out one of the two",
                field="missing",
            )
    return Profile(
        label=text_of(given, "name", at) or f"the {at} of the request",
        country=country,
        regions=places,
        capabilities=np.unique(np.array(capabilities, np.int32)),
        stages=covered.astype(np.int32),
        partners=np.unique(np.array(partners, np.int32)),
        lacking=np.unique(np.array(missing, np.int32)),
        notes=tuple(notes),
    )


def _seat(index: Index, given: dict[str, Any], at: str) -> tuple[int, Places]:
    """Country and regions of a profile, -1 and none where nothing is said of them."""
    countries = index.things["countries"]
    country = -1
    if (code := text_of(given, "country", at)) is not None:
        country = find(countries, code.upper(), f"{at}.country: country")
    if (code := text_of(given, "region", at)) is None:
        return country, np.empty(0, np.int32)
    region = find_region(index, code, f"{at}.region: region")
    of_region = int(index.arrays["region_country"][region])
    if of_region >= 0 and country not in {-1, of_region}:
        raise UsageError(
            f"{at}: region {code} is in {countries.key(of_region)}, not in "
            f"{countries.key(country)}",
            field="region",
        )
    found = {region, *regions_above(index, region)}
    return (of_region if of_region >= 0 else country), np.array(sorted(found), np.int32)


def regions_above(index: Index, region: int) -> list[int]:
    """The regions of which a region is a part, by its code."""
    regions = index.things["regions"]
    code = regions.key(region)
    wide = [code[:length] for length in range(3, len(code))]
    return [regions.by_key[one] for one in wide if one in regions.by_key]


def capabilities_of(
    index: Index, words: Sequence[str], at: str = "profile"
) -> tuple[list[int], list[str]]:
    """The places of capabilities by their words, and how they were read.

    A code of NACE Rev. 2.1 stands for the one of Rev. 2 where both have the same title.
    """
    places: dict[int, None] = {}
    lost, read21 = [], False
    for word in words:
        place = find_capability(index, word, f"{at}.capabilities: capability")
        if nace.is_rev21(index, place):
            read21 = True
            same = nace.as_rev2(index, place)
            if same is None:
                lost.append(word)
            else:
                place = same
        places[place] = None
    notes = []
    if read21:
        notes.append("a code of NACE Rev. 2.1 stands for the one of Rev. 2 that has its title")
    if lost:
        notes.append(
            f"no activity of NACE Rev. 2 has the code and title of {', '.join(lost[:10])}: no "
            "employment is measured by it, and clusters are described by Rev. 2; a code of Rev. 2 "
            "beside it says more"
        )
    return [*places], notes


def stages_of(index: Index, capabilities: Sequence[int]) -> Places:
    """The stages that one of the capabilities covers, by the rule `stage-coverage`: it is what the
    stage calls for, or a part of something that is the stage or lies in it."""
    own = set(capabilities)
    wide = {int(w) for c in own for w in index.row("within", int(c))} | own
    found = [
        int(stage) for stage, called, match in index.arrays["stage_capability"]
        if int(called) in own or (match != MATCH["broad"] and int(called) in wide)
    ]  # fmt: skip
    return np.unique(np.array(found, np.int32))


def stages_near(index: Index, capabilities: Sequence[int]) -> Places:
    """The stages that a capability is a weak sign of, or covers: what they call for is a part of
    it, or has it as a part."""
    near = {int(w) for c in capabilities for w in index.row("within", int(c))}
    near |= {int(n) for c in capabilities for n in index.related_to("within", int(c))}
    near |= {int(c) for c in capabilities}
    table = index.arrays["stage_capability"]
    return np.unique(table[np.isin(table[:, 1], [*near]), 0]).astype(np.int32)


def find(
    things: Things, key: str, what: str, error: type[NotFound] | type[UsageError] = UsageError
) -> int:
    """The place of the thing with that key; the error names the nearest keys."""
    place = things.by_key.get(key)
    if place is None:
        labels = {things.key(n): things.labels[n] for n in range(len(things))}
        near = nearest(key, labels)
        # the few nearest only: to compare with all of them again takes as long again
        told = hint(key, {near_key: labels[near_key] for near_key in near})
        raise error(f"{what} {key[:60]!r} is not known{told}", nearest=near)
    return place


def find_region(
    index: Index, code: str, what: str, error: type[NotFound] | type[UsageError] = UsageError
) -> int:
    """The place of a region by its NUTS code; a code of the vintage 2013 only is refused."""
    regions = index.things["regions"]
    place = find(regions, code.upper(), what, error)
    vintages = regions.facts["vintages"][place].split()
    if vintages and not {"2021", "2024"} & set(vintages):
        raise UsageError(
            f"{what} {code!r} is a code of NUTS {', '.join(vintages)}; codes of 2021 or 2024 are "
            "taken",
            vintages=vintages,
        )
    return place


def find_capability(index: Index, word: str, what: str = "capability") -> int:
    """The place of a capability by NACE code or by the last segment of its IRI.

    A code alone is of NACE Rev. 2, or of Rev. 2.1 where only that has it; `nace21/27.2` and `NACE
    2.1 27.2` are of Rev. 2.1. UsageError names the nearest.
    """
    asked = nace.read(word)
    if asked is None:
        place = index.nace_codes.get(word.upper())
        return find(index.things["capabilities"], word, what) if place is None else place
    codes = index.nace_codes if asked.revision == "2" else nace.rev21_codes(index)
    if asked.code not in codes:
        raise UsageError(
            f"{what} {word[:60]!r} is no code of NACE Rev. {asked.revision}"
            f"{hint(asked.code, [*codes])}",
            nearest=nearest(asked.code, [*codes]),
        )
    return codes[asked.code]


def known_fields(given: dict[str, Any], fields: Sequence[str], at: str) -> None:
    """UsageError for a field of an object that is none of those."""
    for name in given:
        if name not in fields:
            raise UsageError(
                f"{at}: no field {name[:40]!r}{hint(name, fields)} (known are {', '.join(fields)})",
                field=name[:40],
            )


def text_of(given: dict[str, Any], name: str, at: str = "profile") -> str | None:
    """A field that is a text of 1 to 200 characters, None where it is not there."""
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise UsageError(f"{at}.{name}: a text of 1 to 200 characters is wanted", field=name)
    return value.strip()


def texts_of(given: dict[str, Any], name: str, at: str = "profile") -> list[str]:
    """A field that is a list of texts, each once; empty where it is not there."""
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise UsageError(f"{at}.{name}: a list of texts is wanted", field=name)
    if len(value) > MOST:
        raise UsageError(f"{at}.{name}: at most {MOST} are taken, not {len(value)}", field=name)
    return list(dict.fromkeys(value))
