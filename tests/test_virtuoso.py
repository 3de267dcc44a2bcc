"""A real Virtuoso as the remote engine: it answers as the embedded engine does.

What differs nevertheless is listed in `DIFFERENT` with the reason, and in docs/remote.md.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

import endpoint_help
import fixtures_api
from clusterloom import commands
from clusterloom.api.catalogue import RESOURCES
from clusterloom.cli import parser
from clusterloom.discovery import index
from clusterloom.errors import UsageError
from clusterloom.progress import Progress
from clusterloom.queries.library import library, render
from clusterloom.settings import Settings
from clusterloom.store import push
from clusterloom.store.endpoints import Endpoint, configured, read_holdings
from clusterloom.store.engines import engine_of
from clusterloom.store.normalise import DEFAULT_COPY
from clusterloom.store.release import Release, current_release
from fixtures_api import serving

pytestmark = pytest.mark.needs("virtuoso-t")

ANSWERED = sorted(library().keys() - {"discovery-complementarity", "discovery-regions"})
"""Virtuoso works relatedness out anew for each pair of divisions, and takes minutes."""
DIFFERENT: dict[str, str] = {}
"""Library queries and routes that Virtuoso answers otherwise, with the reason."""


@dataclass(frozen=True)
class Pair:
    """Clients of two services over the same release: by the embedded engine, and by Virtuoso."""

    embedded: httpx.Client
    remote: httpx.Client
    server: endpoint_help.Server
    settings: tuple[Settings, Settings]


def _twice(release: Release) -> Iterator[bytes]:
    for path in sorted((release.path / "families").glob("*.nq.gz")):
        with gzip.open(path, "rb") as quads:
            for line in quads:
                yield line
                yield line[: line.rindex(b" <")] + f" <{DEFAULT_COPY}> .\n".encode()


@pytest.fixture(scope="module")
def pair(default_release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both services over the default release, which Virtuoso's own loader has loaded."""
    folder = tmp_path_factory.mktemp("virtuoso")
    data_dir = tmp_path_factory.mktemp("data")
    copy = endpoint_help.linked_release(default_release, data_dir)
    with ExitStack() as stack:
        server = stack.enter_context(endpoint_help.virtuoso(folder))
        endpoint_help.bulk_load(server, _twice(default_release))
        # a publication of what is there already verifies it and makes it served
        endpoint_help.hold(data_dir, server, copy)
        push.publish(data_dir, copy, Endpoint(server.query), 0, Progress(quiet=True))
        remote = endpoint_help.remote_settings(data_dir, server, query_timeout=120)
        embedded = Settings(data_dir=data_dir, workers=4, public_url="http://test")
        clients = [stack.enter_context(serving(each)) for each in (embedded, remote)]
        for client in clients:
            client.timeout = httpx.Timeout(120)  # a busy machine is no difference
        yield Pair(clients[0], clients[1], server, (embedded, remote))


def both(pair: Pair, path: str) -> tuple[httpx.Response, httpx.Response]:
    """The answers of both services; neither is an error."""
    answers = pair.embedded.get(path), pair.remote.get(path)
    assert [a.status_code for a in answers] == [200, 200], [a.text[:500] for a in answers]
    return answers


def rounded(value: Any) -> Any:
    """The same with doubles as Virtuoso writes them: six digits."""
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        if value.get("datatype", "").endswith("#double"):
            return {**value, "value": f"{float(value['value']):.6g}"}
        return {key: rounded(one) for key, one in value.items()}
    return f"{value:.6g}" if isinstance(value, float) else value


@pytest.mark.parametrize("name", ANSWERED)
def test_a_library_query_agrees(pair: Pair, name: str) -> None:
    query = library()[name].sparql
    found = []
    for client in (pair.embedded, pair.remote):
        answer = client.post("/sparql", data={"query": query, "format": "json"})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["results"]["bindings"])
    wanted, got = (rounded(bindings) for bindings in found)
    agree = wanted == got
    assert agree == (name not in DIFFERENT), (
        list((Counter(map(str, wanted)) - Counter(map(str, got))).elements())[:3],
        list((Counter(map(str, got)) - Counter(map(str, wanted))).elements())[:3],
    )


def test_a_partner_of_unknown_country_is_not_said_to_be_elsewhere(pair: Pair) -> None:
    # Virtuoso takes an unbound country for another one
    cluster = "https://w3id.org/clusterloom/id/org/be-ghent-bio-economy-valley-f9e61e"
    query = library()["partners-for-a-cluster"]
    asked = {"cluster": [cluster], "most_shared": ["1000"]}
    found = []
    for client in (pair.embedded, pair.remote):
        answer = client.post("/sparql", data={"query": render(query, asked), "format": "json"})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["results"]["bindings"])
    assert found[0] == found[1]
    homeless = {row["elsewhere"]["value"] for row in found[0] if "country" not in row}
    assert homeless == {"unknown"}


def test_the_discovery_index_is_the_same(pair: Pair, tmp_path: Path) -> None:
    async def made(settings: Settings, name: str) -> index.Index:
        release = current_release(settings.releases)
        assert release is not None
        session = await engine_of(settings).open(release)
        try:
            return await index.build(session.columns, release.id, tmp_path / name)
        finally:
            await session.aclose()

    ours, theirs = (asyncio.run(made(s, n)) for s, n in zip(pair.settings, "ab", strict=True))
    for kind, things in ours.things.items():
        other = theirs.things[kind]
        assert (things.iris, things.labels, things.facts) == (
            other.iris, other.labels, other.facts,
        ), kind  # fmt: skip
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)


@pytest.mark.parametrize("name", RESOURCES)
def test_a_list_and_its_first_item_agree(pair: Pair, name: str) -> None:
    wanted, got = both(pair, f"/api/v1/{name}?limit=40")
    assert got.json() == wanted.json()
    items = wanted.json()["items"]
    if items:
        one, other = both(pair, f"/api/v1/{name}/{items[0]['id']}")
        assert other.json() == one.json()


@pytest.mark.parametrize("name", ANSWERED)
def test_a_query_route_agrees(pair: Pair, name: str) -> None:
    asked = [(p.name, sample) for p in library()[name].parameters for sample in p.samples]
    path = str(httpx.URL(f"/api/v1/queries/{name}", params=asked))
    wanted, got = both(pair, path)
    assert rounded(got.json()["items"]) == rounded(wanted.json()["items"])


def test_a_small_release_is_published_by_http(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    folder = tmp_path / "virtuoso"
    folder.mkdir()
    with endpoint_help.virtuoso(folder, rows=60) as server:
        settings = endpoint_help.remote_settings(data_dir, server)
        release = fixtures_api.make_release(settings.releases)
        arguments = parser().parse_args(["publish", "--quiet", "--to", server.query])
        assert commands.publish(settings, arguments) == 0
        assert read_holdings(data_dir).release == release.id
        wrong = settings.model_copy(update={"endpoint_credentials": SecretStr("dba:no")})
        other = fixtures_api.make_release(
            settings.releases, fixtures_api.GRAPHS, fixtures_api.NEXT_RELEASE
        )
        target = push.Target(configured(wrong)[0])
        target.log_in()
        with pytest.raises(UsageError, match="CREDENTIALS"):
            target.clear(DEFAULT_COPY)
        target.client.close()
        assert read_holdings(data_dir).release == release.id != other.id
        with serving(settings) as client:
            count = {"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv"}
            answer = client.post("/sparql", data=count)
            assert answer.text.split() == ["n", str(release.report()["triples"])]
            # this Virtuoso gives 60 rows at most, and does not say so in its body
            every = "SELECT * { ?s ?p ?o }"
            cut = client.post("/sparql", data={"query": every, "format": "json"})
            assert fixtures_api.is_problem(cut, 502).startswith("The engine cut its answer")
            four = client.post("/sparql", data={"query": every, "format": "json", "max_rows": "4"})
            assert four.headers["x-clusterloom-truncated"] == "4"
