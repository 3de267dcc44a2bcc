"""What changed between two releases: lines, figures, the licence gate, flat memory."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom import cli
from clusterloom import namespaces as ns
from clusterloom.errors import ClusterloomError
from clusterloom.store import difference
from clusterloom.store.release import Release, prune, publish

A, B = "a" * 16, "b" * 16
Families = dict[str, list[str]]


def quad(family: str, value: object) -> str:
    return f'<http://s> <http://p> "{value}" <{ns.graph(family, "asserted")}> .\n'


def put(folder: Path, release_id: str, families: Families) -> Release:
    built = folder / f".build-{release_id}"
    (built / "families").mkdir(parents=True)
    for name, lines in families.items():
        with gzip.open(built / "families" / f"{name}.nq.gz", "wt", encoding="utf-8") as out:
            out.writelines(sorted(set(lines)))
    digests = {name: "".join(sorted(set(lines))) for name, lines in families.items()}
    report = {"families": digests, "built": "now", "triples": 1, "partial": False}
    (built / "report.json").write_text(json.dumps(report), "utf-8")
    return publish(folder, built, release_id)


def closed(family: str) -> str:
    return (
        f"<{ns.thing('dataset', family)}> <{ns.term('redistribute')}> "
        f'"false"^^<{ns.expand("xsd:boolean")}> <{ns.META_GRAPH}> .\n'
    )


def told(found: list[difference.Change]) -> set[tuple[str, bool, str]]:
    return {(c.family, c.added, c.line.decode()) for c in found}


TABLES = st.dictionaries(
    st.sampled_from(["areas", "clusters", "meta"]), st.lists(st.integers(0, 30)), max_size=3
)


@given(TABLES, TABLES)
def test_changes_are_those_of_the_sets(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, list[int]], new: dict[str, list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("sets")
    before, after = (
        {name: [quad(name, v) for v in values] for name, values in each.items()}
        for each in (old, new)
    )
    one, other = put(folder, A, before), put(folder, B, after)
    names = difference.families(one, other).open
    found = list(difference.changes(one, other, names))
    wanted = set()
    for name in before.keys() | after.keys():
        had, has = set(before.get(name, ())), set(after.get(name, ()))
        wanted |= {(name, True, line) for line in has - had}
        wanted |= {(name, False, line) for line in had - has}
    assert told(found) == wanted
    assert len(found) == len(wanted)
    assert [c.family for c in found] == sorted(c.family for c in found)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Release, Release]:
    """Two releases: one family changed, one the same, one new, one that may not be given away."""
    old = {
        "areas": [quad("areas", n) for n in (1, 2, 3)],
        "same": [quad("same", 1)],
        "secret": [quad("secret", 1)],
        "meta": [closed("secret")],
    }
    new = old | {
        "areas": [quad("areas", n) for n in (2, 3, 4, 5)],
        "secret": [quad("secret", "hidden")],
        "new": [quad("new", 1)],
    }
    releases = tmp_path / "releases"
    return put(releases, A, old), put(releases, B, new)


def test_a_family_that_may_not_be_given_away_is_named_and_left_out(
    pair: tuple[Release, Release],
) -> None:
    assert difference.families(*pair) == difference.Families(("areas", "new"), ("secret",))
    assert difference.families(pair[0], pair[0]) == difference.Families((), ())


def program(*arguments: object) -> bytes:
    command = [sys.executable, "-m", "clusterloom.store.difference", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_as_a_program_it_counts_pages_and_gives_each_side(pair: tuple[Release, Release]) -> None:
    folders = [release.path for release in pair]
    counts = json.loads(program(*folders, "counts"))
    assert counts["families"] == {"areas": [2, 1], "new": [1, 0]}
    assert counts["graphs"][ns.graph("areas", "asserted")] == [2, 1]
    added = program(*folders, "added").decode().splitlines(keepends=True)
    assert added == [quad("areas", 4), quad("areas", 5), quad("new", 1)]
    assert program(*folders, "removed").decode() == quad("areas", 1)
    page = program(*folders, "page", "areas", 1, 2).decode().splitlines(keepends=True)
    assert page == [f"areas\t+\t{quad('areas', 4)}", f"areas\t+\t{quad('areas', 5)}"]
    assert program(*folders, "page", "b", 0, 9).decode() == f"new\t+\t{quad('new', 1)}"


def test_a_damaged_family_is_an_error_not_a_short_answer(pair: tuple[Release, Release]) -> None:
    path = pair[1].path / "families" / "areas.nq.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ClusterloomError, match="damaged"):
        list(difference.changes(*pair, ["areas"]))


def test_memory_stays_flat(tmp_path: Path) -> None:
    """120,000 lines on each side, 25 MB as text, in far less than that."""
    numbers = random.Random(20261123)
    made = [
        put(tmp_path, name, {"big": [quad("big", f"{n:0150d}") for n in range(120_000)
                                     if numbers.random() < 0.9]})
        for name in (A, B)
    ]  # fmt: skip
    script = (
        "import resource, sys\n"
        "from clusterloom.store import difference\n"
        "start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert difference.main(sys.argv[1:]) == 0\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start, file=sys.stderr)\n"
    )
    folders = [str(release.path) for release in made]
    run = subprocess.run(
        [sys.executable, "-c", script, *folders, "counts"], check=True, capture_output=True
    )
    counts = json.loads(run.stdout)
    assert min(counts["families"]["big"]) > 8_000
    assert int(run.stderr) < 10_000  # kilobytes


def test_the_command_prints_figures_lines_and_an_exit_code(
    pair: tuple[Release, Release],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path))
    assert cli.main(["diff", A, B]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "areas: 2 added, 1 removed", "new: 1 added, 0 removed",
        "secret: 1 added, 1 removed (not to be redistributed)",
    ]  # fmt: skip
    assert cli.main(["diff", A, B, "--nquads", "--exit-code"]) == 1
    assert f"+ {quad('areas', 4)}" in capsys.readouterr().out
    assert cli.main(["diff", A, A, "--exit-code"]) == 0
    assert capsys.readouterr().out == "no difference\n"
    assert cli.main(["diff", A, "c" * 16]) == 1
    assert "no release cccc" in capsys.readouterr().err


def test_the_list_shows_what_a_pin_reaches_and_what_was_pruned(
    pair: tuple[Release, Release],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path))
    assert prune(tmp_path / "releases", 1) == [A]
    assert cli.main(["releases"]) == 0
    kept, pruned = capsys.readouterr().out.splitlines()
    assert kept.startswith(f"* {B}")
    assert pruned.startswith(f"  {A}")
    assert "410" in pruned
