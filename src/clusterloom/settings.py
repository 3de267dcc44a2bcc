"""One settings class, read from `CLUSTERLOOM_*` environment variables."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _data_dir() -> Path:
    return Path(platformdirs.user_data_dir("clusterloom", appauthor=False))


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
    workers: int = Field(
        default_factory=lambda: max(8, 4 * (os.cpu_count() or 1)),
        ge=3,
        description="query worker processes",
    )
    max_body: int = Field(default=1_000_000, ge=1000, description="bytes a request body may have")

    @property
    def releases(self) -> Path:
        """The folder that holds one folder per release and the `current` symlink."""
        return self.data_dir / "releases"
