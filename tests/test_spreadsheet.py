"""Excel workbooks: every table can be had as one, nothing in it runs, and it says what it is."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import httpx
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fixtures_api as small
from clusterloom.api import spreadsheet
from clusterloom.api.catalogue import RESOURCES
from clusterloom.errors import Busy, NotAcceptable
from clusterloom.queries.library import library


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("xlsx")) as settings,
        small.serving(settings) as client,
    ):
        yield client


Sheet = list[tuple[Any, ...]]


def read(content: bytes) -> tuple[Sheet, Sheet]:
    """The cells of the sheets `data` and `about`."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["data", "about"]
    data, about = (list(book[name].iter_rows(values_only=True)) for name in book.sheetnames)
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" and not cell.hyperlink for cell in row)
    return data, about


def told(about: Sheet) -> dict[str, list[str]]:
    """The lines of the sheet `about` by name; a name stands before the first of its lines."""
    found: dict[str, list[str]] = {}
    name = ""
    for first, value in about:
        name = first or name
        found.setdefault(name, []).append(str(value))
    return found


def get(client: httpx.Client, path: str) -> tuple[Sheet, dict[str, list[str]]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == spreadsheet.XLSX_TYPE
    assert ".xlsx" in answer.headers["content-disposition"]
    data, about = read(answer.content)
    return data, told(about)


def test_values_keep_their_kind() -> None:
    row = [1, -2.5, True, None, date(2020, 2, 29), "=1+1", "https://a.example/", "007", ["a", "b"]]
    data, _ = read(spreadsheet.workbook([*"abcdefghi"], [row], []))
    assert data[0] == tuple("abcdefghi")
    assert data[1] == (
        1, -2.5, True, None, datetime(2020, 2, 29), "=1+1", "https://a.example/", "007", "a; b",
    )  # fmt: skip


@pytest.mark.parametrize(
    "value", [10**15, -(10**40), float("inf"), float("nan"), date(1899, 1, 1), date(1900, 2, 28)]
)
def test_what_a_cell_would_change_is_text(value: Any) -> None:
    data, _ = read(spreadsheet.workbook(["a"], [[value]], []))
    assert data[1] == (str(value),)


def test_the_header_stays_in_sight_and_filters() -> None:
    content = spreadsheet.workbook(["name", "n"], [["a" * 200, 1], ["b", 2]], [])
    sheet = openpyxl.load_workbook(io.BytesIO(content))["data"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert sheet.column_dimensions["A"].width == pytest.approx(60, abs=1)
    assert sheet.column_dimensions["B"].width < 12


def test_a_text_that_is_too_long_is_cut_and_that_is_said() -> None:
    long = "é" * 40_000
    data, about = read(spreadsheet.workbook(["a"], [[long], ["x"]], [("rows", 2)]))
    assert data[1] == (long[:32_767],)
    assert "1 texts are longer" in told(about)["cut"][0]
    pairs = "😀" * 20_000  # two units each
    data, _ = read(spreadsheet.workbook(["a"], [[pairs]], []))
    assert data[1] == (pairs[: 32_767 // 2],)
    _, about = read(spreadsheet.workbook(["a"], [["x" * 32_767]], [("rows", 1)]))
    assert "cut" not in told(about)


def test_equal_answers_are_equal_bytes() -> None:
    made = [spreadsheet.workbook(["a"], [[1]], [("question", "why?")]) for _ in range(2)]
    assert made[0] == made[1]


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 3)
    assert spreadsheet.workbook(["a"], [[1]] * 3, [])
    with pytest.raises(NotAcceptable, match="CSV"):
        spreadsheet.workbook(["a"], [[1]] * 4, [])
    with pytest.raises(NotAcceptable, match="columns"):
        spreadsheet.workbook(["a"] * 20_000, [], [])


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_whatever_the_cells_hold_a_reader_can_open_it(rows: list[tuple[Any, Any]]) -> None:
    data, _ = read(spreadsheet.workbook(["a", "b"], rows, [("a", "=b")]))
    assert data[0] == ("a", "b")


@pytest.mark.parametrize("name", RESOURCES)
def test_every_list_is_a_workbook_of_the_same_items(client: httpx.Client, name: str) -> None:
    items = client.get(f"/api/v1/{name}").json()["items"]
    data, about = get(client, f"/api/v1/{name}?format=xlsx")
    assert data[0][:3] == ("id", "iri", "label")
    assert [str(row[0]) for row in data[1:]] == [item["id"] for item in items]
    assert about["question"] == [RESOURCES[name].title]
    assert about["release"] == [small.RELEASE]
    assert about["sources"]


def test_dates_numbers_and_unknowns_of_a_list(client: httpx.Client) -> None:
    data, _ = get(client, "/api/v1/calls?format=xlsx")
    rows = [dict(zip(data[0], row, strict=True)) for row in data[1:]]
    old = next(row for row in rows if row["id"] == "old")
    assert old["opens"] == datetime(2019, 11, 7)
    assert next(row for row in rows if row["id"] == "vague")["deadline"] is None
    data, _ = get(client, "/api/v1/regions?format=xlsx")
    place = data[0].index("longitude")
    assert {row[place] for row in data[1:]} == {2.5, -2.5, None}
    data, _ = get(client, "/api/v1/clusters?format=xlsx")
    assert "=Alpha()" in {row[2] for row in data}


def test_the_second_sheet_tells_release_sources_licence_caveats_and_address(
    client: httpx.Client,
) -> None:
    data, about = get(client, "/api/v1/partnerships?kind=ESCPPartnership&format=xlsx")
    assert about["rows"] == [str(len(data) - 1)]
    assert about["address"] == [
        f"http://test/api/v1/partnerships?kind=ESCPPartnership&format=xlsx&release={small.RELEASE}"
    ]
    assert "creativecommons.org/licenses/by/4.0" in about["sources"][0]
    assert "The table clusters" in about["sources"][0]
    assert "GLOW: start_year: sources give several values" in about["caveats"][0]
    assert "never means zero" in about["what is not known"][0]
    assert small.RELEASE in about["how to cite"][0]
    again = about["address"][0].removeprefix("http://test")
    assert get(client, again)[0] == data


def test_a_page_of_a_list_says_that_there_is_more(client: httpx.Client) -> None:
    data, about = get(client, "/api/v1/clusters?limit=1&format=xlsx")
    assert len(data) == 2
    assert "2 more items" in about["what is not known"][1]


def test_a_library_query_is_a_workbook_with_its_sparql(client: httpx.Client) -> None:
    path = "/api/v1/queries/areas"
    accept = {"accept": spreadsheet.XLSX_TYPE}
    answer = client.get(path, headers=accept)
    data, lines = read(answer.content)
    about = told(lines)
    assert data[0] == library()["areas"].columns
    assert len(data) - 1 == client.get(path).json()["total"] > 0
    assert about["SPARQL"] == [library()["areas"].sparql]
    assert about["address"] == [f"http://test{path}?format=xlsx&release={small.RELEASE}"]


def test_known_and_total_are_explained(client: httpx.Client) -> None:
    path = "/api/v1/queries/area-takes-part?area=sport&format=xlsx"
    _, about = get(client, path)
    assert any("unknown is not a no" in line for line in about["what is not known"])


def test_openapi_lists_the_workbook_of_every_table(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    tables = [
        p for p, ops in paths.items()
        if "text/csv" in ops.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        and p not in {"/sparql", "/api/v1/search"}  # names found, not a table of data
    ]  # fmt: skip
    assert len(tables) > len(RESOURCES) + 40
    for path in tables:
        operation = paths[path]["get"]
        assert spreadsheet.XLSX_TYPE in operation["responses"]["200"]["content"], path
        (form,) = [p for p in operation["parameters"] if p["name"] == "format"]
        assert "xlsx" in form["schema"]["enum"]


def test_csv_of_sparql_stays_what_the_w3c_says(client: httpx.Client) -> None:
    query = "SELECT ('=1+1' AS ?x) {}"
    answer = client.get("/sparql", params={"query": query}, headers={"accept": "text/csv"})
    assert answer.content == b"x\r\n=1+1\r\n"


def test_workbooks_are_made_one_at_a_time_and_a_crowd_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreadsheet, "WAITING", 2)
    rows = [[n] for n in range(20_000)]

    async def crowd() -> list[object]:
        maker = spreadsheet.Maker()
        asked = [maker.make(["n"], rows, []) for _ in range(8)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert len(await maker.make(["n"], rows, [])) > 1000
        return [*found]

    found = asyncio.run(crowd())
    assert sum(isinstance(one, bytes) for one in found) == 3
    assert sum(isinstance(one, Busy) for one in found) == 5


def test_a_table_that_is_too_large_is_refused_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_CELLS", 5)
    with pytest.raises(NotAcceptable, match="CSV"):
        asyncio.run(spreadsheet.Maker().make(["a", "b"], [[1, 2]] * 3, []))
