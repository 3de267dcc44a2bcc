"""Look-ups that `/sparql` answers without waiting: one triple pattern, asked by a plain GET.

Their answers have the headers, the tag and the place in the cache that the long way would give
them; whatever cannot be answered so is left to it, errors too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

from starlette.types import Scope

from clusterloom.api.answer_cache import AnswerCache, Stored
from clusterloom.api.compression import coding_wanted
from clusterloom.api.lane import spelling, spelling_size
from clusterloom.api.negotiation import wants_html
from clusterloom.api.request import Asked
from clusterloom.api.sparql_run import Run
from clusterloom.errors import ClusterloomError
from clusterloom.store import direct
from clusterloom.store.engine import Limits, Session
from clusterloom.store.release import Release

# the query and nothing else, at least one triple pattern in braces
_QUERY = re.compile(rb"query=([^&]*%7[Bb][^&]*|[^&]*\{[^&]*)")


class LookUps:
    """Answers by the session that `open_session` gives for a release; None leaves it to others.

    `endpoint(scope, host)` is the address that short IRIs are resolved against.
    """

    def __init__(
        self,
        cache: AnswerCache,
        limits: Limits,
        open_session: Callable[[Release], Session | None],
        endpoint: Callable[[Scope, str], str],
    ) -> None:
        self._cache = cache
        self._limits = limits
        self._open_session = open_session
        self._endpoint = endpoint

    def __call__(self, scope: Scope, release: Release) -> tuple[Stored, bool] | None:
        """The answer where it is had at once, and whether it was kept already."""
        found = _QUERY.fullmatch(scope["query_string"])
        session = self._open_session(release) if found else None
        if found is None or session is None:
            return None
        try:
            query = unquote_plus(found[1].decode("ascii"), errors="strict")
        except UnicodeDecodeError:
            return None
        if direct.read(query) is None:
            return None
        accept, host = _told(scope, b"accept"), _told(scope, b"host") or ""
        want = coding_wanted(scope)
        if not want.possible or wants_html(accept):
            return None
        asked = Asked(query, (), (), None, None)
        old = scope["http_version"] == "1.0"
        run = Run(self._limits, session, asked, self._endpoint(scope, host), want, old)
        try:
            run.prepare_look_up(accept)
        except ClusterloomError:
            return None
        kept = self._cache.get(run.key)
        stored = kept or run.look_up()
        if stored is None:
            return None
        if kept is None:
            self._cache.put(run.key, stored, len(query))
        if alias := spelling(release.id, scope):
            self._cache.alias(alias, run.key, spelling_size(scope))
        return stored, kept is not None


def _told(scope: Scope, wanted: bytes) -> str | None:
    lines = [value for name, value in scope["headers"] if name == wanted]
    return b", ".join(lines).decode("latin-1") if lines else None
