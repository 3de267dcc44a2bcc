"""What is worked out of a release when it is built and kept beside it. Part of the command line.

None of it is part of the release: it says nothing that the release does not say, may be deleted,
and is made again by whoever needs it.
"""

from __future__ import annotations

import asyncio
import time

from clusterloom.api import discovery_index
from clusterloom.api.serving import Served
from clusterloom.discovery import evaluation_kept
from clusterloom.discovery.index import Index
from clusterloom.progress import Progress
from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.engine import Limits
from clusterloom.store.release import Release

MOST_EVALUATED = 20_000
"""Clusters up to which a build evaluates; 10,000 take some ten seconds."""


def prepare(settings: Settings, release: Release, progress: Progress) -> None:
    """Makes the discovery index and the evaluation of partner search where they are not there.

    The folder of the release may still be that of its build. A failure never stops the build: it
    is said, and the server makes the index when it starts.
    """
    began = time.monotonic()
    try:
        index, made = asyncio.run(index_of(settings, release))
    except Exception as error:  # whatever is wrong here, the release is whole
        progress.step(
            f"discovery index NOT made ({_words(error)}): the release is whole, and the server "
            "tries again when it starts"
        )
        return
    counts = ", ".join(f"{len(index.things[kind]):,} {kind}" for kind in ("clusters", "regions"))
    state = f"made in {time.monotonic() - began:.1f} s" if made else "is here already"
    progress.step(f"discovery index {state}: {counts}")
    began = time.monotonic()
    folder = discovery_index.folder_of(settings.data_dir)
    if evaluation_kept.read(folder, release.id):
        return
    if len(index.things["clusters"]) > MOST_EVALUATED:
        progress.step("evaluation of partner search: not part of the build of so large a graph")
        return
    try:
        told = evaluation_kept.keep(folder, index)
    except Exception as error:
        progress.step(
            f"evaluation of partner search NOT made ({_words(error)}): the release is whole, and "
            "its report has none"
        )
        return
    progress.step(
        f"evaluation of partner search: {told['ties']:,} ties, {time.monotonic() - began:.1f} s"
    )


async def index_of(settings: Settings, release: Release) -> tuple[Index, bool]:
    """The discovery index of a release, the one that the server keeps, and whether it was made."""
    kept = await asyncio.to_thread(discovery_index.kept, settings.data_dir, release.id)
    if kept is not None:
        return kept, False
    engine = EmbeddedEngine(workers=2, megabytes=settings.query_memory, spares=0)
    async with await engine.open(release) as session:
        limits = Limits(settings.query_timeout, settings.query_memory)
        return await discovery_index.index_of(Served(session, limits))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
