"""Who asks: a cluster of the graph, or one described in the request that is not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.index import Index, Things
from clusterloom.errors import NotFound, UsageError
from clusterloom.nearest import hint, nearest

Places = NDArray[np.int32]
MOST = 500
"""Values of one field of an inline profile."""


@dataclass(frozen=True)
class Profile:
    """An organisation as places in the index; `place` is its own among the clusters, -1 for none.

    An empty array means that nothing is known, never that there is nothing.
    """

    label: str
    iri: str = ""
    place: int = -1
    country: int = -1
    regions: Places = field(default_factory=lambda: np.empty(0, np.int32))
    capabilities: Places = field(default_factory=lambda: np.empty(0, np.int32))
    stages: Places = field(default_factory=lambda: np.empty(0, np.int32))
    partners: Places = field(default_factory=lambda: np.empty(0, np.int32))


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


_FIELDS = ("name", "country", "region", "capabilities", "partners")


def inline(index: Index, given: dict[str, Any]) -> Profile:
    """A profile of a request: `name`, `country` (ISO code), `region` (NUTS code), `capabilities`
    (NACE codes or keys of fields), `partners` (keys of clusters); each may be left out.

    UsageError tells which field is wrong and what the nearest valid values are.
    """
    for name in given:
        if name not in _FIELDS:
            raise UsageError(
                f"profile: no field {name[:40]!r}; known are {', '.join(_FIELDS)}", field=name
            )
    countries, regions = index.things["countries"], index.things["regions"]
    country = -1
    if (code := _text(given, "country")) is not None:
        country = find(countries, code.upper(), "profile.country: country")
    places: Places = np.empty(0, np.int32)
    if (code := _text(given, "region")) is not None:
        region = find_region(index, code, "profile.region: region")
        within = [code.upper()[:n] for n in range(3, len(code) + 1)]
        found = {region} | {regions.by_key[r] for r in within if r in regions.by_key}
        places = np.array(sorted(found), np.int32)
        of_region = int(index.arrays["region_country"][region])
        if of_region >= 0 and country not in {-1, of_region}:
            raise UsageError(
                f"profile: region {code} is in {countries.key(of_region)}, not in "
                f"{countries.key(country)}",
                field="region",
            )
        country = of_region if of_region >= 0 else country
    capabilities = [find_capability(index, word) for word in _texts(given, "capabilities")]
    clusters = index.things["clusters"]
    partners = [find(clusters, k, "profile.partners: cluster") for k in _texts(given, "partners")]
    return Profile(
        label=_text(given, "name") or "the profile of the request",
        country=country,
        regions=places,
        capabilities=np.unique(np.array(capabilities, np.int32)),
        stages=stages_of(index, capabilities),
        partners=np.unique(np.array(partners, np.int32)),
    )


def stages_of(index: Index, capabilities: Sequence[int]) -> Places:
    """The stages that call for one of the capabilities, or for something it is a part of."""
    wide = {int(w) for c in capabilities for w in index.row("within", c)} | set(capabilities)
    table = index.arrays["stage_capability"]
    # a mere part of what a stage draws on does not cover it
    found = [int(s) for s, c, match in table if match > 0 and int(c) in wide]
    return np.unique(np.array(found, np.int32))


def find(
    things: Things, key: str, what: str, error: type[NotFound] | type[UsageError] = UsageError
) -> int:
    """The place of the thing with that key; the error names the nearest keys."""
    place = things.by_key.get(key)
    if place is None:
        labels = {things.key(n): things.labels[n] for n in range(len(things))}
        near = nearest(key, labels)
        raise error(f"{what} {key[:60]!r} is not known{hint(key, labels)}", nearest=near)
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


def find_capability(index: Index, word: str) -> int:
    """The place of a capability by NACE Rev. 2 code or by the last segment of its IRI."""
    capabilities = index.things["capabilities"]
    place = index.nace_codes.get(word.upper().removeprefix("NACE "))
    return find(capabilities, word, "capability") if place is None else place


def _text(given: dict[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise UsageError(f"profile.{name}: a text of 1 to 200 characters is wanted", field=name)
    return value.strip()


def _texts(given: dict[str, Any], name: str) -> list[str]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise UsageError(f"profile.{name}: a list of texts is wanted", field=name)
    if len(value) > MOST:
        raise UsageError(f"profile.{name}: at most {MOST} are taken, not {len(value)}", field=name)
    return list(dict.fromkeys(value))
