"""The benchmarks at their smallest size: what they report, and that all contenders agree.

No seconds are asserted; those are read off `make bench`.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clusterloom.settings import Settings
from clusterloom.store.release import Release

ROOT = Path(__file__).resolve().parent.parent
OURS, NATIVE, FLOOR = "clusterloom", "oxigraph server", "in process"
LOOKUPS = {"about a thing", "links to a thing", "by code", "yes or no", "proof of a statement"}
QUERIES = ["areas", "nace-children", "guides"]
FAMILY = "events"


def bench(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, "CLUSTERLOOM_DATA_DIR": str(data_dir), "CLUSTERLOOM_WORKERS": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def ran(
    settings: Settings, default_release: Release, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any]]:
    """What one short run of every benchmark printed and wrote."""
    figures = tmp_path_factory.mktemp("bench") / "figures.json"
    short = ["--repetitions", "1", "--statements", "700", "--family", FAMILY, "--names", "800"]
    short += ["--clusters", "300"]
    short += ["--seconds", "1", "--connections", "2"]
    short += ["--without", "Virtuoso", "--without", "rdflib-endpoint"]
    for name in ("lookup", "lookup, repeated"):
        short += ["--task", name]
    for name in [*sorted(LOOKUPS), *QUERIES]:
        short += ["--query", name]
    done = bench(settings.data_dir, *short, "--json", str(figures))
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(figures.read_text("utf-8"))
    return done.stdout, read


def measurements(figures: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = figures["benchmarks"][name]["measurements"]
    return found


def test_every_benchmark_reports(ran: tuple[str, dict[str, Any]]) -> None:
    _, figures = ran
    names = [
        "queries",
        "statements",
        "phases",
        "shapes",
        "search",
        "discovery",
        "discovery-serving",
        "serving",
    ]
    assert list(figures["benchmarks"]) == names
    for outcome in figures["benchmarks"].values():
        assert outcome["agree"] is True
        assert outcome["measurements"]
        for measurement in outcome["measurements"]:
            numbers = [*measurement["seconds"].values(), *measurement["ratios"].values()]
            assert all(n > 0 and math.isfinite(n) for n in numbers), measurement
            assert measurement["size"] > 0, measurement


def test_lookups_and_library_agree_with_the_engine_in_process(
    ran: tuple[str, dict[str, Any]],
) -> None:
    _, figures = ran
    found = measurements(figures, "queries")
    assert {m["name"] for m in found if m["group"] == "lookup"} == LOOKUPS
    assert [m["name"] for m in found if m["group"] == "library"] == sorted(QUERIES)
    for measurement in found:
        assert measurement["agree"] is True
        assert FLOOR in measurement["ratios"]


def test_lookups_and_library_agree_with_the_native_server(
    ran: tuple[str, dict[str, Any]],
) -> None:
    _, figures = ran
    try:
        native = importlib.metadata.version("oxigraph")
    except importlib.metadata.PackageNotFoundError:
        assert NATIVE in figures["benchmarks"]["queries"]["missing"]
        pytest.skip("needs the native server: pip install oxigraph")
    assert native == figures["versions"]["pyoxigraph"], "the peer is the same engine"
    for measurement in measurements(figures, "queries"):
        assert set(measurement["seconds"]) == {OURS, NATIVE, FLOOR}
        assert measurement["agree"] is True


def test_ratios_and_their_means_follow_from_the_medians(
    ran: tuple[str, dict[str, Any]],
) -> None:
    _, figures = ran
    outcome = figures["benchmarks"]["queries"]
    ratios = []
    for measurement in outcome["measurements"]:
        seconds = measurement["seconds"]
        ratio = measurement["ratios"][FLOOR]
        assert ratio == pytest.approx(seconds[OURS] / seconds[FLOOR])
        ratios.append(ratio)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    assert outcome["geometric_means"]["all"][FLOOR] == pytest.approx(mean)


def test_statements_are_the_same_both_ways(ran: tuple[str, dict[str, Any]]) -> None:
    _, figures = ran
    found = measurements(figures, "statements")
    assert [m["name"] for m in found] == ["terms", "terms and Node"]
    for measurement in found:
        assert measurement["agree"] is True
        assert set(measurement["ratios"]) == {"pyoxigraph objects"}


def test_phases_are_those_of_the_report(
    ran: tuple[str, dict[str, Any]], default_release: Release
) -> None:
    _, figures = ran
    seconds = {m["name"]: m["seconds"][OURS] for m in measurements(figures, "phases")}
    assert seconds == default_release.report()["seconds"]


def test_shapes_find_the_same_in_both_engines(ran: tuple[str, dict[str, Any]]) -> None:
    _, figures = ran
    (measurement,) = measurements(figures, "shapes")
    assert measurement["name"] == FAMILY
    assert measurement["agree"] is True
    assert set(measurement["ratios"]) == {"pySHACL"}


def test_search_finds_what_was_misspelt(ran: tuple[str, dict[str, Any]]) -> None:
    _, figures = ran
    found = measurements(figures, "search")
    kinds = [m["name"].partition(":")[0] for m in found]
    assert kinds == ["whole name", "no diacritics", "one typo", "two typos", "as one types"]
    recalls = [float(m["name"].partition("recall ")[2].partition(" /")[0]) for m in found]
    assert min(recalls[:4]) >= 0.9
    assert all(m["size"] == 800 for m in found)


def test_serving_is_measured_under_load_and_says_who_is_missing(
    ran: tuple[str, dict[str, Any]],
) -> None:
    printed, figures = ran
    outcome = figures["benchmarks"]["serving"]
    found = measurements(figures, "serving")
    assert [(m["name"], m["group"]) for m in found] == [
        ("lookup", "2 x"),
        ("lookup, repeated", "2 x"),
    ]
    peers = {NATIVE} - set(outcome["missing"])
    assert all(set(m["ratios"]) == peers for m in found)
    assert {"Virtuoso", "rdflib-endpoint"} <= set(outcome["missing"])
    assert "Virtuoso: not measured" in printed
    assert "clusterloom answers per s" in printed


def test_the_client_in_python_makes_load_too(tmp_path: Path) -> None:
    (tmp_path / "addresses").write_text("/one\n/two\n/three\n")
    asked: Counter[str] = Counter()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked[self.path] += 1
            self.send_response(404 if self.path == "/two" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *about: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        arguments = [tmp_path / "addresses", "text/plain", 0, server.server_address[1], 3, 0.5]
        ran = subprocess.run(
            [sys.executable, "-m", "bench.load", *map(str, arguments)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        server.shutdown()
    done = json.loads(ran.stdout)
    assert set(asked) == {"/one", "/two", "/three"}
    assert done["requests"] == asked.total() > 10
    assert done["failed"] == asked["/two"]


def test_the_table_says_where_it_was_measured(
    ran: tuple[str, dict[str, Any]], default_release: Release
) -> None:
    printed, figures = ran
    versions = figures["versions"]
    for fact in (
        default_release.id,
        f"cores {os.cpu_count()}",
        f"Python {versions['Python']}",
        f"pyoxigraph {versions['pyoxigraph']}",
        "geometric mean",
        "Graphs of `discovery` are made up",
    ):
        assert fact in printed


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    done = bench(tmp_path)
    assert done.returncode == 1
    assert "run `make build`" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["speed"], ["--repetitions", "0"]])
def test_what_it_does_not_know_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    done = bench(tmp_path, *arguments)
    assert done.returncode == 2


def test_an_unknown_query_is_named(settings: Settings, default_release: Release) -> None:
    done = bench(settings.data_dir, "queries", "--query", "no-such-query")
    assert done.returncode == 1
    assert "no such query: no-such-query" in done.stderr
