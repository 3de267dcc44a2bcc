"""Real SPARQL servers on loopback for tests: native Oxigraph and Virtuoso, each a process."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyoxigraph as ox

from clusterloom.settings import Settings
from clusterloom.store.endpoints import Holding, Holdings, write_holdings
from clusterloom.store.release import Release, build_folder, publish
from clusterloom.store.writer import StoreWriter

OXIGRAPH = Path(sys.executable).with_name("oxigraph")
PASSWORD = "dba"
_LOAD = (
    "log_enable(2); ld_dir('{folder}', '*.nq', 'urn:x'); rdf_loader_run(); "
    "select ll_file from DB.DBA.LOAD_LIST where ll_error is not null;"
)
_INI = """
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
FileExtend = 200
[TempDatabase]
DatabaseFile = {folder}/temp.db
TransactionFile = {folder}/temp.trx
[Parameters]
ServerPort = 127.0.0.1:{port}
DisableUnixSocket = 1
ServerThreads = 20
CheckpointInterval = 0
NumberOfBuffers = 60000
MaxDirtyBuffers = 45000
CaseMode = 2
DirsAllowed = {folder}
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 12
MaxClientConnections = 12
KeepAliveTimeout = 10
MaxKeepAlives = 12
[SPARQL]
ResultSetMaxRows = {rows}
"""


@dataclass(frozen=True)
class Server:
    """A server: its query and Graph Store addresses."""

    query: str
    graph_store: str
    folder: Path
    port: int = 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def oxigraph(folder: Path, store: Path | None = None) -> Iterator[Server]:
    """The native Oxigraph server over a copy of a store, read-only; without one, writable."""
    port = free_port()
    location = folder / "oxigraph"
    command = [str(OXIGRAPH), "serve-read-only" if store else "serve"]
    if store:
        shutil.copytree(store, location, copy_function=_linked)
    command += ["--location", str(location), "--bind", f"127.0.0.1:{port}"]
    address = f"http://127.0.0.1:{port}"
    with _running(command, f"{address}/query"):
        yield Server(f"{address}/query", f"{address}/store", folder)


def _linked(source: str, copy: str) -> None:
    if source.endswith(".sst"):
        with contextlib.suppress(OSError):
            os.link(source, copy)
            return
    shutil.copyfile(source, copy)


@contextmanager
def virtuoso(folder: Path, rows: int = 0) -> Iterator[Server]:
    """An empty Virtuoso with an own folder and ports; at most `rows` rows an answer, 0 for all."""
    port, http = free_port(), free_port()
    settings = folder / "virtuoso.ini"
    settings.write_text(_INI.format(folder=folder, port=port, http=http, rows=rows), "utf-8")
    command = ["virtuoso-t", "+foreground", "+configfile", str(settings)]
    address = f"http://127.0.0.1:{http}"
    with _running(command, f"{address}/sparql"):
        yield Server(f"{address}/sparql", f"{address}/sparql-graph-crud-auth", folder, port)


def bulk_load(server: Server, quads: Iterable[bytes]) -> None:
    """Loads N-Quads into Virtuoso by its own loader, quicker than by HTTP."""
    folder = server.folder / "load"
    folder.mkdir()
    with open(folder / "all.nq", "wb") as out:
        out.writelines(quads)
    run = subprocess.run(
        ["isql-vt", f"127.0.0.1:{server.port}", "dba", PASSWORD, "ERRORS=STDOUT",
         f"exec={_LOAD.format(folder=folder)}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    shutil.rmtree(folder)
    if run.returncode or "0 Rows." not in run.stdout or "Error" in run.stdout:
        raise RuntimeError(f"Virtuoso did not load the release: {run.stdout[-2000:]}{run.stderr}")


@contextmanager
def _running(command: list[str], query: str) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while True:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.post(query, data={"query": "ASK {}"}).status_code == 200:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def graphs_of(release: Release) -> tuple[str, ...]:
    """The named graphs of a release."""
    store = ox.Store.read_only(str(release.store_path))
    return tuple(sorted(str(graph.value) for graph in store.named_graphs()))


def hold(data_dir: Path, server: Server, release: Release) -> None:
    """Says that the server holds the release and is served."""
    holding = Holding(release.id, graphs_of(release))
    write_holdings(data_dir, Holdings(server.query, {server.query: holding}))


def remote_settings(data_dir: Path, *servers: Server, **more: object) -> Settings:
    """Settings of a service over these servers."""
    return Settings.model_validate(
        {
            "data_dir": data_dir,
            "workers": 8,
            "engine": "remote",
            "endpoints": ",".join(server.query for server in servers),
            "graph_stores": ",".join(server.graph_store for server in servers),
            "endpoint_credentials": f"dba:{PASSWORD}",
            "public_url": "http://test",
            **more,
        }
    )


def linked_release(release: Release, data_dir: Path) -> Release:
    """The release, served from another data folder too."""
    folder = data_dir / "releases"
    folder.mkdir(parents=True)
    (folder / release.id).symlink_to(release.path.resolve())
    (folder / "current").symlink_to(release.id)
    return Release(release.id, folder / release.id)


def release_of(quads: Iterable[str], folder: Path, release_id: str) -> Release:
    """A release made of N-Quads lines, such as `_:a <urn:p> "x" <urn:g> .`."""
    built = build_folder(folder)
    (built / "families").mkdir()
    family = built / "families" / "all.nq.gz"
    with gzip.open(family, "wt", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in quads)
    writer = StoreWriter(built / "oxigraph")
    writer.load_family(family)
    triples = writer.finish()
    writer.close()
    report = {"id": release_id, "triples": triples, "sources": {}, "families": {}}
    (built / "report.json").write_text(json.dumps(report), "utf-8")
    return publish(folder, built, release_id)
