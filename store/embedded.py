"""The embedded engine: an Oxigraph store read by a pool of worker processes.

A query runs alone in a worker; it is ended by killing the worker, the one way that always works,
and a spare takes its place.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from clusterloom.errors import NotAcceptable
from clusterloom.settings import Settings
from clusterloom.store.answer import Answer, WorkerLost
from clusterloom.store.engine import (
    GRAPH_TYPES,
    TABLE_TYPES,
    TSV,
    Limits,
    Query,
    Result,
    tsv_columns,
)
from clusterloom.store.guard import Inspection, examine
from clusterloom.store.pool import Pool
from clusterloom.store.release import Release


class EmbeddedEngine:
    """Opens releases on this machine; workers, spares and queue are per session."""

    def __init__(
        self, workers: int, megabytes: int, spares: int = 2, queue: int | None = None
    ) -> None:
        self.workers = workers
        self.megabytes = megabytes
        self.spares = spares
        self.queue = queue

    @classmethod
    def from_settings(cls, settings: Settings) -> EmbeddedEngine:
        """The engine an operator's settings describe."""
        return cls(settings.workers, settings.query_memory)

    async def open(self, release: Release) -> EmbeddedSession:
        """A session whose first worker has opened the store."""
        pool = Pool(release.store_path, self.megabytes, self.workers, self.spares, self.queue)
        await pool.open()
        return EmbeddedSession(release, pool)


class EmbeddedSession:
    """Queries over one release by its own pool of workers."""

    def __init__(self, release: Release, pool: Pool) -> None:
        self._release = release
        self.pool = pool

    @property
    def release(self) -> Release:
        """The release every answer comes from."""
        return self._release

    @property
    def isolated(self) -> bool:
        """Whether the workers have no network."""
        return self.pool.isolated

    async def run(self, query: Query, limits: Limits, media_type: str) -> Result:
        """Starts a query and waits for the head of its answer.

        With `limits.rows` the rows have then been counted; a truth value is known; other answers
        are still to come.
        """
        inspection = await examine(query.text)
        _fit(inspection, media_type)
        request = _request(query, inspection, limits, media_type)
        answer, head = await self._begin(query, request, limits)
        return Result(
            kind=head["kind"],
            variables=tuple(head["variables"]),
            media_type=media_type,
            chunks=answer,
            truncated=head["truncated"],
            on_close=answer.aclose,
        )

    async def _begin(
        self, query: Query, request: dict[str, Any], limits: Limits
    ) -> tuple[Answer, dict[str, Any]]:
        attempts = 3
        while True:
            answer = Answer(self.pool, await self.pool.acquire(), query, limits)
            try:
                return answer, await answer.begin(request)
            except WorkerLost:
                attempts -= 1
                if not attempts:
                    raise
            except BaseException:
                await answer.aclose()
                raise

    async def columns(self, query: str) -> dict[str, list[str]]:
        """The columns of a SELECT, its terms as SPARQL TSV writes them; no deadline to speak of."""
        limits = Limits(seconds=3600.0, megabytes=self.pool.megabytes, pause=3600.0)
        return await tsv_columns(await self.run(Query(query), limits, TSV))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self, grace: float = 0.0) -> None:
        """Ends the workers; running queries have `grace` seconds to finish."""
        await self.pool.aclose(grace)


def _fit(inspection: Inspection, media_type: str) -> None:
    graph = inspection.form in {"construct", "describe"}
    known = GRAPH_TYPES if graph else TABLE_TYPES
    if media_type not in known.values():
        what = (inspection.form or "this").upper()
        raise NotAcceptable(f"{media_type} is not written for {what} queries.")


def _request(
    query: Query, inspection: Inspection, limits: Limits, media_type: str
) -> dict[str, Any]:
    default, named = query.default_graphs, query.named_graphs
    if not default and not named and len(inspection.dataset.default) > 1:
        # the engine's own union of several FROM would count some triples more than once
        default, named = inspection.dataset.default, inspection.dataset.named
    return {
        "text": query.text,
        "default": list(dict.fromkeys(default)),
        "named": list(dict.fromkeys(named)),
        "base": query.base,
        "media_type": media_type,
        "rows": limits.rows,
        "megabytes": limits.megabytes,
        "star": inspection.star,
        "variables": list(inspection.variables) if inspection.star is not None else [],
    }
