"""Why a few parts of a group have no common solution, in words, with what may be meant."""

from __future__ import annotations

from dataclasses import replace

from clusterloom.api.cores import Cores, Place, flat
from clusterloom.api.coverage_check import coverage
from clusterloom.api.filter_check import explain_filter, literals_for
from clusterloom.api.findings import Finding, meant, named, short
from clusterloom.api.probes import Probes
from clusterloom.api.suggestions import occurs, shown, written
from clusterloom.nearest import nearest
from clusterloom.store.patterns import (
    Block,
    Conjunct,
    Part,
    Triple,
    Values,
)
from clusterloom.store.query_terms import iri_of, literal_of

_DEEPEST = 4


class Culprits:
    """Explains the cores of one group; `unknown` holds the terms that are explained already."""

    def __init__(self, probes: Probes, unknown: set[str], group: list[Part]) -> None:
        self.probes = probes
        self.unknown = unknown
        self.cores = Cores(probes)
        self._group = group

    async def explain(self, core: list[Part], place: Place) -> list[Finding]:
        """What is wrong with a core; nothing where an unknown term says it already."""
        last = core[-1]
        if isinstance(last, Conjunct):
            found = await explain_filter(self.cores, core[:-1], last, place)
        elif isinstance(last, Block) and last.word == "MINUS":
            found = [self._minus(core, place)]
        elif len(core) == 1:
            found = await self._alone(last, place)
        else:
            found = await self._join(core, place)
        return found + [f for part in core for f in await coverage(self.probes, part, core)]

    async def _alone(self, part: Part, place: Place) -> list[Finding]:
        if isinstance(part, Triple):
            return await self.triple(part, place)
        if isinstance(part, Values):
            message = f"VALUES of {named(part.binds) or '?' + part.variables[0]} has no row."
            return [self._finding("values", message, [part], place)]
        if isinstance(part, Block) and place.depth < _DEEPEST:
            return await self._inside(part, Place(place.graph, (), place.depth + 1), [])
        return []  # a sub-query is taken up by the diagnosis itself

    async def _inside(self, block: Block, place: Place, context: list[Part]) -> list[Finding]:
        """What is wrong inside of a group, or in each branch of a UNION."""
        found: list[Finding] = []
        graph = block.name if block.word == "GRAPH" else place.graph
        for number, group in enumerate(block.groups, 1):
            inner = Place(graph, tuple(context), place.depth)
            core = await self.cores.core(flat(group), inner)
            if not core:
                continue
            for finding in await self.explain(core, inner):
                where = f"Branch {number} of UNION: " if block.word == "UNION" else ""
                found.append(_prefixed(finding, where))
        return found

    async def _join(self, core: list[Part], place: Place) -> list[Finding]:
        last = core[-1]
        others = core[:-1]
        if isinstance(last, Block) and last.word in {"", "UNION"} and place.depth < _DEEPEST:
            deeper = Place(place.graph, (), place.depth + 1)
            if found := await self._inside(last, deeper, others):
                return found
        values = [p for p in core if isinstance(p, Values)]
        triples = [p for p in core if isinstance(p, Triple)]
        suggestion: list[str] = []
        if len(values) == 1 and len(core) == 2 and triples:
            cells = {iri_of(self.probes.parts, c.text) for row in values[0].rows for c in row}
            if cells <= self.unknown:
                return []
            return [await self._values(values[0], triples[0], place)]
        if parted := await self._parted(core, triples, place):
            return [parted]
        for part in triples:
            if turned := self._turned(part):
                rest = [turned if p is part else p for p in self._group]
                if turned not in rest:
                    rest = [turned if p is part else p for p in core]
                if await self.cores.ask(rest, place):
                    suggestion.append(turned.text.removesuffix(" ."))
            suggestion += await self._value_there(part, core, place)
        joined = frozenset(v for p in others for v in p.binds & last.binds)
        by = f"joined by {named(joined)}" if joined else "together"
        texts = "; ".join(f"`{short(p.text)}`" for p in others)
        message = (
            f"`{short(last.text)}` has solutions, and so {'has' if len(others) == 1 else 'have'} "
            f"{texts}, but {by} there is none.{meant([f'`{s}`' for s in suggestion])}"
        )
        return [self._finding("empty-join", message, core, place, suggestion)]

    async def _parted(
        self, core: list[Part], triples: list[Triple], place: Place
    ) -> Finding | None:
        """Patterns in one GRAPH block that match only in several graphs together."""
        if len(triples) < len(core) or not (place.graph or triples[-1].graph):
            return None
        plain = [replace(part, graph="") for part in triples]
        if not await self.probes.ask(Place().pattern(plain), everywhere=True):
            return None
        each = [replace(part, graph=f"?graph{number}") for number, part in enumerate(triples, 1)]
        message = (
            f"{'; '.join(f'`{short(p.text)}`' for p in plain)} match together, but not in one "
            "graph: GRAPH matches what it holds inside a single one."
        )
        return self._finding(
            "wrong-graph", message, core, place, [" ".join(part.text for part in each)]
        )

    async def _value_there(self, part: Triple, core: list[Part], place: Place) -> list[str]:
        """The literals that the others are joined with, near to the one that is asked for."""
        literal = literal_of(self.probes.parts, part.object)
        if literal is None:
            return []
        rest = [replace(part, object="?value") if p is part else p for p in core]
        near = await literals_for(self.cores, rest, "value", literal, place)
        return [f"{part.subject} {part.predicate} {text}" for text in near]

    async def _values(self, values: Values, triple: Triple, place: Place) -> Finding:
        """VALUES none of whose rows fits a pattern."""
        shared = sorted(values.binds & triple.binds)
        suggestion: list[str] = []
        for name in shared:
            cells = [row[values.variables.index(name)] for row in values.rows]
            for cell in cells[:5]:
                literal = literal_of(self.probes.parts, cell.text) if cell.text else None
                if literal is not None:
                    suggestion += await literals_for(self.cores, [triple], name, literal, place)
        message = (
            f"No value that VALUES gives to {named(frozenset(shared))} fits "
            f"`{short(triple.text)}`.{meant(suggestion)}"
        )
        return self._finding("values", message, [values, triple], place, suggestion)

    async def triple(self, triple: Triple, place: Place) -> list[Finding]:
        """A pattern that has no match alone."""
        said = [t for t in triple.terms if iri_of(self.probes.parts, t.text) in self.unknown]
        if triple.open_ended and (found := await self._path(triple, place)):
            return [found]
        if said:
            return []
        if found := await self._elsewhere(triple, place):
            return [found]
        turned = self._turned(triple)
        if turned is not None and await self.cores.ask([turned], place):
            text = turned.text.removesuffix(" .")
            message = (
                f"`{short(triple.text)}` has no match; the other way round it has: `{short(text)}`."
            )
            return [self._finding("direction", message, [triple], place, [text])]
        literal = literal_of(self.probes.parts, triple.object)
        if literal is not None:
            return [await self._literal(triple, place)]
        return [await self._no_match(triple, place)]

    async def _literal(self, triple: Triple, place: Place) -> Finding:
        literal = literal_of(self.probes.parts, triple.object)
        assert literal is not None
        opened = replace(triple, object="?value")
        beside = [p for p in self._group if isinstance(p, Triple) and p != triple]
        near: list[str] = []
        if len(beside) > 0 and not place.graph:
            near = await literals_for(self.cores, [*beside, opened], "value", literal, place)
        near = near or await literals_for(self.cores, [opened], "value", literal, place)
        have = [text for text in near if literal_of(self.probes.parts, text)]
        same = [t for t in have if _text(self.probes, t) == literal.value]
        why = ""
        if same:
            why = " The same text is there with another language tag or datatype."
        elif any(t.lower().startswith(f'"{literal.value.lower()}"') for t in near):
            why = " It is there in other letters."
        message = f"No statement matches `{short(triple.text)}`.{why}{meant(near)}"
        return self._finding("literal", message, [triple], place, near, triple.object)

    async def _no_match(self, triple: Triple, place: Place) -> Finding:
        """Says what the subject has, or what the property leads to, in place of what was asked."""
        names = [place.graph or triple.graph, triple.subject, triple.predicate, triple.object]
        _, subject, predicate, obj = names
        probes = self.probes
        suggestion: list[str] = []
        why = ""
        fixed = not subject.startswith("?")
        if fixed and not triple.path and not predicate.startswith("?"):
            there = await probes.rows(
                probes.select_text("DISTINCT ?value", f"{subject} {predicate} ?value", "LIMIT 4")
            )
            if there:
                suggestion = [written(row["value"]) for row in there]
                why = f" Its values there: {', '.join(suggestion)}."
            else:
                rows = await probes.rows(
                    probes.select_text("DISTINCT ?p", f"{subject} ?p ?o", "LIMIT 60")
                )
                has = [shown(row["p"].value) for row in rows or []]
                if has:
                    why = f" {subject} has no {predicate}; it has {', '.join(has[:8])}."
                    suggestion = _alike(predicate, has)
        elif not obj.startswith("?"):
            rows = await probes.rows(probes.select_text("DISTINCT ?p", f"?s ?p {obj}", "LIMIT 20"))
            if rows:
                suggestion = [shown(row["p"].value) for row in rows][:4]
                why = f" Properties that lead to {obj}: {', '.join(suggestion)}."
        message = f"No statement matches `{short(triple.text)}`.{why}"
        return self._finding("no-match", message, [triple], place, suggestion)

    async def _elsewhere(self, triple: Triple, place: Place) -> Finding | None:
        """The pattern has matches, but in another graph."""
        probes = self.probes
        graph = triple.graph or place.graph
        plain = f"{triple.subject} {triple.predicate} {triple.object}"
        if not graph and not probes.dataset:
            return None
        rows = await probes.rows(
            probes.select_text("DISTINCT ?g", f"GRAPH ?g {{ {plain} }}", "LIMIT 3", everywhere=True)
        )
        if not rows:
            return None
        found = [f"<{row['g'].value}>" for row in rows if row["g"].is_iri]
        if graph in found and not probes.dataset:
            return None
        if graph.startswith("?") and not probes.dataset:
            return None
        where = f"in GRAPH {graph}" if graph else "in the graphs of FROM"
        message = f"`{short(plain)}` has no match {where}; it has some in {', '.join(found)}."
        if graph and probes.dataset and "FROM NAMED" not in probes.dataset:
            message = "With FROM and without FROM NAMED there is no named graph for GRAPH to match."
        elif not graph and "FROM <" not in probes.dataset.replace("FROM NAMED", ""):
            message = "With FROM NAMED and without FROM the default graph is empty: use GRAPH."
        kind = "dataset" if probes.dataset else "wrong-graph"
        return self._finding(kind, message, [triple], place, found)

    async def _path(self, triple: Triple, place: Place) -> Finding | None:
        """A path of any length that starts or ends at a term which the data do not have."""
        for end in (triple.subject, triple.object):
            iri = iri_of(self.probes.parts, end)
            if not iri or await self.probes.ask(occurs(f"<{iri}>"), everywhere=True) is not False:
                continue
            message = (
                f"The path `{short(triple.predicate)}` starts or ends at {end}, which is in no "
                "statement: not even the path of length zero matches there."
            )
            return self._finding("path", message, [triple], place, (), end)
        return None

    def _turned(self, triple: Triple) -> Triple | None:
        if triple.path or triple.object[:1] in {'"', "'", "-", "+"} or triple.object[:1].isdigit():
            return None
        if iri_of(self.probes.parts, triple.predicate).endswith("#type"):
            return None
        return replace(triple, subject=triple.object, object=triple.subject)

    def _minus(self, core: list[Part], place: Place) -> Finding:
        last = core[-1]
        rest = "; ".join(f"`{short(p.text)}`" for p in core[:-1])
        message = f"`{short(last.text)}` removes every solution of {rest}."
        return self._finding("minus", message, core, place)

    def _finding(
        self,
        kind: str,
        message: str,
        core: list[Part],
        place: Place,
        suggestion: list[str] | tuple[str, ...] = (),
        term: str = "",
    ) -> Finding:
        query = self.probes.ask_text(place.pattern(core))
        text = " ".join(short(part.text) for part in core)
        start = core[-1].start
        return Finding(kind, message, text, query, "false", start, term, list(suggestion))


def _text(probes: Probes, written: str) -> str:
    literal = literal_of(probes.parts, written)
    return literal.value if literal else ""


def _alike(predicate: str, has: list[str]) -> list[str]:
    return nearest(predicate.partition(":")[2] or predicate, {h: h.partition(":")[2] for h in has})


def _prefixed(finding: Finding, words: str) -> Finding:
    return replace(finding, message=words + finding.message)
