"""The files in `deploy/` name commands, settings and files that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from clusterloom.cli import parser
from clusterloom.settings import Settings

TOP = Path(__file__).parents[1]
CONTAINER = (TOP / "deploy" / "container" / "Containerfile").read_text("utf-8")
UNIT = (TOP / "deploy" / "systemd" / "clusterloom@.service").read_text("utf-8")


def _knows(arguments: list[str]) -> bool:
    return bool(parser().parse_args(arguments))


def test_the_container_starts_a_command_that_exists() -> None:
    (command,) = re.findall(r"^CMD \[(.*)\]$", CONTAINER, re.MULTILINE)
    assert _knows([part.strip().strip('"') for part in command.split(",")])
    for name in re.findall(r"-r (\S+)", CONTAINER):
        assert (TOP / name).is_file()


def test_the_unit_starts_a_command_that_exists() -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    program, *arguments = shlex.split(line.replace("%i", "8001"))
    assert Path(program).name == "clusterloom"
    assert _knows(arguments)


def test_every_setting_named_in_deploy_and_docs_exists() -> None:
    known = {f"CLUSTERLOOM_{name.upper()}" for name in Settings.model_fields}
    places = [*(TOP / "deploy").rglob("*"), *(TOP / "docs").glob("*.md")]
    texts = [path.read_text("utf-8") for path in places if path.is_file()]
    named = {name for text in texts for name in re.findall(r"CLUSTERLOOM_[A-Z_]+[A-Z]", text)}
    assert len(named) > 8
    assert named <= known | {"CLUSTERLOOM_TEST_DATA_DIR"}
