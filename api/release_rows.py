"""What changed in the answer to a library query between two releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clusterloom.api.query_run import Answer, answer, filled
from clusterloom.api.rows import Row
from clusterloom.api.serving import Serving
from clusterloom.errors import UsageError
from clusterloom.queries.library import LibraryQuery
from clusterloom.store.release import Release

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Changed:
    """The rows of one release only, each as often as it is there more often than in the other."""

    added: Answer
    removed: Answer
    rows: tuple[int, int]
    """Rows of the whole answer in the earlier and in the later release."""
    sparql: str
    caveats: tuple[str, ...]


async def changed_rows(
    serving: Serving, before: Release, after: Release, query: LibraryQuery, values: Values
) -> Changed:
    """Runs the query on both releases, one after the other, and compares the rows.

    A thing that only one of them knows has no rows in the other, and a caveat says so.
    UsageError where neither takes the values.
    """
    found: list[Answer] = []
    texts: list[str] = []
    refused: list[UsageError] = []
    for release in (before, after):
        # one lease at a time: two requests can never wait for each other's
        async with serving.lease(release.id) as served:
            try:
                text = await filled(served, query, values)
                texts.append(text)
                found.append(await answer(served, query, text))
            except UsageError as error:
                refused.append(error)
                found.append(Answer(query.columns, []))
    if len(refused) == 2:
        raise refused[1]
    old, new = found
    return Changed(
        added=_more(new, old),
        removed=_more(old, new),
        rows=(len(old.rows), len(new.rows)),
        sparql=texts[-1],
        caveats=tuple(error.detail for error in refused),
    )


def _more(one: Answer, other: Answer) -> Answer:
    """The rows that `one` has more often, in their order."""
    left = Counter(_key(row) for row in other.rows)
    rows = []
    for row in one.rows:
        key = _key(row)
        if left[key]:
            left[key] -= 1
        else:
            rows.append(row)
    return Answer(one.columns, rows)


def _key(row: Row) -> frozenset[object]:
    return frozenset(row.items())
