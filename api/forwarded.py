"""What a trusted reverse proxy says of the request it passes on: scheme, host and client.

Believed only from the addresses that the setting `CLUSTERLOOM_TRUSTED_PROXIES` names; anybody else
may write these headers too. The standard header `Forwarded` wins over `X-Forwarded-*`.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from clusterloom.errors import UsageError

_PAIR = re.compile(r'\s*(for|host|proto)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+))', re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")


class Forwarded:
    """Puts scheme, host and client in place of the proxy's own."""

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._app = app
        self._any = False
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for item in filter(None, (part.strip() for part in trusted.split(","))):
            if item == "*":
                self._any = True
                continue
            try:
                self._networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                raise UsageError(
                    f"CLUSTERLOOM_TRUSTED_PROXIES: {item!r} is no address, network or *"
                ) from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leaves requests of others as they are."""
        if scope["type"] == "http" and self._trusts((scope.get("client") or ("", 0))[0]):
            scope = self._told(scope)
        await self._app(scope, receive, send)

    def _trusts(self, client: str) -> bool:
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return self._any
        return self._any or any(address in network for network in self._networks)

    def _told(self, scope: Scope) -> Scope:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        said = {
            "proto": headers.get(b"x-forwarded-proto", ""),
            "host": headers.get(b"x-forwarded-host", ""),
            "for": headers.get(b"x-forwarded-for", ""),
        }
        # the last proxy is the one that is trusted: what it was told by others counts no more
        said = {name: value.rpartition(",")[2].strip() for name, value in said.items()}
        last = headers.get(b"forwarded", "").rpartition(",")[2]
        said |= {m[1].lower(): (m[2] or m[3]).strip() for m in _PAIR.finditer(last)}
        scope = dict(scope)
        if said["proto"].lower() in {"http", "https"}:
            scope["scheme"] = said["proto"].lower()
        if _HOST.fullmatch(said["host"]):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [*others, (b"host", said["host"].encode("ascii"))]
        if said["for"]:
            scope["client"] = (said["for"], 0)
        return scope
