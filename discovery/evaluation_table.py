"""The evaluation as a table: text for people, rows for a report, and what they allow to be said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clusterloom.discovery.evaluation import LEAST_GROUPS, Evaluation, HeldOut
from clusterloom.discovery.evaluation_figures import METRICS, Scored

COLUMNS = ("hold_out", "ties", "undertakings", "method", "valued",
           *(f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")))  # fmt: skip
"""Of `rows`: the ends are those of the interval over ties and undertakings taken together."""


def table(told: Mapping[str, Any], comparisons: bool = True) -> str:
    """A `report` as text for people, with or without which method is above which."""
    lines = [
        f"release {told['release']}, seed {told['seed']}: {told['ties']} ties between "
        f"{told['tied_clusters']} of {told['clusters']} clusters by {told['undertakings']} "
        f"undertakings of two or more, {told['undated']} of them of unknown year (they stay in "
        "training)",
        "random: what a shuffled list gives on average; network orders by Adamic-Adar, so the two "
        "are the same; equal values share the mean of their places, which lowers MRR and Hits "
        "where a method has many; [ ]: 95 % interval, drawn by ties and by undertakings",
    ]
    for held in told["hold_outs"]:
        lines += ["", *_section(held, comparisons)]
    return "\n".join([*lines, "", told["says"]]) + "\n"


def says(found: Evaluation) -> str:
    """What the figures allow: a default where one method is apart from all others everywhere."""
    chosen = ", ".join(f"{name} by {metric}" for metric, name in found.default.items() if name)
    if chosen:
        return f"default that follows: {chosen}, apart from all others in every hold-out"
    measured = [held for held in found.hold_outs if not held.reason]
    few = (
        f"; {found.ties} ties by {found.undertakings} undertakings are too few to say more"
        if measured
        else ", since too few ties are known to measure anything"
    )
    return (
        "default that follows: none: no method is apart from all others in every hold-out, and "
        f"none is chosen where intervals overlap{few}"
    )


def allows(held: HeldOut) -> str:
    """What one hold-out allows to be said."""
    if held.reason:
        return f"not measured: {held.reason}"
    if held.undertakings < LEAST_GROUPS:
        return f"nothing is compared: fewer than {LEAST_GROUPS} undertakings"
    best: dict[str, list[str]] = {}
    for metric in METRICS:
        best.setdefault(held.best[metric], []).append(metric)
    told = [
        f"{name} is apart from all others by {', '.join(by)}" for name, by in best.items() if name
    ]
    if "" in best:
        told.append(f"by {', '.join(best[''])} no axis is apart from all others")
    return "; ".join(told)


def report(found: Evaluation) -> dict[str, Any]:
    """The evaluation in short, as plain values: counts, a row for each method, what it allows."""
    return {
        "release": found.release,
        "seed": found.seed,
        "version": found.version,
        "clusters": found.clusters,
        "tied_clusters": found.tied_clusters,
        "ties": found.ties,
        "undertakings": found.undertakings,
        "undated": found.undated,
        "says": says(found),
        "hold_outs": [
            {
                "hold_out": held.name,
                "what": held.what,
                "ties": held.ties,
                "asked": held.asked,
                "training_ties": held.training_ties,
                "clusters": held.clusters,
                "undertakings": held.undertakings,
                "without_partner": held.without_partner,
                "first_year": held.first_year,
                "says": allows(held),
                "methods": [_method(row) for row in held.scored],
                "apart": held.apart,
            }
            for held in found.hold_outs
        ],
    }


def rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The methods of every hold-out of a `report`, one row each, with the cells of COLUMNS."""
    found = []
    for held in told["hold_outs"]:
        counts = {"hold_out": held["hold_out"], "ties": held["ties"],
                  "undertakings": held["undertakings"]}  # fmt: skip
        for row in held["methods"]:
            cells = {"method": row["method"], "valued": row["valued"]}
            for metric in METRICS:
                value = row[metric]
                cells |= {metric: value["value"], f"{metric}_low": value["low"],
                          f"{metric}_high": value["high"]}  # fmt: skip
            found.append(counts | cells)
    return found


def _method(row: Scored) -> dict[str, Any]:
    return {
        "method": row.method,
        "what": row.what,
        "valued": row.valued,
        **{
            metric: {
                "value": _number(figure.value),
                "low": _number(figure.least),
                "high": _number(figure.most),
            }
            for metric, figure in row.figures.items()
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _section(held: Mapping[str, Any], comparisons: bool) -> list[str]:
    looked = f", {held['asked']} of them looked for" if held["asked"] < held["ties"] else ""
    lines = [
        f"{held['hold_out']}: {held['what']}",
        f"  {held['ties']} ties held out{looked}, {held['training_ties']} left; they tie "
        f"{held['clusters']} clusters by {held['undertakings']} undertakings; of "
        f"{held['without_partner']} one end or both has no partner left",
    ]
    if held["methods"]:
        lines.append(f"  {'':<16}" + "".join(f"{m:<22}" for m in METRICS) + "valued")
    for row in held["methods"]:
        line = "".join(f"{_cell(row[metric]):<22}" for metric in METRICS)
        lines.append(f"  {row['method']:<16}{line}{row['valued']:.0%}")
    better: dict[str, dict[str, list[str]]] = {}
    for metric, one, other in held["apart"] if comparisons else []:
        better.setdefault(metric, {}).setdefault(one, []).append(other)
    for metric, told in better.items():
        above = "; ".join(f"{one} above {', '.join(worse)}" for one, worse in told.items())
        lines.append(f"  {metric}: {above}")
    return [*lines, f"  {held['says']}"]


def _cell(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return "undefined"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
