"""The README shows what the program really prints: figures, answers, commands, settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox

from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan, build
from clusterloom.ontology.validate import validate
from clusterloom.progress import Progress
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


def test_the_example_of_your_own_rdf_builds_and_conforms(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```turtle\n(.*?)```", readme, re.DOTALL)
    file = tmp_path / "example.ttl"
    file.write_text(example, "utf-8")
    only = ("countries", "sector-tags", "nace-r2", "euroscivoc")
    plan = Plan(registry.data_folder(), only=only, add=(("rdf", file),))
    release = build(tmp_path / "releases", plan, 1, Progress(quiet=True))
    store = ox.Store.read_only(str(release.store_path))
    example_iri = "id/org/es-example-cluster"
    assert bool(
        store.query(f"ASK {{ <https://w3id.org/clusterloom/{example_iri}> "
                    "<https://w3id.org/clusterloom/ontology#hasCapability> ?capability }")
    )  # fmt: skip
    assert [r.message for r in validate(store) if example_iri in r.focus] == []
