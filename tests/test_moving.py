"""Releases that are published, rolled back and replaced under clients that never stop asking."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import fixtures_api as small
from clusterloom.api import pin
from clusterloom.settings import Settings
from clusterloom.store import release as disk

IDS = [f"{n:016x}" for n in range(1, 5)]
NUMBER = re.compile(r"number ([0-9a-f]{16}) (\w+)")
QUERY = (
    "SELECT ?l { <https://w3id.org/clusterloom/id/area/number> "
    "<http://www.w3.org/2000/01/rdf-schema#label> ?l }"
)
ASKED = [
    ("GET", "/sparql", {"params": {"query": QUERY}}),
    ("POST", "/sparql", {"data": {"query": QUERY}}),
    ("GET", "/api/v1/areas?format=csv", {}),
    ("GET", "/api/v1/areas", {}),
    ("GET", "/api/v1/areas/number", {}),
    ("GET", "/api/v1/queries/areas", {}),
    ("GET", "/api/v1/queries/areas?format=csv", {}),
    ("GET", "/data/area/number.ttl", {}),
]
CLIENTS = 8


def put(settings: Settings, release_id: str, word: str = "first") -> None:
    """Publishes a release that holds its own number in each of several answers."""
    number = (
        f'<area/number> a cloom:ThematicArea ; rdfs:label "number {release_id} {word}"@en ; '
        'skos:notation "99" .'
    )
    text = small.GRAPHS["s3-areas", "asserted"] + number
    small.make_release(settings.releases, {("s3-areas", "asserted"): text}, release_id)


class Clients:
    """Eight clients in threads, each with one connection that it keeps open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []
        self.last: dict[int, tuple[str, str]] = {}
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, own: int) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            turn = own
            while not self._done.is_set():
                method, path, more = ASKED[turn % len(ASKED)]
                turn += 1
                try:
                    answer = client.request(method, path, **more)  # type: ignore[arg-type]
                    self._judge(own, path, answer)
                except Exception as error:  # any failure at all is one too many
                    self.wrong.append(f"{path}: {type(error).__name__} {error}")

    def _judge(self, own: int, path: str, answer: httpx.Response) -> None:
        named = answer.headers.get("x-clusterloom-release")
        found = set(NUMBER.findall(answer.text))
        if answer.status_code != 200 or len(found) != 1 or {i for i, _ in found} != {named}:
            self.wrong.append(f"{path}: {answer.status_code} {named} {found}")
            return
        (self.last[own],) = found
        self.seen[self.last[own]] += 1

    def wait_for(self, release_id: str, word: str = "first") -> None:
        """Until every client has had an answer of it."""
        until = time.monotonic() + 30
        while any(self.last.get(n) != (release_id, word) for n in range(CLIENTS)):
            assert time.monotonic() < until, (self.last, self.wrong[:3])
            time.sleep(0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, workers=6, query_timeout=20, public_url="http://test")


def test_no_request_fails_and_each_answer_is_of_the_release_it_names(settings: Settings) -> None:
    put(settings, IDS[0])
    with small.serving(settings) as client, Clients(str(client.base_url)) as clients:
        clients.wait_for(IDS[0])
        for release_id in IDS[1:]:
            put(settings, release_id)
            clients.wait_for(release_id)
        disk.serve(settings.releases, IDS[1])  # rollback
        clients.wait_for(IDS[1])
        put(settings, IDS[1], "again")  # the folder of the served release is replaced
        clients.wait_for(IDS[1], "again")
        assert disk.prune(settings.releases, 1)
        put(settings, IDS[0], "again")
        clients.wait_for(IDS[0], "again")
    assert clients.wrong == []
    assert {release for release, _ in clients.seen} == set(IDS)
    assert sum(clients.seen.values()) > 20 * CLIENTS


def test_clients_of_pinned_releases_stay_in_them_while_others_are_published(
    settings: Settings,
) -> None:
    put(settings, IDS[0])
    put(settings, IDS[1])
    with small.serving(settings) as client, Clients(str(client.base_url)) as clients:
        for release_id in IDS[2:]:
            for pinned in IDS[:2]:
                body = client.get(f"/api/v1/areas/number?release={pinned}")
                assert body.headers["x-clusterloom-release"] == pinned
                assert body.json()["label"] == f"number {pinned} first"
            put(settings, release_id)
            clients.wait_for(release_id)
    assert clients.wrong == []


def test_a_release_that_was_taken_away_and_put_back_is_read_anew(settings: Settings) -> None:
    put(settings, IDS[0])
    put(settings, IDS[1])
    with small.serving(settings) as client:
        addresses = [
            pin.with_release(path, pinned)
            for path in ("/api/v1/areas/number", f"/sparql?query={quote(QUERY)}")
            for pinned in ("", IDS[0])
        ]
        for path in addresses * 2:
            assert " first" in client.get(path).text
        for release_id in IDS[:2]:
            shutil.rmtree(settings.releases / release_id / "families")
            disk.withdraw(settings.releases, release_id)
            put(settings, release_id, "again")
        disk.serve(settings.releases, IDS[1])
        for path in addresses:
            answer = client.get(path)
            assert " again" in answer.text, path
            assert " first" not in answer.text
