"""Checks: a check is a query whose rows are the violations, its comment its documentation.

The queries lie in the folder `checks`, `severity.csv` beside them says how grave each one is and
what it looks at. A new check is a new file and a new line there.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple, cast

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES

Severity = Literal["error", "warning"]
Scope = Literal["ontology", "data"]


class Check(NamedTuple):
    """One check: file name without ending, severity, what it looks at, documentation, query."""

    name: str
    severity: Severity
    scope: Scope
    documentation: str
    query: str


class Violation(NamedTuple):
    """One row of a check: the values by variable name, in plain text."""

    check: str
    severity: Severity
    row: dict[str, str]


@cache
def checks() -> tuple[Check, ...]:
    """Every check in alphabetical order; KeyError where table and folder name different ones."""
    folder = Path(str(files("clusterloom.ontology") / "checks"))
    with open(folder / "severity.csv", encoding="utf-8", newline="") as handle:
        table = {row["check"]: row for row in csv.DictReader(handle)}
    queries = {path.stem: path.read_text("utf-8") for path in folder.glob("*.rq")}
    if odd := set(table) ^ set(queries):
        raise KeyError(f"severity.csv and the .rq files differ in {', '.join(sorted(odd))}")
    return tuple(
        Check(
            name,
            cast(Severity, table[name]["severity"]),
            cast(Scope, table[name]["scope"]),
            _documentation(query),
            query,
        )
        for name, query in sorted(queries.items())
    )


def run_checks(store: ox.Store, scope: Scope) -> list[Violation]:
    """The rows of every check of that scope, by check and in the order of their values.

    `ontology` expects modules and import extracts in the default graph; `data` expects the
    modules in the default graph beside the data, as a release has them.
    """
    return [
        Violation(check.name, check.severity, row)
        for check in checks()
        if check.scope == scope
        for row in rows(store, check)
    ]


def rows(store: ox.Store, check: Check) -> list[dict[str, str]]:
    """The rows of one check, sorted; unbound variables are left out."""
    solutions = store.query(check.query, prefixes=PREFIXES)
    assert isinstance(solutions, ox.QuerySolutions)
    names = [variable.value for variable in solutions.variables]
    found = [
        {n: _plain(value) for n, value in zip(names, row, strict=True) if value is not None}
        for row in solutions
    ]
    return sorted(found, key=lambda row: sorted(row.items()))


def _plain(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
    return str(term) if isinstance(term, ox.Triple) else term.value


def _documentation(query: str) -> str:
    lines = query.splitlines()
    head = lines[: next((i for i, li in enumerate(lines) if not li.startswith("#")), len(lines))]
    return " ".join(line.lstrip("# ").rstrip() for line in head)
