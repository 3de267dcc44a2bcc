"""What can be downloaded: listed with checksums, whole, in ranges, and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
import zstandard

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.api.dumps import files_of
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import serving

HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def client(default_release: Release, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    with serving(settings) as client:
        yield client


def unpacked(data: bytes, name: str) -> bytes:
    """The content of a dump."""
    if name.endswith(".gz"):
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


def test_every_file_of_the_index_is_there_and_is_what_it_says(
    client: httpx.Client, default_release: Release
) -> None:
    index = client.get(f"/dumps/{default_release.id}/").json()
    assert len(index["files"]) > 100
    sums = client.get(f"/dumps/{default_release.id}/checksums.txt").text
    for file in index["files"]:
        answer = client.get(f"/dumps/{default_release.id}/{file['name']}")
        assert answer.status_code == 200
        assert len(answer.content) == file["bytes"]
        if file["name"] == "checksums.txt":
            continue
        digest = hashlib.sha256(answer.content).hexdigest()
        assert digest == file["sha256"]
        assert f"{digest}  {file['name']}\n" in sums
        if file["name"].endswith(".ttl.gz"):
            turtle = unpacked(answer.content, file["name"])
            assert next(iter(ox.parse(turtle, format=ox.RdfFormat.TURTLE)))


@pytest.mark.needs("sha256sum")
def test_sha256sum_checks_what_lies_on_disk(default_release: Release) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "checksums.txt"],
        cwd=default_release.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_whole_dump_loaded_back_is_the_release(
    client: httpx.Client, default_release: Release
) -> None:
    data = client.get(f"/dumps/{default_release.id}/dump.nq.zst").content
    loaded = ox.Store()
    loaded.bulk_load(io.BytesIO(unpacked(data, "dump.nq.zst")), ox.RdfFormat.N_QUADS)
    held = ox.Store.read_only(str(default_release.store_path))
    graphs = set(held.named_graphs())
    assert set(loaded.named_graphs()) == graphs
    for graph in graphs:
        ours = sum(1 for _ in held.quads_for_pattern(None, None, None, graph))
        assert sum(1 for _ in loaded.quads_for_pattern(None, None, None, graph)) == ours, graph
    small = ox.NamedNode(ns.graph("clusters", "asserted"))
    of_graph = {str(q) for q in held.quads_for_pattern(None, None, None, small)}
    assert {str(q) for q in loaded.quads_for_pattern(None, None, None, small)} == of_graph


def test_the_dumps_of_kinds_are_the_whole_one_divided(
    client: httpx.Client, default_release: Release
) -> None:
    whole = lines_of(client, default_release, "dump.nq.zst")
    divided: set[bytes] = set()
    for kind in ns.KINDS:
        lines = lines_of(client, default_release, f"kind/{kind}.nq.zst")
        assert lines
        assert all(line.endswith(f"/{kind}> .".encode()) for line in lines)
        assert not divided & lines
        divided |= lines
    rest = whole - divided
    assert divided <= whole
    assert rest
    assert all(line.endswith(f"<{ns.META_GRAPH}> .".encode()) for line in rest)


def lines_of(client: httpx.Client, release: Release, name: str) -> set[bytes]:
    return set(unpacked(client.get(f"/dumps/{release.id}/{name}").content, name).splitlines())


def test_a_source_in_quads_is_its_family(client: httpx.Client, default_release: Release) -> None:
    name = "families/guides.nq.gz"
    quads = unpacked(client.get(f"/dumps/{default_release.id}/{name}").content, name)
    assert quads.count(b"\n") == default_release.report()["sources"]["guides"]["statements"]
    turtle = "turtle/guides.ttl.gz"
    text = unpacked(client.get(f"/dumps/{default_release.id}/{turtle}").content, turtle)
    triples = {q.triple for q in ox.parse(quads, format=ox.RdfFormat.N_QUADS)}
    assert {q.triple for q in ox.parse(text, format=ox.RdfFormat.TURTLE)} == triples


def test_ranges_and_head(client: httpx.Client, default_release: Release) -> None:
    address = f"/dumps/{default_release.id}/dump.nq.zst"
    whole = client.get(address)
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(address, headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert part.content == whole.content[100:200]
    assert client.get(address, headers={"range": "bytes=999999999-"}).status_code == 416
    head = client.head(address)
    assert head.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(whole.content)


def test_current_leads_to_the_served_release(
    client: httpx.Client, default_release: Release
) -> None:
    for file in ("", "dump.nq.zst", "kind/derived.nq.zst"):
        answer = client.get(f"/dumps/current/{file}")
        assert answer.status_code == 302
        assert answer.headers["location"] == f"/dumps/{default_release.id}/{file}"
    kept = client.get("/dumps/").json()
    assert kept["total"] == len(kept["items"])
    assert kept["release"] == default_release.id
    (listed,) = [r for r in kept["items"] if r["served"]]
    assert listed["id"] == default_release.id


def test_the_index_is_a_page_for_browsers(client: httpx.Client, default_release: Release) -> None:
    answer = client.get(f"/dumps/{default_release.id}/", headers=HTML)
    assert answer.headers["content-type"].startswith("text/html")
    assert f"/dumps/{default_release.id}/kind/derived.nq.zst" in answer.text
    assert answer.links["describedby"]["type"] == "text/turtle"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "no-cache" in client.get("/dumps/").headers["cache-control"]
    headers = {"accept": "image/png"}
    assert client.get(f"/dumps/{default_release.id}/", headers=headers).status_code == 406


@pytest.mark.parametrize("path", ["/dumps", "/dumps/current", "/dumps/0123456789abcdef"])
def test_an_address_without_its_slash_leads_to_the_one_with_it(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{path}/"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dumps/{id}/report.json", 404),
        ("/dumps/{id}/turtle/../report.json", 404),
        ("/dumps/{id}/turtle%2F..%2Freport.json", 404),
        ("/dumps/{id}/oxigraph/CURRENT", 404),
        ("/dumps/{id}/families/rejected/clusters.jsonl", 404),
        ("/dumps/{id}/catalog.ttl", 404),
        ("/dumps/0000000000000000/dump.nq.zst", 404),
        ("/dumps/0000000000000000/", 404),
        ("/dumps/nothing/", 404),
    ],
)
def test_nothing_else_is_served(
    client: httpx.Client, default_release: Release, path: str, status: int
) -> None:
    answer = client.get(path.replace("{id}", default_release.id))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_kinds_cost_little_disk(default_release: Release) -> None:
    def size(folder: Path) -> int:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    assert size(default_release.path / "kind") < 0.03 * size(default_release.path)


@pytest.mark.parametrize("listed", [True, False])
def test_a_link_that_leads_out_of_the_release_is_no_dump(tmp_path: Path, listed: bool) -> None:
    release = small.make_release(tmp_path / "releases")
    (tmp_path / "secret.gz").write_bytes(b"secret")
    turtle = release.path / "turtle"
    turtle.mkdir()
    (turtle / "out.ttl.gz").symlink_to(tmp_path / "secret.gz")
    (turtle / "own.ttl.gz").write_bytes(b"own")
    (turtle / "in.ttl.gz").symlink_to(turtle / "own.ttl.gz")
    if listed:
        report = release.report()
        report["dumps"] = {f"turtle/{name}.ttl.gz": {"bytes": 3} for name in ("out", "own", "in")}
        (release.path / "report.json").write_text(json.dumps(report), "utf-8")
        (release.path / "checksums.txt").symlink_to(tmp_path / "secret.gz")
    assert set(files_of(release)) == {"turtle/own.ttl.gz", "turtle/in.ttl.gz"}
