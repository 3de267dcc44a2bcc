"""Analyses and explanations in this process, with time enough on a busy machine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from clusterloom.api.explain import explanation
from clusterloom.api.request import Asked
from clusterloom.api.serving import Served
from clusterloom.api.why import analyse
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.engine import JSON, Limits, Query
from clusterloom.store.release import Release

T = TypeVar("T")

ENDPOINT = "http://test/sparql"


class Analyst:
    """A session over one release, and a loop of its own to run analyses in."""

    def __init__(self, release: Release) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        engine = EmbeddedEngine(workers=4, megabytes=1024)
        session = self.run(engine.open(release))
        self.served = Served(session, Limits(60, 1024))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def why(self, query: str, seconds: float = 30.0, **asked: Any) -> dict[str, Any]:
        """The analysis, with time enough on a busy machine."""
        graphs = {"default_graphs": (), "named_graphs": ()} | asked
        wanted = Asked(query, graphs["default_graphs"], graphs["named_graphs"], None, None)
        return self.run(analyse(self.served, wanted, ENDPOINT, seconds))

    def explain(self, query: str, **asked: Any) -> dict[str, Any]:
        """The explanation, with time enough on a busy machine."""
        graphs = {"default_graphs": (), "named_graphs": ()} | asked
        wanted = Asked(query, graphs["default_graphs"], graphs["named_graphs"], None, None)
        return self.run(explanation(self.served, wanted, ENDPOINT, 30.0))

    def answer(self, query: str) -> Any:
        """True or false, or the rows."""

        async def read() -> bytes:
            result = await self.served.session.run(Query(query), Limits(60, 1024), JSON)
            return await result.read()

        found = json.loads(self.run(read()))
        return found["boolean"] if "boolean" in found else found["results"]["bindings"]

    def close(self) -> None:
        self.run(self.served.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
