"""The nginx configuration in `deploy/`, as shipped, before two processes of one data folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from engine_help import eventually
from fixtures_api import small_settings

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx" / "clusterloom.conf"
ASK = {"query": "ASK { ?s ?p ?o }"}
ENDLESS = {"query": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o }"}

pytestmark = pytest.mark.needs("nginx")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(address: str) -> bool:
    try:
        return httpx.get(address + "/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Behind:
    """The address of the proxy, and the processes behind it by their addresses."""

    def __init__(self, address: str, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        self.address = address
        self.processes = processes


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("proxy")
    ports = [_free_port() for _ in range(3)]
    text = CONFIGURATION.read_text("utf-8")
    for shipped, own in zip(("8001", "8002", "8080"), ports, strict=True):
        assert f"127.0.0.1:{shipped};" in text
        text = text.replace(f"127.0.0.1:{shipped};", f"127.0.0.1:{own};")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off;\n{temporary}{text} }}\n"
    )
    with ExitStack() as stack:
        settings = stack.enter_context(small_settings(folder / "data"))
        environment = os.environ | {
            "CLUSTERLOOM_DATA_DIR": str(settings.data_dir),
            "CLUSTERLOOM_QUERY_TIMEOUT": "2",
            "CLUSTERLOOM_WORKERS": "4",
        }
        processes = {}
        for port in ports[:2]:
            command = [sys.executable, "-m", "clusterloom.cli", "serve", "--port", str(port)]
            process = stack.enter_context(
                subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
            processes[f"http://127.0.0.1:{port}"] = process
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        proxy = stack.enter_context(subprocess.Popen(command))
        stack.callback(proxy.kill)
        address = f"http://127.0.0.1:{ports[2]}"
        for each in (*processes, address):
            assert eventually(partial(_answers, each), 30), each
        yield Behind(address, processes)


def test_the_proxy_answers_as_the_processes_do(behind: Behind) -> None:
    through = httpx.get(behind.address + "/sparql", params=ASK)
    assert through.json()["boolean"] is True
    for direct in behind.processes:
        own = httpx.get(direct + "/sparql", params=ASK)
        assert own.content == through.content
        assert own.headers["x-clusterloom-release"] == through.headers["x-clusterloom-release"]


def test_the_endpoint_is_the_address_of_the_proxy(behind: Behind) -> None:
    found = httpx.get(behind.address + "/sparql", headers={"Accept": "application/n-triples"})
    assert f"#endpoint> <{behind.address}/sparql> ." in found.text


def test_a_cut_answer_is_a_broken_one_behind_the_proxy(behind: Behind) -> None:
    with httpx.stream("GET", behind.address + "/sparql", params=ENDLESS, timeout=20) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            list(answer.iter_raw())


def test_figures_stay_inside(behind: Behind) -> None:
    assert httpx.get(behind.address + "/metrics").status_code == 404


def test_long_queries_pass(behind: Behind) -> None:
    query = "ASK { ?s ?p ?o } #" + "x" * 20_000
    assert httpx.get(behind.address + "/sparql", params={"query": query}).status_code == 200


def test_one_process_may_die(behind: Behind) -> None:
    process = next(iter(behind.processes.values()))
    process.kill()
    process.wait(10)
    answers = [
        httpx.get(behind.address + "/sparql", params={"query": f"ASK {{ ?s ?p {n} }}"})
        for n in range(12)
    ]
    assert {answer.status_code for answer in answers} == {200}
