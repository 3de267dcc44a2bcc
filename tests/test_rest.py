"""Lists and items of `/api/v1`: filters, paging, CSV, GeoJSON, and errors that help."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixtures_api as small
from clusterloom.api import tables
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.items import call_state
from clusterloom.namespaces import ID
from clusterloom.ontology import vocabulary


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("rest")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def get(client: httpx.Client, path: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(client: httpx.Client, path: str) -> list[str]:
    return [item["id"] for item in get(client, path)["items"]]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix(tables.BOM), newline="")))


@pytest.mark.parametrize("name", RESOURCES)
def test_every_resource_lists_items_with_its_columns(client: httpx.Client, name: str) -> None:
    body = get(client, name)
    assert set(body) == {"items", "total", "next", "release"}
    assert body["release"] == small.RELEASE
    assert body["total"] == len(body["items"]) > 0
    wanted = {"id", "iri", "label", *(c.name for c in RESOURCES[name].every_column)}
    for item in body["items"]:
        assert set(item) - {"caveats"} == wanted
        one = get(client, f"{name}/{item['id']}")
        assert {k: one[k] for k in item} == item
        assert one["release"] == small.RELEASE


@pytest.mark.parametrize("name", RESOURCES)
def test_declarations_use_terms_of_the_ontology(name: str) -> None:
    resource = RESOURCES[name]
    used = [resource.of_class, *(f.of_class for f in resource.filters)]
    for nested in resource.nested:
        used += [nested.of_class, nested.property, *(c.property for c in nested.columns)]
    used += [c.property for c in resource.columns] + [c.of_class for c in resource.columns]
    for word in used:
        plain = word.removeprefix("^")
        assert not plain or ":" in plain or plain in vocabulary.terms(), plain


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("clusters?country=FR", ["pic-3", "pic-1"]),
        ("clusters?country=EL", ["pic-2"]),
        ("clusters?country=GR&country=FR", ["pic-2", "pic-3", "pic-1"]),
        ("clusters?country=country/FR&q=zê", ["pic-1"]),
        (f"clusters?country={ID}country/GR", ["pic-2"]),
        ("clusters?region=FR1", ["pic-1"]),
        ("clusters?region=FR10", ["pic-1"]),
        ("clusters?area=photonics", ["pic-2", "pic-1"]),
        ("clusters?capability=26", ["pic-1"]),
        ("clusters?capability=nace2/26.7", ["pic-1"]),
        ("clusters?level=gold", ["pic-1"]),
        ("clusters?partnership=glow", ["pic-2", "pic-1"]),
        ("clusters?partnership=glow&country=FR&level=gold&capability=26&region=FR1", ["pic-1"]),
        ("clusters?q=cluster&q=zc", ["pic-1"]),
        ("clusters?q=Cluster++z%C3%AA", ["pic-1"]),
        ("clusters?q=cluster+nowhere", []),
        ("clusters?q=%22%29%20UNION", []),
        ("clusters?country=&q=", ["pic-2", "pic-3", "pic-1"]),
        ("organisations?role=SME", ["pic-3", "pic-4"]),
        ("organisations?partnership=glow", ["pic-2", "pic-1"]),
        ("regions?country=FR", ["FR1", "FR10"]),
        ("regions?level=2", ["EL30", "FR10"]),
        ("regions?pilot=true", ["EL30"]),
        ("regions?pilot=false", ["FR1", "FR10"]),
        ("regions?area=sport", ["FR10"]),
        ("regions?part_of=FR1", ["FR10"]),
        ("regions?vintage=2024", ["FR1"]),
        ("areas?country=FR", ["sport"]),
        ("areas?region=FR10", ["sport"]),
        ("areas?q=light", ["photonics"]),
        ("value-chains?area=photonics", ["light"]),
        ("value-chains?capability=26", ["light"]),
        ("partnerships?kind=ESCPPartnership", ["glow"]),
        ("partnerships?kind=s3partnership", ["s3-sport"]),
        ("partnerships?area=sport", ["s3-sport"]),
        ("partnerships?programme=cosme", ["glow"]),
        ("partnerships?country=FR", ["glow", "s3-sport"]),
        ("partnerships?target_country=JP", ["glow"]),
        ("partnerships?participant=pic-2", ["glow"]),
        ("partnerships?participant=region/FR10", ["s3-sport"]),
        ("projects?year=2021", ["101"]),
        ("projects?year=2023", []),
        ("projects?participant=pic-1", ["101"]),
        ("calls?open_on=2020-01-15", ["old"]),
        ("calls?open_on=2020-05-01", []),
        ("calls?programme=cosme", ["old"]),
        ("events?status=cancelled", ["meet"]),
        ("events?country=FR&year=2020", ["meet"]),
        ("events?third_country=JP", ["meet"]),
        ("policies?country=FR", ["fr-p"]),
        ("guides?year=2019", ["g"]),
    ],
)
def test_filters(client: httpx.Client, path: str, found: list[str]) -> None:
    assert ids(client, path) == found


def test_every_filter_is_tried_above_or_takes_its_example_as_a_form() -> None:
    tried = {
        (path.partition("?")[0], pair.partition("=")[0])
        for path, _ in test_filters.pytestmark[0].args[1]  # type: ignore[attr-defined]
        for pair in path.partition("?")[2].split("&")
    }
    declared = {(r.name, f.name) for r in RESOURCES.values() for f in r.filters}
    q = {(r.name, "q") for r in RESOURCES.values()}
    same_shape = {
        ("clusters", "sector"),
        ("organisations", "country"),
        ("organisations", "region"),
        ("organisations", "project"),
        ("projects", "kind"),
        ("projects", "programme"),
        ("projects", "field"),
    }
    assert declared - tried - q == same_shape


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("clusters?country=FRA", "nearest: FR (France)"),
        ("clusters?contry=FR", "nearest: country"),
        ("clusters?level=golden", "nearest: gold"),
        ("clusters?region=FR2", "nearest: "),
        ("clusters?area=photonic", "nearest: photonics (Photonics)"),
        ("clusters?area=region/FR1", "not of type area"),
        ("clusters?limit=0", "1 to 1000"),
        ("clusters?limit=1001", "1 to 1000"),
        ("clusters?limit=%D9%A3", "1 to 1000"),
        ("clusters?limit=" + 5000 * "9", "1 to 1000"),
        ("clusters?q=" + "+".join(map(str, range(30))), "more than 20 words"),
        ("regions?part_of=" + 50_000 * "a", "no region"),
        ("clusters?limit=1&limit=2", "one value"),
        ("clusters?cursor=xyz", "not one that this service gave"),
        ("clusters?cursor=W10", "not one that this service gave"),
        ("clusters?format=cvs", "nearest: csv"),
        ("areas?format=geojson", "only places"),
        ("clusters?q=%00", "control character"),
        ("regions?pilot=yes", "true or false"),
        ("partnerships?kind=ESCP4", "nearest: ESCP4iPartnership"),
        ("partnerships?participant=nobody", "no participant"),
        ("calls?open_on=2020-02-30", "not a day"),
        ("events?year=20", "not a year"),
        ("clusters/pic-1?limit=1", "takes no parameter"),
    ],
)
def test_wrong_parameters_are_problems_that_name_what_is_right(
    client: httpx.Client, path: str, said: str
) -> None:
    assert said in small.is_problem(client.get(f"/api/v1/{path}"), 400)


def test_items_that_are_not_there(client: httpx.Client) -> None:
    assert "pic-1" in small.is_problem(client.get("/api/v1/clusters/pic-10"), 404)
    said = small.is_problem(client.get("/api/v1/clusters/pic-4"), 404)
    assert said == "Small (org/pic-4) is not one of /clusters; /data/org/pic-4 tells what it is"
    assert "/docs" in small.is_problem(client.get("/api/v1/nothing"), 404)
    entry = client.get("/api/v1").json()
    for name in ("queries", "releases", "documentation"):
        assert client.get(httpx.URL(entry[name]).path).status_code == 200
    headers = {"accept": "text/turtle"}
    assert "/data/area/sport" in small.is_problem(
        client.get("/api/v1/areas/sport", headers=headers), 406
    )
    small.is_problem(client.get("/api/v1/areas", headers=headers), 406)


def test_unknown_is_null_or_an_empty_list_and_disagreement_a_caveat(client: httpx.Client) -> None:
    glow = get(client, "partnerships/glow")
    assert glow["end_year"] is None
    assert glow["acronym"] == []
    assert glow["budget_eur"] == 250000.5
    assert glow["start_year"] == 2018
    assert glow["caveats"] == ["start_year: sources give several values: 2018, 2019"]
    assert glow["kinds"] == ["ESCP4iPartnership", "ESCPPartnership"]
    assert glow["participants"][0] == {
        "id": "pic-2", "iri": ID + "org/pic-2", "label": "=Alpha()",
    }  # fmt: skip


def test_coverage_says_how_much_of_a_list_is_known(client: httpx.Client) -> None:
    (known,) = get(client, "areas/sport")["coverage"]
    assert known["list"] == "participatingRegion"
    assert (known["known"], known["total"], known["complete"]) == (1, None, None)
    assert known["total_text"] == ["more than 7"]


def test_stages_come_in_their_order(client: httpx.Client) -> None:
    stages = get(client, "value-chains/light")["stages"]
    assert [s["id"] for s in stages] == ["light-a", "light-b"]
    assert stages[1]["after"][0]["id"] == "light-a"
    assert stages[1]["requires"][0]["id"] == "26.7"


@pytest.mark.parametrize(
    ("opens", "deadline", "day", "state"),
    [
        ("2020-01-10", "2020-02-10", "2020-01-09", "forthcoming"),
        ("2020-01-10", "2020-02-10", "2020-01-10", "open"),
        ("2020-01-10", "2020-02-10", "2020-02-10", "open"),
        ("2020-01-10", "2020-02-10", "2020-02-11", "closed"),
        (None, "2020-02-10", "2020-01-10", "unknown"),
        (None, "2020-02-10", "2020-03-10", "closed"),
        ("2020-01-10", None, "2020-01-09", "forthcoming"),
        ("2020-01-10", None, "2020-03-10", "unknown"),
        (None, None, "2020-03-10", "unknown"),
    ],
)
def test_the_state_of_a_call_follows_from_its_dates(
    opens: str | None, deadline: str | None, day: str, state: str
) -> None:
    assert call_state(opens, deadline, day) == state


def test_calls_carry_their_state_and_the_day_it_is_for(client: httpx.Client) -> None:
    states = {i["id"]: i["state"] for i in get(client, "calls")["items"]}
    assert states == {"old": "closed", "far": "forthcoming", "vague": "unknown"}
    assert get(client, "calls/old")["stages"][0]["deadline"] == "2020-09-08"


def test_pages_hold_every_item_once(client: httpx.Client) -> None:
    path, seen, steps = "/api/v1/organisations?limit=2", [], 0
    while path:
        answer = client.get(path)
        body = answer.json()
        assert body["total"] == 4
        seen += [item["id"] for item in body["items"]]
        path, steps = body["next"], steps + 1
        assert (f'<{path}>; rel="next"' == answer.headers.get("link")) == bool(path)
    assert seen == ids(client, "organisations")
    assert steps == 2


def test_the_next_page_keeps_filters_and_format(client: httpx.Client) -> None:
    answer = client.get("/api/v1/organisations?role=SME&limit=1&format=csv")
    following = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert [row["id"] for row in rows(client.get(following).text)] == ["pic-4"]


@given(st.text(min_size=1, max_size=40))
def test_no_search_word_breaks_the_query(client: httpx.Client, word: str) -> None:
    answer = client.get("/api/v1/areas", params={"q": word})
    assert answer.status_code in {200, 400}
