"""The evaluation of a release as it is kept beside the discovery index, for reports."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import orjson

from clusterloom.discovery.evaluation import SEED, VERSION, evaluate
from clusterloom.discovery.evaluation_table import report
from clusterloom.discovery.index import Index


def read(folder: Path, release: str) -> dict[str, Any] | None:
    """What `keep` wrote of a release; None where it did not, or another version did."""
    try:
        told = orjson.loads(_path(folder, release).read_bytes())
        if (told["release"], told["version"]) != (release, VERSION):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found: dict[str, Any] = told
    return found


def keep(folder: Path, index: Index) -> dict[str, Any]:
    """Evaluates an index, always with the same seed, and writes the report; returns it."""
    told = report(evaluate(index, SEED))
    path = _path(folder, index.release)
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        beside.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    # as whoever reads it will see it: what is undefined is null
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


def _path(folder: Path, release: str) -> Path:
    return folder / f"{release}-evaluation.json"
