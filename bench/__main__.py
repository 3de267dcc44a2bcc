"""`python -m bench`: measures the current release of CLUSTERLOOM_DATA_DIR and prints tables."""

from __future__ import annotations

import argparse
import http.client
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from clusterloom.errors import ClusterloomError
from clusterloom.settings import Settings
from clusterloom.store.release import Release, current_release

from . import (
    answers,
    discovery,
    discovery_serving,
    discovery_store,
    phases,
    search,
    serving,
    shapes,
    statements,
)
from .measure import BenchFailed, Outcome
from .tables import show

BENCHMARKS = (
    "queries",
    "statements",
    "phases",
    "shapes",
    "search",
    "discovery",
    "discovery-serving",
    "serving",
)
_VERSIONS = ("pyoxigraph", "oxigraph", "shacl", "pyshacl", "uvicorn", "rdflib-endpoint")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the current release of CLUSTERLOOM_DATA_DIR against peers.",
        epilog="exit codes: 0 ok, 1 no release, a failure or answers that differ, 2 usage",
    )
    top.add_argument(
        "benchmarks",
        nargs="*",
        metavar="BENCHMARK",
        help=f"which: {', '.join(BENCHMARKS)} (default: all)",
    )
    top.add_argument(
        "--repetitions",
        type=_positive,
        default=7,
        metavar="N",
        help=f"rounds a median is taken of; lookups {answers.LOOKUP_ROUNDS} N (default: 7)",
    )
    top.add_argument(
        "--query",
        action="append",
        default=[],
        metavar="NAME",
        help="a library query or lookup; may be repeated (default: all)",
    )
    top.add_argument(
        "--family",
        action="append",
        default=[],
        metavar="NAME",
        help=f"a source for `shapes` (default: {', '.join(shapes.FAMILIES)})",
    )
    top.add_argument(
        "--statements",
        type=_positive,
        default=100_000,
        metavar="N",
        help="how many to write (default: 100000)",
    )
    top.add_argument(
        "--names",
        type=_positive,
        default=100_000,
        metavar="N",
        help="things to search among (default: 100000)",
    )
    top.add_argument(
        "--clusters",
        type=_positive,
        action="append",
        default=[],
        metavar="N",
        help="size of a graph for `discovery`, may be repeated (default: 1000, 10000, 100000); the "
        "last one is that for `discovery-serving` (default: 10000)",
    )
    top.add_argument(
        "--store",
        type=_positive,
        action="append",
        default=[],
        metavar="N",
        help="clusters of a graph whose index `discovery` makes from a store, and nothing else; "
        "may be repeated (100000 takes ten minutes)",
    )
    top.add_argument(
        "--seconds",
        type=_positive,
        default=2,
        metavar="N",
        help="least seconds of a round of `serving` (default: 2)",
    )
    top.add_argument(
        "--connections",
        type=_positive,
        action="append",
        default=[],
        metavar="N",
        help="connections of `serving`; may be repeated (default: 1, 8 and 64)",
    )
    top.add_argument(
        "--task",
        action="append",
        default=[],
        metavar="NAME",
        help="a task of `serving`; may be repeated (default: all)",
    )
    top.add_argument(
        "--without",
        action="append",
        default=[],
        choices=(serving.NATIVE, serving.VIRTUOSO, serving.RDFLIB),
        help="a peer that `serving` and `discovery` do not start; may be repeated",
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks asked for; see the exit codes in the help."""
    top = parser()
    given = top.parse_args(arguments)
    for name in given.benchmarks:
        if name not in BENCHMARKS:
            top.error(f"no benchmark {name!r}: {', '.join(BENCHMARKS)} are known")
    settings = Settings()
    release = current_release(settings.releases)
    if release is None:
        print(f"bench: no release in {settings.releases}; run `make build`", file=sys.stderr)
        return 1
    try:
        outcomes = _measured(given, settings, release)
    except (BenchFailed, ClusterloomError, OSError, http.client.HTTPException) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    about = {"machine": _machine(), "versions": _versions(), "release": _release(release)}
    print(show(about, outcomes))
    if given.json:
        figures = {**about, "measured": datetime.now(UTC).isoformat(timespec="seconds")}
        figures["benchmarks"] = {outcome.name: outcome.as_json() for outcome in outcomes}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if not all(outcome.agree for outcome in outcomes):
        print("bench: answers differ between contenders", file=sys.stderr)
        return 1
    return 0


def _measured(given: argparse.Namespace, settings: Settings, release: Release) -> list[Outcome]:
    times = given.repetitions
    known: dict[str, Callable[[], Outcome]] = {
        "queries": lambda: answers.run(settings, release, times, given.query),
        "statements": lambda: statements.run(given.statements, times),
        "phases": lambda: phases.run(release),
        "shapes": lambda: shapes.run(release, times, given.family),
        "search": lambda: search.run(given.names),
        "discovery": lambda: (
            discovery_store.run(given.store)
            if given.store
            else discovery.run(given.clusters or discovery.SIZES, times, given.without)
        ),
        "discovery-serving": lambda: discovery_serving.run(
            times,
            given.seconds,
            (given.clusters or [discovery_serving.CLUSTERS])[-1],
            given.connections or discovery_serving.CONNECTIONS,
        ),
        "serving": lambda: serving.run(
            settings,
            release,
            times,
            given.seconds,
            given.connections or serving.CONNECTIONS,
            given.task,
            given.without,
        ),
    }
    outcomes = []
    for name in given.benchmarks or BENCHMARKS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        outcomes.append(known[name]())
    return outcomes


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
    }


def _versions() -> dict[str, object]:
    found: dict[str, object] = {"Python": platform.python_version()}
    for name in _VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def _release(release: Release) -> dict[str, object]:
    report = release.report()
    return {"id": release.id, "triples": report["triples"], "software": report["software"]}


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number above 0 is wanted")
    return number


if __name__ == "__main__":
    sys.exit(main())
