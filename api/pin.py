"""`?release=<id>`: read from an address, and kept in the addresses that an answer leads to."""

from __future__ import annotations

import re
from contextvars import ContextVar
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Receive, Scope, Send

from clusterloom.errors import UsageError
from clusterloom.store.release import ID

NAME = "release"
CURRENT = "current"
"""Stands for the id of the served release."""

FREE = ("/static/", "/health", "/ready", "/metrics", "/openapi.json")
"""Beginnings of the paths that are of the running service, not of a release."""

_FOLLOWED = frozenset(
    {"alternate", "next", "prev", "first", "last", "describedby", "item", "collection", "help"}
)
"""Links that are followed for more of the same release; a canonical address stays without."""

_LINK = re.compile(r"<([^<>]*)>((?:[^,<\"]|\"[^\"]*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([a-z -]+)\"?", re.IGNORECASE)

PIN: ContextVar[str] = ContextVar("pin", default="")
"""The `release` of the request that is being answered; blank for none."""


def split(query: bytes) -> tuple[str, bytes]:
    """The id that a query string asks for, blank for none, and the string without it.

    UsageError for what is no id, and for several that differ.
    """
    asked, rest = set(), []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if len(name) < 32 and unquote_plus(name.decode("latin-1")) == NAME:
            asked.add(unquote_plus(value.decode("latin-1")))
        else:
            rest.append(part)
    asked.discard("")
    if not asked:
        return "", b"&".join(rest)
    if len(asked) > 1:
        raise UsageError("parameter 'release' takes one id", parameter=NAME)
    found = asked.pop()
    if found != CURRENT and not ID.fullmatch(found):
        raise UsageError(
            f"parameter 'release': {found[:40]!r} is no release id (16 hex digits, or 'current'); "
            "/api/v1/releases lists those there are",
            parameter=NAME,
        )
    return found, b"&".join(rest)


def keep(address: str) -> str:
    """The address with the `release` of this request, where it has one.

    >>> token = PIN.set("00000000000000aa")
    >>> keep("/api/v1/areas?limit=2")
    '/api/v1/areas?limit=2&release=00000000000000aa'
    >>> PIN.reset(token)
    >>> keep("/api/v1/areas")
    '/api/v1/areas'
    """
    return with_release(address, PIN.get())


def with_release(address: str, release: str) -> str:
    """The address asking for that release, unless it asks for one already."""
    if not release:
        return address
    head, mark, fragment = address.partition("#")
    query = head.partition("?")[2]
    if any(part.startswith(f"{NAME}=") for part in query.split("&")):
        return address
    return f"{head}{'&' if '?' in head else '?'}{NAME}={release}{mark}{fragment}"


def keep_links(header: str, own: str) -> str:
    """A Link header whose links to this server (`/...` or below `own`) keep the release."""

    def kept(match: re.Match[str]) -> str:
        target, rest = match[1], match[2]
        rel = _REL.search(rest)
        follow = rel is not None and _FOLLOWED.intersection(rel[1].lower().split())
        if follow and is_own(target, own):
            target = keep(target)
        return f"<{target}>{rest}"

    return _LINK.sub(kept, header)


def is_free(path: str) -> bool:
    """Whether a path is of the running service and takes no `release`."""
    return path.startswith(FREE)


def is_own(address: str, own: str) -> bool:
    """Whether an address is one of data on this server."""
    path = address.removeprefix(own) if own else address
    return path.startswith("/") and not path.startswith(("//", *FREE))


class WithoutRelease:
    """Hands a request on without its `release`, so that no route need know of it.

    It stands innermost: a cache between it and ReleaseMiddleware sees the whole address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leaves every other part of the query string as it is, byte for byte."""
        if scope["type"] == "http" and scope["query_string"] and not is_free(scope["path"]):
            scope = {**scope, "query_string": split(scope["query_string"])[1]}
        await self._app(scope, receive, send)
