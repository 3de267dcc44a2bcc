"""The benchmark that makes the index of discovery from a store, at its smallest size."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from clusterloom.settings import Settings
from clusterloom.store.release import Release

ROOT = Path(__file__).resolve().parent.parent


def test_an_index_from_a_store_is_that_of_the_rows_and_its_memory_is_told(
    settings: Settings, default_release: Release, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "discovery", "--store", "40", "--json", str(figures)],
        cwd=ROOT,
        env={**os.environ, "CLUSTERLOOM_DATA_DIR": str(settings.data_dir)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcome = json.loads(figures.read_text("utf-8"))["benchmarks"]["discovery"]
    (measured,) = outcome["measurements"]
    assert measured["agree"] is True
    assert measured["group"] == "40 clusters, 1200 SMEs"
    assert measured["seconds"]["clusterloom"] > 0
    (told,) = outcome["notes"].values()
    held = [int(number) for number in re.findall(r"(\d+) MB", told)]
    assert len(held) == 3
    assert min(held) > 10, "a process of Python alone has more"
    assert told in done.stdout
    assert default_release.id in done.stdout
