"""`?release=<id>`: every data route answers from that release, and few of them are open at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixtures_api as small
from clusterloom.api import pin, pins
from clusterloom.api.serving import Served
from clusterloom.errors import Busy, ClusterloomError, UsageError
from clusterloom.store import release as disk
from clusterloom.store.release import Release

OLD, NOW = small.RELEASE, small.NEXT_RELEASE
BROWSER = {"accept": "text/html"}
OLDEN = "PHOTONICS of old"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pins")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    """A client of the service over two releases, of which the older names an area otherwise."""
    with small.small_settings(folder) as settings:
        areas = small.GRAPHS["s3-areas", "asserted"].replace('"Photonics"', f'"{OLDEN}"')
        graphs = small.GRAPHS | {("s3-areas", "asserted"): areas}
        small.make_release(settings.releases, graphs, OLD)
        small.make_release(settings.releases, release_id=NOW)
        with small.serving(settings) as client:
            yield client


ROUTES = [
    "/data/area/photonics.ttl",
    "/data/area/photonics.jsonld",
    "/api/v1/areas/photonics",
    "/api/v1/areas",
    "/api/v1/areas?format=csv",
    "/api/v1/queries/areas",
    "/page/area/photonics",
    "/areas",
    "/sparql?query=SELECT+?l+{+<https://w3id.org/clusterloom/id/area/photonics>+?p+?l+}",
]


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_answers_from_the_release_that_is_asked_for(
    client: httpx.Client, path: str
) -> None:
    for release, name in ((OLD, OLDEN), (NOW, "Photonics"), ("current", "Photonics")):
        answer = client.get(pin.with_release(path, release))
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-clusterloom-release"] == (OLD if release == OLD else NOW)
        assert name in answer.text
        assert (OLDEN in answer.text) == (release == OLD)


def test_the_catalogue_is_that_of_the_release(client: httpx.Client, folder: Path) -> None:
    for release in (OLD, NOW):
        (folder / "releases" / release / "catalog.ttl").write_text(f"# {release}\n", "utf-8")
    assert OLD in client.get(f"/catalog?release={OLD}").text
    assert NOW in client.get("/catalog").text


def test_a_query_by_post_is_pinned_by_the_address(client: httpx.Client) -> None:
    query = "SELECT ?l { ?c <http://www.w3.org/2000/01/rdf-schema#label> ?l }"
    answer = client.post(f"/sparql?release={OLD}", data={"query": query})
    assert OLDEN in answer.text
    assert answer.headers["x-clusterloom-release"] == OLD


def test_redirects_and_links_stay_in_the_release(client: httpx.Client) -> None:
    answer = client.get(f"/id/area/photonics?release={OLD}")
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert target.endswith(f"?release={OLD}")
    data = client.get(target)
    assert OLDEN in data.text
    assert data.headers["content-location"].endswith(f"?release={OLD}")
    targets = re.findall(r'<([^>]*)>[^<]*rel="alternate"', data.headers["link"])
    assert targets
    assert all(t.endswith(f"release={OLD}") for t in targets if "w3id.org" not in t)
    (canonical,) = re.findall(r'<([^>]*)>; rel="canonical"', data.headers["link"])
    assert "release=" not in canonical


def test_pages_of_a_list_stay_in_the_release(client: httpx.Client) -> None:
    body = client.get(f"/api/v1/areas?limit=1&release={OLD}").json()
    assert body["items"][0]["label"] == OLDEN
    seen = []
    path = f"/api/v1/areas?limit=1&release={OLD}"
    while path:
        answer = client.get(path)
        assert answer.headers["x-clusterloom-release"] == OLD
        body = answer.json()
        seen += [item["label"] for item in body["items"]]
        link = answer.headers.get("link", "")
        path = body["next"]
        assert not path or f'<{path}>; rel="next"' in link
    assert seen == [OLDEN, "Sport"]
    unpinned = client.get("/api/v1/areas?limit=1").json()["next"]
    assert "release" not in unpinned


def test_lists_on_pages_offer_the_data_of_the_same_release(client: httpx.Client) -> None:
    for path in ("/areas", "/queries/areas"):
        page = client.get(f"{path}?release={OLD}", headers=BROWSER).text
        addresses = re.findall(r'href="(/api/v1/[^"]*)"', page)
        assert addresses
        assert all(f"release={OLD}" in address for address in addresses)
        assert path != "/areas" or f'name="release" value="{OLD}"' in page
        plain = client.get(path, headers=BROWSER).text
        assert "release=" not in "".join(re.findall(r'href="(/api/v1/[^"]*)"', plain))


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("00000000000000ab", 404, "nearest one is 00000000000000"),
        ("x", 400, "16 hex digits"),
        ("00000000000000A", 400, "16 hex digits"),
        ("../current", 400, "16 hex digits"),
        (OLD[:8], 400, "16 hex digits"),
        (f"{OLD}&release={NOW}", 400, "one id"),
        ("%00", 400, "16 hex digits"),
        ("%ff%fe", 400, "16 hex digits"),
    ],
)
def test_other_ids_are_problems_on_every_route(
    client: httpx.Client, asked: str, status: int, said: str
) -> None:
    for path in ("/api/v1/areas", "/data/area/photonics.ttl", "/sparql", "/catalog"):
        assert said in small.is_problem(client.get(f"{path}?release={asked}"), status)
    page = client.get(f"/areas?release={asked}", headers=BROWSER)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")


def test_a_pruned_release_is_gone_even_while_its_session_is_open(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        small.make_release(settings.releases, release_id=NOW)
        path = f"/api/v1/areas?release={OLD}"
        assert client.get(path).status_code == 200
        assert disk.prune(settings.releases, 1) == [OLD]
        detail = small.is_problem(client.get(path), 410)
        assert NOW in detail
        assert client.get(path).json()["nearest"] == NOW


def test_a_blank_release_is_none_and_other_parameters_stay(client: httpx.Client) -> None:
    assert client.get("/api/v1/areas?release=&limit=1").json()["next"]
    answer = client.get(f"/api/v1/areas?releas={OLD}")
    assert "takes no parameter 'releas'" in small.is_problem(answer, 400)
    assert client.get(f"/api/v1/areas/photonics?release={OLD}&rel=1").status_code == 400
    assert client.get("/health?release=nonsense").json()["release"] == NOW


def test_an_escaped_name_is_the_same_parameter(client: httpx.Client) -> None:
    answer = client.get(f"/api/v1/areas?%72elease={OLD}")
    assert answer.headers["x-clusterloom-release"] == OLD


@given(st.binary(max_size=60))
def test_what_is_not_the_release_is_left_byte_for_byte(query: bytes) -> None:
    try:
        _, rest = pin.split(query + b"&release=" + OLD.encode())
    except UsageError:
        return
    if b"release" not in query and b"%" not in query:
        assert rest == query


class _Session:
    """Counts how many of its kind are open."""

    open = 0
    most = 0

    def __init__(self) -> None:
        self.closed = False

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        assert not self.closed
        self.closed = True
        _Session.open -= 1


async def _opens(release: Release) -> Served:
    _Session.open += 1
    _Session.most = max(_Session.most, _Session.open)
    await asyncio.sleep(0.001)
    if release.id == "broken":
        _Session.open -= 1
        raise OSError("no such store")
    return cast("Served", _Session())


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Release]]:
    """Releases to pin; afterwards nothing may be open."""
    monkeypatch.setattr(_Session, "open", 0)
    monkeypatch.setattr(_Session, "most", 0)
    yield {name: Release(name, tmp_path / name) for name in (*"abcdefgh", "broken")}
    assert _Session.open == 0


def test_no_more_are_open_than_allowed_whatever_is_asked(few: dict[str, Release]) -> None:
    async def ask(held: pins.Pins, name: str) -> str:
        async with held.lease(few[name]) as served:
            await asyncio.sleep(0.001)
            assert not cast("_Session", served).closed
            return name

    async def all_at_once() -> None:
        held = pins.Pins(_opens, lambda: None)
        for _ in range(20):
            names = "abcdefgh" + "aabbc"
            assert await asyncio.gather(*(ask(held, name) for name in names)) == [*names]
        assert held.open <= pins.MOST
        await held.aclose()
        assert held.open == 0

    asyncio.run(all_at_once())
    assert _Session.most == pins.MOST


def test_a_crowd_is_told_to_come_back(
    few: dict[str, Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "PATIENCE", 0.05)
    monkeypatch.setattr(pins, "WAITING", 2)

    async def crowd() -> None:
        held = pins.Pins(_opens, lambda: None)
        stay = asyncio.Event()

        async def hold(name: str) -> None:
            async with held.lease(few[name]):
                await stay.wait()

        busy = [asyncio.ensure_future(hold(name)) for name in "abc"]
        await asyncio.sleep(0.02)

        async def ask(name: str) -> object:
            try:
                async with held.lease(few[name]):
                    return "answered"
            except Busy as error:
                return error.extra["retry_after"]

        began = asyncio.get_running_loop().time()
        assert await asyncio.gather(*(ask(n) for n in "defgh")) == [5] * 5
        assert asyncio.get_running_loop().time() - began < 2
        assert await ask("a") == "answered"
        stay.set()
        await asyncio.gather(*busy)
        assert await ask("d") == "answered"
        await held.aclose()

    asyncio.run(crowd())


def test_an_idle_session_is_closed_and_one_that_is_asked_again_is_not(
    few: dict[str, Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "IDLE", 0.1)

    async def visit() -> None:
        held = pins.Pins(_opens, lambda: None)
        seen = set()
        for _ in range(4):
            async with held.lease(few["a"]) as served:
                seen.add(id(served))
            await asyncio.sleep(0.04)
        assert len(seen) == 1
        assert held.open == 1
        await asyncio.sleep(0.2)
        assert held.open == 0

    asyncio.run(visit())


def test_a_failed_opening_leaves_room_and_a_cancelled_client_no_trace(
    few: dict[str, Release],
) -> None:
    async def visit() -> None:
        held = pins.Pins(_opens, lambda: None)

        async def ask(name: str) -> None:
            async with held.lease(few[name]):
                pass

        for _ in range(5):
            with pytest.raises(ClusterloomError, match="cannot be opened"):
                await ask("broken")
        for name in "abcdefgh":
            task = asyncio.ensure_future(ask(name))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for name in "abcd":
            await ask(name)
        await held.aclose()
        assert held.open == 0

    asyncio.run(visit())


@pytest.mark.parametrize("value", ["%0a", "%20", "%0d%0a", "\u2028"])
def test_an_id_with_more_behind_it_is_refused(client: httpx.Client, value: str) -> None:
    assert client.get(f"/sparql?query=ASK{{}}&release={OLD}{value}").status_code == 400
    assert client.get(f"/sparql?query=ASK{{}}&release=current{value}").status_code == 400
    assert client.get(f"/sparql?query=ASK{{}}&release={value}").status_code == 400
