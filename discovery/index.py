"""The numeric index of a release: arrays mapped into memory, made once through SPARQL.

Things of a kind have places in the order of their IRIs; every array is by place. Firms (SMEs) are
in it only as counts by region and field. Nothing missing is zero: `-1` marks an unknown place or
status, NaN an unknown number.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from scipy import sparse

from clusterloom.discovery import columns
from clusterloom.discovery.columns import Columns, Rows, numbered
from clusterloom.discovery.index_arrays import (
    Array,
    Table,
    counts,
    csr,
    supply,
    supply_table,
    triples,
)
from clusterloom.errors import ClusterloomError

VERSION = "1"
"""Of the form of the files; part of the folder's name."""
KINDS = ("clusters", "countries", "regions", "capabilities", "undertakings", "chains", "areas",
         "stages", "products", "call_profiles")  # fmt: skip
STATUS = {"unknown": -1, "not": 0, "specialised": 1, "borderline": 2}
COVERAGE = {"unknown": -1, "missing": 0, "weak": 1, "covered": 2}
MATCH = {"broad": 0, "narrow": 1, "close": 2, "exact": 3}
_RELATIONS = {
    "cluster_country": ("clusters", "countries"),
    "cluster_region": ("clusters", "regions"),
    "cluster_capability": ("clusters", "capabilities"),
    "cluster_stage": ("clusters", "stages"),
    "cluster_undertaking": ("clusters", "undertakings"),
    "within": ("capabilities", "capabilities"),
    "chain_area": ("chains", "areas"),
    "area_region": ("areas", "regions"),
    "product_capability": ("products", "capabilities"),
    "undertaking_target": ("undertakings", "countries"),
}


class BadIndex(ClusterloomError):
    """The files of an index are damaged."""


@dataclass(frozen=True)
class Things:
    """Things of one kind: IRIs in order, and what they are called."""

    iris: list[str]
    labels: list[str]
    facts: dict[str, list[str]]

    @cached_property
    def place(self) -> dict[str, int]:
        """IRI -> place."""
        return numbered(self.iris)

    def key(self, place: int) -> str:
        """The last segment of the IRI."""
        return self.keys[place]

    @cached_property
    def keys(self) -> list[str]:
        """The last segment of each IRI."""
        return [iri.rsplit("/", 1)[1] for iri in self.iris]

    @cached_property
    def by_key(self) -> dict[str, int]:
        """Last segment of the IRI -> place."""
        return numbered(self.keys)

    def __len__(self) -> int:
        return len(self.iris)


class Index:
    """An index that has been opened; `things` by kind, `arrays` by name.

    `supply_table` is the year and economy that its supply links are of; None where there are no
    links, and where that was not kept: in an index of an older make, or one made in memory.
    """

    def __init__(
        self,
        release: str,
        things: Mapping[str, Things],
        arrays: Mapping[str, Array],
        supply_table: Table | None = None,
    ) -> None:
        self.release = release
        self.supply_table = supply_table
        self.things = dict(things)
        # a plain view of what is mapped: each selection of a memmap costs ten times as much
        self.arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self._relations: dict[str, sparse.csr_array] = {}

    def relation(self, name: str) -> sparse.csr_array:
        """A 0/1 matrix of one kind by another; not to be changed."""
        found = self._relations.get(name)
        if found is None:
            found = self._relations[name] = self._relation(name)
        return found

    @cached_property
    def country(self) -> NDArray[np.int32]:
        """The country of each cluster, -1 where none or several are stated."""
        indptr = self.arrays["cluster_country.indptr"]
        one = np.diff(indptr) == 1
        found = np.full(len(one), -1, dtype=np.int32)
        found[one] = self.arrays["cluster_country.indices"][indptr[:-1][one]]
        return found

    def backwards(self, name: str) -> sparse.csr_array:
        """The same matrix the other way round."""
        found = self._relations.get(f"^{name}")
        if found is None:
            turned = sparse.csr_array(self.relation(name).T)
            turned.sort_indices()
            found = self._relations[f"^{name}"] = turned
        return found

    def related_to(self, name: str, place: int) -> Array:
        """The places of the first kind that one of the second is related to, ascending."""
        turned = self.backwards(name)
        found: Array = turned.indices[turned.indptr[place] : turned.indptr[place + 1]]
        return found

    def _relation(self, name: str) -> sparse.csr_array:
        rows, cols = (len(self.things[kind]) for kind in _RELATIONS[name])
        indptr, indices = self.arrays[f"{name}.indptr"], self.arrays[f"{name}.indices"]
        ones = np.ones(len(indices), dtype=np.float64)
        return sparse.csr_array((ones, indices, indptr), shape=(rows, cols))

    @cached_property
    def incidence(self) -> sparse.csr_array:
        """Clusters by the partnerships and projects that they take part in, 0/1."""
        return self.relation("cluster_undertaking")

    @cached_property
    def nace_codes(self) -> dict[str, int]:
        """NACE Rev. 2 code -> place of the capability; Rev. 2.1 has some of the same codes."""
        things = self.things["capabilities"]
        pairs = zip(things.iris, things.facts["code"], strict=True)
        return {code: n for n, (iri, code) in enumerate(pairs) if code and "/nace2/" in iri}

    def row(self, name: str, place: int) -> Array:
        """The places that one thing is related to, ascending."""
        indptr = self.arrays[f"{name}.indptr"]
        found: Array = self.arrays[f"{name}.indices"][indptr[place] : indptr[place + 1]]
        return found


async def build(read: Columns, release: str, folder: Path) -> Index:
    """Reads a release by its session and writes the index to a folder, all of it or nothing.

    Two queries run at once where the session has room for them. What is done with their rows is
    done in a thread, so that a server answers meanwhile.
    """
    rows = await columns.read_all(read)
    return await asyncio.to_thread(_build, rows, release, folder)


def _build(rows: Rows, release: str, folder: Path) -> Index:
    things, arrays = assemble(rows)
    _write(folder, release, things, arrays, supply_table(rows["supply"]))
    return open_index(folder)


def assemble(rows: Rows) -> tuple[dict[str, Things], dict[str, Array]]:
    """Things and arrays of the rows that the queries of `columns` give."""
    things = {kind: _things(kind, rows[kind]) for kind in KINDS}
    arrays: dict[str, Array] = {}
    for name, (one, other) in _RELATIONS.items():
        arrays |= csr(name, rows[name], things[one].place, things[other].place)
    clusters, regions = things["clusters"], things["regions"]
    capabilities = things["capabilities"].place
    labelled = np.zeros(len(clusters), dtype=np.int8)
    awarded = [clusters.place[i] for (i,) in rows["cluster_label"] if i in clusters.place]
    labelled[awarded] = 1
    arrays["cluster_label"] = labelled
    arrays |= _divisions(rows["region_division"], things)
    arrays |= _coverage(rows["region_stage"], things)
    for name, kind in (("stage_capability", "stages"), ("area_capability", "areas")):
        arrays[name] = triples(rows[name], things[kind].place, capabilities, MATCH)
    arrays["supply"] = supply(rows["supply"], things["products"].place)
    arrays["stage_chain"] = _places(things["stages"].facts["chain"], things["chains"])
    arrays["region_country"] = _places(regions.facts["country"], things["countries"])
    level = [int(number) if number else -1 for number in regions.facts["level"]]
    levels = arrays["region_level"] = np.array(level, np.int8)
    arrays["sme_field"] = counts(rows["sme_field"], regions.place, levels, capabilities)
    complete = {iri for iri, yes in rows["complete"] if yes == "true"}
    lists = [iri in complete for iri in things["undertakings"].iris]
    arrays["undertaking_complete"] = np.array(lists, np.int8)
    kinds: dict[str, set[str]] = {}
    for iri, kind in rows["undertaking_kind"]:
        kinds.setdefault(iri, set()).add(kind.rsplit("#", 1)[-1])
    named = [" ".join(sorted(kinds.get(iri, ()))) for iri in things["undertakings"].iris]
    things["undertakings"].facts["kinds"] = named
    vintages: dict[str, list[str]] = {}
    for iri, vintage in sorted(rows["vintages"]):
        vintages.setdefault(iri, []).append(vintage)
    pilots = {iri for (iri,) in rows["pilots"]}
    regions.facts["pilot"] = ["yes" if iri in pilots else "" for iri in regions.iris]
    cohesion = dict(sorted((iri, category) for iri, category in rows["cohesion"]))
    regions.facts["cohesion"] = [cohesion.get(iri, "") for iri in regions.iris]
    regions.facts["vintages"] = [" ".join(vintages.get(iri, ())) for iri in regions.iris]
    return things, arrays


_FACTS: dict[str, tuple[str, ...]] = {
    "regions": ("code", "level", "label", "country"),
    "capabilities": ("label", "code"),
    "undertakings": ("label", "year"),
    "stages": ("chain", "position", "label"),
    "call_profiles": (
        "label",
        "min_entities",
        "min_countries",
        "min_third_countries",
        "region_condition",
        "applicant_condition",
        "sme_share",
        "country_scope",
    ),
}


def _things(kind: str, rows: Sequence[tuple[str, ...]]) -> Things:
    names = _FACTS.get(kind, ("label",))
    ordered = sorted({row[0]: row for row in rows}.values())
    facts = {name: [row[n + 1] for row in ordered] for n, name in enumerate(names)}
    return Things([row[0] for row in ordered], facts.pop("label"), facts)


def _places(iris: Iterable[str], things: Things) -> Array:
    return np.array([things.place.get(iri, -1) for iri in iris], dtype=np.int32)


def _divisions(rows: Sequence[tuple[str, ...]], things: Mapping[str, Things]) -> dict[str, Array]:
    """Employment figures by region and division; the divisions are those that are measured."""
    regions, capabilities = things["regions"], things["capabilities"]
    codes = sorted({capabilities.place[row[1]] for row in rows if row[1] in capabilities.place})
    column = {place: number for number, place in enumerate(codes)}
    shape = len(regions), len(codes)
    status = np.full(shape, -1, dtype=np.int8)
    quotient, employment = np.full(shape, np.nan), np.full(shape, np.nan)
    measured = np.zeros(len(regions), dtype=np.int16)
    for region, division, said, lq, persons, year in rows:
        place = regions.place.get(region)
        if place is None or division not in capabilities.place:
            continue
        at = place, column[capabilities.place[division]]
        status[at] = STATUS[said]
        quotient[at] = float(lq) if lq else np.nan
        employment[at] = float(persons) if persons else np.nan
        measured[place] = int(year)
    own = np.full(len(capabilities), -1, dtype=np.int32)
    own[codes] = np.arange(len(codes))
    at_level_two = {capabilities.facts["code"][c]: column[c] for c in codes}
    for place, code in enumerate(capabilities.facts["code"]):
        # the first two digits of a NACE Rev. 2 code are its division
        if "/nace2/" in capabilities.iris[place] and code[:2] in at_level_two:
            own[place] = at_level_two[code[:2]]
    return {
        "divisions": np.array(codes, dtype=np.int32),
        "capability_division": own,
        "region_status": status,
        "region_quotient": quotient,
        "region_employment": employment,
        "region_year": measured,
    }


def _coverage(rows: Sequence[tuple[str, ...]], things: Mapping[str, Things]) -> dict[str, Array]:
    regions, stages = things["regions"], things["stages"]
    status = np.full((len(regions), len(stages)), -1, dtype=np.int8)
    by_employment = np.zeros(status.shape, dtype=np.int8)
    for region, stage, said, basis in rows:
        if region in regions.place and stage in stages.place:
            at = regions.place[region], stages.place[stage]
            status[at], by_employment[at] = COVERAGE[said], basis == "employment"
    return {"region_stage": status, "region_stage_by_employment": by_employment}


def _write(
    folder: Path,
    release: str,
    things: Mapping[str, Things],
    arrays: Mapping[str, Array],
    table: Table | None,
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}-{os.getpid()}-{secrets.token_hex(4)}")
    beside.mkdir()
    try:
        for name, array in arrays.items():
            np.save(beside / f"{name}.npy", array)
        names = {kind: [t.iris, t.labels, t.facts] for kind, t in things.items()}
        supplied = table._asdict() if table else None
        told = {"release": release, "supply": supplied, "things": names}
        (beside / "things.json").write_bytes(orjson.dumps(told))
        digests = {p.name: _digest(p) for p in sorted(beside.iterdir())}
        manifest = {"version": VERSION, "sha256": digests}
        (beside / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        # the kernel lets go of the lock if the process dies
        lock = os.open(folder.parent, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _holds(folder, release):
                shutil.rmtree(folder, ignore_errors=True)
                os.rename(beside, folder)
        finally:
            os.close(lock)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def open_index(folder: Path) -> Index:
    """The index in a folder, its arrays mapped; BadIndex when a file is not what was written."""
    try:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        for name, digest in manifest["sha256"].items():
            if _digest(folder / name) != digest:
                raise BadIndex(f"{folder / name} is damaged")
        names = orjson.loads((folder / "things.json").read_bytes())
        release = names["release"]
        things = {kind: Things(*parts) for kind, parts in names["things"].items()}
        table = Table(**names["supply"]) if names.get("supply") else None
        arrays = {
            name.removesuffix(".npy"): np.load(folder / name, mmap_mode="r")
            for name in manifest["sha256"]
            if name.endswith(".npy")
        }
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadIndex(f"{folder} holds no index: {error}") from error
    return Index(release, things, arrays, table)


def _holds(folder: Path, release: str) -> bool:
    """Whether a whole index of the release is there: another process was first."""
    try:
        return open_index(folder).release == release
    except BadIndex:
        return False


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
