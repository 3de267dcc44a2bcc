"""The service as a whole: health, errors, headers, and the move to a new release."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import httpx
import pytest

import fixtures_api as small
from clusterloom import __version__
from clusterloom.api import serving
from clusterloom.api.app import create_app
from clusterloom.settings import Settings
from clusterloom.store.engine import Limits, Session

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("app")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def test_health_tells_release_triples_and_version(client: httpx.Client) -> None:
    body = client.get("/health").json()
    assert body["status"] == "ok"
    assert body["release"] == small.RELEASE
    assert body["triples"] > 100
    assert body["version"] == __version__


def test_ready_when_a_query_has_been_answered(client: httpx.Client) -> None:
    assert client.get("/ready").json() == {"status": "ready", "release": small.RELEASE}


@pytest.mark.parametrize("path", ["/health", "/api/v1/areas", "/areas", "/sparql?query=ASK{}"])
def test_each_answer_names_its_release_once_and_is_open_to_any_page(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers=BROWSER if path == "/areas" else {})
    assert answer.status_code == 200
    assert answer.headers.get_list("x-clusterloom-release") == [small.RELEASE]
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../app.py", 404),
        ("POST", "/api/v1/clusters", 405),
        ("DELETE", "/health", 405),
        ("PUT", "/id/area/sport", 405),
        ("GET", "/sparql?query=SELECT", 400),
    ],
)
def test_errors_are_problem_json(client: httpx.Client, method: str, path: str, status: int) -> None:
    small.is_problem(client.request(method, path), status)


def test_browsers_get_errors_as_pages_but_never_from_data_routes(client: httpx.Client) -> None:
    page = client.get("/nothing", headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    small.is_problem(client.get("/api/v1/clusters?limit=0", headers=BROWSER), 400)


def test_an_error_page_keeps_what_programs_read(client: httpx.Client) -> None:
    for headers in (BROWSER, {}):
        answer = client.post("/clusters", headers=headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert answer.headers["cache-control"] == "no-store"


def test_many_requests_at_once_wait_for_their_turn(client: httpx.Client) -> None:
    def ask(number: int) -> int:
        answer = httpx.get(f"{client.base_url}/api/v1/clusters?q=z{number}", timeout=60)
        return answer.status_code

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(ask, range(120))) == {200}


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    got, head = client.get("/health"), client.head("/health")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


def test_options_tells_what_is_allowed(client: httpx.Client) -> None:
    answer = client.options("/api/v1/clusters")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def test_openapi_describes_every_data_route_and_no_page(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    paths = set(document["paths"])
    assert {"/sparql", "/health", "/ready", "/id/{kind}/{key}", "/data/{kind}/{key}"} <= paths
    assert {"/api/v1/clusters", "/api/v1/clusters/{id}", "/api/v1/queries"} <= paths
    assert "/sources" not in paths
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["tags"], path
            names = [p["name"] for p in operation.get("parameters", [])]
            assert len(names) == len(set(names)), path
            assert set(re.findall(r"{(\w+)}", path)) <= set(names)
            # what FastAPI says of its own accord is not what this service does
            assert "422" not in operation["responses"]
            assert "default" in operation["responses"]
    ids = [o["operationId"] for ops in document["paths"].values() for o in ops.values()]
    assert len(ids) == len(set(ids))


def test_no_page_that_would_load_from_another_origin(client: httpx.Client) -> None:
    small.is_problem(client.get("/redoc"), 404)


def test_without_a_release_the_service_says_so_and_then_finds_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, workers=3)
    with small.serving(settings) as client:
        for path in ("/health", "/ready", "/api/v1/clusters", "/id/area/sport", "/sparql"):
            assert "clusterloom build" in small.is_problem(client.get(path), 503)
        small.make_release(settings.releases)
        assert client.get("/health").json()["release"] == small.RELEASE


def test_a_new_release_is_moved_to_without_a_failed_request(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        seen: list[tuple[int, str]] = []
        done = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=client.base_url) as own:
                while not done.is_set():
                    answer = own.get("/api/v1/areas")
                    release = answer.headers["x-clusterloom-release"]
                    assert answer.json()["release"] == release
                    seen.append((answer.status_code, release))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        graphs = {("s3-areas", "asserted"): small.GRAPHS["s3-areas", "asserted"]}
        small.make_release(settings.releases, graphs, small.NEXT_RELEASE)
        until = time.monotonic() + 20
        while (200, small.NEXT_RELEASE) not in seen[-3:] and time.monotonic() < until:
            time.sleep(0.02)
        done.set()
        for thread in threads:
            thread.join()
        assert {status for status, _ in seen} == {200}
        assert {release for _, release in seen} == {small.RELEASE, small.NEXT_RELEASE}
        assert client.get("/api/v1/clusters").json()["total"] == 0


def test_the_first_request_after_a_switch_gets_the_new_release(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        assert client.get("/health").json()["release"] == small.RELEASE
        graphs = {("s3-areas", "asserted"): small.GRAPHS["s3-areas", "asserted"]}
        small.make_release(settings.releases, graphs, small.NEXT_RELEASE)
        assert client.get("/health").json()["release"] == small.NEXT_RELEASE


def test_a_broken_release_leaves_the_served_one(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        broken = settings.releases / small.NEXT_RELEASE
        broken.mkdir()
        (broken / "report.json").write_text("{}", "utf-8")
        (settings.releases / "current").unlink()
        (settings.releases / "current").symlink_to(small.NEXT_RELEASE)
        for _ in range(3):
            assert client.get("/health").json()["release"] == small.RELEASE
            time.sleep(0.1)


def test_a_release_that_could_not_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "RETRY", 0.2)
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        report = settings.releases / small.NEXT_RELEASE / "report.json"
        shutil.copytree(settings.releases / small.RELEASE, report.parent)
        whole = report.read_text("utf-8")
        report.write_text("{", "utf-8")
        (settings.releases / "current").unlink()
        (settings.releases / "current").symlink_to(small.NEXT_RELEASE)
        assert client.get("/health").json()["release"] == small.RELEASE
        report.write_text(whole, "utf-8")
        until = time.monotonic() + 20
        while client.get("/health").json()["release"] == small.RELEASE:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_what_is_remembered_of_a_release_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        @staticmethod
        def report() -> dict[str, str]:
            return {}

    class NoSession:
        release = Empty()

    monkeypatch.setattr(serving, "KEPT", 3)
    served = serving.Served(cast("Session", NoSession()), Limits())
    made: list[str] = []

    async def ask(names: str) -> None:
        for name in names:

            async def make(_: serving.Served, name: str = name) -> str:
                made.append(name)
                return name

            assert await served.once(name, make) == name

    asyncio.run(ask("abacadaeab"))
    assert "".join(made) == "abcdeb"


def test_two_apps_share_nothing(tmp_path: Path) -> None:
    one, other = (create_app(Settings(data_dir=tmp_path / name)) for name in ("a", "b"))
    assert one is not other
    assert one.user_middleware != other.user_middleware
