"""Derived statements: named, versioned rules over the loaded graph, each into its own graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources

import pyoxigraph as ox

from clusterloom.loaders import input_coefficients, labels, specialisation, stage_coverage
from clusterloom.terms import Statement


@dataclass(frozen=True)
class Rule:
    """A rule reads the default graph and yields statements of kind `derived`.

    `name` is also the name of its graph; a change of meaning raises `version`.
    """

    name: str
    version: str
    description: str
    run: Callable[[ox.Store], Iterable[Statement]]


def _construct(name: str, version: str = "1") -> Rule:
    path = resources.files("clusterloom.loaders") / "rules" / f"{name}.rq"
    query = path.read_text("utf-8")
    comment = [line[1:].strip() for line in query.splitlines() if line.startswith("#")]

    def run(store: ox.Store) -> Iterator[Statement]:
        triples = store.query(query)
        assert isinstance(triples, ox.QueryTriples)
        for triple in triples:
            parts = str(triple.subject), str(triple.predicate), str(triple.object)
            yield Statement("derived", *parts)

    return Rule(name, version, " ".join(comment), run)


def rules() -> tuple[Rule, ...]:
    """Every rule in the order it runs: a later one may read what an earlier one derived."""
    return (
        _construct("part-of-closure"),
        _construct("within-closure"),
        Rule("preferred-label", labels.VERSION, labels.DESCRIPTION, labels.derive),
        _construct("actor-in-region"),
        _construct("actor-in-country"),
        _construct("actor-capability"),
        _construct("project-field"),
        _construct("co-participation"),
        _construct("participants-at-least"),
        Rule(
            "location-quotient",
            specialisation.VERSION,
            specialisation.DESCRIPTION,
            specialisation.derive,
        ),
        _construct("specialised-in"),
        Rule(
            "input-coefficient",
            input_coefficients.VERSION,
            input_coefficients.DESCRIPTION,
            input_coefficients.derive,
        ),
        Rule(
            "stage-coverage",
            stage_coverage.VERSION,
            stage_coverage.DESCRIPTION,
            stage_coverage.derive,
        ),
        _construct("coverage-known"),
    )
