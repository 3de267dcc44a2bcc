"""The discovery index of a release, made once through its session and kept beside the releases."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import time
from pathlib import Path

from clusterloom.api.gate import closed_graphs
from clusterloom.api.guarded import guarded
from clusterloom.api.serving import Served
from clusterloom.discovery import index as stored
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model

_log = logging.getLogger(__name__)
_KEY = "discovery"
_NAME = re.compile(r"([0-9a-f]{16})-[0-9a-z]+(\.json)?")
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}-[0-9a-z.]+-([0-9]+)-[0-9a-f]+")
ABANDONED = 60.0
"""Seconds without a change from which something unfinished is no one's: in another container a
process that is alive has a number that is not seen here."""


async def discovery_model(served: Served) -> Model:
    """The model over the index of this release, opened or made by whoever needs it first.

    Sources that may not be given away are not in it.
    """
    return await served.once(_KEY, _open)


def prepare_discovery(served: Served) -> None:
    """Begins to make the index, so that no request need wait for it."""
    served.prepare(_KEY, _open)


def ready_model(served: Served) -> Model | None:
    """The model where it is at hand already."""
    model: Model | None = served.ready(_KEY)
    return model


def folder_of(data: Path) -> Path:
    """Where what is worked out of the releases of a data folder is kept; it may be deleted."""
    return data / "discovery"


def kept(data: Path, release: str) -> Index | None:
    """The index of a release that is there already; None where there is none, or a damaged one."""
    try:
        return stored.open_index(_path(data, release))
    except stored.BadIndex:
        return None


async def index_of(served: Served) -> tuple[Index, bool]:
    """The index of a release, and whether it had to be made: it is kept beside the releases."""
    release = served.release
    data = release.path.parent.parent
    found = await asyncio.to_thread(kept, data, release.id)
    if found is not None:
        return found, False
    closed = await closed_graphs(served)

    async def columns(query: str) -> dict[str, list[str]]:
        return await served.session.columns(guarded(query, closed) if closed else query)

    return await stored.build(columns, release.id, _path(data, release.id)), True


def _path(data: Path, release: str) -> Path:
    return folder_of(data) / f"{release}-{stored.VERSION}"


def prune(data: Path) -> None:
    """Removes what is kept of releases that are gone, and what killed processes left unfinished."""
    folder = folder_of(data)
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        named, unfinished = _NAME.fullmatch(entry.name), _UNFINISHED.fullmatch(entry.name)
        if named:
            gone = not (data / "releases" / named[1]).exists()
        else:
            gone = unfinished is not None and _abandoned(entry, int(unfinished[1]))
        if gone and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif gone:
            entry.unlink(missing_ok=True)


def _abandoned(entry: Path, process: int) -> bool:
    try:
        quiet = time.time() - entry.stat().st_mtime
        os.kill(process, 0)
    except FileNotFoundError:  # its process has just finished it
        return False
    except (ProcessLookupError, OverflowError):
        return quiet > ABANDONED
    except PermissionError:  # alive, another user's
        return False
    return False


async def _open(served: Served) -> Model:
    began = time.perf_counter()
    index, made = await index_of(served)
    if made:
        _log.info("discovery index made in %.1f s", time.perf_counter() - began)
        await asyncio.to_thread(prune, served.release.path.parent.parent)
    model = Model(index)
    await asyncio.to_thread(model.warm)
    return model
