"""Which SPARQL endpoints the remote engine may use, and which release each of them holds.

Two endpoints take turns: one is served while `clusterloom publish` loads the other; then the
pointer in `<data-dir>/endpoints.json` moves in one atomic step. An endpoint is entered there
without a release while it is being loaded, so that no server opens it half full.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from clusterloom.errors import ClusterloomError, UsageError
from clusterloom.settings import Settings

FILE = "endpoints.json"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: where it answers queries, and where its graphs are written.

    >>> Endpoint("http://a/sparql", "http://a/store", ("me", "secret"))
    Endpoint(query='http://a/sparql', graph_store='http://a/store')
    """

    query: str
    graph_store: str = ""
    credentials: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Holding:
    """What an endpoint holds; `release` is empty while it is being loaded."""

    release: str = ""
    graphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Holdings:
    """The contents of `endpoints.json`: which endpoint is served, and what each one holds."""

    served: str = ""
    endpoints: Mapping[str, Holding] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The id of the served release; empty while there is none."""
        found = self.endpoints.get(self.served)
        return found.release if found else ""

    def holder(self, release_id: str) -> str:
        """The endpoint that holds the release, the served one first; empty where none does."""
        held = [url for url, holding in self.endpoints.items() if holding.release == release_id]
        return self.served if self.served in held else next(iter(held), "")

    def entered(self, url: str, holding: Holding, serve: bool = False) -> Holdings:
        """With another entry for one endpoint, which is served from now on if so said."""
        return Holdings(url if serve else self.served, {**self.endpoints, url: holding})


def configured(settings: Settings) -> tuple[Endpoint, ...]:
    """The endpoints that the settings name; UsageError says what is wrong with them."""
    queries = _addresses("CLUSTERLOOM_ENDPOINTS", settings.endpoints)
    stores = _addresses("CLUSTERLOOM_GRAPH_STORES", settings.graph_stores)
    if stores and len(stores) != len(queries):
        raise UsageError(
            f"CLUSTERLOOM_GRAPH_STORES names {len(stores)} addresses, CLUSTERLOOM_ENDPOINTS "
            f"{len(queries)}; each endpoint has one, in the same order"
        )
    user, colon, password = settings.endpoint_credentials.get_secret_value().partition(":")
    if user and not colon:
        raise UsageError("CLUSTERLOOM_ENDPOINT_CREDENTIALS: `user:password` expected")
    credentials = (user, password) if user else None
    paired = zip(queries, stores or [""] * len(queries), strict=True)
    return tuple(Endpoint(query, store, credentials) for query, store in paired)


def idle_endpoint(settings: Settings, query: str | None) -> Endpoint:
    """The endpoint with that query address, by default the first that is not being served."""
    known = configured(settings)
    if not known:
        raise UsageError(
            "CLUSTERLOOM_ENDPOINTS is not set: it names the endpoints that take turns, with commas"
        )
    served = read_holdings(settings.data_dir).served
    for endpoint in known:
        if endpoint.query == query or (query is None and endpoint.query != served):
            return endpoint
    names = ", ".join(endpoint.query for endpoint in known)
    if query is None:
        raise UsageError(f"the only endpoint, {names}, is being served; add another one")
    raise UsageError(f"{query!r} is none of CLUSTERLOOM_ENDPOINTS: {names}")


def _addresses(setting: str, text: str) -> list[str]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    for address in found:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"{setting}: {address!r} is no http address")
        if parts.username is not None:
            # an address is shown in messages and logs
            raise UsageError(
                f"{setting}: the address at {parts.hostname} has a user name in it; put "
                "`user:password` in CLUSTERLOOM_ENDPOINT_CREDENTIALS"
            )
    if len(set(found)) < len(found):
        raise UsageError(f"{setting} names an address twice")
    return found


def read_holdings(data_dir: Path) -> Holdings:
    """What `endpoints.json` says; nothing is held where there is no such file."""
    path = data_dir / FILE
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Holdings()
    except ValueError:
        raise ClusterloomError(f"{path} is no JSON; remove it and publish again") from None
    endpoints = {
        url: Holding(entry["release"], tuple(entry["graphs"]))
        for url, entry in found["endpoints"].items()
    }
    return Holdings(found["served"], endpoints)


def write_holdings(data_dir: Path, holdings: Holdings) -> None:
    """Replaces `endpoints.json` in one step."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE
    new = path.with_name(f".{FILE}.{os.getpid()}")
    body = {
        "served": holdings.served,
        "endpoints": {url: asdict(holding) for url, holding in holdings.endpoints.items()},
    }
    with open(new, "w", encoding="utf-8") as out:
        json.dump(body, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, path)
