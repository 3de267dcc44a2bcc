"""The discovery index of a release, made once through its session and kept beside the releases."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import time
from pathlib import Path

from clusterloom.api.gate import closed_graphs
from clusterloom.api.guarded import guarded
from clusterloom.api.serving import Served
from clusterloom.discovery import index as stored
from clusterloom.discovery.model import Model

_log = logging.getLogger(__name__)
_KEY = "discovery"
_NAME = re.compile(r"([0-9a-f]{16})-[0-9a-z]+")


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


async def _open(served: Served) -> Model:
    release = served.release
    folder = release.path.parent.parent / "discovery"
    path = folder / f"{release.id}-{stored.VERSION}"
    try:
        index = await asyncio.to_thread(stored.open_index, path)
    except stored.BadIndex:
        began = time.perf_counter()
        closed = await closed_graphs(served)

        async def columns(query: str) -> dict[str, list[str]]:
            return await served.session.columns(guarded(query, closed) if closed else query)

        index = await stored.build(columns, release.id, path)
        _log.info("discovery index made in %.1f s", time.perf_counter() - began)
        await asyncio.to_thread(_prune, folder, release.path.parent)
    model = Model(index)
    await asyncio.to_thread(model.warm)
    return model


def _prune(folder: Path, releases: Path) -> None:
    """Removes the indexes of releases that are not kept any more."""
    for entry in folder.iterdir():
        named = _NAME.fullmatch(entry.name)
        if named and not (releases / named[1]).exists():
            shutil.rmtree(entry, ignore_errors=True)
