"""What if: an operation under a few statements that the graph does not hold, and what they change.

Nothing is written. An answer of this kind names its statements and is marked as hypothetical, so
that it is never taken for one of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from clusterloom.discovery.answers import Answer
from clusterloom.discovery.difference import difference, short
from clusterloom.discovery.follows import consequences
from clusterloom.discovery.index import COVERAGE, Index
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import find, find_capability, find_region, known_fields
from clusterloom.discovery.region_profile import division_of
from clusterloom.discovery.suppose import (
    PROPERTIES,
    Change,
    StageChange,
    holds,
    model_over,
    supposed,
)
from clusterloom.errors import UsageError
from clusterloom.nearest import hint

MOST = 20
"""Statements of one question."""
FIELDS = ("subject", "property", "object", "holds")
_STATUS = {code: name for name, code in COVERAGE.items()}
_WORDS = {"clusters": "cluster", "undertakings": "partnership or project", "areas": "area",
          "stages": "stage", "countries": "country"}  # fmt: skip


def changes_of(index: Index, given: Sequence[Any]) -> list[Change]:
    """The statements of a request: objects with `subject`, `property`, `object` (keys) and
    `holds`, true by default.

    UsageError tells which statement is wrong, and which two contradict each other.
    """
    if not isinstance(given, list):
        raise UsageError("statements: a list of objects is wanted", field="statements")
    if len(given) > MOST:
        raise UsageError(
            f"statements: at most {MOST} are taken, not {len(given)}", field="statements"
        )
    found: dict[tuple[str, int, int], Change] = {}
    for number, one in enumerate(given, 1):
        change = _change(index, one, f"statements[{number}]")
        other = found.setdefault(change.of, change)
        if other.holds != change.holds:
            raise UsageError(
                f"statements[{number}] says the contrary of another one", field="statements"
            )
    return [*found.values()]


def _change(index: Index, given: Any, at: str) -> Change:
    if not isinstance(given, dict):
        raise UsageError(f"{at}: an object is wanted", field="statements")
    known_fields(given, FIELDS, at)
    for name in FIELDS[:3]:
        text = given.get(name)
        if not isinstance(text, str) or not text.strip() or len(text) > 200:
            raise UsageError(f"{at}.{name}: a text of 1 to 200 characters is wanted", field=name)
    name = given["property"].strip()
    if name not in PROPERTIES:
        raise UsageError(
            f"{at}.property: {name[:40]!r} is not one of {', '.join(PROPERTIES)}"
            f"{hint(name, [*PROPERTIES])}",
            field="property",
        )
    said = given.get("holds", True)
    if not isinstance(said, bool):
        raise UsageError(f"{at}.holds: true or false is wanted", field="holds")
    kind = PROPERTIES[name]
    subject = _place(index, kind.subject, given["subject"].strip(), f"{at}.subject")
    if name == "specialisedIn":
        what = f"{at}.object: division"
        return Change(name, subject, division_of(index, given["object"].strip(), what)[0], said)
    thing = _place(index, kind.object, given["object"].strip(), f"{at}.object")
    return Change(name, subject, thing, said)


def _place(index: Index, kind: str, key: str, at: str) -> int:
    if kind == "regions":
        return find_region(index, key, f"{at}: region")
    if kind == "capabilities":
        return find_capability(index, key, f"{at}: capability")
    key = key.upper() if kind == "countries" else key
    return find(index.things[kind], key, f"{at}: {_WORDS[kind]}")


def what_if(
    model: Model,
    changes: Sequence[Change],
    ask: Callable[[Model], Answer],
    limit: int = 10,
) -> dict[str, Any]:
    """An operation before and after the changes and what follows from them, and the difference.

    `ask` runs the operation; `before` and `after` show its first `limit` hits in short, and the
    difference is of all hits that it lists. UsageError: changes that contradict one another.
    """
    index = model.index
    following = consequences(index, changes)
    changed, stages = supposed(index, [*changes, *following])
    before = ask(model)
    after = ask(model_over(model, changed))
    told = difference(before, after)
    return {
        "operation": {"name": after.method.name, "parameters": after.method.parameters},
        "release": index.release,
        "hypothetical": True,
        "statements": [_statement(index, change) for change in changes],
        "consequences": [
            *(_statement(index, change) for change in following),
            *(_stage(index, one) for one in stages),
        ],
        "before": short(before, limit),
        "after": short(after, limit),
        "difference": told,
        "caveats": _caveats(index, changed, changes, before, after),
    }


def _statement(index: Index, change: Change) -> dict[str, Any]:
    kind = PROPERTIES[change.name]
    place = change.object
    if change.name == "specialisedIn":
        place = int(index.arrays["divisions"][place])
    found = {
        "subject": _thing(index, kind.subject, change.subject),
        "property": change.name,
        "object": _thing(index, kind.object, place),
        "holds": change.holds,
        "already": holds(index, change),
    }
    return found | ({"rule": change.rule} if change.rule else {})


def _stage(index: Index, one: StageChange) -> dict[str, Any]:
    return {
        "subject": _thing(index, "regions", one.region),
        "property": "coverageStatus",
        "object": _thing(index, "stages", one.stage),
        "before": _STATUS[one.before],
        "after": _STATUS[one.after],
        "rule": "stage-coverage",
    }


def _thing(index: Index, kind: str, place: int) -> dict[str, str]:
    things = index.things[kind]
    return {"id": things.key(place), "iri": things.iris[place], "label": things.labels[place]}


def _caveats(
    index: Index, changed: Index, changes: Sequence[Change], before: Answer, after: Answer
) -> list[str]:
    count = len(changes)
    found = [
        f"hypothetical: `after` rests on {count} "
        f"{'statement' if count == 1 else 'statements'} that the request supposes, and is no "
        "answer of the graph"
    ]
    clusters = index.things["clusters"]
    for place in sorted({c.subject for c in changes if PROPERTIES[c.name].subject ==
                         "clusters"}):  # fmt: skip
        if index.country[place] >= 0 > changed.country[place]:
            found.append(
                f"{clusters.labels[place]} is then in several countries or in none, which is read "
                "as unknown; say of the other that it does not hold"
            )
    if any(c.name == "hasCapability" and not c.holds for c in changes):
        found.append("a cluster that lacks a capability keeps the stages that it is said to cover")
    if before.total > len(before.items) or after.total > len(after.items):
        found.append(
            "only the first hits are compared: what came or went may only have passed their end"
        )
    return [*found, *after.caveats]
