"""The pages: complete without JavaScript, escaped, and loading from this server only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest

import fixtures_api as small
from clusterloom.api.catalogue import RESOURCES
from clusterloom.api.render import _environment
from clusterloom.namespaces import ID
from clusterloom.queries.library import library

HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = [
    "/",
    "/sparql",
    "/queries",
    "/ontology",
    "/docs",
    "/page/area/photonics",
    "/page/area/sport",
    "/page/org/pic-3",
    "/page/dataset/clusters",
    "/clusters?country=FR",
    "/nothing",
    *(f"/{name}" for name in RESOURCES),
]
VOID = {"meta", "link", "input", "br", "hr", "img"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("pages")) as settings,
        small.serving(settings) as client,
    ):
        client.headers.update(HTML)
        yield client


class Page(HTMLParser):
    """Reads what a page loads and links to, and checks that its elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        assert not [n for n in found if n.startswith("on") or n == "style"], (tag, found)
        if tag not in VOID:
            self.open.append(tag)
        data = tag == "script" and found.get("type") == "application/ld+json"
        if tag in {"script", "img", "iframe", "object"} and not data:
            self.loads.append(found.get("src", "inline"))
        if tag == "link" and found["rel"] in {"stylesheet", "icon"}:
            self.loads.append(found["href"])
        if tag == "a":
            self.links.append(found["href"])
        if tag in {"input", "select", "textarea"}:
            self.fields.append(found.get("id") or found.get("aria-label", ""))
        if tag == "label":
            self.labelled.add(found["for"])
        if "id" in found:
            self.ids.append(found["id"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole_and_load_from_here_only(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == (404 if path == "/nothing" else 200), answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page = Page(answer.text)
    assert page.loads
    assert all(load.startswith("/static/") for load in page.loads)
    assert len(page.ids) == len(set(page.ids))
    for field in page.fields:
        assert field
        assert field in page.labelled or field not in page.ids
    assert "<title>" in answer.text
    assert answer.text.count("<h1>") == 1


def test_every_link_of_the_pages_leads_somewhere(client: httpx.Client) -> None:
    links: set[str] = set()
    for path in PAGES:
        links |= set(Page(client.get(path).text).links)
    ours = {link for link in links if link.startswith("/") and not link.startswith("/sparql?query")}
    assert len(ours) > 60
    for link in sorted(ours - {"/openapi.json", "/catalog"}):  # the sample has no catalogue
        assert client.get(link).status_code in {200, 303}, link


def test_static_files_ask_for_nothing(client: httpx.Client) -> None:
    css = client.get("/static/clusterloom.css")
    assert css.status_code == 200
    assert "url(" not in css.text
    assert "@import" not in css.text
    assert "prefers-color-scheme: dark" in css.text


def test_home_tells_counts_release_and_examples(client: httpx.Client) -> None:
    text = client.get("/").text
    assert small.RELEASE in text
    assert re.search(r'href="/clusters"><strong>3</strong>', text)
    assert text.count('href="/queries/') >= 1


def test_a_thing_page_has_facts_with_evidence_links_and_downloads(client: httpx.Client) -> None:
    text = client.get("/page/area/photonics").text
    assert "Optical instruments" in text
    assert "comprises" in text
    assert 'class="kind kind-asserted">asserted' in text
    assert "The table s3-areas" in text
    assert ID + "area/photonics" in text
    assert "GLOW" in text
    for suffix in ("ttl", "jsonld", "nt", "rdf", "json"):
        assert f'href="/data/area/photonics.{suffix}"' in text


def test_the_data_of_a_pinned_page_are_of_the_same_release(client: httpx.Client) -> None:
    text = client.get("/page/area/photonics?release=current").text
    assert 'href="/data/area/photonics.ttl?release=current"' in text
    assert 'href="/docs?release=current"' in text


def test_the_release_of_the_first_visitor_is_not_in_the_pages_of_others(
    client: httpx.Client,
) -> None:
    _environment.cache_clear()
    assert 'href="/sources?release=current"' in client.get("/sources?release=current").text
    assert "release=current" not in client.get("/sources").text


def test_a_page_says_what_is_not_known(client: httpx.Client) -> None:
    text = " ".join(client.get("/page/area/sport").text.split())
    assert "participating region</strong>: 1 known of an unknown total" in text
    assert "Sources say: more than 7" in text


def test_values_are_escaped_and_only_web_addresses_become_links(client: httpx.Client) -> None:
    text = client.get("/page/org/pic-3").text
    assert "Both &lt;i&gt;&amp;&lt;/i&gt;" in text
    assert "latitude" not in text
    assert 'href="https://zeta.example/"' in client.get("/page/org/pic-1").text


def test_lists_filter_by_a_plain_form(client: httpx.Client) -> None:
    text = client.get("/clusters?country=FR").text
    assert "Zêta Cluster" in text
    assert "=Alpha()" not in text
    assert '<option value="FR" selected>France' in text
    assert 'href="/api/v1/clusters?country=FR&amp;format=csv"' in text
    following = client.get("/organisations?limit=2").text
    link = re.search(r'rel="next" href="([^"]+)"', following)
    assert link
    assert client.get(link[1].replace("&amp;", "&")).status_code == 200


def test_a_wrong_filter_is_a_page_that_helps(client: httpx.Client) -> None:
    answer = client.get("/clusters?country=FRA")
    assert answer.status_code == 400
    assert "nearest: FR (France)" in answer.text


def test_sources_tell_licence_and_rows(client: httpx.Client) -> None:
    text = client.get("/sources").text
    assert "The table clusters" in text
    assert "creativecommons.org/licenses/by/4.0" in text
    assert "not redistributed" in text


def test_the_sparql_page_comes_filled_in_and_runs_no_query(client: httpx.Client) -> None:
    answer = client.get("/sparql", params={"query": "SELECT </textarea><b>"})
    assert answer.status_code == 200
    assert "SELECT &lt;/textarea&gt;&lt;b&gt;" in answer.text
    assert 'name="format"' in answer.text
    example = client.get("/sparql?example=areas").text
    assert "cloom:ThematicArea" in example
    assert client.get("/sparql?example=ares").status_code == 404


def test_ontology_page_shows_ends_and_users_of_a_term(client: httpx.Client) -> None:
    text = client.get("/ontology", headers={"accept": "text/html"}).text
    part_of = text[text.index('id="partOf"') : text.index('id="partOf"') + 1200]
    assert 'href="#Place"' in part_of
    assert "inverse" in part_of
    assert "transitive" in part_of
    stage = text[text.index('id="Stage"') : text.index('id="Stage"') + 2500]
    assert 'href="#inChain"' in stage


def test_a_required_field_left_empty_is_asked_for(client: httpx.Client) -> None:
    name = next(n for n, q in library().items() if any(not p.optional for p in q.parameters))
    parameter = next(p for p in library()[name].parameters if not p.optional)
    answer = client.get(f"/queries/{name}?{parameter.name}=", headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "is missing" in answer.text
