"""Batches of the reconciliation protocol, read from JSON and checked with messages that help."""

from __future__ import annotations

from typing import Any

import orjson

from clusterloom.api.reconcile_match import Wanted
from clusterloom.api.reconcile_properties import Property, property_named
from clusterloom.api.search import MAX_TEXT
from clusterloom.api.search_kinds import class_named
from clusterloom.errors import TooLarge, UsageError
from clusterloom.namespaces import CLOOM

MAX_QUERIES = 50
"""Queries in one batch."""
MAX_IDS, MAX_PROPERTIES = 200, 30
"""Entities and properties of one data extension."""
MAX_VALUES = 500
"""Values of properties in one batch: each is looked for."""
MAX_CANDIDATES, DEFAULT_CANDIDATES = 100, 10
_KEYS = frozenset({"query", "type", "limit", "properties", "type_strict"})


def read_queries(text: str) -> dict[str, Wanted]:
    """The queries of a batch by their keys; UsageError or TooLarge says which is wrong and how."""
    batch = _object(text, "queries")
    if len(batch) > MAX_QUERIES:
        raise TooLarge(
            f"a batch may have {MAX_QUERIES} queries, not {len(batch)}", limit=MAX_QUERIES
        )
    wanted = {key: _wanted(f"query {key[:40]!r}", one) for key, one in batch.items()}
    count = sum(len(values) for one in wanted.values() for _, values in one.properties)
    if count > MAX_VALUES:
        raise TooLarge(
            f"a batch may compare {MAX_VALUES} values of properties, not {count}; send fewer "
            "queries at a time",
            limit=MAX_VALUES,
        )
    return wanted


def read_extend(text: str) -> tuple[list[str], list[str]]:
    """Entity ids and property ids of a data extension query."""
    asked = _object(text, "extend")
    ids = _list(asked.get("ids"), "extend: ids")
    if not all(isinstance(id, str) for id in ids):
        raise UsageError("extend: ids are strings")
    properties = []
    for one in _list(asked.get("properties"), "extend: properties"):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            raise UsageError("extend: a property is an object with an id")
        properties.append(one["id"])
    for count, most, what in (
        (len(ids), MAX_IDS, "ids"),
        (len(properties), MAX_PROPERTIES, "properties"),
    ):
        if count > most:
            raise TooLarge(f"extend takes {most} {what}, not {count}", limit=most)
    return list(dict.fromkeys(ids)), list(dict.fromkeys(properties))


def type_named(word: str) -> str:
    """The class that a type id or its IRI means."""
    return class_named(word.removeprefix(CLOOM))


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        read = orjson.loads(text)
    except ValueError as error:  # orjson bounds nesting itself
        raise UsageError(f"{name} is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise UsageError(f"{name} is a JSON object")
    return read


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where}: a list is wanted")
    return value


def _wanted(where: str, one: Any) -> Wanted:
    if not isinstance(one, dict):
        raise UsageError(f"{where} is a JSON object")
    if extra := sorted(one.keys() - _KEYS):
        raise UsageError(f"{where}: unknown member {extra[0][:40]!r}")
    text = one.get("query", "")
    if not isinstance(text, str):
        raise UsageError(f"{where}: query is a string")
    properties = tuple(_compared(where, p) for p in _list(one.get("properties", []), where))
    if not text.strip() and not properties:
        raise UsageError(f"{where}: a query or properties are wanted")
    strict = one.get("type_strict", "any")
    if strict not in ("any", "all", "should"):
        raise UsageError(f"{where}: type_strict is any, all or should")
    types = one.get("type", [])
    words = [types] if isinstance(types, str) else _list(types, f"{where}: type")
    if not all(isinstance(word, str) for word in words):
        raise UsageError(f"{where}: type is a string or a list of strings")
    return Wanted(
        # a cell may hold anything: what is too long is compared by its beginning
        text=text.strip()[:MAX_TEXT],
        types=tuple(type_named(word) for word in words if word),
        strict=strict,
        limit=_limit(where, one.get("limit", DEFAULT_CANDIDATES)),
        properties=properties,
    )


def _limit(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise UsageError(f"{where}: limit is a whole number")
    if value < 1:
        raise UsageError(f"{where}: limit is at least 1")
    return int(min(value, MAX_CANDIDATES))


def _compared(where: str, one: Any) -> tuple[Property, tuple[str, ...]]:
    if not isinstance(one, dict) or not isinstance(one.get("pid"), str) or "v" not in one:
        raise UsageError(f"{where}: a property is an object with pid and v")
    values = one["v"] if isinstance(one["v"], list) else [one["v"]]
    if len(values) > MAX_PROPERTIES:
        raise TooLarge(f"{where}: a property may have {MAX_PROPERTIES} values")
    return property_named(one["pid"]), tuple(_value(where, v)[:MAX_TEXT] for v in values)


def _value(where: str, value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return str(value["id"])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a spreadsheet's 101070109.0
    if isinstance(value, str | int | float):
        return str(value)
    raise UsageError(f"{where}: a value is a string, a number, true, false, or an entity with id")
