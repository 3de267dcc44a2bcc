"""Rows of `/sparql` as a workbook."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import openpyxl
import pytest

from clusterloom.api import sparql_sheet
from engine_help import EX
from sparql_help import get, problem, sparql_server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        sparql_server(tmp_path_factory) as running,
        httpx.Client(base_url=running.url, timeout=30) as opened,
    ):
        yield opened


def test_a_workbook_holds_the_rows(client: httpx.Client) -> None:
    query = f'SELECT ?s ?n ("=1+1" AS ?text) ?none {{ ?s <{EX}p> ?n }} ORDER BY ?n LIMIT 3'
    answer = get(client, query, format="xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert answer.headers["etag"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    data, about = book.worksheets
    assert [[cell.value for cell in row] for row in data.iter_rows()] == [
        ["s", "n", "text", "none"],
        *([f"{EX}s{number}", number, "=1+1", None] for number in range(3)),
    ]
    assert query in {row[1].value for row in about.iter_rows()}
    cut = get(client, f"SELECT ?s {{ ?s <{EX}p> ?n }}", format="xlsx", max_rows="2")
    assert cut.headers["x-clusterloom-truncated"] == "2"
    problem(get(client, "ASK {}", format="xlsx"), 406, "not-acceptable")
    problem(get(client, "DESCRIBE <e:x>", format="xlsx"), 406, "not-acceptable")
    problem(get(client, "SELECT * {", format="xlsx"), 400, "sparql-syntax")


def test_a_workbook_of_too_much_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparql_sheet, "LARGEST", 300_000)
    answer = get(client, "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f }", format="xlsx")
    assert "CSV" in str(problem(answer, 406, "not-acceptable")["detail"])
