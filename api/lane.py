"""The short way of a repeated look-up: an answer at hand is sent before the framework is entered.

It costs little more than an empty answer of the server. Whatever is not plainly the same
request again takes the long way.
"""

from __future__ import annotations

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

    `seen(scope, stored)` is told of each answer and gives further headers for it.
    """

    def __init__(
        self,
        cache: AnswerCache,
        current: Callable[[], Release | None],
        seen: Callable[[Scope, Stored], Iterable[Header]] | None = None,
    ) -> None:
        self._cache = cache
        self._current = current
        self.seen = seen

    async def __call__(self, scope: Scope, send: Send) -> bool:
        """Whether it has answered."""
        if not len(self._cache):
            return False
        try:
            # read anew each time: the first request after a switch gets the new release
            release = self._current()
        except ClusterloomError:
            return False
        key = spelling(release.id, scope) if release is not None else None
        stored = self._cache.get_alias(key) if key is not None else None
        if stored is None:
            return False
        headers = [*stored.headers, HIT]
        if self.seen is not None:
            headers += self.seen(scope, stored)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": stored.body})
        return True
