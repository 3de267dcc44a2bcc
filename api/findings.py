"""What an analysis found: one sentence, its place in the query, and the query that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from clusterloom.store.tokens import place

Shows = Literal["false", "true", "rows", "none"]


@dataclass(frozen=True)
class Finding:
    """One reason why an answer is empty.

    `query` shows it: its answer is what `shows` says (an ASK that is false or true, a SELECT with
    rows or with none).
    """

    kind: str
    message: str
    pattern: str
    query: str
    shows: Shows
    start: int | None = None
    term: str = ""
    suggestion: list[str] = field(default_factory=list)

    def as_json(self, text: str) -> dict[str, Any]:
        """The finding as a member of `findings`; `text` is the query it is about."""
        found: dict[str, Any] = {"kind": self.kind, "message": self.message}
        found["pattern"] = self.pattern
        if self.start is not None:
            found["line"], found["column"] = place(text, self.start)
        if self.term:
            found["term"] = self.term
        if self.suggestion:
            found["suggestion"] = self.suggestion
        return found | {"query": self.query, "shows": self.shows}


def short(text: str, limit: int = 160) -> str:
    """A part of a query on one line, cut where it is long."""
    line = re.sub(r"\s+", " ", text).strip().removesuffix(" .")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def named(variables: set[str] | frozenset[str]) -> str:
    """`?a and ?b`."""
    return " and ".join(f"?{name}" for name in sorted(variables))


def meant(suggestion: list[str]) -> str:
    """`Did you mean ...?` with a space before it, or nothing."""
    return f" Did you mean {' or '.join(suggestion)}?" if suggestion else ""
