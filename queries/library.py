"""Reads the library and fills in parameters, so that no value can change what a query does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from clusterloom import terms
from clusterloom.errors import NotFound, UsageError
from clusterloom.namespaces import ID, iso_country, thing
from clusterloom.ontology.vocabulary import nearest
from clusterloom.queries.header import Header, Parameter, read_header, values_line

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
_ID_PATH = re.compile(r"[a-z0-9-]+/[^\s/]+")


@dataclass(frozen=True)
class LibraryQuery:
    """One question: `name` is its file name without `.rq`, `text` the whole file."""

    name: str
    header: Header
    text: str

    @property
    def summary(self) -> str:
        """The question in one line."""
        return self.header.summary

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the order of the header."""
        return self.header.parameters

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns an answer has, in order."""
        return self.header.expect.columns

    @property
    def sparql(self) -> str:
        """The query without its header: what an editor is filled with; it runs as it is."""
        lines = (line for line in self.text.splitlines() if not line.startswith("#+"))
        return "\n".join(lines).strip() + "\n"


@cache
def library() -> dict[str, LibraryQuery]:
    """Every query of the package by name, in alphabetical order; BadHeader for a broken one."""
    found = {}
    for path in sorted(files("clusterloom.queries").iterdir(), key=lambda p: p.name):
        if path.name.endswith(".rq"):
            query = parse(path.name.removesuffix(".rq"), path.read_text("utf-8"))
            found[query.name] = query
    return found


def parse(name: str, text: str) -> LibraryQuery:
    """The query of a file's text; BadHeader names what is wrong with it."""
    return LibraryQuery(name, read_header(name, text), text)


def query_named(name: str) -> LibraryQuery:
    """The library query of that name; NotFound names the nearest one."""
    try:
        return library()[name]
    except KeyError:
        near = nearest(name, library())
        hint = f"; the nearest one is {near!r}" if near else ""
        raise NotFound(f"the library has no query {name!r}{hint}", nearest=near) from None


def render(query: LibraryQuery, values: Mapping[str, Sequence[str]]) -> str:
    """The SPARQL text with each parameter's lines replaced by the values given.

    An optional parameter without a value loses its lines and so its effect. UsageError names the
    parameter at fault and the valid form; a name that is no parameter is an error too.
    """
    known = {p.name for p in query.parameters}
    for name in values:
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else ""
            takes = ", ".join(sorted(known)) or "none"
            raise UsageError(
                f"query {query.name} has no parameter {name!r}{hint} (parameters: {takes})",
                parameter=name,
            )
    text = query.sparql
    for parameter in query.parameters:
        line = _line(parameter, [v for v in values.get(parameter.name, ()) if v != ""])
        text = values_line(parameter.name).sub(line.replace("\\", r"\\"), text)
    return text


def _line(parameter: Parameter, given: Sequence[str]) -> str:
    if not given:
        if parameter.optional:
            return f"# ?{parameter.name} is left open"
        raise UsageError(
            f"parameter {parameter.name!r} is missing: {parameter.form}", parameter=parameter.name
        )
    if len(given) > 1 and not parameter.many:
        raise UsageError(
            f"parameter {parameter.name!r} takes one value, {len(given)} given",
            parameter=parameter.name,
        )
    written = " ".join(dict.fromkeys(term_of(parameter, value) for value in given))
    return f"VALUES ?{parameter.name} {{ {written} }}"


def term_of(parameter: Parameter, value: str) -> str:
    """The value as a serialised term of the parameter's type; UsageError when it is none."""
    if parameter.choices and value not in parameter.choices:
        near = nearest(value, parameter.choices)
        hint = f"; did you mean {near!r}?" if near else ""
        raise UsageError(
            f"parameter {parameter.name!r}: {value!r} is not one of "
            f"{', '.join(parameter.choices)}{hint}",
            parameter=parameter.name,
        )
    try:
        return _written(parameter, value)
    except terms.BadTerm as error:
        raise UsageError(
            f"parameter {parameter.name!r}: {error}; wanted: {parameter.form}",
            parameter=parameter.name,
        ) from None


def _written(parameter: Parameter, value: str) -> str:
    match parameter.type:
        case "iri":
            return terms.iri(iri_of(value, parameter.of))
        case "string":
            return terms.text(value, _language(parameter))
        case "code" | "language":
            if not _CODE.fullmatch(value):
                raise terms.BadTerm(f"not a code: {value!r}")
            return terms.text(value, _language(parameter))
        case "integer":
            return terms.integer(_number(value, _INTEGER, "whole"))
        case "year":
            return terms.year(value)
        case "decimal":
            return terms.decimal(_number(value, _DECIMAL, "decimal"))
        case "date":
            return terms.day(value)
        case "boolean":
            if value not in {"true", "false"}:
                raise terms.BadTerm(f"not true or false: {value!r}")
            return terms.boolean(value == "true")


def _number(value: str, form: re.Pattern[str], kind: str) -> str:
    # looked at before it is read: `1e999999999` is short and a gigabyte when written out
    if not form.fullmatch(value):
        raise terms.BadTerm(f"not a {kind} number: {value[:40]!r}")
    return value


def _language(parameter: Parameter) -> str:
    tag = re.fullmatch(r'".*"@([A-Za-z0-9-]+)', parameter.terms[0]) if parameter.terms else None
    return tag[1] if tag else ""


def iri_of(value: str, kinds: Sequence[str]) -> str:
    """The IRI meant by a full IRI, `area/photonics`, or a key of the first of `kinds`.

    BadTerm when it is none of them. Country codes are taken as Eurostat or ISO writes them.

    >>> iri_of("photonics", ["area"]) == iri_of("area/photonics", [])
    True
    >>> iri_of("EL", ["country"])
    'https://w3id.org/clusterloom/id/country/GR'
    """
    text = value.strip()
    if "://" in text:
        return text
    kind, slash, key = text.partition("/")
    if not slash:
        kind, key = (kinds[0] if kinds else ""), text
    elif not _ID_PATH.fullmatch(text):
        raise terms.BadTerm(f"neither an IRI nor <type>/<key>: {value!r}")
    if not kind or not key:
        raise terms.BadTerm(f"not an IRI or <type>/<key>: {value!r}")
    if kinds and kind not in kinds:
        raise terms.BadTerm(f"{kind!r} is not of type {' or '.join(kinds)}: {value!r}")
    if kind in {"country", "third-country"}:
        key = iso_country(key)
    if "%" in key:
        return f"{ID}{kind}/{quote(key, safe='-._~()%')}"
    return thing(kind, key)
