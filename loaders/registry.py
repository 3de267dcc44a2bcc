"""Every source by name, in the order they are loaded."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import clusterloom.loaders
from clusterloom.errors import DataRefused, UsageError
from clusterloom.loaders.contract import Source
from clusterloom.loaders.metadata import Metadata, read_metadata


@cache
def sources() -> dict[str, Source]:
    """Name -> source: each `SOURCE` (or `SOURCES`) that a module of this package exposes."""
    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules(clusterloom.loaders.__path__):
        loaded = importlib.import_module(f"clusterloom.loaders.{module.name}")
        own = [loaded.SOURCE] if hasattr(loaded, "SOURCE") else []
        for source in [*own, *getattr(loaded, "SOURCES", ())]:
            if source.name in found:
                raise DataRefused(f"two sources are called {source.name!r}")
            found[source.name] = source
    return dict(sorted(found.items()))


def source(name: str) -> Source:
    """The source of that name; UsageError names the nearest one."""
    known = sources()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
    raise UsageError(f"no source is called {name!r}{hint}")


def data_folder() -> Path:
    """The folder of the curated tables that came with this installation."""
    return Path(str(resources.files("clusterloom.data")))


def metadata_of(name: str, folder: Path) -> Metadata:
    """The metadata file of a source in that folder of tables."""
    return read_metadata(folder / f"{name}.yaml")


def table_path(metadata: Metadata, folder: Path) -> Path:
    """Where the table of a source is: a file of the folder, or the folder of a package.

    Raises DataRefused when it is not there.
    """
    if metadata.table.startswith("package:"):
        package = metadata.table.removeprefix("package:")
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise DataRefused(f"the package {package!r} is not installed")
        return Path(spec.origin).parent
    path = folder / metadata.table
    if not path.exists():
        raise DataRefused(f"{path}: no such table (named by the metadata file)")
    return path
