"""What an operator watches: counts and times of requests, and the state of the query engine.

Everything is held by one registry per app, which `/metrics` writes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from clusterloom import __version__
from clusterloom.store.engine import Session

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

OUTCOMES = {
    200: "answered",
    304: "not_modified",
    400: "refused",
    406: "not_acceptable",
    413: "too_large",
    499: "client_gone",
    503: "busy",
    504: "timeout",
    507: "out_of_memory",
}
"""What the status of an answer of `/sparql` says of the query."""


_SHARED = {
    "workers": "Query workers that may run at once",
    "busy": "Query workers at work",
    "slow": "Queries that have run for more than 250 ms",
    "waiting": "Queries that wait for a worker",
    "megabytes": "Memory of the query workers as last measured, in MB",
}


class Metrics:
    """The figures of one app; `sessions` gives those that are open, the served one first."""

    def __init__(self, sessions: Callable[[], list[Session]]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "clusterloom_requests",
            "Requests by route, method and status",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "clusterloom_request_seconds",
            "Time from the request to the end of its answer",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._queries = Counter(
            "clusterloom_queries",
            "Requests to /sparql by outcome; `cut` is an answer that failed after its status line",
            ["outcome"],
            registry=self.registry,
        )
        self.registry.register(_Engines(sessions))
        self._counts: dict[tuple[str, str, int, bool], tuple[Histogram, list[Counter]]] = {}

    def record(self, route: str, method: str, status: int, seconds: float, cut: bool) -> None:
        """Counts one request that has ended; `status` is 499 where the client went first."""
        key = (route, method, status, cut)
        counts = self._counts.get(key)
        if counts is None:
            # finding a figure by its labels takes longer than counting
            counts = self._counts[key] = self._found(*key)
        counts[0].observe(seconds)
        for count in counts[1]:
            count.inc()

    def _found(
        self, route: str, method: str, status: int, cut: bool
    ) -> tuple[Histogram, list[Counter]]:
        counters = [self._requests.labels(route, method, str(status))]
        if route == "/sparql":
            outcome = "cut" if cut else OUTCOMES.get(status, "other")
            counters.append(self._queries.labels(outcome))
        return self._seconds.labels(route), counters


class _Engines:
    """Reads the open sessions when the figures are asked for."""

    def __init__(self, sessions: Callable[[], list[Session]]) -> None:
        self._sessions = sessions

    def describe(self) -> list[Metric]:
        """Nothing: the names are those that `collect` gives."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The state of each session as gauges and counters labelled by its release."""
        info = GaugeMetricFamily(
            "clusterloom_release",
            "Releases that are open; `served` is 1 for the current one",
            labels=["release", "version", "store"],
        )
        sessions = self._sessions()
        for field, text in _SHARED.items():
            gauge = GaugeMetricFamily(f"clusterloom_{field}", text)
            # the sessions of an engine share its workers, so the first one speaks for all
            value = getattr(sessions[0].state(), field) if sessions else None
            if value is not None:
                gauge.add_metric([], value)
            yield gauge
        started = CounterMetricFamily(
            "clusterloom_workers_started", "Query workers started", labels=["release"]
        )
        killed = CounterMetricFamily(
            "clusterloom_workers_killed", "Query workers ended, by reason",
            labels=["release", "reason"],
        )  # fmt: skip
        for position, session in enumerate(sessions):
            state, release = session.state(), session.release.id
            info.add_metric([release, __version__, state.store], float(position == 0))
            started.add_metric([release], state.started)
            for reason, count in state.killed.items():
                killed.add_metric([release, reason], count)
        yield from (info, started, killed)
