"""Questions of discovery that are answered without waiting, before the framework is entered.

A plain GET for the JSON of an operation that takes about a millisecond, while its index is ready.
Status, headers and body are those of the long way; whatever cannot be answered so is left to it,
errors too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.types import Scope

from clusterloom.api.answer_cache import AnswerCache, Stored
from clusterloom.api.compression import (
    LARGE,
    SMALL,
    Wanted,
    coded_tag,
    coding_wanted,
    compressed_now,
)
from clusterloom.api.discovery import JSON_TYPE, form_of
from clusterloom.api.discovery_index import ready_model
from clusterloom.api.discovery_operations import OPERATIONS, Operation, takes_long
from clusterloom.api.discovery_values import from_address
from clusterloom.api.edges import CORS_LINES
from clusterloom.api.etag import VARY, etag, request_key, today
from clusterloom.api.lane import spelling, spelling_size
from clusterloom.api.serving import Served
from clusterloom.discovery.model import Model
from clusterloom.errors import ClusterloomError
from clusterloom.store.release import Release

_SHORT = [
    (re.compile(f"/api/v1/{operation.path}".replace("{id}", "([^/]+)")), operation)
    for operation in OPERATIONS
    if not operation.heavy and operation.path.count("{") == 1
]


def asked_of(path: str) -> tuple[Operation, str] | None:
    """The operation that a path asks for and whom it is about, where it is one answered so."""
    for pattern, operation in _SHORT:
        if found := pattern.fullmatch(path):
            return operation, found[1]
    return None


class ShortDiscovery:
    """Answers for a release by what `served_of` gives for it; None leaves it to others.

    `about(served)` is what every answer depends on beside its request.
    """

    def __init__(
        self,
        cache: AnswerCache,
        served_of: Callable[[Release], Served | None],
        about: Callable[[Served], tuple[object, ...]],
    ) -> None:
        self._cache = cache
        self._served_of = served_of
        self._about = about

    def __call__(self, scope: Scope, release: Release) -> tuple[Stored, bool] | None:
        """The answer where it is had at once, and whether it was kept already."""
        asked = asked_of(scope["path"])
        served = self._served_of(release) if asked else None
        model = ready_model(served) if served else None
        if asked is None or served is None or model is None:
            return None
        want = coding_wanted(scope)
        if not want.possible:
            return None
        tag = etag(self._about(served), today(), request_key(scope))
        key = tag, want
        kept = self._cache.get(key)
        try:
            stored = kept or self._made(scope, asked, model, tag, want)
        except (ClusterloomError, UnicodeDecodeError):
            return None
        if stored is None:
            return None
        if kept is None:
            self._cache.put(key, stored, len(tag))
        if alias := spelling(release.id, scope):
            self._cache.alias(alias, key, spelling_size(scope))
        return stored, kept is not None

    def _made(
        self, scope: Scope, asked: tuple[Operation, str], model: Model, tag: str, want: Wanted
    ) -> Stored | None:
        operation, place = asked
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True)
        accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
        named = next((value for name, value in pairs if name == "format"), "")
        if form_of(named, accept.decode("latin-1") or None) != "json":
            return None
        values = from_address(pairs, operation.parameters, {"id": place})
        if takes_long(operation, model, values):
            return None
        body = operation.run(model, values).as_bytes()
        if len(body) > LARGE and want.coding:
            return None
        coding = want.coding if len(body) >= SMALL or not want.plain else ""
        body = compressed_now(coding, body) if coding else body
        tag = coded_tag(tag, coding)
        headers = [
            (b"content-type", JSON_TYPE.encode("ascii")),
            (b"cache-control", b"no-cache"),
            (b"vary", VARY.encode("ascii")),
            (b"x-clusterloom-release", model.index.release.encode("ascii")),
            (b"etag", tag.encode("ascii")),
            *CORS_LINES,
        ]
        if coding:
            headers.append((b"content-encoding", coding.encode("ascii")))
        headers.append((b"content-length", b"%d" % len(body)))
        return Stored(tuple(headers), body, tag)
