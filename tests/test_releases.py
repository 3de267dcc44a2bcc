"""Releases on disk: which there have been, which are nearest, and that no kill confuses them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clusterloom.errors import Gone, NotFound
from clusterloom.store import history
from clusterloom.store import release as disk

A, B, C, D = (f"{digit * 16}" for digit in "abcd")


def put(folder: Path, release_id: str, text: str = "{}") -> disk.Release:
    built = disk.build_folder(folder)
    (built / "report.json").write_text(text, "utf-8")
    release = disk.publish(folder, built, release_id)
    time.sleep(0.01)  # the order of releases is that of their times
    return release


def test_a_pruned_release_is_told_from_one_that_never_was(tmp_path: Path) -> None:
    for release_id in (A, B, C):
        put(tmp_path, release_id)
    assert disk.prune(tmp_path, 2) == [A]
    with pytest.raises(Gone) as gone:
        disk.open_release(tmp_path, A)
    assert gone.value.extra["nearest"] == B
    with pytest.raises(NotFound) as unknown:
        disk.open_release(tmp_path, B[:-1] + "0")
    assert unknown.value.extra["nearest"] == B
    with pytest.raises(NotFound) as nothing_alike:
        disk.open_release(tmp_path, "0123456789012345")
    assert nothing_alike.value.extra["nearest"] == C
    with pytest.raises(NotFound, match="not a release id"):
        disk.open_release(tmp_path, "../" + A)


def test_a_release_from_before_the_history_is_remembered_when_it_goes(tmp_path: Path) -> None:
    put(tmp_path, A)
    put(tmp_path, B)
    (tmp_path / history.FILE).unlink()
    assert disk.previous(tmp_path, B) == A
    assert disk.prune(tmp_path, 1) == [A]
    assert history.read(tmp_path)[A].pruned
    assert disk.previous(tmp_path, B) == A
    with pytest.raises(Gone):
        disk.open_release(tmp_path, A)


def test_a_release_that_comes_back_is_kept_again(tmp_path: Path) -> None:
    put(tmp_path, A)
    put(tmp_path, B)
    disk.prune(tmp_path, 1)
    put(tmp_path, A)
    assert disk.open_release(tmp_path, A).id == A
    assert history.read(tmp_path)[A].pruned is None
    assert disk.previous(tmp_path, A) == B
    assert disk.previous(tmp_path, B) is None


def test_half_a_line_costs_no_other(tmp_path: Path) -> None:
    put(tmp_path, A)
    with open(tmp_path / history.FILE, "ab") as file:
        file.write(b'{"event": "publ')
    put(tmp_path, B)
    assert list(history.read(tmp_path)) == [A, B]


def test_the_same_id_may_be_published_over_a_damaged_folder(tmp_path: Path) -> None:
    first = put(tmp_path, A, '{"try": 1}')
    stamp = first.stamp()
    again = put(tmp_path, A, '{"try": 2}')
    assert again.report() == {"try": 2}
    assert again.stamp() != stamp
    assert not list(tmp_path.glob(".build-*"))


def test_a_killed_publisher_leaves_a_history_that_names_every_release(tmp_path: Path) -> None:
    script = (
        "import sys, itertools, pathlib\n"
        "from clusterloom.store import release as disk\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "for n in itertools.count(int(sys.argv[2])):\n"
        "    built = disk.build_folder(folder)\n"
        "    (built / 'report.json').write_text('{}')\n"
        "    disk.publish(folder, built, f'{n:016x}')\n"
        "    disk.prune(folder, 2)\n"
        "    print(n, flush=True)\n"
    )
    for start in (0, 1_000_000, 2_000_000):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(start)], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            for _ in range(5):
                child.stdout.readline()
            time.sleep(0.003 * start / 1_000_000)
            os.kill(child.pid, signal.SIGKILL)
        # a kill between rename and record leaves at most one release that only the disk knows
        known = history.read(tmp_path)
        kept = {r.id for r in disk.releases(tmp_path)}
        assert len(kept - set(known)) <= 1
        assert all(name in kept or past.pruned for name, past in known.items())
        assert disk.current_release(tmp_path) is not None
        disk.clean_leftovers(tmp_path)
    gone = next(name for name, past in history.read(tmp_path).items() if past.pruned)
    with pytest.raises(Gone):
        disk.open_release(tmp_path, gone)


def test_the_current_release_is_one_object_until_its_folder_changes(tmp_path: Path) -> None:
    current = disk.Current(tmp_path)
    assert current.get() is None
    assert current.get() is None
    put(tmp_path, A)
    first = current.get()
    assert first is not None
    assert first.id == A
    assert current.get() is first
    put(tmp_path, B)
    second = current.get()
    assert second is not None
    assert second.id == B
    put(tmp_path, B)
    again = current.get()
    assert again == second
    assert again is not second
    disk.serve(tmp_path, A)
    assert current.get() == first
    (tmp_path / "current").unlink()
    assert current.get() is None
