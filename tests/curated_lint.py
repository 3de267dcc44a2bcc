"""Lint of the tables in data/: each complaint names file, line, column and repair."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

CURATED = (
    "aliases",
    "area_capabilities",
    "euroscivoc_nace",
    "euroscivoc_unmapped",
    "nace_rev2",
    "sector_tag_capabilities",
    "stage_capabilities",
    "value_chain_stages",
    "value_chains",
)
"""Tables written by us, held to more than those carried over from elsewhere."""

KEYS: dict[str, tuple[str, ...]] = {
    "aliases": ("old",),
    "area_capabilities": ("area_no", "scheme", "code"),
    "employment_2015": ("nuts_2013", "nace_rev2_division"),
    "euroscivoc_nace": ("euroscivoc_code", "nace_division"),
    "euroscivoc_unmapped": ("euroscivoc_code",),
    "horizon_projects": ("grant_number",),
    "nace_rev2": ("code",),
    "nuts_centroids": ("nuts_code",),
    "s3_thematic_areas": ("area_no",),
    "sector_tag_capabilities": ("tag", "scheme", "code"),
    "stage_capabilities": ("stage", "scheme", "code"),
    "supply_table_cz_2015": ("from_cpa", "to_cpa"),
    "value_chain_stages": ("stage",),
    "value_chains": ("chain",),
}

VALUES = {"match": {"exact", "broad", "narrow"}, "read": {"yes", "not read"}}
NEEDED = ("rationale", "source", "definition", "reason")
ADDRESS = re.compile(r"https?://[^\s;,<>\"{}|^`\\()]+")
WELL_FORMED = re.compile(r"https?://([A-Za-z0-9_-]+\.)+[A-Za-z0-9-]+\.?(:\d+)?([/?#]\S*)?")
SCHEMED = re.compile(r"https?:/(?!/)|https?//|\bhttp:\s|https?://\s|https?://https?:")


class Cell(NamedTuple):
    """One cell with the place a person would go to."""

    table: str
    line: int
    column: str
    value: str

    def complain(self, what: str, repair: str) -> str:
        shown = self.value if len(self.value) <= 60 else self.value[:57] + "..."
        where = f"data/{self.table}.csv line {self.line} column {self.column}"
        return f"{where}: {shown!r} {what}; {repair}"


class Table(NamedTuple):
    """A table with the line on which each row begins."""

    name: str
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def cells(self) -> Iterator[Cell]:
        for line, row in self.rows:
            for column, value in zip(self.header, row, strict=False):
                yield Cell(self.name, line, column, value)

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        for line, row in self.rows:
            yield line, dict(zip(self.header, row, strict=False))

    def column(self, name: str) -> set[str]:
        return {record[name] for _, record in self.records()}


def read(path: Path) -> Table:
    with open(path, encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle)
        header, rows, line = next(reader), [], reader.line_num + 1
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    return Table(path.stem, header, rows)


def lint(table: Table, codes: dict[str, dict[str, str]], refs: dict[str, set[str]]) -> list[str]:
    """Every complaint about one table.

    `codes` maps scheme to code to label, `refs` a column to the values it may hold.
    """
    found = [*_shape(table), *_white_space(table), *_addresses(table), *_keys(table)]
    if table.name in CURATED:
        found += [*_values(table), *_codes(table, codes), *_refs(table, refs)]
    return found


def _shape(table: Table) -> Iterator[str]:
    where = f"data/{table.name}.csv"
    if len(set(table.header)) != len(table.header) or "" in table.header:
        yield f"{where} line 1: a column name is blank or stands twice; name each column once"
    if any("\ufeff" in name for name in table.header):
        yield f"{where} line 1: begins with a byte order mark; save as UTF-8 without it"
    seen: dict[tuple[str, ...], int] = {}
    for line, row in table.rows:
        if len(row) != len(table.header):
            wide = len(table.header)
            yield f"{where} line {line}: {len(row)} cells under {wide} columns; quote commas"
        if tuple(row) in seen:
            yield f"{where} line {line}: repeats line {seen[tuple(row)]}; remove one"
        seen.setdefault(tuple(row), line)


def _white_space(table: Table) -> Iterator[str]:
    for cell in table.cells():
        if cell.value != cell.value.strip():
            yield cell.complain("has white space around it", "trim the cell")
        elif table.name in CURATED and re.search(r"\s\s|[\t\r\n\u00a0]", cell.value):
            yield cell.complain("has stray white space inside", "write single spaces")


def _addresses(table: Table) -> Iterator[str]:
    for cell in table.cells():
        if SCHEMED.search(cell.value):
            yield cell.complain("holds a broken address", "write http:// or https:// and the host")
        for address in ADDRESS.findall(cell.value):
            if not WELL_FORMED.fullmatch(address):
                yield cell.complain(f"holds the address {address!r}", "correct the host name")
        if cell.column in {"website", "url"} and cell.value and not ADDRESS.match(cell.value):
            yield cell.complain("is not an address", "begin with http:// or https://")


def _keys(table: Table) -> Iterator[str]:
    key = KEYS.get(table.name, ())
    seen: dict[tuple[str, ...], int] = {}
    if not key or not set(key) <= set(table.header):
        return
    for line, record in table.records():
        value = tuple(record[column] for column in key)
        if value in seen:
            cell = Cell(table.name, line, "+".join(key), " ".join(value))
            yield cell.complain(f"stands on line {seen[value]} too", "merge the two rows")
        seen.setdefault(value, line)


def _values(table: Table) -> Iterator[str]:
    for cell in table.cells():
        if cell.column in NEEDED and not cell.value:
            yield cell.complain("is blank", f"write the {cell.column}")
        allowed = VALUES.get(cell.column)
        # a chain that no published theme corresponds to has no match
        blank_is_fine = table.name == "value_chains" and cell.column == "match"
        if allowed and cell.value not in allowed and not (blank_is_fine and not cell.value):
            yield cell.complain(
                "is not a value of this column", f"write {' or '.join(sorted(allowed))}"
            )


def _codes(table: Table, codes: dict[str, dict[str, str]]) -> Iterator[str]:
    pairs: list[Callable[[dict[str, str]], tuple[str, str, str]]] = []
    if {"scheme", "code"} <= set(table.header):
        pairs.append(lambda r: (r["scheme"], "code", r["code"]))
    if "euroscivoc_code" in table.header:
        pairs.append(lambda r: ("euroscivoc", "euroscivoc_code", r["euroscivoc_code"]))
    if "nace_division" in table.header:
        pairs.append(lambda r: ("nace-r2", "nace_division", r["nace_division"]))
    for line, record in table.records():
        for pair in pairs:
            scheme, column, code = pair(record)
            cell = Cell(table.name, line, column, code)
            if scheme not in codes:
                yield cell.complain(f"has the scheme {scheme!r}", f"use {' or '.join(codes)}")
            elif code not in codes[scheme]:
                source = "nace_rev2.csv" if scheme == "nace-r2" else "horizon_project_fields.csv"
                yield cell.complain(f"is no code of {scheme}", f"take one of data/{source}")
            elif record.get("code_label", codes[scheme][code]) != codes[scheme][code]:
                label = Cell(table.name, line, "code_label", record["code_label"])
                yield label.complain(
                    f"is not the label of {code}", f"write {codes[scheme][code]!r}"
                )


def _refs(table: Table, refs: dict[str, set[str]]) -> Iterator[str]:
    own = {"value_chains": "chain", "value_chain_stages": "stage"}.get(table.name)
    for cell in table.cells():
        if cell.column not in refs or cell.column == own:
            continue
        for value in filter(None, (part.strip() for part in cell.value.split(";"))):
            if value not in refs[cell.column]:
                yield cell.complain(
                    f"names {value!r}, which is not there", "correct the name or add it"
                )
