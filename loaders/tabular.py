"""Splits delimited text into records; every structural surprise stops with a message."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from clusterloom.errors import DataRefused
from clusterloom.loaders.contract import Record, Row


def csv_of(model: type[Row], delimiter: str = ",") -> Callable[[Path], Iterator[Record]]:
    """A `records` function for UTF-8 CSV whose columns are the fields of the row model."""
    return partial(read_csv, columns=tuple(model.model_fields), delimiter=delimiter)


def read_csv(path: Path, columns: tuple[str, ...], delimiter: str = ",") -> Iterator[Record]:
    """The rows of a CSV file, addressed by column name; line numbers are those of the file.

    Raises DataRefused for a file that is not UTF-8, an empty file, another delimiter, a missing,
    unknown or repeated column. A row with too few or too many cells is given with what it has:
    the row model then rejects it.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, delimiter=delimiter, strict=True)
            header = next(reader, None)
            if header is None:
                raise DataRefused(f"{path.name}: the file is empty; expected {', '.join(columns)}")
            _check_header(path.name, [h.strip() for h in header], columns, delimiter)
            names = [h.strip() for h in header]
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    yield Record(path.name, line, _by_name(names, cells))
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path.name}: not UTF-8 text at byte {error.start}") from None
    except csv.Error as error:
        raise DataRefused(f"{path.name}, line {reader.line_num}: {error}") from None
    except FileNotFoundError:
        raise DataRefused(f"{path}: no such file") from None


def _by_name(names: list[str], cells: list[str]) -> dict[str, object]:
    found: dict[str, object] = dict(zip(names, cells, strict=False))
    if len(cells) > len(names):
        found["cells beyond the last column"] = cells[len(names) :]
    return found


def _check_header(file: str, header: list[str], columns: tuple[str, ...], delimiter: str) -> None:
    if len(header) == 1 and len(columns) > 1:
        other = next((d for d in ",;\t|" if d != delimiter and d in header[0]), None)
        if other:
            raise DataRefused(f"{file}: cells are separated by {other!r}, expected {delimiter!r}")
    missing = [c for c in columns if c not in header]
    unknown = [c for c in header if c not in columns]
    repeated = sorted({c for c in header if header.count(c) > 1})
    problems = []
    if missing:
        problems.append("missing column " + ", ".join(map(repr, missing)))
    for name in unknown:
        near = difflib.get_close_matches(name, missing or columns, 1)
        problems.append(f"unknown column {name!r}" + (f" (meant {near[0]!r}?)" if near else ""))
    if repeated:
        problems.append("repeated column " + ", ".join(map(repr, repeated)))
    if problems:
        raise DataRefused(f"{file}: {'; '.join(problems)}; expected {', '.join(columns)}")
