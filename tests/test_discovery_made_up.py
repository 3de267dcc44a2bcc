"""Requests made up of things that the default release has, and of some that it has not.

Whatever is asked is answered, or refused with a status below 500.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from clusterloom.api.discovery_post import POSTED, answer_of
from clusterloom.api.discovery_post_routes import _supposed
from clusterloom.discovery.model import Model
from clusterloom.discovery.suppose import PROPERTIES
from clusterloom.errors import ClusterloomError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import model_of_release

ODD: list[Any] = ["", "x", "é" * 50, "FR26", "BE221", "00", "27.2", "nace21/61", "nace21/27.2",
       None, 7, True, [], {}, ["a"], -1]  # fmt: skip
REQUESTS = 400


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


class MadeUp:
    """Random bodies from one seed."""

    def __init__(self, model: Model, seed: int) -> None:
        self.rng = random.Random(seed)
        index = model.index
        self.things = index.things
        codes = index.things["capabilities"].facts["code"]
        self.divisions = [codes[n] for n in index.arrays["divisions"].tolist()]

    def one(self, kind: str) -> Any:
        if self.rng.random() < 0.06:
            return self.rng.choice(ODD)
        return self.things[kind].key(self.rng.randrange(len(self.things[kind])))

    def some(self, kind: str, most: int = 4) -> Any:
        return [self.one(kind) for _ in range(self.rng.randint(0, most))]

    def profile(self, *more: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "country": self.one("countries"), "region": self.one("regions"),
            "capabilities": self.some("capabilities"), "partners": self.some("clusters"),
            "stages": self.some("stages"), "missing": self.some("stages", 1), "name": "We",
        }  # fmt: skip
        names = ["name", "country", "region", "capabilities", *more]
        return {name: fields[name] for name in names if self.rng.random() < 0.4}

    def body(self, operation: str) -> dict[str, Any]:
        rng = self.rng
        if operation == "cluster_partners":
            who: dict[str, Any] = {"profile": self.profile("partners")}
            if rng.random() < 0.4:
                who = {"cluster": self.one("clusters")}
            axes = ["complementarity", "network", "similarity", "supply", "borda"]
            return {**who, "axis": rng.choice(axes), "why_not": self.one("clusters")}
        if operation == "region_partners":
            lists = ["specialised", "not_specialised", "unknown"]
            own: dict[str, Any] = {
                name: rng.sample(self.divisions, rng.randint(0, 4))
                for name in rng.sample(lists, rng.randint(1, 3))
            }
            if rng.random() < 0.4:
                own["region"] = self.one("regions")
            who = {"region": self.one("regions")} if rng.random() < 0.4 else {"profile": own}
            return {**who, "area": self.one("areas"), "direction": rng.choice(["get", "both"])}
        if operation == "chain_completion":
            name = rng.choice(["region", "cluster", "profile"])
            holders = {"region": self.one("regions"), "cluster": self.one("clusters"),
                       "profile": self.profile("stages", "missing")}  # fmt: skip
            return {name: holders[name], "chain": self.one("chains")}
        found: dict[str, Any] = {"chain": self.one("chains")}
        if rng.random() < 0.5:
            found["call"] = self.one("call_profiles")
        elif rng.random() < 0.5:
            found["call_profile"] = {"min_entities": rng.randint(0, 5), "less_developed": True}
        found["members"] = [
            {**self.profile("stages"), "required": rng.random() < 0.3}
            for _ in range(rng.randint(0, 3))
        ]
        for rule in ("min_entities", "min_countries", "max_entities", "min_sectors"):
            if rng.random() < 0.2:
                found[rule] = rng.randint(1, 6)
        for flag in ("companions", "whole", "less_developed", "pilot_region"):
            if rng.random() < 0.3:
                found[flag] = rng.random() < 0.6
        return found

    def statement(self) -> dict[str, Any]:
        name = self.rng.choice([*PROPERTIES])
        kind = PROPERTIES[name]
        thing = self.one(kind.object) if name != "specialisedIn" else "26"
        holds = self.rng.random() < 0.7
        return {"subject": self.one(kind.subject), "property": name, "object": thing,
                "holds": holds}  # fmt: skip


def test_every_request_is_answered_or_refused(model: Model) -> None:
    answered: Counter[str] = Counter()
    refused: Counter[int] = Counter()
    for seed in range(REQUESTS):
        made = MadeUp(model, seed)
        operation = made.rng.choice([*POSTED])
        body = made.body(operation)
        try:
            if seed % 2:
                statements = [made.statement() for _ in range(made.rng.randint(0, 3))]
                given = {"operation": operation, "parameters": body, "statements": statements}
                assert json.loads(_supposed(model, given))["hypothetical"] is True
            else:
                json.loads(answer_of(model, operation, body, 0.2).as_bytes())
            answered[operation] += 1
        except ClusterloomError as error:
            refused[error.status] += 1
    assert set(answered) == set(POSTED)
    assert sum(answered.values()) > REQUESTS / 4
    assert set(refused) == {400, 404}
    assert sum(refused.values()) > REQUESTS / 20
