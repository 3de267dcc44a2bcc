"""`/api/v1/search` and `/api/v1/suggest`: what is found, in which order, and what is refused."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

import fixtures_api as small
from clusterloom.api import tables
from clusterloom.api.fold import fold
from clusterloom.api.search_kinds import HELPERS, KINDS, kind_of, resource_of, searched_classes
from clusterloom.api.serving import Served, Serving
from clusterloom.namespaces import ID
from clusterloom.ontology import vocabulary
from clusterloom.settings import Settings
from clusterloom.store.engines import engine_of

MORE = {
    ("clusters", "asserted"): """
        <org/more-1> a cloom:ClusterOrganisation ; rdfs:label "Hàbitat Łódź" ;
          cloom:inCountry <country/FR> ; cloom:city "Düsseldorf" ; cloom:pic "999999991" .
        <org/more-2> a cloom:ClusterOrganisation ; rdfs:label "Light Valley" ;
          cloom:acronym "4M4IoF" ; cloom:inCountry <country/GR> .
        <org/more-3> a cloom:SME ; rdfs:label "Agri-Food Støvring" ; skos:altLabel "Αθήνα Hub" .
    """,
    ("secret", "asserted"): """
        <org/shut> a cloom:ClusterOrganisation ; rdfs:label "Verschlossen" .
        <org/more-2> skos:altLabel "Geheimname" ; cloom:city "Nirgendwo" .
    """,
}


def with_more() -> dict[tuple[str, str], str]:
    graphs = dict(small.GRAPHS)
    for key, text in MORE.items():
        graphs[key] = graphs.get(key, "") + text
    return graphs


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release and a few more names."""
    folder: Path = tmp_path_factory.mktemp("search")
    settings = Settings(data_dir=folder, workers=4, query_timeout=20, public_url="http://test")
    small.make_release(settings.releases, with_more())
    with small.serving(settings) as client:
        yield client


def search(client: httpx.Client, q: str, **more: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/search", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def found(client: httpx.Client, q: str, **more: Any) -> list[str]:
    return [item["iri"].removeprefix(ID) for item in search(client, q, **more)["items"]]


def test_each_class_is_either_searched_or_a_helper() -> None:
    for name in vocabulary.classes():
        helper = bool(HELPERS & set(vocabulary.superclasses(name)))
        assert helper != (name in searched_classes()), name
    assert set(KINDS) | HELPERS <= vocabulary.classes()


def test_an_item_says_what_it_is_and_where_to_find_it(client: httpx.Client) -> None:
    body = search(client, "ZC")
    assert set(body) == {"items", "total", "next", "facets", "did_you_mean", "release"}
    assert body["release"] == small.RELEASE
    assert body["total"] == 1
    assert body["items"] == [
        {
            "id": "pic-1",
            "iri": ID + "org/pic-1",
            "label": "Zêta Cluster",
            "type": "ClusterOrganisation",
            "types": ["ClusterOrganisation", "Organisation"],
            "matched": {"name": "ZC", "called": "acronym"},
            "countries": [{"id": "FR", "iri": ID + "country/FR", "label": "France"}],
            "description": "cluster organisation · France",
            "page": "/page/org/pic-1",
            "api": "/api/v1/clusters/pic-1",
        }
    ]
    for address in (body["items"][0]["page"], body["items"][0]["api"]):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "q",
    ["Zêta Cluster", "zeta cluster", "ZETA", "zeat cluster", "zetta clutser", "cluster zeta",
     "zetacluster", "zet", "zeta-cluster", "zeta ile de france", "zeta france"],
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(client: httpx.Client, q: str) -> None:
    assert found(client, q)[0] == "org/pic-1"


@pytest.mark.parametrize(
    ("q", "thing"),
    [("habitat lodz", "org/more-1"), ("HÀBITAT ŁÓDŹ", "org/more-1"),
     ("duesseldorf", "org/more-1"), ("dusseldorf", "org/more-1"), ("Düsseldorf", "org/more-1"),
     ("999999991", "org/more-1"), ("4m4iof", "org/more-2"), ("4M 4IoF", "org/more-2"),
     ("agrifood stovring", "org/more-3"), ("agri food", "org/more-3"), ("athina", "org/more-3"),
     ("ΑΘΗΝΑ", "org/more-3"), ("FR10", "region/FR10"), ("EL", "country/GR"),
     ("26.7", "nace2/26.7"), ("OLD-1", "call/old"), ("athens", "org/pic-2")],
)  # fmt: skip
def test_codes_places_and_letters_of_any_language(client: httpx.Client, q: str, thing: str) -> None:
    assert found(client, q)[0] == thing


def test_whole_names_come_before_beginnings_before_words_before_typos(
    client: httpx.Client,
) -> None:
    # the area and the chain are called so, the cluster begins so, the stages are of the chain
    assert found(client, "light")[:3] == ["area/photonics", "value-chain/light", "org/more-2"]
    assert {"stage/light-a", "stage/light-b"} <= set(found(client, "light")[3:])
    assert found(client, "sport")[:2] == ["area/sport", "partnership/s3-sport"]


def test_the_same_question_gives_the_same_order(client: httpx.Client) -> None:
    assert found(client, "cluster") == found(client, "cluster")
    assert len(found(client, "cluster")) > 2


def test_types_are_resources_or_classes_and_facets_count_all(client: httpx.Client) -> None:
    body = search(client, "light")
    counts = {facet["type"]: facet["count"] for facet in body["facets"]["types"]}
    assert sum(counts.values()) == body["total"]
    assert found(client, "light", type="areas") == ["area/photonics"]
    assert found(client, "light", type="thematicarea") == ["area/photonics"]
    both = search(client, "light", type=["areas", "value-chains"])
    assert [i["type"] for i in both["items"]] == ["ThematicArea", "ValueChain"]
    assert both["total"] == 2
    assert both["facets"] == body["facets"]
    chains = next(f for f in body["facets"]["types"] if f["type"] == "ValueChain")
    assert (chains["label"], chains["resource"], chains["count"]) == (
        "value chain", "value-chains", 1)  # fmt: skip


def test_countries_narrow_by_either_code(client: httpx.Client) -> None:
    assert "org/pic-2" in found(client, "cluster", country="EL")
    assert found(client, "cluster", country="EL") == found(client, "cluster", country="GR")
    assert "org/pic-2" not in found(client, "cluster", country="FR")
    several = found(client, "cluster", country=["FR", "GR"])
    assert {"org/pic-1", "org/pic-2"} <= set(several)


def test_what_may_not_be_given_away_is_not_found(client: httpx.Client) -> None:
    for q in ("Verschlossen", "Geheimname", "Nirgendwo", "Hidden", "Nothing open"):
        body = search(client, q)
        assert not [i for i in body["items"] if i["id"] in {"shut", "more-2", "hidden"}], q
        assert "Verschlossen" not in str(body)
    assert found(client, "light valley") == ["org/more-2"]


def test_helpers_are_not_found(client: httpx.Client) -> None:
    for q in ("Gold 2016", "Regions of Sport", "Stage 2", "A page"):
        types = {i["type"] for i in search(client, q)["items"]}
        assert not types & HELPERS, q


def test_pages_follow_one_another_without_gap(client: httpx.Client) -> None:
    whole = found(client, "cluster", limit=100)
    pages: list[str] = []
    address: str | None = "/api/v1/search?q=cluster&limit=2"
    while address:
        answer = client.get(address)
        body = answer.json()
        pages += [item["iri"].removeprefix(ID) for item in body["items"]]
        assert body["total"] == len(whole)
        address = body["next"]
        link = answer.headers.get("link", "")
        assert (f'<{address}>; rel="next"' in link) if address else "next" not in link
    assert pages == whole


def test_a_cursor_of_another_release_is_refused(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        following = client.get("/api/v1/search?q=light&limit=1").json()["next"]
        assert following
        small.make_release(settings.releases, with_more(), small.NEXT_RELEASE)
        assert client.get("/health").json()["release"] == small.NEXT_RELEASE
        assert f"release={small.RELEASE}" in small.is_problem(client.get(following), 400)
        pinned = client.get(f"{following}&release={small.RELEASE}")
        assert pinned.json()["release"] == small.RELEASE
        assert found(client, "habitat")[0] == "org/more-1"
        old = client.get(f"/api/v1/search?q=habitat&release={small.RELEASE}").json()
        assert old["items"] == []


def test_nothing_found_says_what_looks_like_it(client: httpx.Client) -> None:
    body = search(client, "photonoptics")
    assert body["items"] == []
    assert body["total"] == 0
    assert "Photonics" in [near["label"] for near in body["did_you_mean"]]
    assert search(client, "light")["did_you_mean"] == []
    assert search(client, "qqqqqqqqqq")["did_you_mean"] == []


def test_csv_holds_the_same_and_runs_no_formula(client: httpx.Client) -> None:
    answer = client.get("/api/v1/search?q=alpha&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith(tables.BOM)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(tables.BOM), newline="")))
    assert rows[0]["id"] == "pic-2"
    assert rows[0]["label"] == "'=Alpha()"
    assert rows[0]["countries"] == "GR"
    by_accept = client.get("/api/v1/search?q=cluster", headers={"Accept": "text/csv"})
    assert by_accept.text.count("\r\n") == search(client, "cluster")["total"] + 1


def test_a_workbook_holds_the_same_and_says_of_which_release(client: httpx.Client) -> None:
    answer = client.get("/api/v1/search?q=alpha&format=xlsx")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = list(book["data"].iter_rows(values_only=True))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["id"], first["label"], first["countries"]) == ("pic-2", "=Alpha()", "GR")
    said = {row[0]: row[1] for row in book["about"].iter_rows(values_only=True)}
    assert said["release"] == small.RELEASE
    assert "alpha" in str(said["question"])


def test_suggestions_begin_as_typed(client: httpx.Client) -> None:
    answer = client.get("/api/v1/suggest?prefix=ph")
    body = answer.json()
    assert body["release"] == small.RELEASE
    assert body["items"][0]["id"] == "photonics"
    assert client.get("/api/v1/suggest?prefix=phorto").json()["items"][0]["id"] == "photonics"
    typed = client.get("/api/v1/suggest?prefix=l&type=value-chains&limit=1").json()
    assert [item["id"] for item in typed["items"]] == ["light"]
    assert typed["total"] == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("search", "'q' is wanted"),
        ("search?q=", "'q' is wanted"),
        ("search?q=%20", "'q' is wanted"),
        ("search?q=" + "a" * 201, "200 characters"),
        ("search?q=%2B%2B", "no letter or digit"),
        ("search?q=a&q=b", "takes one value"),
        ("search?q=a&type=clustrs", "nearest: clusters"),
        ("search?q=a&country=XX", "no country 'XX'"),
        ("search?q=a&country=Frnce", "nearest: FR (France)"),
        ("search?q=a&limit=0", "from 1 to 1000"),
        ("search?q=a&limit=9999999999999999", "from 1 to 1000"),
        ("search?q=a&cursor=abc", "follow `next`"),
        ("search?q=a&cursor=WzEsMl0", "follow `next`"),
        ("search?q=a&cursor=W3RydWUsIiJd", "follow `next`"),
        ("search?q=a&format=xml", "json, csv, xlsx"),
        ("search?q=a&tipe=x", "nearest: type"),
        ("suggest", "'prefix' is wanted"),
        ("suggest?prefix=a&limit=51", "from 1 to 50"),
        ("suggest?prefix=a&country=FR", "no parameter 'country'"),
    ],
)
def test_wrong_requests_say_what_would_be_right(client: httpx.Client, path: str, said: str) -> None:
    assert said in small.is_problem(client.get(f"/api/v1/{path}"), 400)


def test_no_format_that_fits_is_406(client: httpx.Client) -> None:
    answer = client.get("/api/v1/search?q=a", headers={"Accept": "image/png"})
    small.is_problem(answer, 406)


def test_without_a_release_it_says_so(tmp_path: Path) -> None:
    with small.serving(Settings(data_dir=tmp_path, workers=3)) as client:
        small.is_problem(client.get("/api/v1/search?q=a"), 503)


@pytest.mark.parametrize("q", ["(", '"', "a OR b", "name:x", "*", "a" * 200, "a " * 100, "\x00b",
                               "[a-z]+", "é" * 200, "1" * 200, "🙂 light", "%", "\\"])  # fmt: skip
def test_nothing_in_a_query_is_syntax(client: httpx.Client, q: str) -> None:
    answer = client.get("/api/v1/search", params={"q": q})
    assert answer.status_code == (200 if fold(q) and q.strip() else 400), answer.text


def test_answers_depend_on_the_release_only(client: httpx.Client) -> None:
    first = client.get("/api/v1/search?q=light")
    tag = first.headers["etag"]
    again = client.get("/api/v1/search?q=light", headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_a_thing_of_several_classes_has_one_kind() -> None:
    assert kind_of(["Organisation", "SME", "ClusterOrganisation"]) == "ClusterOrganisation"
    assert kind_of(["Participation"]) == ""
    resource = resource_of("Project")
    assert resource is not None
    assert resource.name == "projects"
    assert resource_of("NaceActivity") is None


def test_a_server_makes_the_index_before_it_is_asked(tmp_path: Path) -> None:
    seen: list[object] = []

    async def noted(served: Served) -> bool:
        seen.append(served)
        return True

    async def started(settings: Settings) -> None:
        serving = Serving(settings, engine_of(settings))
        serving.begun = lambda served: served.prepare("search index", noted)
        await serving.start()
        async with serving.lease() as served:
            assert await served.once("search index", noted)
            assert seen == [served], "made once, by the server"
        await serving.aclose()

    with small.small_settings(tmp_path) as settings:
        asyncio.run(started(settings))
