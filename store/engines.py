"""The engine that the settings choose."""

from __future__ import annotations

from clusterloom.settings import Settings
from clusterloom.store.embedded import EmbeddedEngine
from clusterloom.store.engine import Engine
from clusterloom.store.remote import RemoteEngine


def engine_of(settings: Settings) -> Engine:
    """The embedded engine, or the remote one over the endpoints that the settings name."""
    if settings.engine == "remote":
        return RemoteEngine.from_settings(settings)
    return EmbeddedEngine.from_settings(settings)
