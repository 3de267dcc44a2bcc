"""Look-ups that are answered in the server's own process, for less than a worker's call costs.

Only a query of one triple pattern whose variables differ: whatever its constants, it is a range of
one index of the store, read from its beginning. No more than ROWS rows are read; an answer with
more goes to a worker like every other query. So the work is bounded by the form of the query and
not by a clock, and nothing in it can be made to run long, sort, join or take memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import pyoxigraph as ox

from clusterloom.store.engine import CSV, JSON, TSV, XML, Kind
from clusterloom.store.subjects import Subjects

ROWS = 250
LONGEST = 2000
"""Characters of a query that is looked at."""

_IRI = r"<[^<>\"{}|^`\\\x00-\x20]*>"
_NAME = r"[A-Za-z][A-Za-z0-9_-]*:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_TEXT = r"\"[^\"\\\r\n]*\"(?:@[A-Za-z]+(?:-[A-Za-z0-9]+)*|\^\^(?:" + _IRI + "|" + _NAME + "))?"
_VARIABLE = r"[?$][A-Za-z_][A-Za-z0-9_]*"
_PREFIX = r"\s*PREFIX\s+[A-Za-z][A-Za-z0-9_-]*:\s*" + _IRI

_LOOKUP = re.compile(
    rf"(?P<prologue>(?:{_PREFIX})*)\s*"
    rf"(?:(?P<ask>ASK)|SELECT\s+(?P<wanted>\*|{_VARIABLE}(?:\s+{_VARIABLE})*))"
    rf"\s*(?:WHERE\s*)?\{{\s*"
    rf"(?P<subject>{_VARIABLE}|{_IRI}|{_NAME})\s+"
    rf"(?P<predicate>{_VARIABLE}|{_IRI}|{_NAME}|a)\s+"
    rf"(?P<object>{_VARIABLE}|{_IRI}|{_NAME}|{_TEXT})\s*\.?\s*\}}\s*",
    re.IGNORECASE,
)

# resolving an IRI that is whole and has no dots between slashes leaves it as it is
_WHOLE = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]*:(?:[^<>/]|/(?!\.))*)>")

# counts at least the rows of an answer: more where a literal holds the same bytes
_ROW = {JSON: b"}},{", XML: b"<result>", CSV: b"\n", TSV: b"\n"}


@dataclass(frozen=True)
class LookUp:
    """A query of one triple pattern: its text with a bound, and its columns.

    `subject` is the IRI where all that is said of one subject is asked for, and nothing else.
    """

    text: str
    kind: Kind
    variables: tuple[str, ...]
    subject: str | None = None
    turned: bool = False


@lru_cache(maxsize=256)
def read(query: str) -> LookUp | None:
    """The query as a look-up, None where it is none.

    >>> read("SELECT * { <http://example.org/a> ?p ?o }").variables
    ('p', 'o')
    >>> read("SELECT ?x { ?x ?x ?o }") is read("SELECT ?x { ?x ?p ?o } ORDER BY ?x") is None
    True
    """
    found = _LOOKUP.fullmatch(query) if len(query) <= LONGEST else None
    if found is None:
        return None
    pattern = (found["subject"], found["predicate"], found["object"])
    if found["predicate"] == "A":
        return None  # only the small letter stands for rdf:type
    variables = [term[1:] for term in pattern if term[0] in "?$"]
    if len(set(variables)) < len(variables):
        return None
    body = f"{{ {' '.join(pattern)} }}"
    if found["ask"]:
        return LookUp(f"{found['prologue']} ASK {body}", "boolean", ())
    wanted = found["wanted"]
    columns = variables if wanted == "*" else [name[1:] for name in wanted.split()]
    if not columns or set(columns) - set(variables) or len(set(columns)) < len(columns):
        return None
    names = " ".join(f"?{name}" for name in columns)
    text = f"{found['prologue']} SELECT {names} {body} LIMIT {ROWS + 1}"
    about = _WHOLE.fullmatch(pattern[0]) if pattern[1][0] in "?$" and len(columns) == 2 else None
    return LookUp(
        text,
        "bindings",
        tuple(columns),
        subject=about[1] if about else None,
        turned=columns != variables,
    )


class DirectStore:
    """The store of a release as the server itself reads it."""

    def __init__(self, path: Path) -> None:
        self._store = ox.Store.read_only(str(path))
        self._subjects = Subjects.of(path.parent)

    def answer(self, lookup: LookUp, base: str | None, media_type: str) -> bytes | None:
        """The whole answer; None where a worker should give it, or say what is wrong."""
        if lookup.subject is not None and media_type == JSON and self._subjects is not None:
            pairs = self._subjects.pairs(lookup.subject, ROWS)
            if pairs:  # the store tells whether what is not there could be an IRI
                return _written(lookup, pairs)
        table = ox.QueryResultsFormat.from_media_type(media_type)
        if table is None or media_type not in _ROW:
            return None
        try:
            results = self._store.query(lookup.text, base_iri=base)
        except (SyntaxError, ValueError, OSError, RuntimeError):
            return None
        rows = cast("ox.QuerySolutions | ox.QueryBoolean", results)
        body = rows.serialize(format=table) or b""
        cut = lookup.kind == "bindings" and body.count(_ROW[media_type]) >= ROWS
        return None if cut else body


def _written(lookup: LookUp, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The answer as the library writes it, byte for byte."""
    names = [name.encode("ascii") for name in lookup.variables]
    if lookup.turned:
        pairs = [(second, first) for first, second in pairs]
    rows = [b'{"%b":%b,"%b":%b}' % (names[0], one, names[1], two) for one, two in pairs]
    head = b'{"head":{"vars":["%b","%b"]},"results":{"bindings":[' % (names[0], names[1])
    return b"%b%b]}}" % (head, b",".join(rows))
