"""Every source against its case folder: input, expected quads, rejected rows, skipped reasons."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from clusterloom.loaders import registry
from clusterloom.loaders.metadata import Expectations
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.runner import run_source

CASES = Path(__file__).parent / "cases" / "loaders"
FOLDERS = sorted(p for p in CASES.iterdir() if p.is_dir())


def test_every_source_of_a_table_has_a_case() -> None:
    data = registry.data_folder()
    of_tables = {
        name
        for name in registry.sources()
        if not registry.metadata_of(name, data).table.startswith("package:")
    }
    assert of_tables - {p.name for p in FOLDERS} == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_case(folder: Path, tmp_path: Path) -> None:
    data = registry.data_folder()
    source = registry.source(folder.name)
    metadata = registry.metadata_of(folder.name, data)
    lenient = Expectations(min_rows=0, max_rejected_share=1.0)
    loaded = run_source(
        source,
        metadata.model_copy(update={"expectations": lenient}),
        next(p for p in folder.iterdir() if p.stem == "input"),
        Reference(data),
        tmp_path,
    )
    quads = gzip.decompress((tmp_path / f"{folder.name}.nq.gz").read_bytes()).decode()
    assert quads == (folder / "expected.nq").read_text("utf-8")
    rejects = tmp_path / "rejected" / f"{folder.name}.jsonl"
    found = rejects.read_text("utf-8").splitlines() if rejects.exists() else []
    file = folder / "rejected.jsonl"
    wanted = file.read_text("utf-8").splitlines() if file.exists() else []
    assert [json.loads(line) for line in found] == [json.loads(line) for line in wanted]
    skipped = folder / "skipped.json"
    assert dict(loaded.skipped) == (json.loads(skipped.read_text()) if skipped.exists() else {})
    assert loaded.read == loaded.mapped + loaded.rejected + loaded.skipped.total()


@pytest.mark.parametrize("name", registry.sources())
def test_metadata_is_whole(name: str) -> None:
    metadata = registry.metadata_of(name, registry.data_folder())
    assert metadata.completeness, "say what is missing, or that nothing is"
    assert metadata.expectations.min_rows > 0
