"""The README shows what the program really prints: figures, answers, commands, settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from clusterloom.settings import Settings
from clusterloom.store.release import Release

ROOT = Path(__file__).resolve().parent.parent


def test_generated_parts_are_those_of_the_default_release(
    default_release: Release, settings: Settings
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "--diff", "README.md"],
        cwd=ROOT,
        env={**os.environ, "CLUSTERLOOM_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"run `make docs`\n{result.stdout}{result.stderr}"
