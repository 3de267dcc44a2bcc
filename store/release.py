"""Releases on disk: where they are, which one is served, how one is published or rolled back.

A release is a folder `<data-dir>/releases/<id>/` that is never written to once its name is
final; `current` is a symlink to the served one and is replaced atomically. A build works in
`.build-<pid>-<hex>` beside them, so that a killed build leaves nothing a server would look at.
`history.py` remembers which releases there have been.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusterloom.errors import ClusterloomError, Gone, NotFound
from clusterloom.store import history

ID = re.compile(r"[0-9a-f]{16}")
"""The form of a release id."""

Stamp = tuple[int, int]
"""What changes when the folder of a release is put there anew."""


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

    def stamp(self) -> Stamp | None:
        """Tells this folder from a later one of the same name; None when there is none."""
        try:
            found = (self.path / "report.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def published(self) -> str:
        """When its folder was put there, by the file system: UTC, ISO 8601."""
        at = (self.path / "report.json").stat().st_mtime
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def releases(folder: Path) -> list[Release]:
    """Every published release, newest first by the time it was published."""
    if not folder.is_dir():
        return []
    found = [
        Release(entry.name, entry)
        for entry in folder.iterdir()
        if ID.fullmatch(entry.name) and (entry / "report.json").is_file()
    ]
    return sorted(found, key=lambda r: (-(r.path / "report.json").stat().st_mtime_ns, r.id))


def current_release(folder: Path) -> Release | None:
    """The served release, or None when nothing has been published yet."""
    base = os.fspath(folder)  # each request asks, and joining paths takes longer than the look
    try:
        name = os.readlink(f"{base}/current")
    except OSError:
        return None
    found = os.path.isfile(f"{base}/{name}/report.json")
    return Release(name, folder / name) if found else None


class Current:
    """The served release of a folder, found by one look at the disk a call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._report = os.fsencode(folder / "current" / "report.json")
        self._seen: tuple[int, int, int] | None = None
        self._release: Release | None = None

    def get(self) -> Release | None:
        """The release; the same object as long as neither link nor folder was replaced."""
        try:
            found = os.stat(self._report)
        except OSError:
            self._seen = None
            return None
        seen = found.st_dev, found.st_ino, found.st_mtime_ns
        if seen != self._seen:
            release = self._release = current_release(self._folder)
            # the link may have been moved between the two looks
            sure = release is not None and release.stamp() == seen[1:]
            self._seen = seen if sure else None
        return self._release


def open_release(folder: Path, release_id: str) -> Release:
    """The release with that id.

    Gone for one that was here and was pruned, with the nearest in time that is kept; NotFound for
    one that never was here, with the nearest in spelling, and for what is no id.
    """
    if not ID.fullmatch(release_id):
        raise NotFound(f"{release_id[:40]!r} is not a release id (16 hex digits)")
    path = folder / release_id
    if (path / "report.json").is_file():
        return Release(release_id, path)
    kept = releases(folder)
    past = history.read(folder).get(release_id)
    if past is None:
        served = current_release(folder)
        alike = difflib.get_close_matches(release_id, [r.id for r in kept], 1)
        near = alike[0] if alike else served.id if served else None
        hint = f"; the nearest one is {near}" if near else ""
        raise NotFound(f"there has been no release {release_id} here{hint}", nearest=near)
    times = {r.id: published(folder, r) for r in kept}
    near = min(times, key=lambda i: _apart(times[i], past.published), default=None)
    hint = f"; the nearest one kept is {near}, published {times[near][:19]}" if near else ""
    raise Gone(
        f"release {release_id}, published {past.published[:19]}, is not kept any more{hint}",
        nearest=near,
    )


def published(folder: Path, release: Release) -> str:
    """When a release was published: as the history has it, else by its files."""
    past = history.read(folder).get(release.id)
    return past.published if past else release.published()


def previous(folder: Path, release_id: str) -> str | None:
    """The id of the release published just before that one, kept or not; None for the first."""
    times = {name: past.published for name, past in history.read(folder).items()}
    for release in releases(folder):
        times.setdefault(release.id, release.published())
    order = sorted(times, key=lambda name: (times[name], name))
    place = order.index(release_id) if release_id in order else 0
    return order[place - 1] if place else None


def _apart(one: str, other: str) -> float:
    moments = (datetime.fromisoformat(text).timestamp() for text in (one, other))
    return abs(next(moments) - next(moments))


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

    A folder of that name is replaced with no more than two renames between the old and the new.
    """
    final = folder / release_id
    _sync(built)
    replaced = _hide(final) if final.exists() else None
    os.rename(built, final)
    history.record(folder, "published", release_id)
    serve(folder, release_id)
    if replaced:
        shutil.rmtree(replaced)
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
    shutil.rmtree(_hide(folder / release_id))


def _hide(path: Path) -> Path:
    # a name that the next build clears away, should this process be killed
    hidden = path.with_name(f".build-withdrawn-{path.name}-{secrets.token_hex(4)}")
    os.rename(path, hidden)
    return hidden


def prune(folder: Path, keep: int) -> list[str]:
    """Removes the oldest releases beyond `keep`, never the served one; returns their ids.

    Each is remembered before it goes: whoever asks for it is told that it was here.
    """
    served = current_release(folder)
    gone = [r for r in releases(folder)[keep:] if served is None or r.id != served.id]
    for release in gone:
        history.record(folder, "pruned", release.id, published(folder, release))
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
