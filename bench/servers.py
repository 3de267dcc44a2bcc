"""The two SPARQL servers on loopback, each a process of its own, and a client for both."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from clusterloom.store.engine import JSON
from clusterloom.store.release import Release

from .measure import BenchFailed

START_SECONDS = 60.0
_HEADERS = {
    "Content-Type": "application/sparql-query",
    "Accept": JSON,
    # what an answer costs, not what remembering it saves
    "Cache-Control": "no-cache",
}


class Client:
    """Asks one server over one connection that is kept open, as a busy client does."""

    def __init__(self, port: int, path: str, graph: str = "") -> None:
        self.port = port
        self._path = path
        self._graph = {"default-graph-uri": graph} if graph else {}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, query: str) -> bytes:
        """The whole answer in SPARQL JSON; BenchFailed for any status but 200."""
        return self._whole("POST", self._path, query.encode("utf-8"), _HEADERS)

    def ask_by_form(self, query: str) -> bytes:
        """The same as a form, for a server that does not take a query as it is."""
        body = urlencode({"query": query, **self._graph}).encode("ascii")
        form = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
        return self._whole("POST", self._path, body, form)

    def address(self, query: str) -> str:
        """The path and query string that ask for it."""
        return f"{self._path}?{urlencode({'query': query, **self._graph})}"

    def fetch(self, path: str, accept: str = JSON) -> bytes:
        """The whole answer to a GET; BenchFailed for any status but 200."""
        return self._whole("GET", path, None, {"Accept": accept})

    def _whole(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        try:
            status, answer = self._asked(method, path, body, headers)
        except ConnectionError:  # the server closes a connection that has been idle
            self._connection.close()
            status, answer = self._asked(method, path, body, headers)
        if status != 200:
            raise BenchFailed(f"{self._path} answered {status}: {answer[:300]!r}")
        return answer

    def _asked(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request begins anew, and not in the midst of this
            raise

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


@contextmanager
def clusterloom_server(data_dir: Path) -> Iterator[Client]:
    """`clusterloom serve` on the current release of the data folder."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "clusterloom.cli", "serve", "--port", str(port)]
    with running(command, Client(port, "/sparql"), CLUSTERLOOM_DATA_DIR=str(data_dir)) as client:
        yield client


@contextmanager
def native_server(release: Release) -> Iterator[Client]:
    """`oxigraph serve-read-only` on a copy of the release's store."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        store = linked_copy(release.store_path, Path(folder) / "oxigraph")
        command = [str(_native_program()), "serve-read-only", "--location", str(store)]
        command += ["--bind", f"127.0.0.1:{port}"]
        with running(command, Client(port, "/query")) as client:
            yield client


def native_version() -> str | None:
    """The version of the PyPI package `oxigraph`, or None where it is not installed."""
    try:
        version = importlib.metadata.version("oxigraph")
    except importlib.metadata.PackageNotFoundError:
        return None
    return version if _native_program().is_file() else None


def linked_copy(store: Path, target: Path) -> Path:
    """A copy of a store whose table files, never changed once written, are hard links if may be."""

    def link(source: str, copy: str) -> None:
        if source.endswith(".sst"):
            with contextlib.suppress(OSError):
                os.link(source, copy)
                return
        shutil.copyfile(source, copy)

    shutil.copytree(store, target, copy_function=link)
    return target


def _native_program() -> Path:
    return Path(sys.executable).with_name("oxigraph")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], client: Client, patience: float = START_SECONDS, **environment: str
) -> Iterator[Client]:
    """The client of a server that the command starts, once it answers; ended at the end."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            _wait(process, client, patience)
            yield client
        except (BenchFailed, OSError, http.client.HTTPException):
            said.seek(0)
            sys.stderr.write(said.read()[-2000:].decode("utf-8", "replace"))
            raise
        finally:
            client.close()
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], client: Client, patience: float) -> None:
    until = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < until:
        try:
            client.fetch(client.address("ASK {}"))
            return
        except (OSError, BenchFailed, http.client.HTTPException):
            client.close()
            time.sleep(0.05)
    raise BenchFailed(f"the server did not start: {process.args!r}")
