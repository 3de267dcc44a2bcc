"""The region that asks: one of the graph, or one described in the request.

A region of the request names the NACE divisions in which it is specialised, in which it is not,
and those of which it does not know; what it does not name is taken from a region of the graph where
it gives one, and is unknown where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import nace
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import (
    find_capability,
    find_region,
    known_fields,
    text_of,
    texts_of,
)
from clusterloom.errors import NotFound, UsageError
from clusterloom.nearest import hint, nearest

_SAID = {"specialised": 1, "not_specialised": 0, "unknown": -1}
FIELDS = ("name", "region", *_SAID)


@dataclass(frozen=True)
class RegionProfile:
    """Who asks: `status` by division (1 specialised, 0 not, 2 borderline, -1 unknown).

    `place` is its own among the regions and `used` that of the region whose figures these are, -1
    where there is none. `notes` say where the figures come from.
    """

    key: str
    label: str
    status: NDArray[np.int8]
    place: int = -1
    used: int = -1
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the status of any division is known."""
        return bool((self.status >= 0).any())


def of_region(model: Model, code: str) -> RegionProfile:
    """A region of the graph by its NUTS code; a NUTS 3 region has the figures of its NUTS 2 one.

    NotFound for an unknown one, UsageError for a code of NUTS 2013 only.
    """
    index = model.index
    regions = index.things["regions"]
    place = find_region(index, code, "region", NotFound)
    used = measured_place(model, place)
    if used is None:
        nothing = np.full(len(index.arrays["divisions"]), -1, np.int8)
        return RegionProfile(regions.key(place), regions.labels[place], nothing, place)
    notes = () if used == place else (
        f"coarser region: the figures are those of {regions.key(used)}",
    )  # fmt: skip
    status = np.asarray(index.arrays["region_status"][used])
    return RegionProfile(regions.key(place), regions.labels[place], status, place, used, notes)


def inline_region(model: Model, given: dict[str, Any]) -> RegionProfile:
    """A region of a request: `name`, `region` (the NUTS code of one whose figures it takes over),
    and the divisions that it is `specialised` in, `not_specialised` in, or that are `unknown`.

    UsageError for a division that is not measured anywhere or is named in two lists, and where
    neither a region nor a division is named.
    """
    index = model.index
    known_fields(given, FIELDS, "profile")
    code = text_of(given, "region")
    said: dict[int, str] = {}
    notes: dict[str, None] = {}
    for name in _SAID:
        for word in texts_of(given, name):
            division, note = division_of(index, word, f"profile.{name}: division")
            if note:
                notes[note] = None
            if said.setdefault(division, name) != name:
                label = model.division_label(division)
                raise UsageError(
                    f"profile: division {label} is both in `{said[division]}` and in `{name}`",
                    field=name,
                )
    if code is None and not said:
        raise UsageError(
            "profile: the divisions in which the region is specialised are wanted, or the "
            "`region` whose figures it has",
            field="specialised",
        )
    if code is None:
        base = RegionProfile("", "", np.full(len(index.arrays["divisions"]), -1, np.int8))
    else:
        base = of_region(model, code)
    status = np.array(base.status)
    for division, name in said.items():
        status[division] = _SAID[name]
    told = f"{len(said)} statuses are those of the request, not of the graph"
    if code is not None:
        told += f"; the others are those of {base.key}"
    name = text_of(given, "name") or base.label or "the region of the request"
    return RegionProfile(base.key, name, status, base.place, base.used, (told, *notes, *base.notes))


def division_of(index: Index, word: str, what: str) -> tuple[int, str]:
    """The number of a measured division by its code, and how that was read where it is not plain.

    UsageError names the nearest codes that are measured.
    """
    things = index.things["capabilities"]
    divisions = index.arrays["divisions"].tolist()
    codes = {things.facts["code"][place]: n for n, place in enumerate(divisions)}
    labels = {code: things.labels[divisions[n]] for code, n in codes.items()}
    plain = word.strip().upper()
    if plain in codes:
        return codes[plain], ""
    asked, note = nace.read(word), ""
    place = find_capability(index, word, what) if asked else index.nace_codes.get(plain)
    if place is not None and nace.is_rev21(index, place):
        same = nace.as_rev2(index, place)
        note = "a code of NACE Rev. 2.1 stands for the one of Rev. 2 that has its title"
        if same is None:
            raise UsageError(
                f"{what} {word[:60]!r}: no division of NACE Rev. 2 has its code and title, and "
                "employment is measured by Rev. 2",
                nearest=nearest(plain, labels),
            )
        place = same
    if place is not None and place in divisions:
        return divisions.index(place), note
    part = f"; it is not a division but {things.labels[place]}" if place is not None else ""
    raise UsageError(
        f"{what} {word[:60]!r} is not measured{part}{hint(plain[:2], labels)}",
        nearest=nearest(plain[:2], labels),
    )


def measured_place(model: Model, place: int) -> int | None:
    """The region whose figures are used: itself, or the NUTS 2 region that it is part of."""
    regions, measured = model.index.things["regions"], set(model.measured.tolist())
    if place in measured:
        return place
    above = regions.by_key.get(regions.key(place)[:4])
    if model.index.arrays["region_level"][place] == 3 and above in measured:
        return above
    known = (model.index.arrays["region_status"][place] >= 0).any()
    return place if known else None
