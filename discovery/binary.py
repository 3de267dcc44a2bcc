"""Profiles of 0 and 1, as whoever counts with them wants them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def binary(what: str, values: Any, dimensions: int | None = None) -> Any:
    """The profiles as floats, sparse where given sparse; ValueError unless all are 0 or 1.

    `what` names them in the message; `dimensions` is 1 or 2, None where both will do.

    >>> binary("M", [[0, 1]]).tolist()
    [[0.0, 1.0]]
    """
    given: Any = values.tocsr() if sparse.issparse(values) else np.asarray(values)
    if sparse.issparse(given) and not given.has_canonical_format:
        given = given.copy()
        given.sum_duplicates()
    allowed = (1, 2) if dimensions is None else (dimensions,)
    if given.ndim not in allowed:
        raise ValueError(
            f"{what} has {given.ndim} dimensions, not {' or '.join(map(str, allowed))}"
        )
    cells = given.data if sparse.issparse(given) else given
    if not np.logical_or(cells == 0, cells == 1).all():
        raise ValueError(f"{what} has values other than 0 and 1")
    return given.astype(np.float64, copy=False)
