"""Hostile requests against the real service while well-behaved clients work.

The cases are files in `cases/` (README.md tells their members). They are run once, many at a
time, by the fixture `battle`; each test then looks at what came back, and the last ones at what
the attack has done to the well-behaved clients, the memory and the processes.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from abuse.cases import Case, Target, load
from abuse.wire import Answer
from clusterloom.api.app import create_app
from clusterloom.settings import Settings
from fixtures_api import GRAPHS, make_release
from service_process import Service, eventually, running

CASES = load()
AT_LEAST = 125
LINKS = 20_000
QUIET_SECONDS = 4.0
RUN_SECONDS = 60.0
CROWDED = 2
"""How many times longer a case may take while all the others attack on a machine of two cores.

What is exact, the deadline plus half a second, is measured by one killer at a time.
"""
SLOW = 0.1
"""Seconds from which on a well-behaved client would notice."""
LANES = 3
"""Cases of a kind at a time; as many as there are slots for slow queries."""
WORKERS = LANES + 2
GROWTH = 125.0
"""Megabytes that the server and its workers may hold more after the attack than before it.

What is made once stays: 86 to 98 after a first attack on one server, 9 more after a second, 6
after a third.
"""

DOCUMENTED = {
    200, 204, 206, 301, 302, 303, 304, 308, 400, 403, 404, 405, 406, 408, 410, 412, 413, 414, 415,
    416, 426, 429, 431, 501, 503, 504, 505, 507,
}  # fmt: skip
"""Status codes that the service may send at all; never 500, 502 or 499."""

PROBLEM = "application/problem+json"

pytestmark = pytest.mark.alone


@dataclass
class Battle:
    """What came of the attack."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    quiet: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    slow: list[tuple[float, float, str]] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    before: float = 0.0
    after: float = 0.0
    server_before: float = 0.0
    server_after: float = 0.0
    seconds: float = 0.0
    caught: int = 0
    health: dict[str, object] = field(default_factory=dict)
    printed: str = ""
    survived: bool = False


class Trap:
    """A listener on loopback that no one may ever connect to."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.caught = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.caught += 1
            connection.close()

    def close(self) -> None:
        """Ends the watch."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(5)


PROBE = """
import ctypes
libc = ctypes.CDLL(None)
raise SystemExit(0 if libc.unshare(0x40000000) == 0 or libc.unshare(0x50000000) == 0 else 3)
"""
"""Whether a process of this system may give up its network, as `store/confine.py` tries to."""


def data_folder(folder: Path) -> str:
    """A release with 20,000 links in a chain, dumps with a link that leads out; its name."""
    chain = "".join(f"<urn:bulk:{n}> <urn:bulk:next> <urn:bulk:{n + 1}> .\n" for n in range(LINKS))
    graphs = {**GRAPHS, ("bulk", "asserted"): chain}
    releases = folder / "releases"
    release = make_release(releases, graphs)
    canary = folder / "canary.txt"
    canary.write_text("the canary sings\n")
    packed = folder / "canary.gz"
    packed.write_bytes(gzip.compress(b"the canary sings\n", 0))
    (release.path / "catalog.ttl").write_text("<urn:catalog> a <urn:Catalog> .\n" * 20_000)
    (release.path / "dump.nq.zst").write_bytes(bytes(4_000_000))
    (release.path / "turtle").mkdir(exist_ok=True)
    (release.path / "turtle" / "escape.ttl.gz").symlink_to(packed)
    (releases / "linked").symlink_to(folder)
    return str(release.id)


def routes(settings: Settings) -> list[str]:
    """The addresses of the service that have a part to be filled in."""
    app = create_app(settings)
    mounts = [f"{route.path}/{{path}}" for route in app.routes if isinstance(route, Mount)]
    paths = {str(context.path) for context in iter_route_contexts(app.routes)}
    return mounts + sorted({re.sub(r":\w+}", "}", path) for path in paths if "{" in path})


@pytest.fixture(scope="module")
def battle(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Battle:
    """The attack of the chosen cases, and what it did."""
    chosen = {
        item.callspec.params["case"].name
        for item in request.session.items
        if hasattr(item, "callspec") and "case" in item.callspec.params
    }
    folder = tmp_path_factory.mktemp("abuse")
    release = data_folder(folder)
    settings = Settings(data_dir=folder, query_timeout=2, query_memory=512, workers=WORKERS)
    trap = Trap()
    result = Battle()
    limits = {"query_timeout": 2, "query_memory": 512, "workers": WORKERS}
    try:
        with running(folder, **limits) as service:
            target = Target(service.port, trap.port, release, routes(settings))
            _settled(service)
            _fight(service, target, [c for c in CASES if c.name in chosen], result)
        result.printed = "".join(service.printed)
    finally:
        result.caught = trap.caught
        trap.close()
    return result


def _settled(service: Service) -> None:
    """Waits until spares and a store in memory are ready."""

    def loaded() -> bool:
        health = httpx.get(f"{service.url}/health").json()
        return "loading" not in json.dumps(health)

    assert eventually(loaded, 30)
    time.sleep(1)


def _fight(service: Service, target: Target, cases: list[Case], result: Battle) -> None:
    guests = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("well_behaved.py")), str(service.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(1)
        quiet_from = time.monotonic()
        time.sleep(QUIET_SECONDS)
        result.health = httpx.get(f"{service.url}/health").json()
        sizes = service.megabytes()
        result.before, result.server_before = sum(sizes.values()), sizes[service.process.pid]
        began = time.monotonic()
        _attack(target, cases, result)
        over = time.monotonic()
        result.seconds = over - began
    finally:
        out, _ = guests.communicate(timeout=60)
    for when, seconds, status, kind in json.loads(out):
        if quiet_from <= when < began:
            result.quiet.append(seconds)
        elif began <= when < over:
            result.loaded.append(seconds)
            if seconds > SLOW:
                result.slow.append((when, when + seconds, kind))
        if when >= quiet_from and status != 200:
            result.refused[status] = result.refused.get(status, 0) + 1
    result.survived = httpx.get(f"{service.url}/ready", timeout=10).status_code == 200
    result.survived &= service.process.poll() is None

    def small() -> bool:
        sizes = service.megabytes()
        result.after = sum(sizes.values())
        result.server_after = sizes[service.process.pid]
        return result.after < result.before + GROWTH

    eventually(small, 8)


def _attack(target: Target, cases: list[Case], result: Battle) -> None:
    """Heavy cases on as many lanes as there are slots for slow queries, light ones beside them."""
    kinds: dict[str, list[Case]] = {"light": [], "heavy": [], "waits": [], "last": []}
    for case in cases:
        kinds[next((kind for kind in kinds if case.told.get(kind)), "light")].append(case)

    def play(case: Case) -> None:
        result.answers[case.name] = []
        began = time.monotonic()
        try:
            for each in case.plays(target):
                result.answers[case.name] += each()
        except (AssertionError, ValueError, OSError) as error:
            result.faults[case.name] = f"{type(error).__name__}: {error}"
        result.spans[case.name] = began, time.monotonic()

    with ThreadPoolExecutor(2 * LANES + len(kinds["waits"])) as crowd:
        waiting = [crowd.submit(play, case) for case in kinds["waits"]]
        lanes = [crowd.submit(_one_by_one, play, kinds["heavy"]) for _ in range(LANES)]
        lanes += [crowd.submit(_one_by_one, play, kinds["light"]) for _ in range(LANES)]
        for future in [*waiting, *lanes]:
            future.result()
    _one_by_one(play, kinds["last"])


def _one_by_one(play: Callable[[Case], None], cases: list[Case]) -> None:
    """Plays cases, each taken from a list that other lanes take from too."""
    while cases:
        try:
            case = cases.pop()
        except IndexError:
            return
        play(case)


def complaints(case: Case, answers: list[Answer]) -> list[str]:
    """What is wrong with the answers to a case."""
    found = []
    for n, answer in enumerate(answers):
        said = f"answer {n}: {answer.status}, {answer.ending}, {answer.seconds:.1f} s, "
        said += f"{answer.size} bytes {bytes(answer.body[:300])!r}"
        found += [f"{why}: {said}" for why in _wrong(case, answer)]
    return found


def _wrong(case: Case, answer: Answer) -> Iterator[str]:
    expect = case.expect
    if answer.seconds > CROWDED * expect["seconds"]:
        yield f"took longer than {CROWDED} x {expect['seconds']} s"
    if answer.ending == "hung":
        yield "never ended"
    if answer.status is None:
        if not expect.get("closed"):
            yield "closed without an answer"
        return
    if answer.status not in expect["status"] or answer.status not in DOCUMENTED:
        yield f"status not in {expect['status']}"
    if answer.ending == "cut" and not expect.get("cut"):
        yield "cut short"
    kind = answer.header("content-type")
    head = "cross-join-head" in case.name
    if answer.status >= 400 and answer.ending == "complete" and not head:
        yield from _no_problem(case, answer, kind)
    if answer.size > expect.get("bytes", math.inf):
        yield f"more than {expect['bytes']} bytes"
    if pattern := expect.get("absent"):
        text = "".join(f"\n{name}: {value}" for name, value in answer.headers)
        text += f"\n\n{bytes(answer.body).decode('latin-1')}"
        if re.search(pattern, text, re.IGNORECASE):
            yield f"holds {pattern!r}"
    if answer.status == 503 and not answer.header("retry-after"):
        yield "503 without Retry-After"


def _no_problem(case: Case, answer: Answer, kind: str) -> Iterator[str]:
    if kind != PROBLEM:
        if not case.expect.get("plain"):
            yield f"an error that is no problem JSON but {kind}"
        return
    told = json.loads(answer.body)
    if told.get("status") != answer.status or not told.get("detail"):
        yield "problem JSON without its members"
    slug = case.expect.get("slug")
    if slug and not str(told.get("type", "")).endswith(f"/{slug}"):
        yield f"problem is not {slug}"


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def test_the_cases_are_all_there() -> None:
    assert len(CASES) >= AT_LEAST
    assert all(case.told["attacks"] for case in CASES)
    for case in CASES:
        ways = {"query", "request", "steps", "traverse"} & set(case.told)
        assert len(ways) == 1, case.name
        assert set(case.expect["status"]) <= DOCUMENTED


def test_the_routes_are_those_of_the_service(tmp_path: Path) -> None:
    found = routes(Settings(data_dir=tmp_path))
    for known in ("/id/{kind}/{key}", "/dumps/{release}/{file}", "/static/{path}",
                  "/api/v1/clusters/{id}", "/api/v1/queries/{name}"):  # fmt: skip
        assert known in found
    assert len(found) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(battle: Battle, case: Case) -> None:
    assert case.name not in battle.faults, battle.faults[case.name]
    answers = battle.answers[case.name]
    if case.expect["status"]:
        assert answers
    wrong = complaints(case, answers)
    assert not wrong, f"{case.told['attacks']}\n" + "\n".join(wrong[:8])


def suspects(battle: Battle) -> str:
    """The cases that were under way when well-behaved clients had to wait, most often first."""
    found: Counter[str] = Counter()
    for start, end, _ in battle.slow:
        found.update(n for n, (a, b) in battle.spans.items() if a < end and start < b)
    return ", ".join(f"{name} {times}" for name, times in found.most_common(12))


def test_well_behaved_clients_hardly_notice(battle: Battle) -> None:
    quiet, loaded = percentile(battle.quiet, 0.99), percentile(battle.loaded, 0.99)
    told = (
        f"quiet: {len(battle.quiet)} requests, p50 {percentile(battle.quiet, 0.5) * 1000:.1f} ms, "
        f"p99 {quiet * 1000:.1f} ms; under attack: {len(battle.loaded)} requests, "
        f"p50 {percentile(battle.loaded, 0.5) * 1000:.1f} ms, p99 {loaded * 1000:.1f} ms, "
        f"worst {max(battle.loaded) * 1000:.0f} ms; {battle.seconds:.1f} s of attack; "
        f"slow beside: {suspects(battle)}"
    )
    print(told)
    assert len(battle.quiet) > 200
    assert battle.refused == {}, told
    assert loaded < max(0.1, 5 * quiet), told


def test_the_attack_is_soon_over(battle: Battle) -> None:
    spent = {name: end - start for name, (start, end) in battle.spans.items()}
    longest = sorted(spent.items(), key=lambda item: -item[1])[:25]
    print(f"{battle.seconds:.1f} s:", ", ".join(f"{name} {took:.1f}" for name, took in longest))
    assert battle.seconds < RUN_SECONDS


KILLERS = {
    "sort": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c ?f",
    "path": "SELECT (COUNT(*) AS ?n) { ?a <urn:bulk:next>* ?b . ?b <urn:bulk:next>* ?c }",
    "regex": "SELECT (COUNT(*) AS ?n) { ?a ?p ?b . ?c ?q ?d "
    'FILTER(REGEX(CONCAT(STR(?a), STR(?c)), "(.*bulk){3}[0-9]+x"))}',
    "join": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
}


def test_alone_each_killer_is_ended_in_time(tmp_path: Path) -> None:
    data_folder(tmp_path)
    took: dict[str, float] = {}
    with running(tmp_path, query_timeout=1, query_memory=3000, workers=WORKERS) as service:
        _settled(service)
        for name, query in KILLERS.items():
            began = time.monotonic()
            answer = httpx.post(f"{service.url}/sparql", data={"query": query}, timeout=20)
            took[name] = time.monotonic() - began
            assert answer.status_code == 504, f"{name}: {answer.text[:300]}"
    print(took)
    assert min(took.values()) > 0.9
    assert max(took.values()) < 1.5, took


def test_memory_is_back_where_it_was(battle: Battle) -> None:
    told = (
        f"server and workers {battle.before:.0f} MB before, {battle.after:.0f} MB after; "
        f"server alone {battle.server_before:.0f} and {battle.server_after:.0f} MB"
    )
    print(told)
    assert battle.after < battle.before + GROWTH, told


def test_nothing_was_restarted_and_nothing_has_failed(battle: Battle) -> None:
    assert battle.survived
    # an answer that is cut on purpose ends by an exception of that name
    raised = re.compile(r"^[\w.]+(?:Error|Exception|Warning|Cut)\b.*", re.MULTILINE)
    failures = [
        battle.printed[max(0, found.start() - 1500) : found.end()]
        for found in raised.finditer(battle.printed)
        if "AnswerCut" not in found[0]
    ]
    assert not failures, "\n----\n".join(failures[:3])


def test_no_packet_leaves(battle: Battle) -> None:
    assert battle.caught == 0


def test_workers_have_no_network_where_the_system_allows_it(battle: Battle) -> None:
    allowed = subprocess.run([sys.executable, "-c", PROBE], check=False, stderr=subprocess.DEVNULL)
    assert allowed.returncode in {0, 3}
    told = json.dumps(battle.health)
    assert f'"isolated": {str(allowed.returncode == 0).lower()}' in told
