"""Tells what rules derive from open sources from what they derive from closed ones only.

A statement derived from a source that may not be redistributed must not be given away either.
So where there is such a source, the rules run a second time over the open sources alone: what
both runs derive is open, the rest goes to a graph of its own that is closed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from clusterloom import namespaces as ns
from clusterloom.loaders.provenance import SUFFIX
from clusterloom.loaders.rules import Rule, rules
from clusterloom.loaders.runner import Loaded, quad, write_family
from clusterloom.store.writer import StoreWriter


class OpenWorld:
    """What the rules derive without the closed sources."""

    def __init__(self, folder: Path, families: Iterable[Path], in_memory: bool) -> None:
        """Runs every rule over the open families; only files in the folder are left of it.

        Make it before the graph of all sources is loaded: memory then holds one of them at a time.
        """
        self._folder = folder
        folder.mkdir()
        writer = StoreWriter(None if in_memory else folder / "store")
        for family in families:
            writer.load_family(family)
        for rule in rules():
            lines = (quad(rule.name, statement) for statement in rule.run(writer.store))
            write_family(self._path(rule), lines, Loaded(rule.name))
            writer.load_family(self._path(rule))
        writer.close()

    def _path(self, rule: Rule) -> Path:
        return self._folder / f"{rule.name}.nq.gz"

    def divide(self, rule: Rule, derived: Path, folder: Path) -> tuple[Loaded, Loaded]:
        """Writes `rule-<name>.nq.gz` and `rule-<name>-closed.nq.gz` from what the rule derived
        over all sources; returns what is in each."""
        alone = self._path(rule)
        name = f"rule-{rule.name}"
        both, rest = Loaded(name), Loaded(name + SUFFIX)
        write_family(
            folder / f"{name}.nq.gz",
            (line for line, is_open in _compared(derived, alone) if is_open),
            both,
        )
        write_family(
            folder / f"{name}{SUFFIX}.nq.gz",
            (_moved(rule, line) for line, is_open in _compared(derived, alone) if not is_open),
            rest,
        )
        return both, rest


def _moved(rule: Rule, line: bytes) -> bytes:
    """The line in the closed graph of the rule."""
    end = line.rindex(b" <")
    return line[:end] + f" <{ns.graph(rule.name + SUFFIX, 'derived')}> .\n".encode()


def _compared(derived: Path, alone: Path) -> Iterator[tuple[bytes, bool]]:
    """Each line of the first file, and whether the second has it; both are sorted and unique."""
    with gzip.open(derived, "rb") as lines, gzip.open(alone, "rb") as others:
        other = next(others, b"")
        for line in lines:
            while other and other < line:
                other = next(others, b"")
            yield line, other == line
