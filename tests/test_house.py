"""The house: packages, commands and settings are listed where they must be."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import tomllib
from pathlib import Path

import pytest

import clusterloom
from clusterloom import cli, commands
from clusterloom.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_packages_are_those_on_disk() -> None:
    listed = PYPROJECT["tool"]["setuptools"]["package-dir"]
    rooms = {"src/clusterloom"} | {
        p.parent.relative_to(ROOT).as_posix()
        for p in ROOT.glob("*/__init__.py")
        if p.parent.name not in {"tests", "bench"}
    }
    assert set(listed.values()) == rooms
    assert sorted(listed) == sorted(PYPROJECT["tool"]["setuptools"]["packages"])


def test_every_command_is_run_by_a_function_of_its_name() -> None:
    action = next(a for a in cli.parser()._actions if a.dest == "command")
    assert action.choices is not None
    for name in action.choices:
        assert callable(getattr(commands, name))


def test_help_prints_every_setting() -> None:
    text = cli.parser().format_help()
    for field in Settings.model_fields:
        assert f"CLUSTERLOOM_{field.upper()}" in text


def test_readme_names_every_command_and_setting() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    action = next(a for a in cli.parser()._actions if a.dest == "command")
    assert action.choices is not None
    missing = [c for c in action.choices if f"clusterloom {c}" not in readme]
    missing += [
        f"CLUSTERLOOM_{f.upper()}"
        for f in Settings.model_fields
        if f"CLUSTERLOOM_{f.upper()}" not in readme
    ]
    assert not missing


def _modules() -> list[str]:
    return [
        m.name for m in pkgutil.walk_packages(clusterloom.__path__, "clusterloom.") if not m.ispkg
    ]


@pytest.mark.parametrize("name", _modules())
def test_docstring_examples_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("name", _modules())
def test_modules_stay_below_400_lines(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert len(Path(file).read_text("utf-8").splitlines()) <= 400
