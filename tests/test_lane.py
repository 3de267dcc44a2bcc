"""The short way of answers at hand: it follows the release that the engine serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from clusterloom.api.answer_cache import AnswerCache, Stored
from clusterloom.api.app import create_app
from clusterloom.api.lane import Lane, spelling
from clusterloom.errors import NotFound
from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.endpoints import Endpoint, Holding, Holdings, write_holdings
from clusterloom.store.engines import engine_of
from clusterloom.store.release import Release, serve
from clusterloom.store.remote import RemoteEngine
from fixtures_api import NEXT_RELEASE, RELEASE, make_release

SCOPE: dict[str, Any] = {
    "type": "http", "method": "GET", "path": "/sparql", "query_string": b"query=ASK{}",
    "scheme": "http", "headers": [(b"host", b"test")],
}  # fmt: skip


def answered(lane: Lane) -> bytes | None:
    """The body that the lane sends, None where it leaves the request to others."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    return bytes(sent[1]["body"]) if asyncio.run(lane(SCOPE, send)) else None


def filled(*releases: str) -> AnswerCache:
    """A cache with an answer to the one request for each release: its id."""
    cache = AnswerCache(1)
    for release in releases:
        cache.put(release, Stored((), release.encode(), '"t"'))
        cache.alias(spelling(release, SCOPE), release)
    return cache


def test_the_answer_is_that_of_the_release_served_now(tmp_path: Path) -> None:
    served: list[Release | None] = [None]
    lane = Lane(filled(RELEASE, NEXT_RELEASE), lambda: served[0])
    assert answered(lane) is None
    served[0] = Release(RELEASE, tmp_path)
    assert answered(lane) == RELEASE.encode()
    served[0] = Release(NEXT_RELEASE, tmp_path)
    assert answered(lane) == NEXT_RELEASE.encode()
    served[0] = Release("0" * 16, tmp_path)
    assert answered(lane) is None


def test_a_release_that_is_gone_is_left_to_the_long_way() -> None:
    def current() -> Release | None:
        raise NotFound("gone")

    assert answered(Lane(filled(RELEASE), current)) is None


@pytest.mark.parametrize("remote", [False, True])
def test_it_asks_the_engine_that_serves(tmp_path: Path, remote: bool) -> None:
    settings = Settings(data_dir=tmp_path)
    make_release(settings.releases)
    make_release(settings.releases, release_id=NEXT_RELEASE)
    first, second = Endpoint("http://127.0.0.1:1/a"), Endpoint("http://127.0.0.1:1/b")
    engine = RemoteEngine(tmp_path, [first, second]) if remote else engine_of(settings)
    assert remote is not isinstance(engine, EmbeddedEngine)
    app = create_app(settings, engine)
    cache = filled(RELEASE, NEXT_RELEASE)
    app.lane._cache = cache
    held = {first.query: Holding(RELEASE), second.query: Holding(NEXT_RELEASE)}
    write_holdings(tmp_path, Holdings(second.query, held))
    serve(settings.releases, NEXT_RELEASE)
    assert answered(app.lane) == NEXT_RELEASE.encode()
    write_holdings(tmp_path, Holdings(first.query, held))
    assert answered(app.lane) == (RELEASE if remote else NEXT_RELEASE).encode()
    serve(settings.releases, RELEASE)
    assert answered(app.lane) == RELEASE.encode()
