"""What is kept beside releases: which of it stays, and the evaluation that reports show."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import fixtures_api as small
from clusterloom import beside, commands
from clusterloom.api.discovery_index import ABANDONED, folder_of, prune
from clusterloom.discovery import evaluation_kept
from clusterloom.discovery.evaluation_figures import METRICS
from clusterloom.discovery.evaluation_places import METHODS
from clusterloom.progress import Progress
from clusterloom.settings import Settings
from clusterloom.store.release import Release, open_release

KEPT, GONE = "a" * 16, "b" * 16


def ended_process() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def make(folder: Path, name: str, age: float = 2 * ABANDONED) -> str:
    path = folder / name
    if name.endswith(".json") or ".json-" in name:
        path.write_text("{}")
    else:
        path.mkdir()
        (path / "some.npy").write_bytes(b"1")
    then = time.time() - age
    os.utime(path, (then, then))
    return name


def test_only_what_belongs_to_no_one_is_removed(tmp_path: Path) -> None:
    dead, alive = ended_process(), os.getpid()
    (tmp_path / "releases" / KEPT).mkdir(parents=True)
    folder = folder_of(tmp_path)
    folder.mkdir()
    for name in (
        f"{GONE}-1", f"{GONE}-evaluation.json", f".{KEPT}-1-{dead}-0a1b2c3d",
        f".{GONE}-1-{dead}-0a1b2c3d", f".{KEPT}-evaluation.json-{dead}-0a1b2c3d",
        f".{KEPT}-1-{10**30}-0a1b2c3d",
    ):  # fmt: skip
        make(folder, name)
    stay = [
        f"{KEPT}-1", f"{KEPT}-2", f"{KEPT}-evaluation.json", f".{KEPT}-1-{alive}-0a1b2c3d",
        f".{GONE}-1-{alive}-0a1b2c3d", f".{KEPT}-1-1-0a1b2c3d", "notes", ".hidden",
    ]  # fmt: skip
    for name in stay:
        make(folder, name)
    # of another container, whose processes are not seen here
    stay.append(make(folder, f".{KEPT}-2-{dead}-0a1b2c3d", age=1))
    prune(tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == sorted(stay)
    prune(tmp_path / "nowhere")


def partnerships() -> str:
    """Sixty partnerships, each of three clusters in a row, of several years."""
    text = "".join(
        f"<org/c{n:02}> a cloom:ClusterOrganisation ; rdfs:label 'C{n:02}' .\n" for n in range(62)
    )
    for n in range(60):
        members = ", ".join(f"<org/c{m:02}>" for m in range(n, n + 3))
        text += (
            f"<partnership/p{n:02}> a cloom:Partnership ; rdfs:label 'P{n:02}' ;\n"
            f"  cloom:startYear {2015 + n // 10} ; cloom:participant {members} .\n"
        )
    return text


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("kept"), workers=4, public_url="http://test"
    )
    small.make_release(settings.releases)
    small.make_release(
        settings.releases, {("clusters", "asserted"): partnerships()}, small.NEXT_RELEASE
    )
    beside.prepare(settings, released(settings), Progress(quiet=True))
    return settings


def released(settings: Settings) -> Release:
    return open_release(settings.releases, small.NEXT_RELEASE)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with small.serving(settings) as client:
        yield client


def test_the_report_of_a_release_has_the_evaluation(client: httpx.Client) -> None:
    body = client.get("/api/v1/releases/current").json()
    told = body["evaluation"]
    assert told["release"] == body["id"] == small.NEXT_RELEASE
    assert (told["ties"], told["undertakings"], told["seed"]) == (121, 60, 1)
    assert "too few to say more" in told["says"]
    assert [held["hold_out"] for held in told["hold_outs"]] == [
        "random ties", "random undertakings", "temporal",
    ]  # fmt: skip
    for held in told["hold_outs"]:
        assert held["ties"] + held["training_ties"] == 121
        assert [row["method"] for row in held["methods"]] == list(METHODS)
        for row in held["methods"]:
            for metric in METRICS:
                assert row[metric]["low"] <= row[metric]["value"] <= row[metric]["high"]


def test_the_evaluation_is_a_table_too(client: httpx.Client) -> None:
    address = "/api/v1/releases/current?part=evaluation&format="
    text = client.get(address + "csv").text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    told = client.get("/api/v1/releases/current").json()["evaluation"]
    pairs = [(row["hold_out"], row["method"]) for row in rows]
    assert pairs == [
        (held["hold_out"], row["method"]) for held in told["hold_outs"] for row in held["methods"]
    ]
    assert float(rows[0]["AUC_low"]) == told["hold_outs"][0]["methods"][0]["AUC"]["low"]
    assert client.get(address + "xlsx").status_code == 200
    sources = client.get("/api/v1/releases/current?part=sources&format=csv").text
    assert sources == client.get("/api/v1/releases/current?format=csv").text
    assert "part" in small.is_problem(client.get("/api/v1/releases/current?part=evaluations"), 400)


def test_what_was_not_measured_is_null_and_an_empty_table(client: httpx.Client) -> None:
    address = f"/api/v1/releases/{small.RELEASE}"
    assert client.get(address).json()["evaluation"] is None
    text = client.get(f"{address}?part=evaluation&format=csv").text
    assert text.removeprefix("\ufeff").startswith("hold_out,")
    assert len(text.splitlines()) == 1


def test_the_evaluation_is_the_same_each_time_and_of_one_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, release = folder_of(settings.data_dir), released(settings)
    file = folder / f"{release.id}-evaluation.json"
    before = file.read_bytes()
    file.unlink()
    beside.prepare(settings, release, Progress(quiet=True))
    assert file.read_bytes() == before
    assert not list(folder.glob(".*"))
    file.write_bytes(before[:-10])
    assert evaluation_kept.read(folder, release.id) is None
    beside.prepare(settings, release, Progress(quiet=True))
    assert file.read_bytes() == before
    monkeypatch.setattr(evaluation_kept, "VERSION", "2")
    assert evaluation_kept.read(folder, release.id) is None


def test_a_large_graph_is_not_evaluated_by_its_build(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, release = folder_of(settings.data_dir), released(settings)
    file = folder / f"{release.id}-evaluation.json"
    before = file.read_bytes()
    file.unlink()
    monkeypatch.setattr(beside, "MOST_EVALUATED", 61)
    stream = io.StringIO()
    beside.prepare(settings, release, Progress(stream=stream))
    assert "not part of the build" in stream.getvalue()
    assert not file.exists()
    file.write_bytes(before)


def test_a_build_prints_the_table(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    release = released(settings)
    (report := release.path / "report.json").write_text(
        report.read_text("utf-8").replace(
            '"classes": {"Region": 3}', '"classes": {"ClusterOrganisation": 62}'
        ),
        "utf-8",
    )
    commands._print_built(settings, release)
    printed = capsys.readouterr().out
    for word in (*METHODS, *METRICS, "random ties", "temporal", "default that follows: none"):
        assert word in printed
