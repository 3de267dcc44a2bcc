"""Publishing to endpoints that take turns: loaded, verified, flipped, noticed without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import endpoint_help
import fixtures_api as small
from clusterloom import commands
from clusterloom.cli import parser
from clusterloom.errors import ClusterloomError, EngineFailed, UsageError
from clusterloom.settings import Settings
from clusterloom.store import push
from clusterloom.store.endpoints import (
    FILE,
    Endpoint,
    Holding,
    Holdings,
    configured,
    idle_endpoint,
    read_holdings,
    write_holdings,
)
from clusterloom.store.engines import engine_of
from clusterloom.store.remote import RemoteEngine

COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[endpoint_help.Server, endpoint_help.Server]]:
    """Two empty Oxigraph servers that can be written to."""
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
        first, second = (stack.enter_context(endpoint_help.oxigraph(f)) for f in folders)
        yield first, second


def publish(settings: Settings, *arguments: str) -> int:
    """`clusterloom publish` with these arguments."""
    return commands.publish(settings, parser().parse_args(["publish", "--quiet", *arguments]))


def triples(client: httpx.Client) -> tuple[str, str]:
    """The release that a service names, and the number of triples it counts."""
    answer = client.post("/sparql", data={"query": COUNT, "format": "csv"})
    assert answer.status_code == 200, answer.text
    return answer.headers["x-clusterloom-release"], answer.text.split()[1]


def test_releases_take_turns_and_a_server_follows(
    pair: tuple[endpoint_help.Server, endpoint_help.Server], tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    settings = endpoint_help.remote_settings(data_dir, *pair, query_timeout=0.5)
    old = small.make_release(settings.releases)
    assert publish(settings) == 0
    assert read_holdings(data_dir).served == pair[0].query
    with small.serving(settings) as client:
        before = triples(client)
        assert before == (old.id, str(old.report()["triples"]))
        assert client.get("/api/v1/clusters").json()["total"] == 3
        graphs = dict(small.GRAPHS)
        graphs["more", "asserted"] = "<org/pic-9> cloom:city 'Nowhere' , 'x\\n\\ty' ."
        new = small.make_release(settings.releases, graphs, small.NEXT_RELEASE)
        # built, but on no endpoint yet: the old one goes on being served
        assert triples(client) == before
        assert publish(settings) == 0
        assert read_holdings(data_dir).served == pair[1].query
        assert triples(client) == (new.id, str(new.report()["triples"]))
        # back again: the first endpoint still holds the old one
        assert publish(settings, "--release", old.id) == 0
        assert triples(client) == before
        # and the second is loaded anew while the first is served
        smaller = {key: text for key, text in small.GRAPHS.items() if key[0] != "secret"}
        third = small.make_release(settings.releases, smaller, "00000000000000cc")
        assert publish(settings, "--to", pair[1].query) == 0
        assert triples(client) == (third.id, str(third.report()["triples"]))
        health = client.get("/health").text
        assert endpoint_help.PASSWORD not in health


def test_what_fails_leaves_the_served_endpoint_as_it_was(
    pair: tuple[endpoint_help.Server, endpoint_help.Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data_dir = tmp_path / "data"
    settings = endpoint_help.remote_settings(data_dir, *pair, query_timeout=0.5)
    small.make_release(settings.releases)
    publish(settings)
    new = small.make_release(settings.releases, small.GRAPHS, small.NEXT_RELEASE)
    with pytest.raises(UsageError, match="is being served"):
        publish(settings, "--to", pair[0].query)
    load = push.Target.write

    def lossy(target: push.Target, graph: str | None, every: object) -> Iterator[int]:
        yield from load(target, graph, list(every)[1:])  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(push.Target, "write", lossy)
        with pytest.raises(EngineFailed, match="what was served before is served still"):
            publish(settings)
    holdings = read_holdings(data_dir)
    assert holdings.served == pair[0].query
    assert holdings.release == small.RELEASE
    assert holdings.holder(new.id) == ""
    with small.serving(settings) as client:
        assert triples(client)[0] == small.RELEASE
    assert publish(settings) == 0
    assert read_holdings(data_dir).release == new.id


def test_the_data_of_others_is_not_touched(
    pair: tuple[endpoint_help.Server, endpoint_help.Server], tmp_path: Path
) -> None:
    settings = endpoint_help.remote_settings(tmp_path / "data", *pair)
    small.make_release(settings.releases)
    turtle = {"Content-Type": "text/turtle"}
    for server, where in zip(pair, ({"graph": "urn:theirs"}, {"default": ""}), strict=True):
        httpx.post(server.graph_store, params=where, content="<urn:a> <urn:b> 1 .", headers=turtle)
        with pytest.raises(UsageError, match="not Clusterloom's"):
            publish(settings, "--to", server.query)
    count = {"query": "SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"}
    for server in pair:
        answer = httpx.post(server.query, data=count, headers={"Accept": "text/csv"})
        assert answer.text.split() == ["n", "1"]


def test_blank_nodes_stay_one_node(
    pair: tuple[endpoint_help.Server, endpoint_help.Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push, "PIECE", 2)
    settings = endpoint_help.remote_settings(tmp_path / "data", *pair)
    quads = [f"_:b <urn:p{n}> <urn:o{n}> <urn:g> ." for n in range(5)]
    quads += [f"<urn:s{n}> <urn:p> _:b <urn:g> ." for n in range(5)]
    endpoint_help.release_of(quads, settings.releases, small.RELEASE)
    publish(settings)
    count = {"query": "SELECT (COUNT(DISTINCT ?b) AS ?n) { ?b <urn:p1> ?o ; <urn:p4> ?q }"}
    answer = httpx.post(pair[0].query, data=count, headers={"Accept": "text/csv"})
    assert answer.text.split() == ["n", "1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endpoints": ""}, "ENDPOINTS is not set"),
        ({"endpoints": "ftp://a/sparql"}, "no http address"),
        ({"endpoints": "http://me:pw@a/sparql"}, "user name"),
        ({"endpoints": "http://a/s,http://a/s"}, "twice"),
        ({"graph_stores": "http://a/x"}, "each endpoint has one"),
        ({"endpoint_credentials": "nobody"}, "user:password"),
    ],
)
def test_wrong_settings_say_what_is_wrong(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    base = {"data_dir": tmp_path, "endpoints": "http://a/sparql,http://b/sparql"}
    settings = Settings.model_validate({**base, **change})
    with pytest.raises(UsageError, match=said) as caught:
        idle_endpoint(settings, None)
    assert "pw" not in caught.value.detail


def test_credentials_are_never_shown(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "endpoints": "http://a/s", "endpoint_credentials": "me:hush"}
    )
    (endpoint,) = configured(settings)
    assert endpoint.credentials == ("me", "hush")
    assert "hush" not in repr(settings) + repr(endpoint) + settings.model_dump_json()


def test_the_idle_endpoint_is_chosen(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, endpoints="http://a/s, http://b/s")
    assert idle_endpoint(settings, None).query == "http://a/s"
    write_holdings(tmp_path, Holdings("http://a/s", {"http://a/s": Holding("0" * 16)}))
    assert idle_endpoint(settings, None).query == "http://b/s"
    assert idle_endpoint(settings, "http://a/s").query == "http://a/s"
    with pytest.raises(UsageError, match="none of"):
        idle_endpoint(settings, "http://c/s")
    only = settings.model_copy(update={"endpoints": "http://a/s"})
    with pytest.raises(UsageError, match="add another"):
        idle_endpoint(only, None)


def test_holdings_survive_being_written(tmp_path: Path) -> None:
    assert read_holdings(tmp_path) == Holdings()
    held = Holdings("http://a", {"http://a": Holding("ab", ("urn:g",)), "http://b": Holding("ab")})
    write_holdings(tmp_path, held)
    assert read_holdings(tmp_path) == held
    assert held.holder("ab") == "http://a"
    assert held.holder("cd") == ""
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_text("{", "utf-8")
    with pytest.raises(ClusterloomError, match="publish again"):
        read_holdings(tmp_path)


def test_the_settings_choose_the_engine(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, endpoints="http://a/s")
    assert not isinstance(engine_of(settings), RemoteEngine)
    remote = engine_of(settings.model_copy(update={"engine": "remote"}))
    assert isinstance(remote, RemoteEngine)
    assert remote.endpoints == (Endpoint("http://a/s"),)
    with pytest.raises(UsageError, match="needs CLUSTERLOOM_ENDPOINTS"):
        engine_of(settings.model_copy(update={"engine": "remote", "endpoints": ""}))
