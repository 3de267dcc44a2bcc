"""The short way: an answer at hand, or had at once, is sent before the framework is entered.

A repeated one costs little more than an empty answer of the server. Whatever is not plainly the
same request again, or plainly a look-up, takes the long way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable

from starlette.types import Scope, Send

from clusterloom.api.answer_cache import AnswerCache, Stored
from clusterloom.errors import ClusterloomError
from clusterloom.store.release import Release

Header = tuple[bytes, bytes]

HIT: Header = (b"x-clusterloom-cache", b"hit")

_PLAIN = frozenset((b"accept", b"accept-encoding", b"host"))
_OTHER = frozenset((b"if-none-match", b"cache-control", b"pragma", b"x-request-id"))


def spelling(release: str, scope: Scope) -> Hashable | None:
    """A GET as it is spelt, for finding its answer again; None where more would have to be read."""
    if scope["method"] != "GET" or b"release" in scope["query_string"]:
        return None
    told: list[Header] = []
    for pair in scope["headers"]:
        name = pair[0]
        if name in _PLAIN:
            told.append(pair)
        elif name in _OTHER:
            return None
    return release, scope["path"], scope["query_string"], scope["scheme"], tuple(told)


def spelling_size(scope: Scope) -> int:
    """The bytes that a spelling takes, about."""
    told = sum(len(value) + 150 for name, value in scope["headers"] if name in _PLAIN)
    return len(scope["query_string"]) + told + 500


class Lane:
    """Answers what the cache holds of the served release, which `current()` gives.

    What it does not hold `look_up(scope, release)` may know without waiting; it says whether that
    was kept under another spelling.
    `seen(scope, stored, seconds)` is told of each answer and gives further headers for it.
    """

    def __init__(
        self,
        cache: AnswerCache,
        current: Callable[[], Release | None],
        look_up: Callable[[Scope, Release], tuple[Stored, bool] | None] | None = None,
        seen: Callable[[Scope, Stored, float], Iterable[Header]] | None = None,
    ) -> None:
        self._cache = cache
        self._current = current
        self._look_up = look_up
        self.seen = seen

    async def __call__(self, scope: Scope, send: Send) -> bool:
        """Whether it has answered."""
        try:
            # read anew each time: the first request after a switch gets the new release
            release = self._current()
        except ClusterloomError:
            return False
        key = spelling(release.id, scope) if release is not None else None
        if key is None or release is None:
            return False
        stored = self._cache.get_alias(key)
        seconds = 0.0
        hit = True
        if stored is None:
            if self._look_up is None:
                return False
            began = time.perf_counter()
            found = self._look_up(scope, release)
            if found is None:
                return False
            stored, hit = found
            seconds = time.perf_counter() - began
        headers = [*stored.headers, HIT] if hit else [*stored.headers]
        if self.seen is not None:
            headers += self.seen(scope, stored, seconds)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": stored.body})
        return True
