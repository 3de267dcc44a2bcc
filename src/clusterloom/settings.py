"""One settings class, read from `CLUSTERLOOM_*` environment variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _data_dir() -> Path:
    return Path(platformdirs.user_data_dir("clusterloom", appauthor=False))


def _machine_megabytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20


class Settings(BaseSettings):
    """Everything an operator may set; each field is the variable `CLUSTERLOOM_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="CLUSTERLOOM_", frozen=True, extra="forbid")

    data_dir: Path = Field(default_factory=_data_dir, description="where releases live")
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="where this server dereferences the IRIs, without a final slash",
    )
    keep: int = Field(default=5, ge=1, description="how many releases are kept")
    query_timeout: float = Field(default=30.0, gt=0, description="seconds a query may run")
    query_memory: int = Field(default=1024, ge=256, description="MB a query worker may use")
    memory: int = Field(
        default_factory=lambda: max(1024, _machine_megabytes() * 6 // 10),
        ge=512,
        description="MB all query workers together may use",
    )
    store: Literal["auto", "memory", "disk"] = Field(
        default="auto",
        description="where the default graph is read; `auto`: in memory where there is room for it",
    )
    engine: Literal["embedded", "remote"] = Field(
        default="embedded", description="what answers SPARQL; `remote`: see docs/remote.md"
    )
    endpoints: str = Field(
        default="",
        description="query addresses of the SPARQL endpoints of engine `remote`, with commas",
    )
    graph_stores: str = Field(
        default="",
        description="their Graph Store addresses, in the same order, for `clusterloom publish`",
    )
    endpoint_credentials: SecretStr = Field(
        default=SecretStr(""), description="`user:password` for the Graph Store addresses"
    )
    workers: int = Field(
        default_factory=lambda: max(8, 4 * (os.cpu_count() or 1)),
        ge=3,
        description="query worker processes",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        description="server processes behind the one address; they share workers and memory",
    )
    log: Literal["warnings", "requests"] = Field(
        default="warnings", description="`requests` writes a line of the log for each request"
    )
    cache: int = Field(default=64, ge=0, description="MB of answers kept in memory; 0 keeps none")
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of reverse proxies whose `Forwarded` and "
        "`X-Forwarded-*` headers are believed, with commas; `*` for any",
    )
    connections: int = Field(default=1000, ge=10, description="connections open at a time")
    max_body: int = Field(default=1_000_000, ge=1000, description="bytes a request body may have")

    @property
    def releases(self) -> Path:
        """The folder that holds one folder per release and the `current` symlink."""
        return self.data_dir / "releases"
