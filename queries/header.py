"""The `#+` header of a library query, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clusterloom.errors import ClusterloomError
from clusterloom.namespaces import ID, PREFIXES

ParameterType = Literal[
    "iri", "string", "code", "language", "integer", "year", "decimal", "date", "boolean"
]

_SAMPLE = re.compile(r'<[^<>"{}|^`\\\s]*>|"(?:[^"\\\n]|\\.)*"\S*|[^\s{}<>"]+')


class BadHeader(ClusterloomError):
    """A library file breaks the form of the library; the message names file and field."""

    title, slug = "Bad library query", "bad-library-query"


class Parameter(BaseModel):
    """One parameter; it stands in the query as one line `VALUES ?<name> { <sample> }`.

    For type `iri`, `of` names the id types it takes, such as `[area]`; the first one is meant by
    a bare key. Where `of` is absent it is read off the sample.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    type: ParameterType
    help: str = Field(min_length=1)
    optional: bool = False
    many: bool = False
    of: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    sample: Any = None
    terms: tuple[str, ...] = ()
    """The sample as the query has it, each term serialised without prefixes."""

    @property
    def samples(self) -> tuple[str, ...]:
        """The sample values as a reader would type them: `area/photonics`, `2`, `text`."""
        return tuple(_plain(term) for term in self.terms)

    @property
    def form(self) -> str:
        """The valid form in words, with an example."""
        example = f" such as {self.samples[0]}" if self.samples else ""
        if self.type == "iri":
            kinds = " or ".join(self.of) or "thing"
            return f"an IRI, <type>/<key> or the key of a {kinds}{example}"
        return f"{_WORDS[self.type]}{example}"


_WORDS: dict[str, str] = {
    "string": "text",
    "code": "a code of letters, digits, dots and hyphens",
    "language": "a language tag",
    "integer": "a whole number",
    "year": "a year of four digits",
    "decimal": "a decimal number",
    "date": "a day as YYYY-MM-DD",
    "boolean": "true or false",
}


class Expected(BaseModel):
    """What an answer holds: its columns in order and the least rows of a full release."""

    model_config = ConfigDict(extra="allow", frozen=True)

    columns: tuple[str, ...] = Field(min_length=1)
    min_rows: int = 0


class Header(BaseModel):
    """The whole header; fields not named here are kept for pages and tests to read."""

    model_config = ConfigDict(extra="allow", frozen=True)

    summary: str = Field(min_length=1)
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    expect: Expected
    chart: Any = None
    map: Any = None


def values_line(name: str) -> re.Pattern[str]:
    """Matches a line of a parameter; group 1 is the sample. It may be commented out."""
    return re.compile(rf"^[ \t]*(?:#[ \t]*)?VALUES[ \t]+\?{name}[ \t]*\{{(.*)\}}[ \t]*$", re.M)


def read_header(name: str, text: str) -> Header:
    """The header of the file with that name; BadHeader says what is wrong with it."""
    lines = [line[2:] for line in text.splitlines() if line.startswith("#+")]
    try:
        raw = yaml.safe_load("\n".join(line.removeprefix(" ") for line in lines))
        header = Header.model_validate(raw)
    except yaml.YAMLError as error:
        raise BadHeader(f"{name}.rq: the header is not YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "header"
        raise BadHeader(f"{name}.rq: {field}: {first['msg']}") from None
    parameters = tuple(_with_sample(name, text, p) for p in header.parameters)
    if len({p.name for p in parameters}) < len(parameters):
        raise BadHeader(f"{name}.rq: two parameters have the same name")
    return header.model_copy(update={"parameters": parameters})


def _with_sample(name: str, text: str, parameter: Parameter) -> Parameter:
    found = values_line(parameter.name).findall(text)
    if len(set(found)) != 1:
        raise BadHeader(
            f"{name}.rq: parameter {parameter.name} wants a line "
            f"`VALUES ?{parameter.name} {{ sample }}`, everywhere the same; "
            f"{len(set(found))} found"
        )
    terms = tuple(_full(term) for term in _SAMPLE.findall(found[0]))
    if not terms:
        raise BadHeader(f"{name}.rq: parameter {parameter.name}: the VALUES line has no sample")
    of = parameter.of or tuple(dict.fromkeys(_id_types(terms)))
    return parameter.model_copy(update={"terms": terms, "of": of})


def _full(term: str) -> str:
    prefix, colon, local = term.partition(":")
    if term[0] not in '<"' and colon and prefix in PREFIXES:
        return f"<{PREFIXES[prefix]}{local}>"
    return term


def _id_types(terms: tuple[str, ...]) -> Iterator[str]:
    for term in terms:
        if term.startswith("<" + ID):
            yield term[len(ID) + 1 :].partition("/")[0]


def _plain(term: str) -> str:
    if term.startswith("<"):
        return term[1:-1].removeprefix(ID)
    if term.startswith('"'):
        quoted = term[1 : term.rindex('"')]
        return re.sub(r"\\(.)", r"\1", quoted)
    return term
