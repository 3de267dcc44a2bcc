"""Why a query has no answer: walks the query from its dataset to its LIMIT and gathers findings."""

from __future__ import annotations

from typing import Any

from clusterloom.api.cores import Place, flat
from clusterloom.api.culprits import Culprits
from clusterloom.api.findings import Finding, short
from clusterloom.api.probes import Probes
from clusterloom.api.rows import Row
from clusterloom.api.suggestions import written
from clusterloom.api.term_check import check, check_terms, unknown_graph
from clusterloom.store.engine import Query
from clusterloom.store.patterns import QueryParts, Select, SubSelect, Term
from clusterloom.store.query_terms import iri_of

_FIRST = 0.6
"""Share of the time in which the query itself may show that it is not empty."""


class Diagnosis:
    """One analysis. `empty` is None where the query did not end in its time."""

    def __init__(self, probes: Probes, query: Query) -> None:
        self.probes = probes
        self.query = query
        self.parts: QueryParts = probes.parts
        self.findings: list[Finding] = []
        self.empty: bool | None = None
        self.first: Row | None = None

    async def run(self) -> None:
        """Runs the query for its first row, and the probes where there is none."""
        await self.first_row()
        if self.empty is False and not self._of_nothing():
            return
        await self._dataset()
        select = self.parts.select
        for described in self.parts.described:
            iri = iri_of(self.parts, described.text)
            if iri and (finding := await check(self.probes, described, "described", iri)):
                self._add(finding)
        self.findings += await check_terms(self.probes, select.group)
        await self._select(select)

    def _add(self, *found: Finding) -> None:
        known = {(f.kind, f.start, f.message) for f in self.findings}
        self.findings += [f for f in found if (f.kind, f.start, f.message) not in known]

    async def first_row(self) -> None:
        """Runs the query for its first row: sets `empty` and `first`."""
        if self.parts.select.form in {"construct", "describe"}:
            self.empty = await self.probes.makes_nothing(self.query, _FIRST)
            return
        graphs = (self.query.default_graphs, self.query.named_graphs)
        rows = await self.probes.rows(self.query.text, 1, graphs, _FIRST, strict=True)
        if rows is not None:
            self.empty = not rows
            self.first = rows[0] if rows else None

    def _of_nothing(self) -> bool:
        """Whether the only row is the one that aggregates over nothing always give."""
        select = self.parts.select
        return select.aggregates and not select.grouping and select.form == "select"

    async def _dataset(self) -> None:
        named = [*self.parts.default, *self.parts.named]
        if self.query.default_graphs or self.query.named_graphs:
            every = (*self.query.default_graphs, *self.query.named_graphs)
            named = [Term(f"<{iri}>", "graph", 0) for iri in every]
        for term in named:
            iri = iri_of(self.parts, term.text)
            if iri and (finding := await unknown_graph(self.probes, term, iri)) is not None:
                self._add(finding)

    async def _select(self, select: Select, depth: int = 0) -> None:
        """Why a query or a sub-query gives no row."""
        if select.limit == 0:
            message = "LIMIT 0 asks for no row at all."
            start = select.keywords.get("LIMIT", select.start)
            self._add(Finding("limit", message, "LIMIT 0", self._whole(select), "none", start))
            return
        place = Place()
        filled = await self.probes.ask(select.group.text)
        if filled:
            if select.form == "construct":
                self._template(select)
            await self._modifiers(select)
            return
        group = flat(select.group)
        culprits = Culprits(self.probes, self._unknown(), group)
        core = await culprits.cores.core(group, place)
        if not core:
            return
        if isinstance(core[0], SubSelect) and len(core) == 1 and depth < 4:
            await self._select(core[0].select, depth + 1)
            return
        self._add(*await culprits.explain(core, place))

    @property
    def summary(self) -> str:
        """The outcome in a sentence."""
        if self.empty is False and not self.findings:
            return "The answer is not empty."
        if self.findings:
            first = self.findings[0].message
            known = [f.message for f in self.findings[1:] if f.kind == "incomplete-knowledge"]
            return " ".join([first, *known[:1]])
        if self.empty is None:
            return "The query did not end in time: whether its answer is empty is not known."
        if not self.probes.complete:
            return "The answer is empty; the time was over before the reason was found."
        return "The answer is empty; no single reason was found."

    def _unknown(self) -> set[str]:
        found = {iri_of(self.parts, f.pattern) for f in self.findings}
        return found - {""}

    def _whole(self, select: Select) -> str:
        head = "DISTINCT " + select.head if select.distinct else select.head
        values = select.values.text if select.values else ""
        tail = [select.grouping, f"HAVING {select.having}" if select.having else ""]
        tail += [f"LIMIT {select.limit}" if select.limit is not None else ""]
        tail += [f"OFFSET {select.offset}" if select.offset else "", values]
        pattern = select.group.text.strip()[1:-1]
        return self.probes.select_text(head or "*", pattern, " ".join(filter(None, tail)))

    def _template(self, select: Select) -> None:
        """A CONSTRUCT whose pattern has solutions gives nothing only through its template."""
        message = (
            "The pattern has solutions, but the template makes no triple of them: its variables "
            "have no value there, or a literal stands where only an IRI may."
        )
        pattern = select.group.text.strip()[1:-1]
        query = self.probes.select_text("*", pattern, "LIMIT 5")
        template = short(self.parts.template)
        self._add(Finding("template", message, template, query, "rows", select.start))

    async def _modifiers(self, select: Select) -> None:
        """The pattern has solutions: what is done to them takes all away."""
        probes = self.probes
        pattern = select.group.text.strip()[1:-1]
        head = select.head or "*"
        if (last := select.values) is not None:
            joined = f"{{ {pattern} }} {last.text}"
            if await probes.ask(joined) is False:
                message = f"No solution of the pattern fits the {short(last.text)} at the end."
                text = probes.ask_text(joined)
                self._add(Finding("values", message, short(last.text), text, "false", last.start))
                return
        if select.having:
            without = probes.select_text(head, pattern, f"{select.grouping} LIMIT 5")
            having = probes.select_text(
                head, pattern, f"{select.grouping} HAVING {select.having} LIMIT 1"
            )
            rows = await probes.rows(having)
            if rows == []:
                seen = await probes.rows(without) or []
                message = f"HAVING {short(select.having)} removes every group.{_examples(seen)}"
                start = select.keywords.get("HAVING", select.start)
                shown = f"HAVING {short(select.having)}"
                self._add(Finding("having", message, shown, having, "none", start))
                return
        if select.offset:
            await self._offset(select, head, pattern)

    async def _offset(self, select: Select, head: str, pattern: str) -> None:
        distinct = "DISTINCT " if select.distinct else ""
        inner = f"{{ SELECT {distinct}{head} WHERE {{ {pattern} }} {select.grouping} }}"
        if not select.aggregates:
            inner = f"{{ SELECT {distinct}{head} WHERE {{ {pattern} }} }}"
        count = self.probes.select_text("(COUNT(*) AS ?rows)", inner)
        rows = await self.probes.rows(count)
        if not rows:
            return
        total = int(rows[0]["rows"].value)
        if total <= select.offset:
            message = f"OFFSET {select.offset} is beyond the end: there are {total} rows."
            start = select.keywords.get("OFFSET", select.start)
            self._add(Finding("offset", message, f"OFFSET {select.offset}", count, "rows", start))


def _examples(rows: list[Row]) -> str:
    seen = [
        ", ".join(f"?{name} = {written(cell)}" for name, cell in row.items()) for row in rows[:3]
    ]
    return f" Without it there are rows such as {'; '.join(seen)}." if seen else ""


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON: each variable with its term as a query writes it."""
    return {name: written(cell) for name, cell in row.items()}
