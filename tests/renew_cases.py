"""Writes the expected output of loader cases anew: `python tests/renew_cases.py [source ...]`.

Read the difference afterwards; what stands there is what the tests will hold the loader to.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path

from clusterloom.loaders import registry
from clusterloom.loaders.metadata import Expectations
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.runner import run_source

CASES = Path(__file__).parent / "cases" / "loaders"


def renew(folder: Path) -> None:
    """Runs the source of one case folder on its input and keeps what came out."""
    data = registry.data_folder()
    metadata = registry.metadata_of(folder.name, data)
    lenient = Expectations(min_rows=0, max_rejected_share=1.0)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        loaded = run_source(
            registry.source(folder.name),
            metadata.model_copy(update={"expectations": lenient}),
            next(p for p in folder.iterdir() if p.stem == "input"),
            Reference(data),
            out,
        )
        quads = gzip.decompress((out / f"{folder.name}.nq.gz").read_bytes())
        (folder / "expected.nq").write_bytes(quads)
        for name in ("rejected.jsonl", "skipped.json"):
            (folder / name).unlink(missing_ok=True)
        rejected = out / "rejected" / f"{folder.name}.jsonl"
        if rejected.exists():
            shutil.copy(rejected, folder / "rejected.jsonl")
        if loaded.skipped:
            text = json.dumps(dict(sorted(loaded.skipped.items())), indent=1)
            (folder / "skipped.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    for case in sorted(CASES.iterdir()):
        if not sys.argv[1:] or case.name in sys.argv[1:]:
            renew(case)
