"""Several server processes behind one address: all answer, one that dies is replaced, all end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from clusterloom.api.processes import shares
from clusterloom.settings import Settings
from engine_help import eventually
from fixtures_api import small_settings


def children(pid: int) -> set[int]:
    """The processes below that one which are whole servers."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return {int(child) for child in found}


@contextmanager
def served(settings: Settings, processes: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = os.environ | {
        "CLUSTERLOOM_DATA_DIR": str(settings.data_dir),
        "CLUSTERLOOM_PROCESSES": str(processes),
        "CLUSTERLOOM_WORKERS": "6",
    }
    command = [sys.executable, "-m", "clusterloom.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[3].rstrip("/")
        finally:
            process.kill()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with small_settings(tmp_path) as found:
        yield found


def _ready(address: str) -> bool:
    try:
        return httpx.get(address + "/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def test_one_that_dies_is_replaced_and_all_end_together(settings: Settings) -> None:
    with served(settings, 2) as (process, address):
        assert eventually(lambda: _ready(address), 30)
        before = children(process.pid)
        assert len(before) == 2
        assert (
            httpx.get(address + "/health", timeout=10).json()["workers"] == 5
        )  # a part of 3, and two
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: len(children(process.pid) - {victim}) == 2, 10)
        assert eventually(lambda: _ready(address), 30)
        every = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not [pid for pid in every if Path(f"/proc/{pid}/exe").exists()]


def test_none_outlives_a_killed_supervisor(settings: Settings) -> None:
    with served(settings, 2) as (process, address):
        assert eventually(lambda: _ready(address), 30)
        every = children(process.pid)
        process.kill()
        assert eventually(lambda: not any(_lives(pid) for pid in every), 10)


def _lives(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return False


def test_processes_that_cannot_start_are_given_up(settings: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import sys\nif 'clusterloom.api.processes' in ' '.join(sys.orig_argv): sys.exit(7)\n"
    )
    environment = os.environ | {
        "CLUSTERLOOM_DATA_DIR": str(settings.data_dir),
        "CLUSTERLOOM_PROCESSES": "2",
        "PYTHONPATH": str(broken),
    }
    command = [sys.executable, "-m", "clusterloom.cli", "serve", "--port", "0"]
    began = time.monotonic()
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert time.monotonic() - began < 60


def test_they_share_what_one_would_have() -> None:
    found = shares(Settings(processes=4, workers=16, memory=8000, connections=1000))
    assert found["CLUSTERLOOM_WORKERS"] == "6"  # a part of 4, and the two that each keeps free
    assert found["CLUSTERLOOM_MEMORY"] == "2000"
    assert found["CLUSTERLOOM_CONNECTIONS"] == "250"
    assert found["CLUSTERLOOM_PROCESSES"] == "1"
