"""Cases of abuse: one YAML file each in `cases/`; README.md tells their members.

A case is made into plays: functions that talk to a server and return its answers.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from abuse.wire import Answer, Wire

FOLDER = Path(__file__).parent / "cases"
MEMBERS = {
    "attacks", "query", "each", "via", "parameters", "accept", "headers", "request", "steps",
    "traverse", "copies", "heavy", "waits", "last", "leave", "expect",
}  # fmt: skip
EXPECTED = {
    "status", "slug", "cut", "closed", "seconds", "bytes", "absent", "plain", "answers",
}  # fmt: skip

Play = Callable[[], list[Answer]]


@dataclass
class Target:
    """The server under attack and what cases speak of: the trap, the release, the routes."""

    port: int
    trap: int
    release: str
    routes: list[str]

    def fill(self, text: str) -> str:
        """The text with the names of this run in place of $TRAP and $RELEASE."""
        trap = f"http://127.0.0.1:{self.trap}/"
        return text.replace("$TRAP", trap).replace("$RELEASE", self.release)


@dataclass
class Case:
    """One file: what it attacks, how the requests are made, what may come back."""

    name: str
    told: dict[str, Any]
    expect: dict[str, Any] = field(default_factory=dict)

    @property
    def heavy(self) -> bool:
        """Whether it holds a query worker until the deadline."""
        return bool(self.told.get("heavy"))

    def plays(self, target: Target) -> list[Play]:
        """What to do, in order; `copies` of one play are to be done at the same time."""
        return [partial(_persist, play, self) for play in self._once(target)]

    def _once(self, target: Target) -> Iterator[Play]:
        told = self.told
        if "query" in told:
            for text in _variants(told, target):
                for via in told.get("via", ["form"]):
                    request = _sparql(text, via, told)
                    yield partial(_exchange, target.port, request, self)
        elif "request" in told:
            for each in told.get("each", [""]):
                request = _plain(told["request"], each, target)
                yield partial(_exchange, target.port, request, self)
        elif "traverse" in told:
            for path in _addresses(told["traverse"], target):
                request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1")
                yield partial(_exchange, target.port, request, self)
        else:
            yield partial(_act, target, told["steps"], self)


def load() -> list[Case]:
    """Every case of the folder, by name."""
    cases = []
    for path in sorted(FOLDER.glob("*.yaml")):
        told = yaml.safe_load(path.read_text("utf-8"))
        unknown = set(told) - MEMBERS | set(told["expect"]) - EXPECTED
        assert not unknown, f"{path.name}: {unknown}"
        cases.append(Case(path.stem, told, told["expect"]))
    return cases


def text_of(made: Any) -> str:
    """A text: a string, or parts of which some repeat; § is the number of the repetition."""
    if isinstance(made, str):
        return made
    if isinstance(made, list):
        return "".join(map(text_of, made))
    part, times, join = text_of(made["repeat"]), int(made["times"]), str(made.get("join", ""))
    if "§" in part:
        return join.join(part.replace("§", str(n)) for n in range(times))
    return (part + join) * (times - 1) + part


def data_of(made: Any) -> bytes:
    """Bytes: a text in UTF-8, or `hex` digits repeated, or `gzip` of a text."""
    if isinstance(made, dict) and "hex" in made:
        return bytes.fromhex(made["hex"]) * int(made.get("times", 1))
    if isinstance(made, dict) and "gzip" in made:
        return gzip.compress(text_of(made["gzip"]).encode())
    return text_of(made).encode()


def _variants(told: dict[str, Any], target: Target) -> Iterator[str]:
    query = target.fill(text_of(told["query"]))
    for each in told.get("each", [""]):
        yield query.replace("@@", target.fill(text_of(each)))


def _sparql(text: str, via: str, told: dict[str, Any]) -> bytes:
    parameters = "".join(f"&{k}={quote(str(v))}" for k, v in told.get("parameters", {}).items())
    headers = {"Host": "localhost", "Accept": told.get("accept", "*/*"), **told.get("headers", {})}
    if via == "get":
        return _message("GET", f"/sparql?query={quote(text)}{parameters}", headers, b"")
    body = text.encode()
    types = {"direct": "sparql-query", "query": "sparql-query", "update": "sparql-update"}
    headers["Content-Type"] = f"application/{types.get(via, 'x-www-form-urlencoded')}"
    if via in {"form", "update-form"}:
        body = f"{'query' if via == 'form' else 'update'}={quote(text)}".encode()
    method = "QUERY" if via == "query" else "POST"
    return _message(method, f"/sparql?{parameters[1:]}".rstrip("?"), headers, body)


def _plain(made: dict[str, Any], each: Any, target: Target) -> bytes:
    def put(text: str) -> str:
        return target.fill(text).replace("@@", target.fill(text_of(each)))

    headers = {"Host": "localhost"}
    headers |= {k: put(text_of(v)) for k, v in made.get("headers", {}).items()}
    body = data_of(made["body"]).replace(b"@@", text_of(each).encode()) if "body" in made else b""
    return _message(made.get("method", "GET"), put(text_of(made["target"])), headers, body)


def _message(method: str, address: str, headers: dict[str, str], body: bytes) -> bytes:
    if (body or method in {"POST", "QUERY"}) and "Transfer-Encoding" not in headers:
        headers = {"Content-Length": str(len(body)), **headers}
    lines = [f"{method} {address} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def _addresses(payloads: list[Any], target: Target) -> Iterator[str]:
    for route in target.routes:
        names = re.findall(r"\{[^}]+\}", route)
        for spoilt in names:
            for payload in payloads:
                path = route
                for name in names:
                    usual = target.release if "release" in name else "area"
                    path = path.replace(name, text_of(payload) if name == spoilt else usual)
                yield target.fill(path)


def _persist(play: Play, case: Case) -> list[Answer]:
    """A hostile client comes back after a 503 as it is told to, so that its query does run."""
    answers = play()
    for _ in range(25):
        if not case.heavy or {a.status for a in answers} != {503}:
            break
        time.sleep(0.3)
        answers = play()
    return answers


def _exchange(port: int, request: bytes, case: Case) -> list[Answer]:
    copies = int(case.told.get("copies", 1))
    if copies == 1:
        return [_one(port, request, case)]
    with ThreadPoolExecutor(copies) as crowd:
        return list(crowd.map(lambda _: _one(port, request, case), range(copies)))


def _one(port: int, request: bytes, case: Case) -> Answer:
    with Wire(port, _patience(case)) as wire:
        wire.send(request)
        return wire.answer(request.startswith(b"HEAD"), case.told.get("leave"))


def _patience(case: Case) -> float:
    return float(case.expect.get("seconds", 12)) + 3


def _act(target: Target, steps: list[Any], case: Case) -> list[Answer]:
    copies = int(case.told.get("copies", 1))
    if copies == 1:
        return _steps(target, steps, case)
    with ThreadPoolExecutor(copies) as crowd:
        lists = list(crowd.map(lambda _: _steps(target, steps, case), range(copies)))
    return [answer for answers in lists for answer in answers]


def _steps(target: Target, steps: list[Any], case: Case) -> list[Answer]:
    slow_reader = any(isinstance(step, dict) and "sip" in step for step in steps)
    with Wire(target.port, _patience(case), slow_reader) as wire:
        for step in steps:
            if not isinstance(step, dict) or "repeat" in step:
                wire.send(target.fill(text_of(step)).replace("\n", "\r\n").encode())
            elif "pause" in step:
                time.sleep(step["pause"])
            elif "drip" in step:
                data = text_of(step["drip"]).replace("\n", "\r\n").encode()
                wire.drip(data, step.get("every", 0.1), step.get("bytes", 1))
            elif "sip" in step:
                wire.sip(step.get("every", 0.1), step["sip"], step["seconds"])
            elif "half_close" in step:
                wire.half_close()
            elif "leave" in step:
                return []
            elif "exact" in step:
                wire.send(data_of(step["exact"]))
            else:
                wire.send(data_of(step))
        wanted = case.expect.get("answers", 1)
        return [wire.answer(leave_after=case.told.get("leave")) for _ in range(wanted)]
