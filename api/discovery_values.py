"""Values of the parameters of a discovery request, from an address or from JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clusterloom.api.discovery_operations import Parameter
from clusterloom.errors import UsageError
from clusterloom.nearest import hint

MOST_TEXT = 200
MOST_VALUES = 100


def from_address(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], path: Mapping[str, str]
) -> dict[str, Any]:
    """The values of a query string and of the path; UsageError names what is wrong with which."""
    given: dict[str, list[str]] = {}
    known = [p.name for p in parameters if p.name not in path]
    for name, value in pairs:
        if name not in {*known, "format"}:
            raise UsageError(
                f"no parameter {name[:80]!r}{hint(name, known)} (parameters: {', '.join(known)})",
                parameter=name[:80],
            )
        if value.strip():
            given.setdefault(name, []).append(value.strip())
    values: dict[str, Any] = {}
    for parameter in parameters:
        texts = [path[parameter.name]] if parameter.name in path else given.get(parameter.name, [])
        if not texts:
            if parameter.required:
                raise UsageError(
                    f"parameter {parameter.name!r} is wanted: {parameter.text}",
                    parameter=parameter.name,
                )
            continue
        if parameter.kind != "texts" and len(texts) > 1:
            raise UsageError(
                f"parameter {parameter.name!r} takes one value", parameter=parameter.name
            )
        values[parameter.name] = _read(parameter, texts)
    return values


def from_json(
    given: Mapping[str, Any], parameters: Sequence[Parameter], at: str = ""
) -> dict[str, Any]:
    """The values of a JSON object: texts, lists of texts, whole numbers, true or false.

    `at` names the object in messages where it is not the body itself.
    """
    by_name = {p.name: p for p in parameters}
    values = {}
    for name, value in given.items():
        if name not in by_name:
            raise UsageError(
                f"no field {at}{name[:80]!r}{hint(name, [*by_name])} (fields: "
                f"{', '.join(by_name)})",
                parameter=name[:80],
            )
        parameter = by_name[name]
        fits = {
            "text": isinstance(value, str),
            "texts": isinstance(value, list) and all(isinstance(v, str) for v in value),
            "integer": type(value) is int,
            "flag": isinstance(value, bool),
        }[parameter.kind]
        if not fits:
            raise UsageError(f"field {at}{name!r}: {_form(parameter)} is wanted", parameter=name)
        texts = value if isinstance(value, list) else [str(value).lower()
                 if isinstance(value, bool) else str(value)]  # fmt: skip
        if texts := [text.strip() for text in texts if text.strip()]:
            values[name] = _read(parameter, texts)
    for parameter in parameters:
        if parameter.required and parameter.name not in values:
            raise UsageError(
                f"field {at}{parameter.name!r} is wanted: {parameter.text}",
                parameter=parameter.name,
            )
    return values


def _read(parameter: Parameter, texts: Sequence[str]) -> Any:
    name = parameter.name
    if any(len(text) > MOST_TEXT for text in texts) or len(texts) > MOST_VALUES:
        raise UsageError(
            f"parameter {name!r}: at most {MOST_VALUES} values of {MOST_TEXT} characters",
            parameter=name,
        )
    if parameter.kind == "texts":
        return list(dict.fromkeys(texts))
    text = texts[0]
    if parameter.kind == "flag":
        if text not in {"true", "false"}:
            raise UsageError(f"parameter {name!r}: true or false is wanted", parameter=name)
        return text == "true"
    if parameter.kind == "integer":
        right = re.fullmatch(r"[0-9]{1,9}", text)
        if not right or not parameter.least <= int(text) <= parameter.most:
            raise UsageError(f"parameter {name!r}: {_form(parameter)} is wanted", parameter=name)
        return int(text)
    if parameter.choices and text not in parameter.choices:
        raise UsageError(
            f"parameter {name!r}: {text[:40]!r} is not one of {', '.join(parameter.choices)}"
            f"{hint(text, parameter.choices)}",
            parameter=name,
        )
    return text


def _form(parameter: Parameter) -> str:
    return {
        "text": "a text",
        "texts": "a list of texts",
        "integer": f"a whole number from {parameter.least} to {parameter.most}",
        "flag": "true or false",
    }[parameter.kind]
