"""Queries of the library with words struck out, doubled, swapped and smuggled in.

Whatever the text: the guard answers soon, by an inspection or by an error of ours, and its
normal form means the same as the text. `make fuzz` tries many more.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pyoxigraph as ox
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterloom.api.negotiation import choose, ranges
from clusterloom.errors import ClusterloomError
from clusterloom.queries.library import library
from clusterloom.store.guard import inspect

EXAMPLES = int(os.environ.get("FUZZ", "1")) * 150
SECONDS = 2.0
"""Time the guard may take for a text of a few kB, on a busy machine."""

QUERIES = sorted(query.sparql for query in library().values())
DEAD = "<http://127.0.0.1:1/>"
SMUGGLED = [
    f"SERVICE {DEAD} {{ ?s ?p ?o }}", f"service silent{DEAD}{{}}", "\\u0053ERVICE", "SERVICE",
    f"LOAD {DEAD}", "INSERT DATA { }", "} ; DROP ALL", "{", "}", "(", ")", "[", "]", "'", '"',
    "'''", '"""', "#", "\n", "\\", "<", ">", "<<(", ")>>", "@en", "^^", "!", "_:b", "\u00a0",
    "\ufeff", "\0", "\U0001f4a5", "SELECT *", "NOW()", "FROM <http://g>", "{} UNION", "FILTER(",
]  # fmt: skip

PIECE = re.compile(r"\s+|\w+|.", re.DOTALL)

settings.register_profile(
    "fuzz", deadline=None, derandomize="FUZZ" not in os.environ, database=None,
    suppress_health_check=list(HealthCheck), max_examples=EXAMPLES,
)  # fmt: skip
FUZZ = settings.get_profile("fuzz")


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A query of the library after a few blows."""
    pieces = PIECE.findall(draw(st.sampled_from(QUERIES)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(pieces) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                del pieces[place : place + draw(st.integers(1, 5))]
            case 1:
                pieces[place:place] = [draw(st.sampled_from(SMUGGLED))]
            case 2:
                pieces[place:place] = pieces[place : place + 20] * draw(st.integers(1, 30))
            case 3:
                other = draw(st.integers(0, max(0, len(pieces) - 1)))
                pieces[place:place], pieces[other:other] = pieces[other : other + 3], []
            case _:
                pieces[place:place] = [draw(st.text(max_size=8))]
    return "".join(pieces)


GAP = re.compile(r"\b(COALESCE|CONCAT|BNODE)\s+\(", re.IGNORECASE)
"""Where the parser of Oxigraph 0.5 takes no white space, though SPARQL has it."""


def parses(text: str) -> bool:
    """Whether the engine reads the text as a query; it runs over nothing."""
    try:
        ox.Store().query(GAP.sub(r"\1(", text), base_iri="http://b/")
    except (SyntaxError, ValueError):
        return False
    except RuntimeError:  # a function that is not known
        return True
    except OSError as error:
        raise AssertionError(f"a service was called by {text!r}") from error
    return True


def refusal(run: Callable[[], object]) -> ClusterloomError | None:
    """The error of ours that it raises; any other error passes."""
    try:
        run()
    except ClusterloomError as error:
        return error
    return None


@given(text=spoilt())
@FUZZ
def test_the_guard_survives_any_text(text: str) -> None:
    began = time.monotonic()
    error = refusal(lambda: inspect(text))
    assert time.monotonic() - began < SECONDS
    if error is not None:
        assert error.status == 400
        assert error.detail
        return
    found = inspect(text)
    if "\0" not in text:
        assert parses(text) == parses(found.normal)
    assert inspect(found.normal).normal == found.normal
    assert inspect(found.normal).form == found.form
    assert inspect(found.normal).volatile == found.volatile


@given(text=st.text(max_size=200))
@FUZZ
def test_the_guard_survives_noise(text: str) -> None:
    error = refusal(lambda: inspect(text).tokens)
    assert error is None or error.status == 400


ACCEPT = st.lists(
    st.sampled_from(
        ["text/csv", "*/*", "text/*", ";q=", "0.5", "1.000", ",", " ", '"', "\\", "q", "=", "/",
         "application/json", "nan", "1e9", "-1", "\t", "é"]
    ),
    max_size=30,
)  # fmt: skip


@given(parts=ACCEPT, graph=st.booleans())
@FUZZ
def test_negotiation_survives_any_accept_header(parts: list[str], graph: bool) -> None:
    accept = "".join(parts)
    assert all(0 <= wanted.quality <= 1 for wanted in ranges(accept))
    error = refusal(lambda: choose(accept, graph))
    assert error is None or error.status == 406


@given(name=st.text(max_size=20), graph=st.booleans())
@FUZZ
def test_format_survives_any_name(name: str, graph: bool) -> None:
    error = refusal(lambda: choose(None, graph, name))
    assert error is None or error.status in {400, 406}
