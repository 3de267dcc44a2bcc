"""Why a cluster is not among the hits, against searches with filters dropped one set at a time."""

from __future__ import annotations

import asyncio
import doctest
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import pytest

from clusterloom.discovery import why_not as module
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import Profile, inline, of_cluster
from clusterloom.discovery.why_not import Criterion, criteria, why_not, without
from clusterloom.errors import NotFound, UsageError
from discovery_help import make, model_of

ASKED = (*AXES, "borda")


@cache
def model(seed: int) -> Model:
    return asyncio.run(model_of(make(seed, named=True)))


def keys(of: Model) -> list[str]:
    clusters = of.index.things["clusters"]
    return [clusters.key(n) for n in range(len(clusters))]


def wanted(of: Model, rng: random.Random) -> Filters:
    """A few filters of values that the index knows."""
    things = of.index.things

    def some(kind: str, many: int) -> list[str]:
        known = [things[kind].key(n) for n in range(len(things[kind]))]
        return rng.sample(known, min(many, len(known)))

    kinds = sorted({k for text in things["undertakings"].facts["kinds"] for k in text.split()})
    vintages = things["regions"].facts["vintages"]
    regions = [
        things["regions"].key(n)
        for n, text in enumerate(vintages)
        if not text or {"2021", "2024"} & set(text.split())
    ]
    words = [w for w in some("capabilities", 2) if w in things["capabilities"].by_key]
    drawn: dict[str, Any] = {
        "country": some("countries", 2),
        "region": rng.sample(regions, min(2, len(regions))),
        "capability": words,
        "area": some("areas", 2),
        "kind": kinds[:1],
        "third_country": some("countries", 2),
        "labelled": True,
        "exclude_partners": True,
        "elsewhere": rng.choice(["country", "region"]),
    }
    return Filters(**{name: drawn[name] for name in rng.sample(sorted(drawn), rng.randint(0, 4))})


def questions(step: int = 1) -> Iterator[tuple[Model, Profile, str, Filters, str, random.Random]]:
    for seed in range(1000, 1060, step):
        of, rng = model(seed), random.Random(seed)
        for asker in keys(of):
            for key in keys(of):
                yield of, of_cluster(of.index, asker), rng.choice(ASKED), wanted(of, rng), key, rng


def hits(of: Model, who: Profile, axis: str, filters: Filters, limit: int = 100) -> list[str]:
    return [item.id for item in partners(of, who, axis, filters, limit=limit).items]


def test_the_status_is_that_of_the_search() -> None:
    seen: Counter[str] = Counter()
    for of, who, axis, filters, key, rng in questions():
        limit = rng.randint(0, 3)
        found = why_not(of, who, axis, filters, key, limit)
        seen[found["status"]] += 1
        answer = partners(of, who, axis, filters, limit=100)
        every = [item.id for item in answer.items]
        shown = hits(of, who, axis, filters, limit)
        assert (found["status"] == "shown") == (key in shown)
        assert (found["status"] == "beyond limit") == (key in every and key not in shown)
        if key in every:
            item = answer.items[every.index(key)]
            standing = found["standing"]
            assert standing["value"] == found["value"] == item.value
            assert standing["rank"] == item.rank
            assert standing["position"] == every.index(key) + 1
            assert standing["total"] == answer.total
            if shown:
                last = answer.items[len(shown) - 1]
                told = {"id": last.id, "value": last.value, "rank": last.rank}
                assert standing["last_shown"] == told
            else:
                assert standing["last_shown"] is None
        elif found["status"] != "itself":
            assert found["reasons"]
        assert (found["status"] == "itself") == (of.index.things["clusters"].place[found["iri"]]
                                                == who.place)  # fmt: skip
        inside = bool(look(of.index, who, filters).mask[of.index.things["clusters"].by_key[key]])
        assert found["status"] == "itself" or bool(found["failed"]) == (not inside)
    assert min(seen[s] for s in ("itself", "filtered", "no value", "beyond limit", "shown")) > 20


def test_the_relaxation_brings_it_in_and_nothing_smaller_does() -> None:
    sizes: Counter[int] = Counter()
    hopeless = 0
    for of, who, axis, filters, key, _rng in questions(2):
        found = why_not(of, who, axis, filters, key, 100)
        if found["status"] != "filtered":
            continue
        conditions = criteria(filters)
        least = next(
            (
                [set(c) for c in combinations(conditions, n) if key in hits(
                    of, who, axis, without(filters, c))]
                for n in range(len(conditions) + 1)
                if any(key in hits(of, who, axis, without(filters, c))
                       for c in combinations(conditions, n))
            ),
            [],
        )  # fmt: skip
        if not least:
            assert found["relaxation"] is None
            assert found["unvalued"]
            hopeless += 1
            continue
        dropped = {Criterion(d["filter"], d["wanted"]) for d in found["relaxation"]["drop"]}
        assert least == [dropped]
        relaxed = hits(of, who, axis, without(filters, dropped))
        assert found["relaxation"]["then"]["position"] == relaxed.index(key) + 1
        assert found["relaxation"]["then"]["total"] == len(relaxed)
        sizes[len(dropped)] += 1
    assert sizes[1] > 20
    assert sizes[2] > 20
    assert hopeless > 20


def test_unknown_is_what_the_search_counts_as_unknown() -> None:
    counted = 0
    for seed in range(1000, 1060):
        of, rng = model(seed), random.Random(seed)
        for asker in keys(of):
            who = of_cluster(of.index, asker)
            for criterion in criteria(wanted(of, rng)):
                if criterion.filter in {"kind", "third_country", "labelled"}:
                    continue
                unknown = 0
                for key in keys(of):
                    found = why_not(of, who, "similarity", criterion.alone, key)
                    unknown += [row["why"] for row in found["failed"]] == ["unknown"]
                told = sum(look(of.index, who, criterion.alone).unknown.values())
                assert unknown == told, criterion
                counted += told
    assert counted > 50


def test_filters_of_lists_that_are_not_complete_deny_nothing() -> None:
    for of, who, _axis, _filters, key, _rng in questions(7):
        found = why_not(of, who, "similarity", Filters(labelled=True), key)
        assert all(row["why"] == "unknown" for row in found["failed"])


def test_no_value_is_told_from_nothing_known() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for of, who, _axis, _filters, key, rng in questions():
        axis = rng.choice(list(AXES))
        found = why_not(of, who, axis, None, key)
        if found["status"] != "no value":
            assert found["unvalued"] == []
            continue
        (row,) = found["unvalued"]
        seen[axis, row["why"]] += 1
        place = of.index.things["clusters"].by_key[key]
        chosen = AXES[axis]
        if row["why"] == "profile unknown":
            assert chosen.asks(of, who)
        elif row["why"] == "unknown":
            assert not chosen.knows(of)[place]
        else:
            assert row["why"] == "nothing shared"
            assert chosen.value(of, who)[place] == 0
            assert chosen.knows(of)[place]
    for axis in AXES:
        for why in ("profile unknown", "unknown", "nothing shared"):
            assert seen[axis, why] > 0, (axis, why)


def test_a_fusion_tells_each_axis_that_says_nothing() -> None:
    for of, who, _axis, _filters, key, _rng in questions(5):
        found = why_not(of, who, "borda", None, key, 100)
        if found["status"] == "itself":
            continue
        silent = [row["axis"] for row in found["unvalued"]]
        absent = [axis for axis in AXES if key not in hits(of, who, axis, Filters())]
        assert silent == absent
        assert (found["status"] == "no value") == (len(silent) == len(AXES))


def test_a_profile_that_is_not_in_the_graph_asks_too() -> None:
    of = next(model(seed) for seed in range(1000, 1060) if len(keys(model(seed))) > 5)
    who = inline(of.index, {"name": "new"})
    found = why_not(of, who, "network", None, keys(of)[0])
    assert found["status"] == "no value"
    assert found["unvalued"][0]["why"] == "profile unknown"


def test_what_is_not_known_is_refused() -> None:
    of = next(model(seed) for seed in range(1000, 1060) if len(keys(model(seed))) > 5)
    who = of_cluster(of.index, "c0")
    with pytest.raises(NotFound) as missing:
        why_not(of, who, "network", None, "c00")
    assert "c0" in list(missing.value.extra["nearest"])  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="nearest: network"):
        why_not(of, who, "networks", None, "c1")
    with pytest.raises(UsageError, match="country"):
        why_not(of, who, "network", Filters(country=["XX"]), "c1")
    with pytest.raises(UsageError, match="elsewhere"):
        why_not(of, who, "network", Filters(elsewhere="planet"), "c1")
    with pytest.raises(ValueError, match="-1"):
        why_not(of, who, "network", None, "c1", -1)


def test_doctests() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
