"""Builds a release: sources -> families of N-Quads -> rules -> checks -> store -> publish."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clusterloom
from clusterloom.errors import ChecksFailed, UsageError
from clusterloom.loaders import provenance, registry, summary
from clusterloom.loaders.catalog import write_catalog
from clusterloom.loaders.closed import OpenWorld
from clusterloom.loaders.contract import Source
from clusterloom.loaders.families import ontology_lines
from clusterloom.loaders.metadata import Metadata
from clusterloom.loaders.rdf import run_rdf
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.rules import rules
from clusterloom.loaders.runner import Loaded, quad, run_source, write_family
from clusterloom.ontology.checks import run_checks
from clusterloom.ontology.validate import validate
from clusterloom.progress import Progress
from clusterloom.store import release as disk
from clusterloom.store.dump import write_dumps
from clusterloom.store.verify import faults
from clusterloom.store.writer import StoreWriter

IN_MEMORY = 5_000_000
"""Statements of sources up to which rules and checks run over a store in memory, three times as
fast; beyond, they run over the store of the release as it grows on disk."""

Beside = Callable[[disk.Release, Progress], None]
"""Makes what is kept beside a release, before it is served; its folder may be that of a build."""

CLOSED = "derived-closed"
"""The family of what rules derive from closed sources only."""


@dataclass(frozen=True)
class Plan:
    """What to build: `only` some sources (all when empty), `add` files of the user as
    (source, path), tables from `folder`. A plan with `only` is a partial graph: its checks are
    reported, not enforced, since things of the sources left out are missing."""

    folder: Path
    only: tuple[str, ...] = ()
    add: tuple[tuple[str, Path], ...] = ()


@dataclass
class _Work:
    plan: Plan
    folder: Path
    progress: Progress
    beside: Beside | None = None
    families: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, tuple[Loaded, Metadata]] = field(default_factory=dict)
    derived: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def path(self, family: str) -> Path:
        return self.folder / "families" / f"{family}.nq.gz"

    @property
    def withheld(self) -> set[str]:
        """The sources that may not be redistributed."""
        return {name for name, (_, metadata) in self.loaded.items() if not metadata.redistribute}


def build(
    releases: Path, plan: Plan, keep: int, progress: Progress, beside: Beside | None = None
) -> disk.Release:
    """Builds, checks and publishes a release, and returns it; `beside` is called just before.

    Raises DataRefused (a source broke its contract), ChecksFailed (a shape, check or
    expectation) or UsageError; then the served release stays as it was, and the half-built
    folder is removed unless it holds quarantine files, which the message names.
    """
    chosen = _chosen(plan)
    with disk.build_lock(releases):
        if left := disk.clean_leftovers(releases):
            progress.step(f"removed {left} half-built folder(s) of an earlier build")
        work = _Work(plan, disk.build_folder(releases), progress, beside)
        try:
            release = _build(work, chosen, releases)
        except BaseException:
            disk.discard(work.folder, releases / "last-rejected")
            raise
        for pruned in disk.prune(releases, keep):
            progress.step(f"removed release {pruned} (only {keep} are kept)")
        return release


def _build(work: _Work, chosen: Sequence[Source], releases: Path) -> disk.Release:
    _load_sources(work, chosen)
    _ontology(work)
    final = work.folder / "oxigraph"
    rows = sum(loaded.statements for loaded, _ in work.loaded.values())
    world = _open_world(work, rows <= IN_MEMORY)
    writer = StoreWriter(None if rows <= IN_MEMORY else final)
    _load(work, writer)
    _derive(work, writer, world)
    _meta(work, writer)
    checks = _check(work, writer)
    if rows <= IN_MEMORY:
        writer = StoreWriter(final)
        _load(work, writer)
    triples = writer.finish()
    release_id = _identity(work.families)
    began = time.monotonic()
    named = {graph: "asserted" for loaded, _ in work.loaded.values() for graph in loaded.graphs}
    withheld = sorted({*work.withheld, CLOSED} & work.families.keys())
    dumps = write_dumps(work.folder, sorted(work.families), withheld, named)
    _lap(work, "dumps", began)
    report = {
        "id": release_id,
        "software": clusterloom.__version__,
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "partial": bool(work.plan.only),
        "previous": _previous(releases, release_id),
        "triples": triples,
        "families": work.families,
        "withheld": withheld,
        "sources": {n: loaded.summary() for n, (loaded, _) in work.loaded.items()},
        "rules": work.derived,
        "checks": checks,
        "summary": summary.summarise(writer.store),
        "void": dumps.census,
        "dumps": dumps.files,
        "seconds": work.seconds,
    }
    metadata = {name: metadata for name, (_, metadata) in work.loaded.items()}
    write_catalog(work.folder / "catalog.ttl", report, metadata)
    writer.close()
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (work.folder / "report.json").write_text(text + "\n", "utf-8")
    return _publish(work, releases, disk.Release(release_id, releases / release_id))


def _publish(work: _Work, releases: Path, release: disk.Release) -> disk.Release:
    if (release.path / "report.json").is_file():
        damage = faults(release)
        if not damage:
            work.progress.step(f"release {release.id} is here already and whole: serving it")
            disk.discard(work.folder, releases / "last-rejected")
            _beside(work, release)
            disk.serve(releases, release.id)
            return release
        work.progress.step(f"release {release.id} is damaged and replaced: {'; '.join(damage)}")
    _beside(work, disk.Release(release.id, work.folder))
    return disk.publish(releases, work.folder, release.id)


def _beside(work: _Work, release: disk.Release) -> None:
    if work.beside is not None:
        work.beside(release, work.progress)


def _chosen(plan: Plan) -> list[Source]:
    for name in plan.only:
        registry.source(name)
    for name, path in plan.add:
        if name != "rdf":
            registry.source(name)
        if not path.exists():
            raise UsageError(f"--add {name}={path}: no such file or folder")
    return [s for n, s in registry.sources().items() if not plan.only or n in plan.only]


def _load_sources(work: _Work, chosen: Sequence[Source]) -> None:
    began = time.monotonic()
    reference = Reference(work.plan.folder)
    out = work.folder / "families"
    given = dict(work.plan.add)
    for source in chosen:
        metadata = registry.metadata_of(source.name, work.plan.folder)
        path = given.get(source.name) or registry.table_path(metadata, work.plan.folder)
        loaded = run_source(source, metadata, path, reference, out, work.progress.rows)
        _loaded(work, loaded, metadata)
    if "rdf" in given:
        metadata = registry.metadata_of("rdf", work.plan.folder)
        _loaded(work, run_rdf(given["rdf"], out), metadata)
    _lap(work, "sources", began)


def _loaded(work: _Work, loaded: Loaded, metadata: Metadata) -> None:
    work.families[loaded.source] = loaded.family_sha256
    work.loaded[loaded.source] = loaded, metadata
    skipped = "".join(f", {n} skipped ({reason})" for reason, n in sorted(loaded.skipped.items()))
    rejected = f", {loaded.rejected} REJECTED" if loaded.rejected else ""
    work.progress.step(
        f"{loaded.source}: {loaded.mapped} of {loaded.read} rows mapped{skipped}{rejected}, "
        f"{loaded.statements} statements"
    )


def _ontology(work: _Work) -> None:
    family = Loaded("ontology")
    work.families["ontology"] = write_family(work.path("ontology"), ontology_lines(), family)


def _load(work: _Work, writer: StoreWriter) -> None:
    began = time.monotonic()
    for family in work.families:
        writer.load_family(work.path(family))
    _lap(work, "load", began)


def _derive(work: _Work, writer: StoreWriter, world: OpenWorld | None) -> None:
    began = time.monotonic()
    names: dict[str, list[str]] = {"derived": [], CLOSED: []}
    for rule in rules():
        start = time.monotonic()
        name = f"rule-{rule.name}"
        family = Loaded(name)
        lines = (quad(rule.name, statement) for statement in rule.run(writer.store))
        write_family(work.path(name), lines, family)
        written = [("derived", name)]
        closed = 0
        if world is not None:
            whole = work.path(name).rename(work.path(f"{name}-all"))
            family, rest = world.divide(rule, whole, work.folder / "families")
            whole.unlink()
            closed = rest.statements
            written.append((CLOSED, name + provenance.SUFFIX))
        for joined, part in written:
            writer.load_family(work.path(part))
            names[joined].append(part)
        work.derived[rule.name] = {
            "version": rule.version,
            "statements": family.statements,
            "seconds": round(time.monotonic() - start, 3),
        } | ({"closed": closed} if closed else {})
        work.progress.step(f"rule {rule.name}: {family.statements + closed} statements")
    for joined, parts in names.items():
        if parts:
            work.families[joined] = write_family(
                work.path(joined), _joined(work, parts), Loaded(joined)
            )
        for part in parts:
            work.path(part).unlink()
    shutil.rmtree(work.folder / "open", ignore_errors=True)
    _lap(work, "rules", began)


def _open_world(work: _Work, in_memory: bool) -> OpenWorld | None:
    """What rules derive without the closed sources; None where no closed source says anything."""
    shut = {n for n in work.withheld if work.loaded[n][0].statements}
    if not shut:
        return None
    began = time.monotonic()
    work.progress.step(f"rules run twice, since {', '.join(sorted(shut))} may not be redistributed")
    families = [work.path(family) for family in work.families if family not in shut]
    world = OpenWorld(work.folder / "open", families, in_memory)
    _lap(work, "rules", began)
    return world


def _joined(work: _Work, names: Sequence[str]) -> Iterator[bytes]:
    for name in names:
        with gzip.open(work.path(name), "rb") as lines:
            yield from lines


def _meta(work: _Work, writer: StoreWriter) -> None:
    nodes = [provenance.software(), provenance.describe_ontology()]
    nodes += [provenance.describe_source(loaded, m) for loaded, m in work.loaded.values()]
    for rule in rules():
        entry = work.derived[rule.name]
        nodes.append(provenance.describe_rule(rule, entry["statements"]))
        if "closed" in entry:
            nodes.append(provenance.describe_closed(rule, entry["closed"]))
    path = work.path("meta")
    work.families["meta"] = write_family(path, provenance.meta_lines(nodes), Loaded("meta"))
    writer.load_family(path)


def _check(work: _Work, writer: StoreWriter) -> dict[str, Any]:
    began = time.monotonic()
    results = validate(writer.store)
    work.progress.step(f"SHACL: {len(results)} results")
    violations = run_checks(writer.store, "data")
    work.progress.step(f"checks: {len(violations)} rows")
    _lap(work, "checks", began)
    errors = [f"{r.focus} {r.path}: {r.message}" for r in results if r.severity == "Violation"]
    errors += [f"{v.check}: {v.row}" for v in violations if v.severity == "error"]
    if errors and not work.plan.only:
        shown = "\n  ".join(errors[:20])
        more = f"\n  and {len(errors) - 20} more" if len(errors) > 20 else ""
        raise ChecksFailed(f"the graph breaks {len(errors)} checks:\n  {shown}{more}")
    return {
        "errors": len(errors),
        "shacl": len(results),
        "rows": len(violations),
        "first": errors[:20],
    }


def _identity(families: dict[str, str]) -> str:
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(families.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _previous(releases: Path, release_id: str) -> str | None:
    """The release served until now; of a release that is built again what it said before."""
    served = disk.current_release(releases)
    if served is None:
        return None
    if served.id != release_id:
        return served.id
    before: str | None = served.report().get("previous")
    return before


def _lap(work: _Work, name: str, began: float) -> None:
    spent = work.seconds.get(name, 0.0) + time.monotonic() - began
    work.seconds[name] = round(spent, 3)
