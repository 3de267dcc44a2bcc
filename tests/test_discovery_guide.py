"""docs/discovery.md quotes what the code gives on the release that it was written for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusterloom.discovery import nace
from clusterloom.discovery.answers import Item
from clusterloom.discovery.completion import completion
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.filters import Filters
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import of_cluster
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import (
    CALL,
    model_of_release,
)
from fixtures_api import serving

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "discovery.md"
WRITTEN_FOR = "669791829f2c7c46"


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def _number(value: float | int | None) -> str:
    assert value is not None
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}"


def _figures(model: Model) -> dict[tuple[str, str], str]:
    """What the tables of docs/discovery.md quote, by case and name."""
    index = model.index
    found: dict[tuple[str, str], str] = {}

    def tell(case: str, **figures: Any) -> None:
        for name, value in figures.items():
            text = value if isinstance(value, str) else _number(value)
            found[case, name.replace("_", " ")] = text

    def partner(case: str, what: str, item: Item, **more: str) -> None:
        tell(case, **{what: item.label, f"{what}: value": item.value,
                      f"{what}: parts": len(item.explanation),
                      **{f"{what}: {label}": item.measures[name]
                         for name, label in more.items()}})  # fmt: skip

    me = of_cluster(index, "be-greenwin-40ab75")
    added = partners(model, me, "complementarity")
    tell("1", clusters=added.coverage["clusters"], measurable=added.coverage["known"],
         unknown=added.coverage["unknown"], own_divisions=added.about["divisions"])  # fmt: skip
    partner("1", "first on complementarity", added.items[0], z="z")
    tell("1", largest_part=added.items[0].explanation[0].value)
    partner("1", "first by z", partners(model, me, "complementarity", rank_by="z").items[0], z="z")
    alike = partners(model, me, "similarity")
    tell("1", own_capabilities=alike.about["capabilities"], similar=alike.total)
    partner("1", "first on similarity", alike.items[0], jaccard="Jaccard")

    hub = of_cluster(index, "pic-999964271")
    new = partners(model, hub, "network", Filters(exclude_partners=True))
    tell("2", partners=new.about["partners"], hits=new.total, no_tie_known=new.coverage["unknown"])
    partner(
        "2", "first", new.items[0], degree="partners", resource_allocation="resource allocation"
    )
    second = new.items[1]
    tell("2", second=second.label, **{"second: value": second.value})

    chain = completion(model, "batteries", "FRE1")
    for name in ("covered", "weak", "missing", "unknown"):
        tell("3", **{name: chain.coverage[name]})
    tell("3", clusters_elsewhere=chain.total, clusters_inside=chain.coverage["clusters_inside"])
    (done,) = [s for s in chain.about["stages"] if s["status"] == "covered"]
    (cluster,) = done["by"]
    tell("3", stage_covered=done["label"], covered_by=cluster["label"])
    tell("3", year=max(s["year"] or 0 for s in chain.about["stages"]))
    tell(
        "3", nobody_anywhere=sum(not s["by"] and not s["elsewhere"] for s in chain.about["stages"])
    )

    sets = consortium(model, Wanted(chain="hydrogen", call=CALL))
    tell("4", stages_reached=sets.coverage["stages"], sets=sets.total,
         stages_nobody_covers=len(sets.about["covered_by_nobody"]),
         candidates=sets.coverage["candidates"], members=sets.items[0].value,
         countries=", ".join(sets.items[0].facts["countries"]),
         first_set=sets.items[0].label, to_check=len(sets.about["checklist"]))  # fmt: skip

    none = completion(model, "batteries", "CH04")
    tell("5", stages=len(none.about["stages"]), unknown=none.coverage["unknown"],
         missing=none.coverage["missing"], reason=none.coverage["reason"],
         clusters_elsewhere=none.total)  # fmt: skip
    refused = consortium(model, Wanted(chain="batteries", call=CALL))
    tell("5", candidates=refused.coverage["candidates"], sets=refused.total,
         why_no_set=refused.coverage["reason"])  # fmt: skip
    return found


def _cases() -> Iterator[tuple[str, str]]:
    """Number and text of each case of the guide."""
    yield from re.findall(
        r"^### Case (\d)[^\n]*\n(.*?)(?=^##|\Z)", GUIDE.read_text("utf-8"), re.M | re.S
    )


def _tables() -> dict[tuple[str, str], str]:
    return {
        (case, name.strip()): value.strip()
        for case, text in _cases()
        for name, value in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.M)
        if name.strip() not in {"figure", "---"}
    }


def test_the_guide_quotes_what_the_code_gives(model: Model) -> None:
    if model.index.release != WRITTEN_FOR:
        pytest.skip(f"figures of docs/discovery.md are of {WRITTEN_FOR}, not {model.index.release}")
    assert WRITTEN_FOR in GUIDE.read_text("utf-8")
    assert _tables() == _figures(model)


def test_the_readings_of_the_guide_quote_their_tables() -> None:
    tables = _tables()
    cases = dict(_cases())
    assert sorted(cases) == ["1", "2", "3", "4", "5"]
    for case, text in cases.items():
        values = {value for (number, _), value in tables.items() if number == case}
        quoted = re.findall(r"\*\*(.+?)\*\*", text, re.S)
        assert len(quoted) >= 4
        assert {" ".join(word.split()) for word in quoted} <= values


def test_the_calls_of_the_guide_run(model: Model) -> None:
    text = GUIDE.read_text("utf-8")
    names: dict[str, Any] = {"model": model}
    exec(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)[0], names)
    calls = [
        " ".join(call.split())
        for _, case in _cases()
        for call in re.findall(r"`((?:partners|completion|consortium)\(.+?)`", case, re.S)
    ]
    assert len(calls) == 6
    for call in calls:
        found = eval(call, names)
        assert found.items or found.coverage["reason"], call


def test_the_addresses_of_the_guide_are_answered(
    model: Model, default_release: Release, settings: Settings
) -> None:
    addresses = [a for _, case in _cases() for a in re.findall(r"`GET (/api/[^`]+)`", case)]
    assert len(addresses) == 6
    with serving(settings) as client:
        answers = [client.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200] * 6
    told = [answer.json() for answer in answers]
    assert {one["release"] for one in told} == {default_release.id} == {model.index.release}
    assert all(one["items"] or one["coverage"]["reason"] for one in told)


def test_the_bodies_of_the_guide_are_answered(default_release: Release, settings: Settings) -> None:
    text = GUIDE.read_text("utf-8")
    bodies = [
        (re.findall(r"`POST (/api/\S+)`", text[: block.start()])[-1], block[1])
        for block in re.finditer(r"^```json\n(.*?)^```", text, re.M | re.S)
    ]
    assert [address for address, _ in bodies] == [
        "/api/v1/discovery/consortia",
        "/api/v1/discovery/what-if",
    ]
    with serving(settings) as client:
        answers = [client.post(a, json=json.loads(body)) for a, body in bodies]
    assert [answer.status_code for answer in answers] == [200, 200]
    sets, supposed = (answer.json() for answer in answers)
    assert sets["items"]
    assert supposed["difference"]["about"]


def test_the_guide_counts_the_codes_of_both_revisions(model: Model) -> None:
    things = model.index.things["capabilities"]
    codes = [n for n in range(len(things)) if nace.is_rev21(model.index, n)]
    same = sum(nace.as_rev2(model.index, n) is not None for n in codes)
    assert f"({same} of {len(codes):,} have one)" in GUIDE.read_text("utf-8")
