"""Releases on disk: where they are, which one is served, how one is published or rolled back.

A release is a folder `<data-dir>/releases/<id>/` that is never written to once its name is
final; `current` is a symlink to the served one and is replaced atomically. A build works in
`.build-<pid>-<hex>` beside them, so that a killed build leaves nothing a server would look at.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusterloom.errors import ClusterloomError, Gone, NotFound

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Release:
    """One published release; `id` is 16 hex digits, `path` its folder."""

    id: str
    path: Path

    @property
    def store_path(self) -> Path:
        """The Oxigraph store, to be opened read-only."""
        return self.path / "oxigraph"

    def report(self) -> dict[str, Any]:
        """The build report (`report.json`): counts, rejects, checks, timings."""
        report: dict[str, Any] = json.loads((self.path / "report.json").read_text("utf-8"))
        return report


def releases(folder: Path) -> list[Release]:
    """Every published release, newest first by the time it was published."""
    if not folder.is_dir():
        return []
    found = [
        Release(entry.name, entry)
        for entry in folder.iterdir()
        if _ID.fullmatch(entry.name) and (entry / "report.json").is_file()
    ]
    return sorted(found, key=lambda r: (-(r.path / "report.json").stat().st_mtime_ns, r.id))


def current_release(folder: Path) -> Release | None:
    """The served release, or None when nothing has been published yet."""
    link = folder / "current"
    try:
        name = os.readlink(link)
    except OSError:
        return None
    path = folder / name
    return Release(name, path) if (path / "report.json").is_file() else None


def open_release(folder: Path, release_id: str) -> Release:
    """The release with that id; Gone names the nearest one kept, NotFound a malformed id."""
    if not _ID.fullmatch(release_id):
        raise NotFound(f"{release_id!r} is not a release id (16 hex digits)")
    path = folder / release_id
    if (path / "report.json").is_file():
        return Release(release_id, path)
    kept = releases(folder)
    served = current_release(folder) or (kept[0] if kept else None)
    nearest = f"; the nearest one kept is {served.id}" if served else ""
    raise Gone(f"release {release_id} is not kept here{nearest}", nearest=served and served.id)


@contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Held by the one build or rollback that may run; freed by the system if the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterloomError(f"another build is running in {folder}; wait for it") from None
        yield


def clean_leftovers(folder: Path) -> int:
    """Removes half-built folders of killed builds; call it while holding the lock."""
    left = [p for p in folder.glob(".build-*") if p.is_dir()]
    for path in left:
        shutil.rmtree(path)
    for link in folder.glob(".current-*"):
        link.unlink()
    return len(left)


def build_folder(folder: Path) -> Path:
    """A new empty folder to build in, on the same file system as the releases."""
    path = folder / f".build-{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    return path


def publish(folder: Path, built: Path, release_id: str) -> Release:
    """Gives the built folder its final name, makes it durable and serves it.

    The caller has made sure that no folder of that name is there (see `withdraw`).
    """
    final = folder / release_id
    _sync(built)
    os.rename(built, final)
    serve(folder, release_id)
    return Release(release_id, final)


def serve(folder: Path, release_id: str) -> None:
    """Points `current` at a release in one atomic step."""
    link = folder / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    os.symlink(release_id, link)
    os.replace(link, folder / "current")
    _sync_folder(folder)


def discard(built: Path, quarantine: Path) -> None:
    """Removes the folder of a failed build; its quarantine files move to `quarantine`."""
    rejected = built / "families" / "rejected"
    if rejected.is_dir():
        shutil.rmtree(quarantine, ignore_errors=True)
        os.rename(rejected, quarantine)
    shutil.rmtree(built)


def withdraw(folder: Path, release_id: str) -> None:
    """Takes a damaged release away; its folder is renamed first, so none is ever half there."""
    hidden = folder / f".build-withdrawn-{release_id}"
    os.rename(folder / release_id, hidden)
    shutil.rmtree(hidden)


def prune(folder: Path, keep: int) -> list[str]:
    """Removes the oldest releases beyond `keep`, never the served one; returns their ids."""
    served = current_release(folder)
    gone = [r for r in releases(folder)[keep:] if served is None or r.id != served.id]
    for release in gone:
        withdraw(folder, release.id)
    return [r.id for r in gone]


def _sync(folder: Path) -> None:
    for root, _dirs, files in os.walk(folder):
        for name in files:
            with open(Path(root) / name, "rb") as handle:
                os.fsync(handle.fileno())
        _sync_folder(Path(root))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
