"""Technical coefficients of an input-output table."""

from __future__ import annotations

from collections.abc import Mapping

Pair = tuple[str, str]
"""Delivering product, using product."""


def coefficients(flows: Mapping[Pair, float], outputs: Mapping[str, float]) -> dict[Pair, float]:
    """Value of the delivered product in one unit of output of the using product: flow / output.

    A pair has no coefficient where the output of the using product is unknown or not above
    zero, and none where its flow is unknown: nothing is taken for zero.

    >>> flows = {("C24", "C25"): 30.0, ("C24", "C28"): 12.0, ("C25", "C28"): 18.0}
    >>> coefficients(flows, {"C25": 120.0, "C28": 60.0})
    {('C24', 'C25'): 0.25, ('C24', 'C28'): 0.2, ('C25', 'C28'): 0.3}
    >>> coefficients(flows, {"C25": 120.0})
    {('C24', 'C25'): 0.25}
    """
    return {
        (delivers, uses): flow / outputs[uses]
        for (delivers, uses), flow in flows.items()
        if outputs.get(uses, 0.0) > 0
    }
