"""SHACL: valid examples pass, every invalid one fails with the message it names, in two engines."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom.namespaces import CLOOM, ID, PREFIXES
from clusterloom.ontology import validate, vocabulary
from clusterloom.ontology.modules import room

EXAMPLES = room() / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.ttl"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.ttl"))
SH = PREFIXES["sh"]
WRITTEN_AS = {"integer": '"seven"', "decimal": '"a lot"', "date": '"in May"', "boolean": '"yes"'}


def load(store: ox.Store, path: Path) -> None:
    for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True):
        store.add(quad)


def examples(*more: Path) -> ox.Store:
    store = ox.Store()
    for path in (*VALID, *more):
        load(store, path)
    return store


def expected(path: Path) -> str:
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith("# expect: "), f"{path.name}: the first line names no message"
    return first.removeprefix("# expect: ")


@cache
def shapes() -> ox.Store:
    store = ox.Store()
    for path in validate.shape_files():
        load(store, path)
    return store


def messages() -> dict[str, str]:
    """Shape -> its message; every shape that can be the source of a result has one."""
    return {
        q.subject.value.removeprefix(validate.SHAPES): q.object.value
        for q in shapes().quads_for_pattern(None, ox.NamedNode(SH + "message"), None)
        if isinstance(q.subject, ox.NamedNode) and isinstance(q.object, ox.Literal)
    }


def superclass_pairs() -> list[tuple[str, str]]:
    found = [(n, s) for n, t in vocabulary.terms().items() if t.kind == "class" for s in t.supers]
    return sorted(found)


def typed_properties() -> list[tuple[str, str]]:
    """Data properties whose range is a number, a day or a truth value, with that range."""
    return [
        (name, datatype)
        for name, term in vocabulary.terms().items()
        for datatype in WRITTEN_AS
        if term.kind == "data" and term.ranges == (PREFIXES["xsd"] + datatype,)
    ]


def test_how_many_examples_there_are() -> None:
    assert len(VALID) == 7
    assert len(INVALID) >= 178


def test_a_shapes_file_lies_beside_each_module() -> None:
    names = {path.stem for path in validate.shape_files()}
    assert names == set(vocabulary.modules()) - {"clusterloom"}


def test_valid_examples_conform_in_both_engines() -> None:
    assert validate.validate(examples()) == []
    assert validate.referee(examples()) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_invalid_example_fails_with_the_message_it_names(path: Path) -> None:
    results = validate.validate(examples(path))
    assert {r.message for r in results} == {expected(path)}


def test_referee_finds_the_same_in_every_invalid_example() -> None:
    everything = examples(*INVALID)
    ours = {(r.focus, r.message, r.severity) for r in validate.validate(everything)}
    theirs = {(r.focus, r.message, r.severity) for r in validate.referee(everything)}
    assert ours == theirs
    by_focus = defaultdict(set)
    for focus, message, _ in theirs:
        by_focus[focus].add(message)
    for path in INVALID:
        subjects = {str(q.subject) for q in ox.parse(path=path, format=ox.RdfFormat.TURTLE)}
        found = set().union(*(by_focus[s] for s in subjects))
        assert found == {expected(path)}, path.name


def test_every_message_is_shown_to_appear() -> None:
    tried = {expected(path) for path in INVALID}
    tried |= {
        m for m in messages().values() if re.match(r"(Type every|Write cloom:\w+ as .*\(xsd:)", m)
    }
    assert set(messages().values()) - tried == set()


@pytest.mark.parametrize(("name", "above"), superclass_pairs())
def test_superclass_must_be_written_out(name: str, above: str) -> None:
    data = ox.Store()
    kind = ox.NamedNode(PREFIXES["rdf"] + "type")
    data.add(ox.Quad(ox.NamedNode(ID + "example/bad"), kind, ox.NamedNode(CLOOM + name)))
    found = {r.message for r in validate.validate(data)}
    wanted = f"Type every cloom:{name} as cloom:{above} too: superclasses are written out."
    assert wanted in found, f"add clsh:{name}-is-{above} to ontology/shapes"


@pytest.mark.parametrize(("name", "datatype"), typed_properties())
def test_number_day_or_truth_value_must_be_typed(name: str, datatype: str) -> None:
    data = ox.Store()
    data.update(f"INSERT DATA {{ <{ID}example/bad> <{CLOOM}{name}> {WRITTEN_AS[datatype]} }}")
    found = {r.message for r in validate.validate(data)}
    wanted = rf"Write cloom:{name} as .* \(xsd:{datatype}\)\."
    assert any(re.fullmatch(wanted, m) for m in found), (
        f"add cloom:{name} to the shape of {datatype} properties of its module in ontology/shapes"
    )


def test_shapes_use_declared_terms_only() -> None:
    subjects = [q for q in shapes() if q.predicate.value != SH + "message"]
    used = {
        term.value.removeprefix(CLOOM)
        for quad in subjects
        for term in (quad.subject, quad.object)
        if isinstance(term, ox.NamedNode) and term.value.startswith(CLOOM)
    }
    individuals = {f"kind-{k}" for k in ("asserted", "curated", "derived", "estimated")}
    assert used - set(vocabulary.terms()) == individuals


def test_each_shape_has_message_and_severity() -> None:
    for quad in shapes().quads_for_pattern(None, ox.NamedNode(SH + "message"), None):
        severity = list(
            shapes().quads_for_pattern(quad.subject, ox.NamedNode(SH + "severity"), None)
        )
        assert len(severity) == 1, quad.subject
    spoken = messages()
    for quad in shapes().quads_for_pattern(None, ox.NamedNode(SH + "property"), None):
        if isinstance(quad.object, ox.NamedNode):
            assert quad.object.value.removeprefix(validate.SHAPES) in spoken


def test_result_says_where_what_and_how_to_mend(tmp_path: Path) -> None:
    results = validate.validate(examples(EXAMPLES / "invalid" / "label-of-platinum.ttl"))
    (result,) = results
    assert result.focus == f"<{ID}label/example-bad-label-of-platinum>"
    assert result.path == f"<{CLOOM}level>"
    assert result.severity == "Violation"
    assert result.shape == "ManagementLabel-level"
    assert result.value == '"platinum"'


def test_a_file_can_be_validated_as_well_as_a_store() -> None:
    path = EXAMPLES / "invalid" / "kind-guessed.ttl"
    assert "Write cloom:kind as" in " ".join(r.message for r in validate.validate(path))
