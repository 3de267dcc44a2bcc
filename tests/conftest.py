"""Shared fixtures, smallest first, and the `needs(tool)` marker."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from clusterloom import beside
from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan, build
from clusterloom.progress import Progress
from clusterloom.settings import Settings
from clusterloom.store.release import Release, current_release

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

INSTALL = {
    "rapper": "apt-get install raptor2-utils",
    "curl": "apt-get install curl",
    "roqet": "apt-get install rasqal-utils",
    "virtuoso-t": "apt-get install virtuoso-opensource",
    "sha256sum": "apt-get install coreutils",
    "nginx": "apt-get install nginx-light",
    "chromium": "apt-get install chromium",
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if shutil.which(tool) is None:
                how = INSTALL[tool]
                if os.environ.get("CI"):
                    pytest.fail(f"{tool} is absent in CI; .ci/run should: {how}", pytrace=False)
                pytest.skip(f"needs {tool}: {how}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of samples beside the repository; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder `shared` beside the repository (samples, conformance)")
    return SHARED


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Settings:
    """Settings whose data folder the workers of one test run share.

    While writing tests, CLUSTERLOOM_TEST_DATA_DIR names a folder with a release already built.
    """
    if kept := os.environ.get("CLUSTERLOOM_TEST_DATA_DIR"):
        return Settings(data_dir=Path(kept), workers=4, store="disk")
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    return Settings(data_dir=root / "clusterloom", workers=4, store="disk")


@pytest.fixture(scope="session")
def default_release(settings: Settings) -> Release:
    """The default release with its discovery index, built once for the whole run."""
    with FileLock(str(settings.data_dir) + ".lock"):
        release = current_release(settings.releases)
        if release is None:
            plan, quiet = Plan(registry.data_folder()), Progress(quiet=True)
            prepare = partial(beside.prepare, settings)
            release = build(settings.releases, plan, settings.keep, quiet, prepare)
    return release
