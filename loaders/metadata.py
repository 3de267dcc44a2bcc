"""The metadata file of a source: what it is, whose it is, and what a load of it must yield."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clusterloom.errors import DataRefused


class Expectations(BaseModel):
    """Bounds that fail the build when a load misses them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_rows: int = Field(default=1, ge=0, description="rows read, at least")
    max_rejected_share: float = Field(default=0.0, ge=0, le=1, description="rejected of read")
    min_entities: dict[str, int] = Field(
        default_factory=dict, description="distinct things of a class, at least"
    )


class Metadata(BaseModel):
    """One `<source>.yaml`; its fields make the DCAT catalogue and the `/sources` page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    description: str
    table: str = Field(description="file name of the table, beside the metadata file")
    publisher: str
    licence: str = Field(pattern=r"^https?://")
    attribution: str = ""
    redistribute: bool = True
    retrieved: date
    period: str = Field(default="", description="the time the content speaks of, in words")
    homepage: str = ""
    completeness: str = Field(default="", description="known holes, in words")
    reference: bool = Field(default=False, description="a classification or code list")
    expectations: Expectations = Expectations()


def read_metadata(path: Path) -> Metadata:
    """The metadata of a source; DataRefused names the field at fault."""
    try:
        return Metadata.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise DataRefused(f"{path.name}: the source has no metadata file") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "file"
        raise DataRefused(f"{path.name}: {field}: {first['msg']}") from None
    except yaml.YAMLError as error:
        raise DataRefused(f"{path.name}: not YAML: {error}") from None
