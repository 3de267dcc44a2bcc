"""Well-behaved clients, in a process of their own so that the attackers do not slow their clocks.

`python well_behaved.py PORT` asks until its standard input ends, then prints a JSON list of
[when, seconds, status, kind], `when` by the monotonic clock of the machine.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from itertools import count
from urllib.parse import quote

PAUSE = 0.02
"""Seconds between two requests of a client."""

Sample = tuple[float, float, int, str]


def _lookup(n: int) -> str:
    query = f"SELECT ?p ?o {{ <urn:bulk:{n * 7 % 20_000}> ?p ?o }}"
    return f"/sparql?query={quote(query)}"


def _library(n: int) -> str:
    return ("/api/v1/queries/areas", "/api/v1/queries/value-chains")[n % 2]


def _document(n: int) -> str:
    return ("/data/area/photonics", "/data/org/pic-1")[n % 2]


KINDS = {"lookup": _lookup, "library": _library, "document": _document}


def client(port: int, kind: str, first: int, over: threading.Event, taken: list[Sample]) -> None:
    """One client on one connection, which it opens again where the server has closed it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for n in count(first, 4):
        if over.is_set():
            break
        began = time.monotonic()
        try:
            connection.request("GET", KINDS[kind](n), headers={"Accept": "application/json, */*"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (http.client.HTTPException, OSError):
            connection.close()
            status = 0
        taken.append((began, time.monotonic() - began, status, kind))
        time.sleep(PAUSE)
    connection.close()


def main() -> None:
    """Runs the clients: two that look things up, one of each other kind."""
    port = int(sys.argv[1])
    over = threading.Event()
    taken: list[Sample] = []
    kinds = ["lookup", "lookup", "library", "document"]
    threads = [
        threading.Thread(target=client, args=(port, kind, n, over, taken))
        for n, kind in enumerate(kinds)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    json.dump(taken, sys.stdout)


if __name__ == "__main__":
    main()
