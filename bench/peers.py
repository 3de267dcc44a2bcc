"""Servers of other families that `serving` is measured against: Virtuoso and rdflib-endpoint.

Each holds the default graph of the release: every statement that is measured with is there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pyoxigraph as ox

from clusterloom.store.release import Release

from .measure import BenchFailed
from .servers import Client, free_port, running

GRAPH = "urn:clusterloom:bench"
_LOAD = (
    "log_enable(2); ld_dir('{folder}', '*.nt', '{graph}'); rdf_loader_run(); checkpoint; "
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
ServerThreads = 100
CheckpointInterval = 0
NumberOfBuffers = 170000
MaxDirtyBuffers = 130000
DirsAllowed = {folder}
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 80
MaxClientConnections = 80
KeepAliveTimeout = 15
MaxKeepAlives = 80
[SPARQL]
ResultSetMaxRows = 0
"""
_RDFLIB = """
import sys, uvicorn
from rdflib import Graph
from rdflib_endpoint import SparqlEndpoint
graph = Graph()
graph.parse(sys.argv[1], format="nt")
uvicorn.run(SparqlEndpoint(graph=graph), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


def virtuoso_missing() -> str | None:
    """Why Virtuoso cannot be measured, if so."""
    if shutil.which("virtuoso-t") and shutil.which("isql-vt"):
        return None
    return "it is not installed: apt-get install virtuoso-opensource"


def rdflib_missing() -> str | None:
    """Why rdflib-endpoint cannot be measured, if so."""
    if find_spec("rdflib_endpoint"):
        return None
    return "it is not installed: pip install rdflib-endpoint"


def default_graph(release: Release, folder: Path) -> Path:
    """A file of N-Triples with the default graph of a release."""
    path = folder / "default.nt"
    store = ox.Store.read_only(str(release.store_path))
    quads = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
    with open(path, "wb") as out:
        ox.serialize((quad.triple for quad in quads), out, ox.RdfFormat.N_TRIPLES)
    return path


@contextmanager
def virtuoso_server(triples: Path) -> Iterator[Client]:
    """A Virtuoso of its own folder that has loaded the file by its bulk loader."""
    port, http = free_port(), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "virtuoso.ini"
        settings.write_text(_INI.format(folder=folder, port=port, http=http), "utf-8")
        command = ["virtuoso-t", "+foreground", "+configfile", str(settings)]
        with running(command, Client(http, "/sparql", GRAPH)) as client:
            shutil.copyfile(triples, folder / "all.nt")
            load = _LOAD.format(folder=folder, graph=GRAPH)
            run = subprocess.run(
                ["isql-vt", f"127.0.0.1:{port}", "dba", "dba", "ERRORS=STDOUT", f"exec={load}"],
                capture_output=True, text=True, timeout=900, check=False,
            )  # fmt: skip
            if run.returncode or "0 Rows." not in run.stdout or "Error" in run.stdout:
                raise BenchFailed(f"Virtuoso did not load: {run.stdout[-1000:]}{run.stderr}")
            yield client


@contextmanager
def rdflib_server(triples: Path) -> Iterator[Client]:
    """rdflib-endpoint in one process, with the file in rdflib's own memory store."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-c", _RDFLIB, str(triples), str(port)]
    with running(command, Client(port, "/"), patience=600.0) as client:
        yield client
