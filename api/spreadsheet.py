"""Excel workbooks: a sheet with the data, and one that says what the data is and is not."""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
from starlette.responses import Response

from clusterloom.api.slots import Slots
from clusterloom.api.tables import joined
from clusterloom.errors import NotAcceptable

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MAX_ROWS = 1_048_575
"""Rows that a sheet holds below its header."""
MAX_TEXT = 32_767
"""Characters that a cell holds, counted as Excel does: in UTF-16."""
MAX_COLUMNS = 16_384

_EXACT = 10**15
"""Whole numbers from here on lose digits in a cell; they are written as text."""
_FIRST_DAY = date(1900, 3, 1)
"""Days before it have another number in Excel than elsewhere; they are written as text."""
_WIDTHS = (8, 60)
_MEASURED = 200
"""Rows that decide the width of a column."""
_MADE = datetime(2000, 1, 1)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}

MOST_CELLS = 2_000_000
"""Cells of a workbook that is made for a request (about ten seconds of work)."""
WAITING = 8
"""Requests that wait for their workbook; the next one is told to come back."""
PATIENCE = 20.0
"""Seconds a request waits for its turn."""

About = Sequence[tuple[str, Any]]
"""Lines of the second sheet: a name and a value; a name may stand several times."""


@dataclass
class _Notes:
    cut: int = 0
    numbers: int = 0


def workbook(columns: Sequence[str], rows: Iterable[Sequence[Any]], about: About) -> bytes:
    """A workbook of two sheets, `data` and `about`; equal arguments give equal bytes.

    Numbers, truth values and `datetime.date` become such cells, None a blank one; every other
    value is text and never a formula or a link. What a cell cannot hold whole is told in `about`.
    NotAcceptable where there are more rows or columns than a sheet has.
    """
    if len(columns) > MAX_COLUMNS:
        raise NotAcceptable(
            f"a sheet has {MAX_COLUMNS:,} columns; this answer has {len(columns):,}: ask for CSV"
        )
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, dict(_OPTIONS)) as book:
        book.set_properties({"title": "Clusterloom", "created": _MADE})
        sheet = _Sheet(book, "data", columns)
        for row in rows:
            sheet.add(row)
        sheet.finish()
        _about(book, about, sheet.notes)
    return out.getvalue()


class _Sheet:
    def __init__(self, book: Any, name: str, columns: Sequence[str]) -> None:
        self.notes = _Notes()
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._columns = columns
        self._widths = [len(name) + 3 for name in columns]  # room for the arrow of the filter
        self._rows = 0
        for place, heading in enumerate(columns):
            self._sheet.write_string(0, place, heading, self._bold)

    def add(self, row: Sequence[Any]) -> None:
        """Writes the next row."""
        if self._rows == MAX_ROWS:
            raise NotAcceptable(f"a sheet has {MAX_ROWS:,} rows; this answer has more: ask for CSV")
        self._rows += 1
        for place, value in enumerate(row):
            self._write(place, value)

    def _write(self, place: int, value: Any) -> None:
        at = self._rows, place
        if value is None or value == "" or value == []:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(*at, value)
            shown = 5
        elif isinstance(value, int | float) and math.isfinite(value) and abs(value) < _EXACT:
            self._sheet.write_number(*at, value)
            shown = len(str(value))
        elif isinstance(value, date) and value >= _FIRST_DAY:
            self._sheet.write_datetime(*at, value, self._day)
            shown = 10
        else:
            self.notes.numbers += isinstance(value, int | float)
            text, whole = fitting(joined(value))
            self.notes.cut += not whole
            self._sheet.write_string(*at, text)
            shown = len(text)
        if self._rows <= _MEASURED:
            self._widths[place] = max(self._widths[place], shown + 1)

    def finish(self) -> None:
        """What needs the number of rows: the filter; and the widths of the columns."""
        for place, width in enumerate(self._widths):
            self._sheet.set_column(place, place, min(max(width, _WIDTHS[0]), _WIDTHS[1]))
        self._sheet.freeze_panes(1, 0)
        if self._columns:
            self._sheet.autofilter(0, 0, max(self._rows, 1), len(self._columns) - 1)


def fitting(text: str) -> tuple[str, bool]:
    """The text as far as a cell holds it, and whether that is all of it.

    >>> fitting("short")
    ('short', True)
    """
    if len(text) * 2 <= MAX_TEXT or len(text.encode("utf-16-le")) // 2 <= MAX_TEXT:
        return text, True
    cut = text.encode("utf-16-le")[: 2 * MAX_TEXT].decode("utf-16-le", "ignore")
    return cut, False


def _about(book: Any, about: About, notes: _Notes) -> None:
    sheet = book.add_worksheet("about")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 110)
    lines = [*about]
    if notes.cut:
        said = f"{notes.cut} texts are longer than the {MAX_TEXT:,} characters that a cell holds "
        lines.append(("cut", said + "and were cut here; CSV and JSON have them whole"))
    if notes.numbers:
        said = f"{notes.numbers} numbers have more digits than a cell keeps; they are text here"
        lines.append(("numbers as text", said))
    before = ""
    for number, (name, value) in enumerate(lines):
        if name != before:
            sheet.write_string(number, 0, name, bold)
        before = name
        if isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(number, 1, value, wrap)
        elif value is not None:
            sheet.write_string(number, 1, fitting(joined(value))[0], wrap)


class Maker:
    """Makes workbooks beside the event loop, one at a time: each takes a whole core."""

    def __init__(self) -> None:
        said = "Many workbooks are being made; ask again soon."
        self._slots = Slots(1, WAITING, PATIENCE, said, retry_after=10)

    async def make(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], about: About
    ) -> bytes:
        """The workbook. NotAcceptable where it would be too large, Busy where too many wait."""
        cells = len(columns) * len(rows)
        if cells > MOST_CELLS:
            raise NotAcceptable(
                f"this table has {cells:,} cells and a workbook {MOST_CELLS:,} at most; "
                "ask for CSV, which has no such bound"
            )
        await self._slots.take()
        work = asyncio.ensure_future(asyncio.to_thread(workbook, columns, rows, about))
        # a thread cannot be ended: the turn is over when it is, though the client may be gone
        work.add_done_callback(lambda _: self._slots.give_back())
        return await asyncio.shield(work)


def day(value: Any) -> Any:
    """A day written as YYYY-MM-DD as a date, anything else as it is.

    >>> day("2020-02-29"), day("2020"), day(None)
    (datetime.date(2020, 2, 29), '2020', None)
    """
    if not isinstance(value, str) or len(value) != 10:
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        return value


def answered(name: str, content: bytes) -> Response:
    """The workbook as a file to save."""
    headers = {"Content-Disposition": f'attachment; filename="clusterloom-{name}.xlsx"',
               "Vary": "Accept"}  # fmt: skip
    return Response(content, media_type=XLSX_TYPE, headers=headers)
