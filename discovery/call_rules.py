"""The rules of a call: of a call profile of the graph, or of one given in the request.

What the graph cannot check (the share of SMEs in the budget, the form of an applicant) is a list
for a person; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from clusterloom.discovery.composer_model import Rules
from clusterloom.discovery.index import Index
from clusterloom.discovery.profile import find
from clusterloom.errors import NotFound

SWITCHES = ("less_developed", "pilot_region")
"""Rules that a request can switch off: they have no other value that would ask for nothing."""
_CHECKS = (
    ("country-scope", "Countries", "country_scope"),
    ("applicant", "Applicants", "applicant_condition"),
    ("region", "Regions", "region_condition"),
    ("sme-share", "Share of SMEs, %", "sme_share"),
)


@dataclass(frozen=True)
class CallRules:
    """What a call asks for, and what is left for a person to check."""

    label: str = ""
    rules: Rules = field(default_factory=Rules)
    checklist: Sequence[dict[str, str]] = ()

    def under(self, asked: Rules, off: Collection[str] = ()) -> Rules:
        """The rules of a request with those of the call where it has none and which are not off.

        >>> call = CallRules(rules=Rules(min_entities=3, less_developed=True))
        >>> call.under(Rules(min_entities=0)).min_entities
        0
        >>> call.under(Rules()).less_developed, call.under(Rules(), SWITCHES).less_developed
        (True, False)
        """
        change: dict[str, Any] = {
            rule.name: getattr(self.rules, rule.name)
            for rule in fields(asked)
            if rule.name not in off and getattr(asked, rule.name) == rule.default
        }
        return replace(asked, **change)


def of_graph(index: Index, key: str) -> CallRules:
    """The call profile with that key; NotFound names the nearest."""
    things = index.things["call_profiles"]
    place = find(things, key, "call profile", NotFound)
    facts = {name: column[place] for name, column in things.facts.items()}

    def number(name: str) -> int | None:
        return int(facts[name]) if facts[name] else None

    rules = Rules(
        min_entities=number("min_entities"),
        min_countries=number("min_countries"),
        min_third_countries=number("min_third_countries"),
        less_developed="less developed" in facts["region_condition"],
    )
    checks = [(code, label, facts[name]) for code, label, name in _CHECKS]
    told = [{"code": code, "label": f"{label}: {text}"} for code, label, text in checks if text]
    return CallRules(things.labels[place], rules, told)
