"""Building, publishing, rolling back; and what a broken source, a clock or a kill may not do."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom import cli
from clusterloom.discovery import index as stored
from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan, build
from clusterloom.progress import Progress
from clusterloom.store import release as disk
from clusterloom.store.verify import faults

SMALL = ("cluster-policies", "guides", "countries")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A copy of the tables that a test may break."""
    return Path(shutil.copytree(registry.data_folder(), tmp_path / "tables"))


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty releases folder, which the command line uses too."""
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var" / "releases"


def run(*arguments: str) -> int:
    return cli.main(arguments)


def small(releases: Path, tables: Path | None = None) -> disk.Release:
    plan = Plan(tables or registry.data_folder(), only=SMALL)
    return build(releases, plan, 5, Progress(quiet=True))


def test_same_inputs_same_id_on_another_path_and_day(
    tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small(tmp_path / "here")
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    monkeypatch.setattr("clusterloom.loaders.build.datetime", _Later)
    second = small(tmp_path / "a longer path" / "there", tables)
    assert second.id == first.id
    assert second.report()["built"] != first.report()["built"]
    assert second.report()["families"] == first.report()["families"]


class _Later:
    @staticmethod
    def now(_zone: object) -> object:
        import datetime

        return datetime.datetime(2031, 5, 6, tzinfo=datetime.UTC)


def test_building_again_serves_the_same_folder(releases: Path) -> None:
    first = small(releases)
    stamp = first.path.stat().st_mtime_ns
    again = small(releases)
    assert again == first
    assert again.path.stat().st_mtime_ns == stamp
    assert [p.name for p in releases.iterdir() if p.name.startswith(".build")] == []


def test_a_damaged_release_is_replaced_by_building_it_again(releases: Path) -> None:
    first = small(releases)
    family = first.path / "families" / "guides.nq.gz"
    family.write_bytes(family.read_bytes()[:-20])
    assert any("guides" in fault for fault in faults(first))
    assert small(releases) == first
    assert faults(first) == []


def test_a_broken_row_is_quarantined_and_nothing_else_changes(releases: Path, tables: Path) -> None:
    whole = small(releases)
    table = tables / "cluster_policies.csv"
    lines = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join([*lines, 'FR,A policy,in 1999,,,,"https://a.example/x",high\n']))
    relax(tables / "cluster-policies.yaml", 0.5)
    dirty = small(releases, tables)
    (entry,) = map(
        json.loads,
        (dirty.path / "families" / "rejected" / "cluster-policies.jsonl").read_text().splitlines(),
    )
    assert entry["line"] == len(lines) + 1
    assert entry["field"] == "since"
    assert "not a year" in entry["reason"]
    assert entry["raw"]["since"] == "in 1999"
    before, after = whole.report()["families"], dirty.report()["families"]
    assert {f for f in before if before[f] != after[f]} == {"meta"}
    assert dirty.report()["sources"]["cluster-policies"]["rejected"] == 1


def relax(metadata: Path, share: float) -> None:
    text = metadata.read_text("utf-8")
    metadata.write_text(
        text.replace("expectations:", f"expectations:\n  max_rejected_share: {share}"), "utf-8"
    )


def test_too_many_broken_rows_fail_the_build_and_keep_the_evidence(
    releases: Path, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = small(releases)
    table = tables / "cluster_policies.csv"
    table.write_text(
        table.read_text("utf-8") + 'FR,A policy,in 1999,,,,"https://a.example/x",high\n'
    )
    assert run("build", "--quiet", "--tables", str(tables), "--only", *SMALL) == 4
    assert "1 of 24 rows rejected" in capsys.readouterr().err
    assert disk.current_release(releases) == served
    assert (releases / "last-rejected" / "cluster-policies.jsonl").is_file()


def test_a_missing_column_stops_with_exit_code_3(
    releases: Path, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = small(releases)
    table = tables / "guides.csv"
    table.write_text(table.read_text("utf-8").replace("publisher", "publishr", 1), "utf-8")
    assert run("build", "--quiet", "--tables", str(tables), "--only", *SMALL) == 3
    message = capsys.readouterr().err
    assert "guides.csv: missing column 'publisher'; unknown column 'publishr'" in message
    assert disk.current_release(releases) == served
    assert not list(releases.glob(".build-*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "cluster-policy"], "did you mean 'cluster-policies'"),
        (["--add", "rdf"], "SOURCE=PATH expected"),
        (["--add", "rdf=nowhere.ttl"], "nowhere.ttl: no such file"),
    ],
)
def test_usage_errors_name_the_repair(
    releases: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run("build", "--quiet", *arguments) == 2
    assert message in capsys.readouterr().err


def test_rollback_and_pruning(releases: Path, tables: Path) -> None:
    first = small(releases)
    table = tables / "guides.csv"
    table.write_text("\n".join(table.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")
    relaxed = tables / "guides.yaml"
    relaxed.write_text(relaxed.read_text().replace("min_rows: 23", "min_rows: 1"), "utf-8")
    text = relaxed.read_text("utf-8")
    relaxed.write_text(text.replace("Guide: 23", "Guide: 1"), "utf-8")
    second = small(releases, tables)
    assert second.id != first.id
    assert run("rollback") == 0
    assert disk.current_release(releases) == first
    assert run("diff", first.id, second.id) == 0
    assert disk.prune(releases, 1) == [], "the newest is kept by count, the served one always"
    assert run("rollback", second.id) == 0
    assert disk.prune(releases, 1) == [first.id]
    assert run("rollback", first.id) == 1


def test_a_build_ends_with_the_index_of_its_release(
    releases: Path, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("build", "--tables", str(tables), "--only", *SMALL)
    assert run(*command) == 0
    assert "discovery index made in" in capsys.readouterr().err
    first = disk.current_release(releases)
    assert first is not None
    kept = releases.parent / "discovery"
    index = kept / f"{first.id}-{stored.VERSION}"
    assert stored.open_index(index).release == first.id
    assert (kept / f"{first.id}-evaluation.json").is_file()
    stamp = index.stat().st_mtime_ns
    assert run(*command) == 0
    assert "discovery index is here already" in capsys.readouterr().err
    assert index.stat().st_mtime_ns == stamp
    shutil.rmtree(kept)
    assert run(*command) == 0
    assert stored.open_index(index).release == first.id


def test_what_is_kept_beside_releases_goes_with_them(
    releases: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_KEEP", "1")
    command = ("build", "--quiet", "--tables", str(tables), "--only", *SMALL)
    assert run(*command) == 0
    first = disk.current_release(releases)
    table = tables / "guides.csv"
    table.write_text(table.read_text("utf-8").replace("Guide", "Guidance", 1), "utf-8")
    assert run(*command) == 0
    second = disk.current_release(releases)
    assert first is not None
    assert second is not None
    assert first.id != second.id
    names = {p.name.partition("-")[0] for p in (releases.parent / "discovery").iterdir()}
    assert names == {second.id}


@pytest.mark.parametrize("part", ["index", "evaluation"])
def test_a_failure_beside_the_release_does_not_lose_it(
    releases: Path, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if part == "index":
        monkeypatch.setattr("clusterloom.discovery.index._write", fail)
    else:
        monkeypatch.setattr("clusterloom.discovery.evaluation_kept.evaluate", fail)
    assert run("build", "--only", *SMALL) == 0
    told = capsys.readouterr().err
    assert "NOT made (OSError: [Errno 28] No space left on device): the release is whole" in told
    served = disk.current_release(releases)
    assert served is not None
    assert faults(served) == []
    kept = releases.parent / "discovery"
    assert not (kept / f"{served.id}-evaluation.json").exists()
    assert (kept / f"{served.id}-{stored.VERSION}").exists() == (part == "evaluation")


def test_the_index_is_there_before_the_release_is_served(
    releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[disk.Release | None, bool]] = []
    serve = disk.serve

    def served(folder: Path, release_id: str) -> None:
        index = releases.parent / "discovery" / f"{release_id}-{stored.VERSION}"
        seen.append((disk.current_release(releases), index.is_dir()))
        serve(folder, release_id)

    monkeypatch.setattr(disk, "serve", served)
    assert run("build", "--quiet", "--only", *SMALL) == 0
    assert seen == [(None, True)]


def test_rdf_of_the_user_joins_the_release(releases: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra.ttl"
    extra.write_text("<http://a.example/s> <http://a.example/p> [ a <http://a.example/C> ] .")
    assert run("build", "--quiet", "--only", "countries", "--add", f"rdf={extra}") == 0
    served = disk.current_release(releases)
    assert served is not None
    store = ox.Store.read_only(str(served.store_path))
    assert bool(store.query("ASK { <http://a.example/s> ?p ?o . FILTER isIRI(?o) }"))


def test_kill_at_any_moment_leaves_the_served_release(releases: Path) -> None:
    served = small(releases)
    command = [sys.executable, "-m", "clusterloom.cli", "build", "--quiet", "--only", "guides"]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - began
    other = disk.current_release(releases)
    assert other is not None
    assert other != served
    shutil.rmtree(other.path)
    disk.serve(releases, served.id)
    moments = random.Random(20261123)
    for _ in range(20):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.1, whole))
        child.send_signal(signal.SIGKILL)
        child.wait()
        now = disk.current_release(releases)
        assert now is not None
        assert now.id in {served.id, other.id}
        store = ox.Store.read_only(str(now.store_path))
        assert bool(store.query("ASK { ?s ?p ?o }"))
        del store
    subprocess.run(command, check=True, capture_output=True)
    assert disk.current_release(releases) == other
    assert not list(releases.glob(".build-*"))
    assert os.listdir(releases / "current")
