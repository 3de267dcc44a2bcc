"""Filters that leave nothing: what they saw, and what would have passed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clusterloom import terms
from clusterloom.api.cores import Cores, Place, flat
from clusterloom.api.findings import Finding, meant, named, short
from clusterloom.api.suggestions import literals_near, variants, written
from clusterloom.ontology.vocabulary import nearest
from clusterloom.store.patterns import Conjunct, Part, Triple
from clusterloom.store.query_terms import Written, iri_of, literal_of, tokens_of

_SEEN = 5
"""Example values that a finding names."""
_MATCHED = re.compile(
    r"\b(CONTAINS|STRSTARTS|STRENDS)\s*\(\s*((?:STR\s*\(\s*)?\?\w+(?:\s*\))?)\s*,\s*"
    r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')(?:@[\w-]+)?\s*\)",
    re.IGNORECASE,
)
_REGEX = re.compile(
    r"\bREGEX\s*\(\s*(\?\w+)\s*,\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')\s*\)", re.IGNORECASE
)
_LANG = re.compile(
    r"\bLANG\s*\(\s*\?(\w+)\s*\)\s*=|\bLANGMATCHES\s*\(\s*LANG\s*\(\s*\?(\w+)", re.IGNORECASE
)


async def explain_filter(
    cores: Cores, others: Sequence[Part], condition: Conjunct, place: Place
) -> list[Finding]:
    """Why no solution of the other parts meets a condition."""
    if condition.groups:
        return await _exists(cores, others, condition, place)
    given = frozenset[str]().union(*(part.binds for part in others))
    base = place.pattern([p for p in others if not isinstance(p, Conjunct)])
    if unbound := condition.uses - given:
        return [_unbound(cores, condition, unbound, given, base)]
    query = cores.probes.ask_text(place.pattern([*others, condition]))
    seen = await _seen(cores, condition, base)
    suggestion = await _passing(cores, others, condition, place)
    never = await _is_error(cores, condition, base)
    why = " The condition is an error for each of them: values of different types are compared."
    message = (
        f"{condition.text} removes every solution.{f' It saw {seen}.' if seen else ''}"
        f"{why if never else ''}{meant(suggestion)}"
    )
    return [
        Finding("filter", message, condition.text, query, "false", condition.start, "", suggestion)
    ]


def _unbound(
    cores: Cores, condition: Conjunct, unbound: frozenset[str], given: frozenset[str], base: str
) -> Finding:
    near = [f"?{name}" for u in sorted(unbound) if (name := nearest(u, given))]
    message = (
        f"{condition.text} reads {named(unbound)}, which has no value in this group: the condition "
        f"is never true.{meant(near)}"
    )
    query = cores.probes.ask_text(f"{base} {condition.text}")
    start = condition.start
    return Finding(
        "unbound-variable", message, condition.text, query, "false", start, named(unbound), near
    )


async def _exists(
    cores: Cores, others: Sequence[Part], condition: Conjunct, place: Place
) -> list[Finding]:
    negated = re.match(r"\s*(?:!|NOT\b)", condition.expression, re.IGNORECASE) is not None
    query = cores.probes.ask_text(place.pattern([*others, condition]))
    shown = short(condition.text)
    if negated:
        message = f"{shown} removes every solution: each of them has what must not be there."
        return [Finding("not-exists", message, shown, query, "false", condition.start)]
    message = f"{shown} removes every solution: none of them has what must be there."
    inner = await cores.core(flat(condition.groups[0]), Place(place.graph))
    if len(inner) == 1:
        message += f" `{short(inner[0].text)}` has no match at all."
    return [Finding("exists", message, shown, query, "false", condition.start)]


async def _seen(cores: Cores, condition: Conjunct, base: str) -> str:
    """Values that the condition was tried on, in words."""
    names = sorted(condition.uses)
    if not names:
        return ""
    head = "DISTINCT " + " ".join(f"?{name}" for name in names)
    text = cores.probes.select_text(head, base, f"LIMIT {_SEEN}")
    rows = await cores.probes.rows(text)
    seen = [
        ", ".join(
            (f"?{name} = " if len(names) > 1 else "")
            + (written(row[name]) if name in row else "no value")
            for name in names
        )
        for row in rows or []
    ]
    subject = f"?{names[0]} = " if len(names) == 1 else ""
    return subject + "; ".join(s[:120] for s in seen) if seen else ""


async def _is_error(cores: Cores, condition: Conjunct, base: str) -> bool:
    """Whether the condition is neither true nor false for any solution."""
    if not condition.uses:
        return False
    test = f"{base} BIND (({condition.expression}) AS ?_holds) FILTER (BOUND(?_holds))"
    return await cores.probes.ask(test) is False


async def _passing(
    cores: Cores, others: Sequence[Part], condition: Conjunct, place: Place
) -> list[str]:
    """Conditions or values near to the one asked for that some solution does meet."""
    probes = cores.probes
    expression = condition.expression
    if (equal := _equality(cores, expression)) is not None:
        name, literal = equal
        near = await literals_for(cores, others, name, literal, place)
        return [f"?{name} = {text}" for text in near]
    folded = _MATCHED.sub(_folded, expression)
    folded = _REGEX.sub(lambda m: f'REGEX(STR({m[1]}), {m[2]}, "i")', folded)
    if folded != expression:
        changed = Conjunct(folded, condition.uses, condition.start)
        return [folded] if await cores.ask([*others, changed], place) else []
    if (lang := _LANG.search(expression)) is not None:
        name = lang[1] or lang[2]
        base = place.pattern([p for p in others if not isinstance(p, Conjunct)])
        rows = await probes.rows(
            probes.select_text(f"DISTINCT (LANG(?{name}) AS ?tag)", base, "LIMIT 8")
        )
        return [f'LANG(?{name}) = "{row["tag"].value}"' for row in rows or [] if "tag" in row]
    return await _as_year(cores, others, condition, place)


async def _as_year(
    cores: Cores, others: Sequence[Part], condition: Conjunct, place: Place
) -> list[str]:
    """A date compared with a year, a number with a string: the same condition on the same type."""
    for name in sorted(condition.uses):
        variable = rf"\?{re.escape(name)}\b"
        for cast in ("YEAR(?{})", "xsd:decimal(?{})"):
            call = cast.format(name).replace("xsd:", "<http://www.w3.org/2001/XMLSchema#")
            call = call.replace("decimal(", "decimal>(")
            unquoted = re.sub(r"\"(-?\d+)\"(?:\^\^\S+)?", r"\1", condition.expression)
            changed = Conjunct(re.sub(variable, call, unquoted), condition.uses, condition.start)
            if await cores.ask([*others, changed], place):
                return [re.sub(variable, cast.format(name), unquoted)]
    return []


def _folded(match: re.Match[str]) -> str:
    function, value, text = match.groups()
    value = re.sub(r"(?i)^STR\s*\(\s*|\s*\)$", "", value)
    return f"{function}(LCASE(STR({value})), {text.lower()})"


def _equality(cores: Cores, expression: str) -> tuple[str, Written] | None:
    """Variable and literal of `?x = "..."`; None for any other condition."""
    tokens = tokens_of(expression)
    if len(tokens) < 3:
        return None
    first, last = tokens[0], tokens[-1]
    if first.kind == "var" and tokens[1].text == "=":
        name, text = first.text[1:], expression[tokens[2].start :]
    elif last.kind == "var" and tokens[-2].text == "=":
        name, text = last.text[1:], expression[: tokens[-2].start]
    else:
        return None
    literal = literal_of(cores.probes.parts, text.strip())
    return None if literal is None or iri_of(cores.probes.parts, text.strip()) else (name, literal)


async def literals_for(
    cores: Cores, others: Sequence[Part], name: str, literal: Written, place: Place
) -> list[str]:
    """The values of a variable that come nearest to a literal: same text, same letters, alike."""
    probes = cores.probes
    asked = [p for p in others if not isinstance(p, Conjunct)]
    base = place.pattern(asked)
    tries = variants(literal)
    if any(name in p.binds for p in asked if isinstance(p, Triple)):
        tried = f"VALUES ?{name} {{ {' '.join(tries)} }} {base}"
    else:  # VALUES would give a value to what OPTIONAL left without
        tried = f"{base} FILTER (?{name} IN ({', '.join(tries)}))"
    rows = await probes.rows(probes.select_text(f"DISTINCT ?{name}", tried, "LIMIT 5"))
    if not rows:
        low = terms.text(" ".join(literal.value.split()).lower())
        rows = await probes.rows(
            probes.select_text(
                f"DISTINCT ?{name}", f"{base} FILTER (LCASE(STR(?{name})) = {low})", "LIMIT 5"
            )
        )
    if rows:
        return [written(row[name]) for row in rows if name in row]
    if not re.search(r"[^\W\d]{3}", literal.value):
        return []  # numbers and codes that look alike mean other things
    rows = await probes.rows(probes.select_text(f"DISTINCT ?{name}", base, "LIMIT 3000"))
    return literals_near(literal.value, (row[name] for row in rows or [] if name in row))
