"""Link headers by the FAIR Signposting profile, and schema.org JSON-LD under the strict policy."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import fixtures_api as small
from clusterloom.api import aliases
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.rdf import TYPES
from clusterloom.api.schema_org import embedded
from clusterloom.namespaces import BASE, ID

HTML = {"accept": "text/html"}
SCRIPT = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
LINK = re.compile(r'<([^>]*)>; rel="([^"]*)"(?:; type="([^"]*)")?')


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("links")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def links(answer: httpx.Response) -> dict[str, list[tuple[str, str]]]:
    """Relation -> targets with their media types."""
    found: dict[str, list[tuple[str, str]]] = {}
    for target, relation, media_type in LINK.findall(answer.headers["link"]):
        found.setdefault(relation, []).append((target, media_type))
    return found


def test_a_page_says_how_to_cite_and_what_describes_it(client: httpx.Client) -> None:
    found = links(client.get("/page/area/photonics", headers=HTML))
    assert found["cite-as"] == [(ID + "area/photonics", "")]
    assert found["license"] == [("https://creativecommons.org/licenses/by/4.0/", "")]
    assert found["type"] == [("https://schema.org/AboutPage", "")]
    assert found["collection"] == [("http://test/areas", "")]
    assert found["canonical"] == [("http://test/page/area/photonics", "")]
    described = {media_type: target for target, media_type in found["describedby"]}
    assert set(described) == set(TYPES.values())
    for media_type, target in described.items():
        answer = client.get(target.removeprefix("http://test"))
        assert answer.headers["content-type"].startswith(media_type)


@pytest.mark.parametrize("suffix", TYPES)
def test_data_say_what_they_describe(client: httpx.Client, suffix: str) -> None:
    found = links(client.get(f"/data/area/photonics.{suffix}"))
    assert found["describes"] == [(ID + "area/photonics", "")]
    assert found["canonical"] == [(f"http://test/data/area/photonics.{suffix}", "")]
    assert found["license"]
    alternates = {media_type for _, media_type in found["alternate"]}
    assert alternates >= {*TYPES.values(), "text/html"} - {TYPES[suffix]}


def test_a_redirect_has_the_links_of_the_page(client: httpx.Client) -> None:
    for headers in (HTML, {"accept": "text/turtle"}):
        answer = client.get("/id/area/photonics", headers=headers)
        assert answer.status_code == 303
        found = links(answer)
        assert found["cite-as"] == [(ID + "area/photonics", "")]
        assert len(found["describedby"]) == len(TYPES)


@pytest.mark.parametrize("name", [n for n in RESOURCES if n != "sources"])
def test_a_list_names_its_items(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/{name}", headers=HTML)
    found = links(answer)
    items = client.get(f"/api/v1/{name}").json()["items"]
    named = [target for target, _ in found.get("item", [])]
    assert named == [item["iri"].replace(BASE, "http://test/") for item in items]
    assert found["describedby"] == [(f"http://test/api/v1/{name}", "application/json")]
    document = schema(answer.text)
    assert document["@type"] == "CollectionPage"
    listed = document["mainEntity"]["itemListElement"]
    assert [entry["url"] for entry in listed] == [item["iri"] for item in items]


def schema(text: str) -> dict[str, Any]:
    """The schema.org document of a page, which has one."""
    (found,) = SCRIPT.findall(text)
    document: dict[str, Any] = json.loads(found)
    return document


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("org/pic-1", "Organization"),
        ("region/FR10", "Place"),
        ("event/meet", "Event"),
        ("dataset/clusters", "Dataset"),
        ("partnership/glow", "Project"),
        ("project/101", "Project"),
        ("area/photonics", "DefinedTerm"),
        ("guide/g", "CreativeWork"),
        ("call/old", "Thing"),
    ],
)
def test_a_page_says_what_it_is_about(client: httpx.Client, name: str, kind: str) -> None:
    text = client.get(f"/page/{name}", headers=HTML).text
    document = schema(text)
    assert document["@context"] == "https://schema.org/"
    assert document["@id"] == ID + name
    assert document["@type"] == kind
    assert document["name"]
    assert document["mainEntityOfPage"] == f"http://test/page/{name}"


def test_what_is_unknown_is_not_said(client: httpx.Client) -> None:
    known = schema(client.get("/page/org/pic-1", headers=HTML).text)
    assert known["url"] == "https://zeta.example/"
    assert known["address"] == {"@type": "PostalAddress", "addressCountry": "France"}
    assert known["location"]["geo"]["latitude"] == "48.8"
    little = schema(client.get("/page/org/pic-4", headers=HTML).text)
    assert "url" not in little
    assert "location" not in little
    event = schema(client.get("/page/event/meet", headers=HTML).text)
    assert event["startDate"] == "2020-04-27"
    assert "endDate" not in event


def test_points_of_smes_stay_inside(client: httpx.Client) -> None:
    assert "geo" not in json.dumps(schema(client.get("/page/org/pic-3", headers=HTML).text))


def test_the_home_page_is_a_dataset_in_a_catalogue(client: httpx.Client) -> None:
    answer = client.get("/", headers=HTML)
    catalogue, dataset = schema(answer.text)["@graph"]
    assert catalogue["@type"] == "DataCatalog"
    assert dataset["@type"] == "Dataset"
    assert dataset["version"] == small.RELEASE
    assert len(dataset["description"]) > 50
    found = links(answer)
    assert found["cite-as"] == [(f"{BASE}release/{small.RELEASE}", "")]
    assert ("http://test/.well-known/void", "text/turtle") in found["describedby"]


def test_no_text_can_end_the_element() -> None:
    text = embedded({"name": "</script><script>alert(1)</script>&amp;<!--"})
    assert "<" not in text
    assert json.loads(text)["name"].startswith("</script>")


def test_a_hostile_name_stays_data(client: httpx.Client) -> None:
    document = schema(client.get("/page/org/pic-3", headers=HTML).text)
    assert document["name"] == "Both <i>&</i>"


@pytest.mark.parametrize("suffix", ["", "?context=url"])
def test_former_names_lead_on_from_every_route(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    known = {"area/light": "area/photonics", "area/fraud": ""}
    monkeypatch.setattr(aliases, "aliases", lambda: known)
    routes = {
        "/id/area/light": "/id/area/photonics",
        "/page/area/light": "/page/area/photonics",
        "/data/area/light.ttl": "/data/area/photonics.ttl",
        f"/data/area/light.jsonld{suffix}": f"/data/area/photonics.jsonld{suffix}",
        "/api/v1/areas/light": "/api/v1/areas/photonics",
    }
    pinned = f"release={small.RELEASE}"
    for route, target in routes.items():
        assert client.get(route).headers["location"] == target
        sign = "&" if "?" in route else "?"
        answer = client.get(f"{route}{sign}{pinned}")
        assert answer.status_code == 301
        assert answer.headers["location"] == f"{target}{sign}{pinned}"
        assert client.get(answer.headers["location"]).status_code in {200, 303}
        gone = client.get(route.replace("light", "fraud"))
        small.is_problem(gone, 410)


def test_a_pinned_release_is_kept_from_the_iri_to_the_data(client: httpx.Client) -> None:
    pinned = f"release={small.RELEASE}"
    answer = client.get(f"/id/area/photonics?{pinned}", headers={"accept": "text/turtle"})
    assert answer.headers["location"] == f"/data/area/photonics.ttl?{pinned}"
    data = client.get(answer.headers["location"])
    assert data.headers["content-location"] == f"/data/area/photonics.ttl?{pinned}"
    assert all(target.endswith(pinned) for target, kind in links(data)["alternate"] if kind)
    graph = client.get(f"/graph/clusters/asserted?{pinned}")
    assert graph.links["enclosure"]["url"].endswith(pinned)


@pytest.mark.needs("chromium")
def test_the_policy_of_pages_does_not_complain_of_the_data(
    client: httpx.Client, tmp_path: Path
) -> None:
    """A real browser logs each breach of the policy; the data of the page is none."""
    for path in ("/", "/page/org/pic-1", "/clusters"):
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
             f"--user-data-dir={tmp_path}", "--dump-dom", f"{client.base_url}{path}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )  # fmt: skip
        assert "application/ld+json" in done.stdout
        assert "Content Security Policy" not in done.stderr, done.stderr
        assert "Refused to" not in done.stderr, done.stderr
