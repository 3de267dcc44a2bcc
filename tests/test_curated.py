"""Curated tables are tested like code; the failure says which cell to edit, and how."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from curated_lint import CURATED, KEYS, Table, lint, read

DATA = Path(str(files("clusterloom.data")))
TABLES = sorted(DATA.glob("*.csv"))


@cache
def table(name: str) -> Table:
    return read(DATA / f"{name}.csv")


@cache
def codes() -> dict[str, dict[str, str]]:
    """Scheme -> code -> label, for the two schemes that are capabilities."""
    fields: dict[str, str] = {}
    for _, row in table("horizon_project_fields").records():
        numbers = row["euroscivoc_code"].strip("/").split("/")
        names = row["euroscivoc_path"].strip("/").split("/")
        if len(numbers) == len(names):
            for depth in range(1, len(numbers) + 1):
                fields["/" + "/".join(numbers[:depth])] = names[depth - 1]
    nace = {row["code"]: row["title_en"] for _, row in table("nace_rev2").records()}
    return {"nace-r2": nace, "euroscivoc": fields}


@cache
def refs() -> dict[str, set[str]]:
    stages = table("value_chain_stages").column("stage")
    return {
        "area_no": table("s3_thematic_areas").column("area_no"),
        "strategic_no": table("strategic_value_chains_ipcei").column("n"),
        "chain": table("value_chains").column("chain"),
        "stage": stages,
        "after": stages,
        "parent": table("nace_rev2").column("code"),
        "tag": tags(),
    }


def tags() -> set[str]:
    cells = table("clusters").column("sectors")
    return {tag.strip() for cell in cells for tag in cell.split(";") if tag.strip()}


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.stem)
def test_table_is_clean(path: Path) -> None:
    complaints = lint(read(path), codes(), refs())
    assert not complaints, "\n" + "\n".join(complaints)


def test_known_tables_are_there() -> None:
    assert {*CURATED, *KEYS} <= {path.stem for path in TABLES}


def test_every_sector_tag_has_a_capability() -> None:
    missing = sorted(tags() - table("sector_tag_capabilities").column("tag"))
    assert len(tags()) == 176
    assert not missing, f"add rows to data/sector_tag_capabilities.csv for {', '.join(missing)}"


def test_every_area_and_stage_has_a_row() -> None:
    assert table("area_capabilities").column("area_no") == refs()["area_no"]
    assert table("stage_capabilities").column("stage") == refs()["stage"]
    assert table("value_chain_stages").column("chain") == refs()["chain"]
    assert len(refs()["chain"]) >= 14
    assert len(refs()["stage"]) >= 70


def test_stages_follow_stages_of_their_own_chain() -> None:
    chain = {r["stage"]: r["chain"] for _, r in table("value_chain_stages").records()}
    position = {r["stage"]: int(r["position"]) for _, r in table("value_chain_stages").records()}
    for line, row in table("value_chain_stages").records():
        for before in filter(None, row["after"].split(";")):
            where = f"data/value_chain_stages.csv line {line} column after: {before!r}"
            assert chain[before] == row["chain"], f"{where} is of another chain; remove it"
            assert position[before] < position[row["stage"]], f"{where}: lower its position"


def test_a_field_is_mapped_or_unmapped_but_not_both() -> None:
    both = table("euroscivoc_nace").column("euroscivoc_code") & table("euroscivoc_unmapped").column(
        "euroscivoc_code"
    )
    assert not both, f"remove from data/euroscivoc_unmapped.csv: {sorted(both)}"


def test_aliases_are_dated_and_lead_to_an_end() -> None:
    step = {r["old"]: r["new"] for _, r in table("aliases").records()}
    for line, row in table("aliases").records():
        where = f"data/aliases.csv line {line}"
        assert date.fromisoformat(row["date"]), f"{where} column date: write YYYY-MM-DD"
        seen, at = {row["old"]}, row["new"]
        while at in step:
            assert at not in seen, f"{where}: leads back to {at}; remove one row of the circle"
            seen.add(at)
            at = step[at]


BROKEN = {
    "a byte order mark": ("\ufeffa,b\n1,2\n", "line 1: begins with a byte order mark"),
    "a column twice": ("a,a\n1,2\n", "line 1: a column name is blank or stands twice"),
    "an open comma": ("a,b\n1,2,3\n", "line 2: 3 cells under 2 columns; quote commas"),
    "a row twice": ("a,b\n1,2\n1,2\n", "line 3: repeats line 2; remove one"),
    "white space": ("a,b\n1, 2\n", "line 2 column b: ' 2' has white space around it; trim"),
    "two spaces": ("stage,b\ns,x  y\n", "column b: 'x  y' has stray white space inside"),
    "half an address": ("a,b\n1,https:/x.eu\n", "column b: 'https:/x.eu' holds a broken address"),
    "a bad host": ("a,b\n1,https://nohost/x\n", "column b: 'https://nohost/x' holds the address"),
    "no address": ("a,website\n1,www.x.eu\n", "column website: 'www.x.eu' is not an address"),
    "no such code": (
        "stage,scheme,code\nx,nace-r2,26.999\n",
        "line 2 column code: '26.999' is no code of nace-r2; take one of data/nace_rev2.csv",
    ),
    "no such field": (
        "stage,scheme,code\nx,euroscivoc,/1/1\n",
        "column code: '/1/1' is no code of euroscivoc; take one of data/horizon_project_fields",
    ),
    "no such scheme": ("stage,scheme,code\nx,isic,26\n", "column code: '26' has the scheme 'isic'"),
    "a wrong label": (
        "stage,scheme,code,code_label\nx,nace-r2,C,Mining\n",
        "column code_label: 'Mining' is not the label of C; write 'Manufacturing'",
    ),
    "a wrong match": ("stage,match\nx,close\n", "column match: 'close' is not a value of this"),
    "no reason": ("stage,rationale\nx,\n", "column rationale: '' is blank; write the rationale"),
    "a wrong stage": ("stage,b\nnowhere,1\n", "column stage: 'nowhere' names 'nowhere', which is"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_lint_names_line_and_repair(what: str, tmp_path: Path) -> None:
    text, complaint = BROKEN[what]
    path = tmp_path / "stage_capabilities.csv"
    path.write_text(text, "utf-8")
    found = lint(read(path), codes(), refs())
    assert any(complaint in line for line in found), found


def test_lint_names_the_line_of_the_first_of_two_keys(tmp_path: Path) -> None:
    path = tmp_path / "value_chains.csv"
    path.write_text("chain,label\nx,A\nx,B\n", "utf-8")
    found = lint(read(path), codes(), refs())
    assert found == [
        "data/value_chains.csv line 3 column chain: 'x' stands on line 2 too; merge the two rows"
    ]
