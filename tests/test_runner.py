"""The runner: files refused by name, rows accounted for, output sorted and the same each time."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom.errors import DataRefused
from clusterloom.loaders.metadata import read_metadata
from clusterloom.loaders.sorting import sorted_unique
from clusterloom.loaders.tabular import read_csv
from clusterloom.progress import Progress
from clusterloom.store.dump import write_dumps

COLUMNS = ("name", "country")


@given(
    st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"") + b"\n")), st.integers(1, 5)
)
def test_external_sort_is_sort_unique(lines: list[bytes], run: int) -> None:
    assert list(sorted_unique(lines, run)) == sorted(set(lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"name;country\na;FR\n", "separated by ';', expected ','"),
        (b"name\na\n", "missing column 'country'"),
        (b"name,contry\na,FR\n", "unknown column 'contry' (meant 'country'?)"),
        (b"name,country,name\na,FR,b\n", "repeated column 'name'"),
        (b"name,country\n\xff,FR\n", "not UTF-8 text at byte"),
        (b'name,country\n"a,FR\n', "line 2"),
    ],
)
def test_structural_surprises_stop(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataRefused) as error:
        list(read_csv(file, COLUMNS))
    assert message in error.value.detail
    assert error.value.detail.startswith("table.csv")


def test_a_byte_order_mark_and_line_breaks_in_cells_are_read(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes('\ufeffname,country\n"two\nlines",FR\nb,DE\n'.encode())
    found = list(read_csv(file, COLUMNS))
    assert [(r.line, r.cells["name"]) for r in found] == [(2, "two\nlines"), (4, "b")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x\n", "description"),
        (": :", "not YAML"),
    ],
)
def test_metadata_names_the_field_at_fault(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(DataRefused, match=message):
        read_metadata(file)


def test_withheld_sources_stay_out_of_the_dumps(tmp_path: Path) -> None:
    families = tmp_path / "families"
    families.mkdir()
    for name in ("open", "private"):
        quad = f"<http://a.example/{name}> <http://a.example/p> <http://a.example/o> <urn:g> .\n"
        with gzip.open(families / f"{name}.nq.gz", "wt") as out:
            out.write(quad)
    write_dumps(tmp_path, ["open", "private"], {"private"})
    assert [p.name for p in (tmp_path / "turtle").iterdir()] == ["open.ttl.gz"]
    import zstandard

    dump = zstandard.ZstdDecompressor().stream_reader((tmp_path / "dump.nq.zst").read_bytes())
    text = dump.read().decode()
    assert "private" not in text
    assert "http://a.example/open" in text


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    progress = Progress(stream=out)
    progress.step("one thing done")
    progress.rows("clusters", 1000, 2000)
    assert "one thing done" in out.getvalue()
    assert "\r" not in out.getvalue()
